import { getEventListeners } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/backend/http.ts'
import { createHttp, isLoopback } from '../../src/backend/http.ts'
import { keepingLog } from '../kit/deps.ts'
import { backendAt, nobody, openHost, type Say } from './host.ts'

const fire = { templateId: 'portrait', inputs: {}, traceId: 'trace-1' }
const fireRoute = 'POST /openclaw/triggers/fire'

const failureOf = (answer: { ok: true } | Failure): Failure => {
  if (answer.ok) throw new Error('expected a failure')
  return answer
}

const firing = async (say: Say, timeoutMs = 5000): Promise<Failure> => {
  await using host = await openHost({ [fireRoute]: say })
  return failureOf(await backendAt(host.url).fire(fire, { timeoutMs }))
}

describe('what an error tells about its effect', () => {
  it('calls a closed port down: nothing happened', async () => {
    const backend = backendAt(await nobody())
    expect(await backend.fire(fire)).toMatchObject({ kind: 'down', effect: 'none', status: null })
    expect(await backend.queue()).toMatchObject({ kind: 'down', effect: 'none' })
  })

  it('calls a name without an address down', async () => {
    expect(await backendAt('http://no-such-host.invalid').fire(fire)).toMatchObject({ kind: 'down', effect: 'none' })
  })

  it('calls a host without the TLS we asked for down', async () => {
    await using host = await openHost({})
    const answer = await backendAt(host.url.replace('http:', 'https:')).fire(fire)
    expect(answer).toMatchObject({ kind: 'down', effect: 'none' })
  })

  it.each([
    ['resets', (r: Parameters<NonNullable<Say['wild']>>[1]) => r.socket.resetAndDestroy()],
    ['hangs up', (r: Parameters<NonNullable<Say['wild']>>[1]) => r.socket.end()],
  ])('calls it unanswered when the backend %s after reading: it may have happened', async (_, act) => {
    expect(await firing({ wild: (_response, request) => act(request) })).toMatchObject({
      kind: 'unanswered',
      effect: 'maybe',
    })
  })

  it('calls half an answer unanswered', async () => {
    const wild: Say['wild'] = (response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{"trig', () => response.destroy())
    }
    expect(await firing({ wild })).toMatchObject({ kind: 'unanswered', effect: 'maybe' })
  })

  it('calls a silent backend unanswered when time is up, and never a read harmful', async () => {
    await using host = await openHost({ [fireRoute]: { wild: () => {} }, 'GET /queue': { wild: () => {} } })
    const backend = backendAt(host.url, { timeoutMs: 40 })
    expect(await backend.fire(fire)).toMatchObject({ kind: 'unanswered', effect: 'maybe' })
    expect(await backend.queue()).toMatchObject({ kind: 'unanswered', effect: 'none' })
  })

  it('counts time also while the body trickles', async () => {
    const wild: Say['wild'] = (response) => {
      response.writeHead(200)
      response.write('{')
    }
    expect(await firing({ wild }, 50)).toMatchObject({ kind: 'unanswered', effect: 'maybe' })
  })

  it('ends at once when the caller stops, and does not even start afterwards', async () => {
    const stop = new AbortController()
    await using host = await openHost({ [fireRoute]: { wild: () => stop.abort() } })
    const backend = backendAt(host.url)
    expect(await backend.fire(fire, { signal: stop.signal })).toMatchObject({ kind: 'unanswered', effect: 'maybe' })
    expect(await backend.fire(fire, { signal: stop.signal })).toMatchObject({ kind: 'unanswered', effect: 'none' })
    expect(host.seen).toHaveLength(1)
  })

  it('leaves nothing hanging on the signal of the caller', async () => {
    const { signal } = new AbortController()
    await using host = await openHost({ [fireRoute]: { status: 500 } })
    await backendAt(host.url).fire(fire, { signal })
    await backendAt(await nobody()).view({ filename: 'a', subfolder: '', type: 'output' }, { signal })
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('calls something else than HTTP malformed', async () => {
    const server = createServer((socket) => socket.resume().end('SSH-2.0-OpenSSH_9.9\r\n\r\n'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    expect(await backendAt(`http://127.0.0.1:${port}`).fire(fire)).toMatchObject({ kind: 'malformed', effect: 'maybe' })
    await new Promise((resolve) => server.close(resolve))
  })

  it.each<[string, Say, Partial<Failure>]>([
    ['400', { status: 400, json: { error: 'template_id required' } }, { kind: 'refused', effect: 'none' }],
    ['401', { status: 401, json: { error: 'who?' } }, { kind: 'denied', effect: 'none' }],
    [
      '403 of the pack',
      { status: 403, json: { error: 'Invalid admin token.' } },
      { kind: 'denied', effect: 'none', said: 'Invalid admin token.' },
    ],
    ['403 of ComfyUI', { status: 403 }, { kind: 'denied', effect: 'none', said: null }],
    [
      '404 with words',
      { status: 404, json: { error: "template_id 'x' not found" } },
      { kind: 'missing', effect: 'none' },
    ],
    ['404 without', { status: 404 }, { kind: 'unsupported', effect: 'none', code: 'route_missing' }],
    [
      '405',
      { status: 405, text: '405: Method Not Allowed' },
      { kind: 'unsupported', effect: 'none', code: 'route_missing' },
    ],
    ['409', { status: 409, json: { error: 'conflict' } }, { kind: 'refused', effect: 'none' }],
    [
      '429',
      { status: 429, json: { error: 'budget_exceeded' }, headers: { 'retry-after': '1' } },
      { kind: 'limited', effect: 'none', retryAfterMs: 1000, code: 'budget_exceeded' },
    ],
    ['501', { status: 501, json: { error: 'nope' } }, { kind: 'unsupported', effect: 'none' }],
    ['502 of a proxy', { status: 502, text: '<html>' }, { kind: 'unanswered', effect: 'maybe' }],
    ['503 of a proxy', { status: 503, text: '<html>' }, { kind: 'unanswered', effect: 'maybe' }],
    [
      '503 of the pack',
      { status: 503, json: { error: 'x', code: 'scheduler_delegated' } },
      { kind: 'refused', effect: 'none', code: 'scheduler_delegated' },
    ],
    ['504 of a proxy', { status: 504 }, { kind: 'unanswered', effect: 'maybe' }],
    [
      'a crash',
      { status: 500, text: '500 Internal Server Error\n\nServer got itself in trouble' },
      { kind: 'refused', effect: 'maybe', said: null },
    ],
    [
      'a redirect of the whole host',
      { status: 308, headers: { location: 'https://elsewhere.invalid/' } },
      { kind: 'malformed', effect: 'none' },
    ],
    [
      'a redirect after the deed',
      { status: 303, headers: { location: '/elsewhere' } },
      { kind: 'malformed', effect: 'maybe' },
    ],
    ['HTML', { text: '<html>Sign in</html>' }, { kind: 'malformed', effect: 'maybe' }],
    ['another shape', { json: { triggered: true } }, { kind: 'malformed', effect: 'maybe' }],
  ])('judges %s', async (_, say, expected) => {
    expect(await firing(say)).toMatchObject({ ok: false, status: say.status ?? 200, ...expected })
  })

  it('follows no redirect', async () => {
    await using target = await openHost({})
    await using host = await openHost({ 'GET /queue': { status: 302, headers: { location: `${target.url}/queue` } } })
    expect(await backendAt(host.url).queue()).toMatchObject({ ok: false, kind: 'malformed', effect: 'none' })
    expect(target.seen).toHaveLength(0)
  })

  it('reads how long to wait from the header as a date and from the body', async () => {
    const now = () => Date.parse('2026-11-20T21:00:00Z')
    await using host = await openHost({
      'GET /openclaw/templates': { status: 429, json: {}, headers: { 'retry-after': 'Fri, 20 Nov 2026 21:00:07 GMT' } },
      'GET /openclaw/config': { status: 429, json: { retry_after_sec: 3 } },
      'GET /openclaw/jobs': { status: 429, json: {} },
    })
    const backend = backendAt(host.url, { now })
    expect(await backend.templates()).toMatchObject({ retryAfterMs: 7000 })
    expect(await backend.config()).toMatchObject({ retryAfterMs: 3000 })
    expect(await backend.jobs()).toMatchObject({ kind: 'limited', retryAfterMs: null })
  })
})

describe('what an error says', () => {
  it('passes on a short safe sentence, never paths, addresses or a whole page', async () => {
    const error = `cannot read /home/op/comfy/models/x.ckpt via http://10.0.0.7:8188/v1?key=1\n${'x'.repeat(2000)}`
    const failure = await firing({ status: 500, json: { error } })
    expect(failure.said).not.toMatch(/home|10\.0|\n/)
    expect(failure.said).toContain('x.ckpt')
    expect(failure.said?.length).toBeLessThanOrEqual(300)
    expect((await firing({ status: 500, text: 'secret page' })).said).toBeNull()
  })

  it('keeps tokens, ids and backend words out of details and log lines', async () => {
    const log = keepingLog()
    await using host = await openHost({
      'POST /openclaw/approvals/apr_1/approve': { status: 400, json: { error: 'some words' } },
    })
    const failure = failureOf(await backendAt(host.url, { log }).approve('apr_1', { actor: 'chat:1' }))
    expect(failure.detail).toBe('POST /openclaw/approvals/{id}/approve: answered 400')
    expect(log.lines.length).toBeGreaterThan(0)
    expect(log.lines.join()).not.toMatch(/test-admin-token|apr_1|words/)
  })
})

describe('how much is read', () => {
  it('cuts an answer off at its bound, announced or not, and hangs up', async () => {
    const big = 'x'.repeat(300_000)
    const http = (url: string) =>
      createHttp({
        url,
        adminToken: null,
        obsToken: null,
        tenantHeader: null,
        version: '1',
        fetch,
        now: Date.now,
        log: keepingLog(),
      })
    const call = { method: 'GET', route: '/big', path: '/big', changes: false, maxBytes: 100_000 } as const
    for (const headers of [{ 'content-length': `${big.length}` }, { 'transfer-encoding': 'chunked' }]) {
      const hungUp = Promise.withResolvers<void>()
      const wild: Say['wild'] = (response) => {
        response.on('close', hungUp.resolve)
        response.writeHead(200, headers)
        // Without an end: whoever wants all of it waits for ever.
        response.write(big.slice(0, -1))
      }
      await using host = await openHost({ 'GET /big': { wild } })
      expect(await http(host.url).call(call, () => 'read', {})).toMatchObject({ kind: 'too_large', effect: 'none' })
      await hungUp.promise
    }
  })

  it('takes an answer of exactly the bound', async () => {
    await using host = await openHost({ 'GET /exact': { text: `"${'x'.repeat(98)}"` } })
    const http = createHttp({
      url: host.url,
      adminToken: null,
      obsToken: null,
      tenantHeader: null,
      version: '1',
      fetch,
      now: Date.now,
      log: keepingLog(),
    })
    const call = { method: 'GET', route: '/exact', path: '/exact', changes: false } as const
    expect(await http.call({ ...call, maxBytes: 100 }, (json) => json, {})).toMatchObject({ ok: true })
    expect(await http.call({ ...call, maxBytes: 99 }, (json) => json, {})).toMatchObject({ kind: 'too_large' })
  })
})

describe('what is sent along', () => {
  it('sends both tokens, the version, and no origin that could be taken for a foreign page', async () => {
    await using host = await openHost({ 'GET /queue': { json: { queue_running: [], queue_pending: [] } } })
    await backendAt(host.url, { obsToken: 'obs', version: '1.2.3' }).queue({ tenant: 'acme' })
    expect(host.seen[0]?.headers).toMatchObject({
      'x-openclaw-admin-token': 'test-admin-token',
      'x-openclaw-obs-token': 'obs',
      'user-agent': 'openclaw-connector/1.2.3',
    })
    expect(host.seen[0]?.headers).not.toHaveProperty('origin')
    expect(host.seen[0]?.headers).not.toHaveProperty('x-openclaw-tenant-id')
  })

  it('shows a loopback backend that it is no foreign page, as that may have no token whatever ours is', async () => {
    await using host = await openHost({ 'GET /queue': { json: { queue_running: [], queue_pending: [] } } })
    expect(await backendAt(host.url, { adminToken: null }).queue()).toMatchObject({ ok: true })
    expect(await backendAt(host.url).queue()).toMatchObject({ ok: true })
    expect(host.seen.map(({ headers }) => headers['sec-fetch-site'])).toEqual(['same-origin', 'same-origin'])
    expect(host.seen[0]?.headers).not.toHaveProperty('x-openclaw-admin-token')
  })

  it.each([
    ['http://localhost:8188', true],
    ['http://127.4.5.6', true],
    ['http://[::1]:8188', true],
    ['http://comfy.localhost', true],
    ['http://127.0.0.1.example.com', false],
    ['http://10.0.0.1', false],
    ['http://localhost.example.com', false],
  ])('knows whether %s is this machine', (url, expected) => {
    expect(isLoopback(new URL(url))).toBe(expected)
  })

  it('sends the tenant in lower case under the configured name, and refuses what is none', async () => {
    await using host = await openHost({ 'GET /openclaw/schedules': { json: { schedules: [] } } })
    const backend = backendAt(host.url, { tenantHeader: 'X-Team', tenant: 'house' })
    await backend.schedules({ tenant: 'Acme' })
    await backend.schedules()
    expect(host.seen.map(({ headers }) => headers['x-team'])).toEqual(['acme', 'house'])
    expect(await backend.schedules({ tenant: 'a b\r\nx: y' })).toMatchObject({
      kind: 'denied',
      code: 'tenant_invalid',
    })
    expect(host.seen).toHaveLength(2)
  })

  it('names no tenant to triggers and approvals, which know none: what they make lands in the default one', async () => {
    await using host = await openHost({ 'GET /openclaw/approvals': { json: { approvals: [], pending_count: 0 } } })
    await backendAt(host.url, { tenantHeader: 'X-Team', tenant: 'house' }).approvals('pending')
    expect(host.seen[0]?.headers['x-team']).toBeUndefined()
  })

  it('keeps a path in the base URL', async () => {
    await using host = await openHost({ 'GET /comfy/queue': { json: { queue_running: [], queue_pending: [] } } })
    expect(await backendAt(`${host.url}/comfy/`).queue()).toMatchObject({ ok: true })
  })

  it('does not start with a URL or token that cannot work, and does not repeat the secret', () => {
    expect(() => backendAt('ftp://host')).toThrow(/http/)
    expect(() => backendAt('http://me:pw@host')).toThrow(/credentials/)
    expect(() => backendAt('http://host', { adminToken: 'bad\nvalue' })).toThrow(/^(?!.*value)/)
  })
})
