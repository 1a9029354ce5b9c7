import { expect, test } from 'vitest'
import type { PlatformState } from '../../src/intake/stream-states.ts'
import { type AdminDeps, makeAdminApp, readiness } from '../../src/ops/admin.ts'
import { makeMetrics } from '../../src/ops/metrics.ts'

const up: PlatformState = { state: 'up', about: 'polling' }
const failed: PlatformState = { state: 'failed', about: 'token refused' }
const down: PlatformState = { state: 'down', about: 'cut' }
const starting: PlatformState = { state: 'starting', about: 'starting' }

const deps = (over: Partial<AdminDeps> = {}): AdminDeps => ({
  version: '1.2.3',
  platforms: () => new Map([['a', up]]),
  trouble: () => null,
  backendAway: () => null,
  waiting: () => ({ events: 1, parts: 2, jobs: 3 }),
  metrics: makeMetrics(() => ({})),
  closing: () => false,
  ...over,
})

const trouble = (): { why: string; sinceMs: number } => ({ why: 'the disk is full', sinceMs: 0 })
const away = (): { sinceMs: number } => ({ sinceMs: 0 })
const with2 = (a: PlatformState, b: PlatformState) => () =>
  new Map([
    ['a', a],
    ['b', b],
  ])

test.each<[string, Partial<AdminDeps>, boolean]>([
  ['one platform, up', {}, true],
  ['one up, one failed', { platforms: with2(up, failed) }, true],
  ['one starting, one failed', { platforms: with2(starting, failed) }, true],
  ['both failed', { platforms: with2(failed, failed) }, false],
  ['one failed, one down', { platforms: with2(failed, down) }, false],
  ['none at all', { platforms: () => new Map() }, false],
  ['up, but nothing can be kept', { trouble }, false],
  ['up, the backend is away', { backendAway: away }, true],
  ['closing', { closing: () => true }, false],
])('readiness with %s', async (_name, over, ready) => {
  expect(readiness(deps(over)).ready).toBe(ready)
  expect((await makeAdminApp(deps(over)).request('/readyz')).status).toBe(ready ? 200 : 503)
})

test('readiness tells what is wrong, since when, and with which platform', async () => {
  const app = makeAdminApp(deps({ trouble, backendAway: away, platforms: with2(up, failed) }))
  expect(await (await app.request('/readyz')).json()).toEqual({
    ready: false,
    version: '1.2.3',
    store: 'the disk is full (since 1970-01-01T00:00:00.000Z)',
    backend: 'no answer since 1970-01-01T00:00:00.000Z',
    platforms: { a: up, b: failed },
    waiting: { events: 1, parts: 2, jobs: 3 },
  })
})

test('healthy means that the process answers, whatever else is wrong', async () => {
  const response = await makeAdminApp(deps({ trouble, platforms: () => new Map() })).request('/healthz')
  expect([response.status, await response.json()]).toEqual([200, { ok: true, version: '1.2.3' }])
})

test('other paths and methods learn nothing', async () => {
  const app = makeAdminApp(deps())
  for (const [path, method] of [
    ['/', 'GET'],
    ['/readyz/x', 'GET'],
    ['/readyz', 'POST'],
    ['/metrics', 'PUT'],
  ] as const) {
    const response = await app.request(path, { method })
    expect([response.status, await response.text()]).toEqual([404, ''])
  }
})

/** A line of the Prometheus text format 0.0.4, as its parser takes it. */
const sample = /^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="([^"\\\n]|\\["\\n])*",?)*\})? -?[0-9.e+-]+$/
const comment = /^# (HELP [a-zA-Z_:][\w:]* .+|TYPE [a-zA-Z_:][\w:]* (counter|gauge))$/

test('metrics are in the text format of Prometheus, with counters that add up and gauges as they are now', async () => {
  let waiting = 3
  const metrics = makeMetrics(() => ({ connector_parts_waiting: { about: 'Parts waiting.', value: waiting } }))
  metrics.count('connector_sends_total', { platform: 'a', outcome: 'sent' })
  metrics.count('connector_sends_total', { platform: 'a', outcome: 'sent' }, 2)
  metrics.count('connector_sends_total', { platform: 'b', outcome: 'dead' })
  metrics.count('connector_events_total', { platform: 'we"ird\\\nname' })
  waiting = 5
  const response = await makeAdminApp(deps({ metrics })).request('/metrics')
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const text = await response.text()
  expect(text.endsWith('\n')).toBe(true)
  const lines = text.slice(0, -1).split('\n')
  for (const line of lines) expect(line).toMatch(line.startsWith('#') ? comment : sample)
  expect(lines).toContain('connector_sends_total{platform="a",outcome="sent"} 3')
  expect(lines).toContain('connector_sends_total{platform="b",outcome="dead"} 1')
  expect(lines).toContain('connector_events_total{platform="we_ird__name"} 1')
  expect(lines).toContain('connector_parts_waiting 5')
})

test('every metric is described once, and before its values', () => {
  const metrics = makeMetrics(() => ({ connector_up: { about: 'Up.', value: 1 } }))
  metrics.count('connector_events_total', { platform: 'a' })
  const lines = metrics.render().split('\n')
  const described = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2] ?? '')
  expect(new Set(described).size).toBe(described.length)
  for (const line of lines.filter((one) => one !== '' && !one.startsWith('#'))) {
    const name = /^\w+/.exec(line)?.[0] ?? ''
    const described = lines.indexOf(lines.find((one) => one.startsWith(`# TYPE ${name} `)) ?? 'missing')
    expect(described).toBeGreaterThanOrEqual(0)
    expect(described).toBeLessThan(lines.indexOf(line))
  }
})
