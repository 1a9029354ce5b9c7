import { describe, expect, it } from 'vitest'
import { createCached, createCaches } from '../../src/backend/cached.ts'
import type { Answer, Failure } from '../../src/backend/http.ts'
import { backendAt, openHost, replay } from './host.ts'

const failure = (over: Partial<Failure>): Failure => ({
  ok: false,
  kind: 'refused',
  status: 500,
  detail: 'GET /x: answered 500',
  said: null,
  effect: 'none',
  retryAfterMs: null,
  code: null,
  ...over,
})

const good = (value: string): Answer<string> => ({ ok: true, value, status: 200 })

/** A cache over answers that the test hands out, with a clock of its own. */
function setup(first: Answer<string>) {
  const state = { now: 1_000_000, next: first, loads: 0 }
  const life = new AbortController()
  const cached = createCached<string>({
    load: async () => {
      state.loads += 1
      return state.next
    },
    now: () => state.now,
    signal: life.signal,
    hold: { until: null },
  })
  return { state, cached }
}

describe('a cached read', () => {
  it('asks once a minute at most', async () => {
    const { state, cached } = setup(good('one'))
    expect(await cached.get()).toEqual({ ok: true, value: 'one', asOfMs: 1_000_000, trouble: null })
    state.next = good('two')
    state.now += 59_999
    expect(await cached.get()).toMatchObject({ value: 'one' })
    state.now += 1
    expect(await cached.get()).toMatchObject({ value: 'two', asOfMs: 1_060_000 })
    expect(state.loads).toBe(2)
  })

  it('makes one request for everybody who asks meanwhile', async () => {
    const answer = Promise.withResolvers<Answer<string>>()
    let loads = 0
    const load = () => {
      loads += 1
      return answer.promise
    }
    const cached = createCached({ load, now: () => 0, signal: new AbortController().signal, hold: { until: null } })
    const all = Promise.all([cached.get(), cached.get(), cached.get()])
    answer.resolve(good('one'))
    expect((await all).map((entry) => entry.ok && entry.value)).toEqual(['one', 'one', 'one'])
    expect(loads).toBe(1)
  })

  it('serves the last good value for an hour while the backend fails, and says so', async () => {
    const { state, cached } = setup(good('one'))
    await cached.get()
    state.next = failure({ kind: 'down', status: null })
    state.now += 3_599_999
    expect(await cached.get()).toMatchObject({ ok: true, value: 'one', asOfMs: 1_000_000, trouble: { kind: 'down' } })
    state.now += 1
    expect(await cached.get()).toMatchObject({ ok: false, kind: 'down' })
    state.next = good('two')
    expect(await cached.get()).toMatchObject({ ok: true, value: 'two', trouble: null })
  })

  it('obeys retry-after', async () => {
    const { state, cached } = setup(failure({ kind: 'limited', status: 429, retryAfterMs: 7000 }))
    expect(await cached.get()).toMatchObject({ kind: 'limited', retryAfterMs: 7000 })
    state.next = good('one')
    state.now += 6999
    expect(await cached.get()).toMatchObject({ kind: 'limited', retryAfterMs: 1 })
    expect(state.loads).toBe(1)
    state.now += 1
    expect(await cached.get()).toMatchObject({ value: 'one' })
  })

  it('does not spend the budget on errors either, but asks a backend that was down at once', async () => {
    const { state, cached } = setup(failure({ kind: 'denied', status: 403 }))
    await cached.get()
    await cached.get()
    expect(state.loads).toBe(1)
    state.now += 3000
    state.next = failure({ kind: 'down', status: null })
    await cached.get()
    await cached.get()
    expect(state.loads).toBe(3)
  })

  it('fetches again after expire, keeping what it knows for the case of failure', async () => {
    const { state, cached } = setup(good('one'))
    await cached.get()
    state.next = failure({ kind: 'down', status: null })
    cached.expire()
    expect(await cached.get()).toMatchObject({ value: 'one', trouble: { kind: 'down' } })
    state.next = good('two')
    expect(await cached.get()).toMatchObject({ value: 'two' })
  })

  it('lets one caller stop waiting without disturbing the others', async () => {
    const answer = Promise.withResolvers<Answer<string>>()
    const cached = createCached({
      load: () => answer.promise,
      now: () => 0,
      signal: new AbortController().signal,
      hold: { until: null },
    })
    const stop = new AbortController()
    const first = cached.get({ signal: stop.signal })
    const second = cached.get()
    stop.abort()
    expect(await first).toMatchObject({ ok: false, kind: 'unanswered' })
    answer.resolve(good('one'))
    expect(await second).toMatchObject({ ok: true, value: 'one' })
    expect(await cached.get({ signal: AbortSignal.abort() })).toMatchObject({ ok: true, value: 'one' })
  })
})

describe('templates and config together', () => {
  it('stay inside 20 requests a minute however often they are asked', async () => {
    let now = 0
    await using host = await openHost({
      'GET /openclaw/templates': replay('openclaw-templates'),
      'GET /openclaw/config': { status: 403, json: { ok: false, error: 'no' } },
    })
    const { templates, config } = createCaches({
      backend: backendAt(host.url),
      now: () => now,
      signal: new AbortController().signal,
    })
    for (; now < 60_000; now += 250) await Promise.all([templates.get(), config.get()])
    expect(host.seen.filter((entry) => entry.path.endsWith('templates'))).toHaveLength(1)
    expect(host.seen.length).toBeLessThanOrEqual(21)
  })

  it('share the wait that the common bucket asks for', async () => {
    let now = 0
    await using host = await openHost({
      'GET /openclaw/templates': replay('openclaw-rate-limit-429'),
      'GET /openclaw/config': replay('openclaw-config-get'),
    })
    const { templates, config } = createCaches({
      backend: backendAt(host.url),
      now: () => now,
      signal: new AbortController().signal,
    })
    expect(await templates.get()).toMatchObject({ kind: 'limited', retryAfterMs: 3000 })
    expect(await config.get()).toMatchObject({ kind: 'limited' })
    expect(host.seen).toHaveLength(1)
    now = 3000
    expect(await config.get()).toMatchObject({ ok: true, value: { provider: 'ollama' } })
  })

  it('end with the daemon', async () => {
    const life = new AbortController()
    await using host = await openHost({ 'GET /openclaw/templates': { wild: () => life.abort() } })
    const { templates } = createCaches({ backend: backendAt(host.url), now: Date.now, signal: life.signal })
    expect(await templates.get()).toMatchObject({ ok: false, kind: 'unanswered' })
  })
})
