import { expect, test } from 'vitest'
import { type Stream, StreamError } from '../../src/contract/index.ts'
import { keepRunning } from '../../src/intake/streams.ts'
import { flush, makeClock } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'

/** A stream that fails as listed, then runs until it is stopped. */
const running = (
  failures: readonly (Error | 'end')[],
  { holdMs = 0, random = 1, gets = 'up' as 'up' | 'down' } = {},
) => {
  const clock = makeClock(0)
  const starts: number[] = []
  const told: string[] = []
  const log = keepingLog()
  const stop = new AbortController()
  const stream: Stream = {
    kind: 'stream',
    run: async (_deliver, report, signal) => {
      const how = failures[starts.length]
      starts.push(clock.now())
      report(gets, 'connected')
      await clock.sleep(holdMs, signal)
      if (how === 'end') return
      if (how) throw how
      await clock.sleep(1e9, signal)
    },
  }
  const deps = {
    deliver: async () => {},
    report: (state: string, about: string) => void told.push(`${state}: ${about}`),
    now: clock.now,
    random: () => random,
    sleep: clock.sleep,
    log,
  }
  const ended = keepRunning(stream, deps, stop.signal)
  return { clock, starts, told, stop, ended, log }
}

const trouble = (n: number): Error[] => Array.from({ length: n }, (_, i) => new Error(`trouble ${i}`))

test('a stream that fails is started again, at growing distances up to a minute', async () => {
  const { clock, starts, stop, ended } = running(trouble(10))
  await clock.advance(600_000)
  const distances = starts.slice(1).map((at, i) => at - (starts[i] ?? 0))
  expect(distances).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map((s) => s * 1000))
  stop.abort()
  expect(await ended).toBe('ended')
})

test('the distances are spread by chance between half and all', async () => {
  const { clock, starts, stop, ended } = running(trouble(2), { random: 0 })
  await clock.advance(5000)
  expect(starts).toEqual([0, 500, 1500])
  stop.abort()
  await ended
})

test('a stream that was up for over ten seconds begins with a short wait again', async () => {
  const { clock, starts, stop, ended } = running(trouble(3), { holdMs: 11_000 })
  await clock.advance(60_000)
  expect(starts.slice(1).map((at, i) => at - (starts[i] ?? 0))).toEqual([12_000, 12_000, 12_000])
  stop.abort()
  await ended
})

test('one that never got up waits longer each time, however long it tried', async () => {
  const { clock, starts, stop, ended } = running(trouble(3), { holdMs: 11_000, gets: 'down' })
  await clock.advance(60_000)
  expect(starts.slice(1).map((at, i) => at - (starts[i] ?? 0))).toEqual([12_000, 13_000, 15_000])
  stop.abort()
  await ended
})

test('the platform’s own wish to wait is honoured where it is longer', async () => {
  const { clock, starts, stop, ended } = running([new StreamError('409', { retryAfterMs: 30_000 })])
  await clock.advance(29_999)
  expect(starts).toEqual([0])
  await clock.advance(1)
  expect(starts).toEqual([0, 30_000])
  stop.abort()
  await ended
})

test('each failure is reported with its reason', async () => {
  const { clock, told, stop, ended } = running(trouble(1))
  await clock.advance(1000)
  expect(told).toEqual(['up: connected', 'down: trouble 0', 'up: connected'])
  stop.abort()
  await ended
})

test('a fatal failure ends it: only the operator can help', async () => {
  const { clock, starts, told, ended, log } = running([new StreamError('token refused: set TOKEN', { fatal: true })])
  await clock.advance(600_000)
  expect(await ended).toBe('fatal')
  expect(starts).toEqual([0])
  expect(told.at(-1)).toBe('down: token refused: set TOKEN')
  expect(log.lines.join()).toContain('"level":"error"')
})

test('a source that comes to its end is not started again', async () => {
  const { clock, starts, ended } = running(['end'])
  await clock.advance(600_000)
  expect([await ended, starts]).toEqual(['ended', [0]])
})

test('stopping ends a running stream and a waiting one at once, and leaves no timer', async () => {
  const going = running([])
  await flush()
  going.stop.abort()
  expect(await going.ended).toBe('ended')
  const waiting = running(trouble(1))
  await flush()
  waiting.stop.abort()
  expect(await waiting.ended).toBe('ended')
  expect([going.clock.sleepers(), waiting.clock.sleepers(), waiting.starts.length]).toEqual([0, 0, 1])
})

test('an error thrown because of the stop is no failure', async () => {
  const stop = new AbortController()
  const told: string[] = []
  const stream: Stream = {
    kind: 'stream',
    run: (_d, _r, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })),
  }
  const clock = makeClock(0)
  const ended = keepRunning(
    stream,
    { ...clock, deliver: async () => {}, report: (state) => void told.push(state), random: () => 1, log: keepingLog() },
    stop.signal,
  )
  stop.abort()
  expect([await ended, told]).toEqual(['ended', []])
})
