import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import {
  type Adapter,
  type AdapterModule,
  defineAdapter,
  type Intake,
  type Stream,
  StreamError,
} from '../../src/contract/index.ts'
import { makeSlots } from '../../src/intake/inline.ts'
import { openPlatforms, type PlatformDeps } from '../../src/intake/platforms.ts'
import { capabilities } from '../delivery/plan-kit.ts'
import { event, eventually, flush, makeClock, standIn } from '../kit/core.ts'
import { keepingLog, testDeps } from '../kit/deps.ts'

const moduleOf = (id: string, make: () => Partial<Adapter>): AdapterModule =>
  defineAdapter({
    id,
    env: {},
    activation: [],
    operator: null,
    provenBy: null,
    capabilities: capabilities(),
    create: () => ({ ...standIn({ now: () => 0 }).adapter, ...make() }),
  })

const hook = (path: string, port = 0): Intake => ({
  kind: 'webhook',
  host: '127.0.0.1',
  port,
  path,
  methods: ['POST'],
  types: ['text/plain'],
  maxBytes: 100,
  inlineMs: null,
  receive: async () => ({ kind: 'events', events: [event(path)], ack: { status: 200, headers: {}, body: path } }),
})

const stream = (run: Stream['run']): Intake => ({ kind: 'stream', run })
const endless: Stream['run'] = (_deliver, report, signal) => {
  report('up', 'connected')
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

const platformsOf = (modules: readonly AdapterModule[], over: Partial<PlatformDeps> = {}) => {
  const clock = makeClock(0)
  const stop = new AbortController()
  const kept: string[] = []
  const platforms = openPlatforms({
    active: modules.map((module) => ({ module, settings: {} })),
    depsFor: () => testDeps(),
    keep: async (events) => {
      kept.push(...events.map(({ id }) => id))
      return new Set(kept)
    },
    http: {
      slots: makeSlots(),
      earlier: async () => null,
      written: () => {},
      lost: () => {},
      addressOf: () => 'unknown',
      refused: () => {},
      reported: async () => {},
      sorry: () => null,
      log: keepingLog(),
    },
    shared: null,
    mount: () => {},
    ...clock,
    random: () => 1,
    log: keepingLog(),
    ...over,
  })
  onTestFinished(async () => {
    stop.abort()
    await platforms.close()
  })
  return {
    platforms,
    clock,
    kept,
    stop,
    start: () => platforms.start(stop.signal),
    state: (id: string) => platforms.states().get(id),
  }
}

const busyPort = async (): Promise<{ port: number; free: () => Promise<void> }> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const free = () => new Promise<void>((resolve) => void server.close(() => resolve()))
  onTestFinished(free)
  return { port: (server.address() as AddressInfo).port, free }
}

const addressOf = (about: string | undefined): string => `http://${/on (\S+)/.exec(about ?? '')?.[1]}`

test('an adapter that can’t be made is failed with its reason, and the others run', async () => {
  const broken = moduleOf('broken', () => {
    throw new Error('TOKEN is no token')
  })
  const { platforms, start, state } = platformsOf([broken, moduleOf('well', () => ({ intakes: [stream(endless)] }))])
  await start()
  expect(state('broken')).toEqual({ state: 'failed', about: 'TOKEN is no token' })
  expect(state('well')).toEqual({ state: 'up', about: 'connected' })
  expect(platforms.outlet('broken')).toBeNull()
  expect(platforms.outlets().map(({ platform, account }) => `${platform} ${account}`)).toEqual(['well bot'])
})

test('a webhook listens where it says, and its events are kept', async () => {
  const { start, state, kept } = platformsOf([moduleOf('a', () => ({ intakes: [hook('/a')] }))])
  await start()
  expect(state('a')?.state).toBe('up')
  const response = await fetch(addressOf(state('a')?.about), { method: 'POST', body: 'x' })
  expect([response.status, kept]).toEqual([200, ['/a']])
})

test('a port that is busy fails that platform only, and is taken as soon as it is free', async () => {
  const { port, free } = await busyPort()
  const modules = [
    moduleOf('a', () => ({ intakes: [hook('/a', port)] })),
    moduleOf('b', () => ({ intakes: [hook('/b')] })),
  ]
  const { start, state, clock } = platformsOf(modules)
  await start()
  expect(state('a')?.state).toBe('failed')
  expect(state('a')?.about).toContain(`127.0.0.1:${port}`)
  expect(state('b')?.state).toBe('up')
  await free()
  await clock.advance(250)
  await eventually(() => state('a')?.state === 'up')
})

