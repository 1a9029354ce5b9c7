import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Capabilities } from '../../src/contract/index.ts'
import { makeGate } from '../../src/delivery/gate.ts'
import { flush, makeClock } from '../kit/core.ts'

const pace = (over: Partial<Capabilities['pace']> = {}): Capabilities['pace'] => ({
  concurrent: 100,
  everyMs: 0,
  perChatMs: 0,
  perGroupMs: 0,
  burst: 1,
  ...over,
})

const live = (): AbortSignal => new AbortController().signal

/** A gate with a record of who came in when. */
const watched = (over: Partial<Capabilities['pace']>) => {
  const clock = makeClock(0)
  const gate = makeGate(pace(over), clock)
  const entered: { readonly lane: string; readonly atMs: number }[] = []
  const enter = async (lane: string, kind: 'dm' | 'group' = 'dm', signal = live()): Promise<boolean> => {
    const ok = await gate.enter(lane, kind, signal)
    if (ok) entered.push({ lane, atMs: clock.now() })
    return ok
  }
  return {
    clock,
    gate,
    enter,
    entered,
    times: (lane: string) => entered.filter((e) => e.lane === lane).map((e) => e.atMs),
  }
}

test('no more calls are in flight than the platform takes, also when all come in the same moment', async () => {
  const { gate, enter, entered } = watched({ concurrent: 2 })
  const all = Promise.all(['a', 'b', 'c', 'd', 'e'].map((lane) => enter(lane)))
  await flush()
  expect(entered).toHaveLength(2)
  gate.leave()
  await flush()
  expect(entered).toHaveLength(3)
  for (let i = 0; i < 4; i++) gate.leave()
  await all
  expect(entered.map(({ lane }) => lane)).toEqual(['a', 'b', 'c', 'd', 'e'])
})

test('a place that becomes free goes to whoever waits, not to whoever comes in that moment as well', async () => {
  const { gate, enter, entered } = watched({ concurrent: 1 })
  await enter('a')
  const waiting = enter('b')
  await flush()
  gate.leave()
  const late = enter('c')
  await flush()
  expect(entered.map(({ lane }) => lane)).toEqual(['a', 'b'])
  gate.leave()
  await Promise.all([waiting, late])
  expect(entered.map(({ lane }) => lane)).toEqual(['a', 'b', 'c'])
})

test('under any coming, going, giving up and waiting the bounds hold and nobody is forgotten', async () => {
  const op = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('enter' as const), lane: fc.nat({ max: 3 }) }) },
    { weight: 3, arbitrary: fc.constant({ do: 'leave' as const, lane: 0 }) },
    { weight: 2, arbitrary: fc.constant({ do: 'wait' as const, lane: 0 }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), lane: fc.nat({ max: 20 }) }) },
    { weight: 1, arbitrary: fc.constant({ do: 'pause' as const, lane: 0 }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(op, { maxLength: 40 }), fc.integer({ min: 1, max: 3 }), async (ops, concurrent) => {
      const clock = makeClock(0)
      const gate = makeGate(pace({ concurrent, everyMs: 5, perChatMs: 20 }), clock)
      const signals: AbortController[] = []
      const entering: Promise<void>[] = []
      const times: number[] = []
      let inside = 0
      let settled = 0
      let pausedUntilMs = 0
      const enter = async (lane: string, abort: AbortController): Promise<void> => {
        const ok = await gate.enter(lane, 'dm', abort.signal)
        settled++
        if (!ok) return expect(abort.signal.aborted).toBe(true)
        inside++
        expect(inside).toBeLessThanOrEqual(concurrent)
        expect(clock.now()).toBeGreaterThanOrEqual(pausedUntilMs)
        times.push(clock.now())
      }
      for (const one of ops) {
        if (one.do === 'enter') {
          const abort = new AbortController()
          signals.push(abort)
          entering.push(enter(`l${one.lane}`, abort))
        } else if (one.do === 'leave' && inside > 0) {
          inside--
          gate.leave()
        } else if (one.do === 'wait') await clock.advance(10)
        else if (one.do === 'abort') signals[one.lane]?.abort()
        else if (one.do === 'pause') {
          gate.pause(50)
          pausedUntilMs = clock.now() + 50
        }
        await flush(4)
      }
      for (let round = 0; round < 200 && settled < signals.length; round++) {
        if (inside > 0) {
          inside--
          gate.leave()
        }
        await clock.advance(10)
      }
      expect(settled).toBe(signals.length)
      await Promise.all(entering)
      times.reduce((before, at) => {
        expect(at - before).toBeGreaterThanOrEqual(5)
        return at
      }, -5)
    }),
    { numRuns: 40 },
  )
})

test('two calls keep their distance on the platform, whatever chats they go to', async () => {
  const { clock, enter, entered } = watched({ everyMs: 35 })
  const all = Promise.all(['a', 'b', 'c'].map((lane) => enter(lane)))
  await clock.advance(100)
  await all
  expect(entered.map(({ atMs }) => atMs)).toEqual([0, 35, 70])
})

test('a chat gets a short burst, then keeps its distance; a group the stricter one', async () => {
  const { clock, enter, times } = watched({ perChatMs: 1000, perGroupMs: 3000, burst: 3 })
  const all = [...Array.from({ length: 5 }, () => enter('dm')), ...Array.from({ length: 5 }, () => enter('g', 'group'))]
  await clock.advance(10_000)
  await Promise.all(all)
  expect(times('dm')).toEqual([0, 0, 0, 1000, 2000])
  expect(times('g')).toEqual([0, 0, 0, 3000, 6000])
})

test('a chat that has to wait makes no other chat wait', async () => {
  const { clock, enter, times } = watched({ everyMs: 35, perGroupMs: 3000, concurrent: 3 })
  const all = [enter('g', 'group'), enter('g', 'group'), enter('a'), enter('b')]
  await clock.advance(3000)
  expect([times('a'), times('b'), times('g')]).toEqual([[35], [70], [0]])
  await clock.advance(0)
  expect(all).toHaveLength(4)
})

test('while the platform is paused nobody comes in, not even those whose moment was fixed before', async () => {
  const { clock, gate, enter, entered } = watched({ everyMs: 100 })
  const all = ['a', 'b', 'c', 'd'].map((lane) => enter(lane))
  await clock.advance(100)
  expect(entered).toHaveLength(2)
  gate.pause(5000)
  await clock.advance(4999)
  expect(entered).toHaveLength(2)
  await clock.advance(1000)
  await Promise.all(all)
  expect(entered.map(({ atMs }) => atMs)).toEqual([0, 100, 5100, 5200])
})

test('a longer pause is not shortened by a later, shorter one', async () => {
  const { clock, gate, enter, entered } = watched({})
  gate.pause(5000)
  gate.pause(10)
  const waiting = enter('a')
  await clock.advance(5000)
  await waiting
  expect(entered).toEqual([{ lane: 'a', atMs: 5000 }])
})

test('who gives up while waiting holds no place and takes nobody’s turn', async () => {
  const { clock, gate, enter, entered } = watched({ concurrent: 1 })
  const tired = new AbortController()
  await enter('a')
  const given = enter('b', 'dm', tired.signal)
  const patient = enter('c')
  await flush()
  tired.abort()
  expect(await given).toBe(false)
  gate.leave()
  expect(await patient).toBe(true)
  expect(entered.map(({ lane }) => lane)).toEqual(['a', 'c'])
  expect(clock.sleepers()).toBe(0)
})

test('a crowd that waits listens once for its end, and all of it hears it', async () => {
  const { enter, entered } = watched({ concurrent: 1 })
  const end = new AbortController()
  await enter('first')
  const crowd = Array.from({ length: 2000 }, (_, i) => enter(`chat ${i}`, 'dm', end.signal))
  await flush()
  expect(getEventListeners(end.signal, 'abort')).toHaveLength(1)
  end.abort()
  expect(new Set(await Promise.all(crowd))).toEqual(new Set([false]))
  expect(entered).toHaveLength(1)
})

test('who gives up during a pause leaves a free place behind', async () => {
  const { clock, gate, enter, entered } = watched({ concurrent: 1 })
  gate.pause(1000)
  const tired = new AbortController()
  const given = enter('a', 'dm', tired.signal)
  const patient = enter('b')
  await flush()
  tired.abort()
  expect(await given).toBe(false)
  await clock.advance(1000)
  expect(await patient).toBe(true)
  expect(entered).toEqual([{ lane: 'b', atMs: 1000 }])
})

test('a clock that is set back makes nobody wait for it to catch up', async () => {
  const { clock, gate, enter, entered } = watched({ everyMs: 100, perChatMs: 1000 })
  await enter('a')
  gate.pause(500)
  clock.set(clock.now() - 60 * 60_000)
  const startMs = clock.now()
  const all = [enter('a'), enter('b')]
  await clock.advance(1000)
  await Promise.all(all)
  expect(entered.slice(1).map(({ lane, atMs }) => [lane, atMs - startMs])).toEqual([
    ['b', 500],
    ['a', 1000],
  ])
})

test('what may as well not be said enters only where nobody has to wait for it', async () => {
  const { clock, gate, enter } = watched({ concurrent: 2, everyMs: 10, perChatMs: 1000 })
  expect(gate.tryEnter('a', 'dm')).toBe(true)
  expect(gate.tryEnter('b', 'dm')).toBe(false)
  await clock.advance(10)
  expect([gate.tryEnter('a', 'dm'), gate.tryEnter('b', 'dm')]).toEqual([false, true])
  await clock.advance(1000)
  expect(gate.tryEnter('c', 'dm')).toBe(false)
  gate.leave()
  expect(gate.tryEnter('c', 'dm')).toBe(true)
  gate.leave()
  gate.pause(5000)
  await clock.advance(1000)
  expect(gate.tryEnter('d', 'dm')).toBe(false)
  const patient = enter('d')
  await clock.advance(4000)
  expect(await patient).toBe(true)
})

test('with thousands of chats the memory of their distances stays bounded and recent', async () => {
  const { clock, gate, times, enter } = watched({ perChatMs: 1000 })
  for (let i = 0; i < 5000; i++) {
    await gate.enter(`chat ${i}`, 'dm', live())
    gate.leave()
  }
  const again = enter('chat 4999')
  await clock.advance(999)
  expect(times('chat 4999')).toEqual([])
  await clock.advance(1)
  await again
  expect(times('chat 4999')).toEqual([1000])
})