test('platforms of one address share its listener, and a shared address is everybody’s', async () => {
  const modules = ['a', 'b'].map((id) => moduleOf(id, () => ({ intakes: [hook(`/${id}`)] })))
  const { port, free } = await busyPort()
  await free()
  const { start, state, kept } = platformsOf(modules, { shared: { host: '127.0.0.1', port } })
  await start()
  for (const id of ['a', 'b']) {
    expect(state(id)?.about).toBe(`listening on 127.0.0.1:${port}/${id}`)
    await fetch(`http://127.0.0.1:${port}/${id}`, { method: 'POST', body: 'x' })
  }
  expect(kept).toEqual(['/a', '/b'])
})

test('a stream that fails for good is failed with its reason, one that stumbles is down and comes back', async () => {
  let runs = 0
  const fatal = stream(() => Promise.reject(new StreamError('token refused', { fatal: true })))
  const shaky = stream((deliver, report, signal) =>
    runs++ === 0 ? Promise.reject(new Error('cut')) : endless(deliver, report, signal),
  )
  const { start, state, clock } = platformsOf([
    moduleOf('a', () => ({ intakes: [fatal] })),
    moduleOf('b', () => ({ intakes: [shaky] })),
  ])
  await start()
  await flush()
  expect(state('a')).toEqual({ state: 'failed', about: 'token refused' })
  expect(state('b')).toEqual({ state: 'down', about: 'cut' })
  await clock.advance(1000)
  expect(state('b')).toEqual({ state: 'up', about: 'connected' })
})

test('of several streams one that works is enough, and what is wrong with another stays to be seen', async () => {
  const refused = stream(() => Promise.reject(new StreamError('one: secret refused', { fatal: true })))
  let cut = (): void => {}
  const other = stream((_deliver, report, signal) => {
    report('up', 'two: connected')
    return new Promise((resolve, reject) => {
      cut = () => reject(new Error('two: cut'))
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  })
  const { start, state, clock } = platformsOf([moduleOf('a', () => ({ intakes: [refused, other] }))])
  await start()
  await flush()
  expect(state('a')).toEqual({ state: 'up', about: 'one: secret refused; two: connected' })
  cut()
  await flush()
  expect(state('a')).toEqual({ state: 'down', about: 'one: secret refused; two: cut' })
  await clock.advance(1000)
  expect(state('a')).toEqual({ state: 'up', about: 'one: secret refused; two: connected' })
})

test('while nothing can be kept a stream waits with its events and brings them when it can', async () => {
  let full = true
  const kept: string[] = []
  const moved: string[] = []
  const run: Stream['run'] = async (deliver, report, signal) => {
    await deliver([event('e1')])
    moved.push('cursor behind e1')
    return endless(deliver, report, signal)
  }
  const { start, clock } = platformsOf([moduleOf('a', () => ({ intakes: [stream(run)] }))], {
    keep: async (events) => {
      if (full) throw new Error('the disk is full')
      kept.push(...events.map(({ id }) => id))
      return new Set(kept)
    },
  })
  await start()
  await clock.advance(3000)
  expect([kept, moved]).toEqual([[], []])
  full = false
  await clock.advance(1000)
  expect([kept, moved]).toEqual([['e1'], ['cursor behind e1']])
})

test('the end of all streams is the end, but never where a webhook listens', async () => {
  const short = () => ({ intakes: [stream(async () => {})] })
  const alone = platformsOf([moduleOf('a', short)])
  await alone.start()
  await alone.platforms.ended()
  const beside = platformsOf([moduleOf('a', short), moduleOf('b', () => ({ intakes: [hook('/b')] }))])
  await beside.start()
  let ended = false
  void beside.platforms.ended().then(() => {
    ended = true
  })
  await flush()
  expect(ended).toBe(false)
})

test('after stopping nothing is left: no listener, no stream, no attempt to bind', async () => {
  const { port } = await busyPort()
  const intakes = [hook('/a'), stream(endless)]
  const { platforms, start, state, stop, clock } = platformsOf([
    moduleOf('a', () => ({ intakes })),
    moduleOf('b', () => ({ intakes: [hook('/b', port)] })),
  ])
  await start()
  await eventually(() => state('a')?.about.includes('listening') === true || state('a')?.state === 'up')
  stop.abort()
  await platforms.close()
  await flush()
  expect(clock.sleepers()).toBe(0)
})
