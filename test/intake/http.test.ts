import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { InboundEvent, InlineAnswer, Part, Verdict, Webhook } from '../../src/contract/index.ts'
import { makeClientAddress } from '../../src/intake/client-address.ts'
import { type Hook, type HttpDeps, listen, makeApp, patience } from '../../src/intake/http.ts'
import { makeSlots } from '../../src/intake/inline.ts'
import { event, eventually, flush, part, textOf } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'

const ack: Verdict = { kind: 'events', events: [event('e1')], ack: { status: 200, headers: {}, body: 'ack' } }

const webhook = (over: Partial<Webhook> = {}): Webhook => ({
  kind: 'webhook',
  host: '127.0.0.1',
  port: 0,
  path: '/hook',
  methods: ['POST'],
  types: ['application/json', 'text/plain'],
  maxBytes: 1000,
  inlineMs: null,
  receive: async () => ack,
  ...over,
})

/** What an inline platform makes of an answer. */
const render = (answer: InlineAnswer) => ({
  answer: {
    status: 200,
    headers: { 'content-type': 'text/plain' },
    body: answer.kind === 'part' ? textOf(answer.part) : answer.kind,
  },
  tokenKept: false,
})

const open = async (hooks: readonly Partial<Hook>[], over: Partial<HttpDeps> = {}) => {
  const slots = makeSlots()
  const log = keepingLog()
  const kept: string[] = []
  const ends: string[] = []
  const deps: HttpDeps = {
    keep: async (_hook, events: readonly InboundEvent[]) => {
      const fresh = events.map(({ id }) => id).filter((id) => !kept.includes(id))
      kept.push(...events.map(({ id }) => id))
      return new Set(fresh)
    },
    reported: async (platform, reports) => void ends.push(...reports.map(({ key }) => `${platform} ${key}`)),
    sorry: () => null,
    slots,
    earlier: async () => 'pending',
    written: (one: Part) => void ends.push(`written ${one.key}`),
    lost: (one: Part) => void ends.push(`lost ${one.key}`),
    addressOf: makeClientAddress([]),
    refused: (platform) => void ends.push(`refused ${platform}`),
    log,
    ...over,
  }
  const whole = hooks.map((hook) => ({ platform: 'fake', webhook: webhook(), inline: null, ...hook }))
  const listener = await listen(makeApp(whole, deps), '127.0.0.1', 0, () => {})
  onTestFinished(listener.close)
  const url = `http://127.0.0.1:${listener.port}`
  const post = (path = '/hook', body: string | Uint8Array<ArrayBuffer> = '{}', more: RequestInit = {}) =>
    fetch(url + path, { method: 'POST', body, ...more })
  return { url, port: listener.port, listener, slots, log, kept, ends, post }
}

/** Nothing of it is new. */
const again = async (): Promise<ReadonlySet<string>> => new Set()

const seen = async (response: Response): Promise<[number, string]> => [response.status, await response.text()]

test('an event is acknowledged once it is kept, and not before', async () => {
  let keepNow = (): void => {}
  const keeping = new Promise<ReadonlySet<string>>((resolve) => {
    keepNow = () => resolve(new Set(['e1']))
  })
  const { post } = await open([{}], { keep: () => keeping })
  let answered = false
  const answer = post().then((response) => {
    answered = true
    return response
  })
  await flush(50)
  expect(answered).toBe(false)
  keepNow()
  expect(await seen(await answer)).toEqual([200, 'ack'])
})

test('what can’t be kept is refused with 503 and a time to come again, and is not acknowledged', async () => {
  const { post, log } = await open([{}], { keep: () => Promise.reject(new Error('the disk is full')) })
  const response = await post()
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
  expect(await response.text()).toBe('')
  expect(log.lines.join()).toContain('the disk is full')
})

test('an inline request whose event can’t be kept gets the same 503, and leaves nobody waiting', async () => {
  const { post, slots } = await open([{ inline: { timeoutMs: 60_000, render } }], {
    keep: () => Promise.reject(new Error('the disk is full')),
  })
  expect((await post()).status).toBe(503)
  expect(slots.open('e1')).toBe(false)
})

test('unknown paths and methods learn nothing', async () => {
  const { post, url } = await open([{}])
  expect(await seen(await post('/other'))).toEqual([404, ''])
  expect(await seen(await post('/hook/deeper'))).toEqual([404, ''])
  expect(await seen(await fetch(`${url}/hook`))).toEqual([405, 'method not allowed'])
  expect(await seen(await fetch(`${url}/hook`, { method: 'DELETE' }))).toEqual([405, 'method not allowed'])
  expect((await fetch(`${url}/hook`, { method: 'HEAD' })).status).toBe(405)
})

test('a refused request learns its status only, the reason goes to the log', async () => {
  const receive = async (): Promise<Verdict> => ({ kind: 'reject', status: 401, reason: 'the signature is wrong' })
  const { post, log, kept } = await open([{ webhook: webhook({ receive }) }])
  expect(await seen(await post())).toEqual([401, 'unauthorized'])
  expect(log.lines.join()).toMatch(/the signature is wrong.*127\.0\.0\.1/)
  expect(kept).toEqual([])
})

test('a challenge is answered without keeping anything', async () => {
  const answer = { status: 200, headers: { 'x-test': 'yes' }, body: 'challenge' }
  const { post, kept } = await open([{ webhook: webhook({ receive: async () => ({ kind: 'answer', answer }) }) }])
  const response = await post()
  expect([response.headers.get('x-test'), ...(await seen(response))]).toEqual(['yes', 200, 'challenge'])
  expect(kept).toEqual([])
})

test('an adapter that breaks costs its own request only', async () => {
  let calls = 0
  const receive = async (): Promise<Verdict> => {
    if (calls++ === 0) throw new Error('broken')
    return ack
  }
  const { post } = await open([{ webhook: webhook({ receive }) }])
  expect((await post()).status).toBe(503)
  expect((await post()).status).toBe(200)
})

test('the adapter sees method, path, query, headers and the bytes exactly as they came', async () => {
  let got: unknown
  const bytes = Uint8Array.from([0, 255, 128, 10, 13])
  const receive: Webhook['receive'] = async (raw) => {
    const { method, path, query, header, body } = raw
    got = [method, path, query.get('a'), header('x-sig'), header('x-none'), [...body]]
    return ack
  }
  const { post } = await open([{ webhook: webhook({ receive }) }])
  await post('/hook?a=%20b', bytes, { headers: { 'X-Sig': 's' } })
  expect(got).toEqual(['POST', '/hook', ' b', 's', null, [...bytes]])
})

test('a body of another media type is refused before it is read; parameters, case and a missing name do not matter', async () => {
  const { port, kept, ends } = await open([{ webhook: webhook({ types: ['application/json', 'text/xml'] }) }])
  const typed = async (type: string | null): Promise<number | undefined> => {
    const headers = type === null ? {} : { 'content-type': type }
    const call = request({ port, host: '127.0.0.1', path: '/hook', method: 'POST', headers })
    call.end('{}')
    const [response] = await once(call, 'response')
    response.resume()
    return response.statusCode
  }
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json+x', '', 'json'])
    expect([type, await typed(type)]).toEqual([type, 415])
  expect([kept, ends]).toEqual([[], []])
  for (const type of ['application/json', 'Application/JSON ; charset=UTF-8', 'text/xml', null])
    expect([type, await typed(type)]).toEqual([type, 200])
})

test('who is slow with the head of a request, or with its body, is cut off', async () => {
  const app = makeApp([{ platform: 'fake', webhook: webhook(), inline: null }], {} as HttpDeps)
  const limits = { headersTimeout: 80, requestTimeout: 160, connectionsCheckingInterval: 20 }
  const listener = await listen(app, '127.0.0.1', 0, () => {}, limits)
  onTestFinished(listener.close)
  const head = 'POST /hook HTTP/1.1\r\nhost: fake\r\n'
  for (const begun of [head, `${head}content-length: 10\r\n\r\nab`]) {
    const socket = connect(listener.port, '127.0.0.1')
    let said = ''
    socket.on('data', (chunk) => {
      said += String(chunk)
    })
    socket.write(begun)
    await once(socket, 'close')
    expect(said).toMatch(/^HTTP\/1.1 408 /)
  }
})

test('slow callers are looked for every second, not only every half minute as node does by itself', () => {
  expect(patience).toEqual({ headersTimeout: 10_000, requestTimeout: 20_000, connectionsCheckingInterval: 1_000 })
})

test('a body of the largest size is taken, one byte more is 413', async () => {
  const { post, kept } = await open([{ webhook: webhook({ maxBytes: 1000 }) }])
  expect((await post('/hook', 'x'.repeat(1000))).status).toBe(200)
  expect((await post('/hook', 'x'.repeat(1001))).status).toBe(413)
  expect(kept).toHaveLength(1)
})

test('a body without a length is counted as it comes, and cut off where it passes the limit', async () => {
  const { port, kept } = await open([{}])
  const chunked = async (chunks: number): Promise<number | undefined> => {
    const call = request({ port, host: '127.0.0.1', path: '/hook', method: 'POST' })
    call.on('error', () => {})
    for (let i = 0; i < chunks; i++) call.write('x'.repeat(100))
    call.end()
    const [response] = await once(call, 'response')
    response.resume()
    return response.statusCode
  }
  expect(await chunked(10)).toBe(200)
  expect(await chunked(11)).toBe(413)
  expect(kept).toHaveLength(1)
})

test('a length that is announced too large is refused before a byte of the body came', async () => {
  const { port } = await open([{}])
  const socket = connect(port, '127.0.0.1')
  socket.write('POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n')
  const [data] = await once(socket, 'data')
  expect(String(data)).toContain('413')
  socket.destroy()
})

test('an open request gets the part as its answer, and that it was written is told', async () => {
  const { post, slots, ends } = await open([{ inline: { timeoutMs: 60_000, render } }])
  const answer = post()
  await eventually(() => slots.open('e1'))
  slots.offer('e1', part('p1'))
  expect(await seen(await answer)).toEqual([200, 'text of p1'])
  await eventually(() => ends.length > 0)
  expect(ends).toEqual(['written p1'])
})

test('an open request whose time is up is told so, one that has no answer as well; no part is noted', async () => {
  const late = await open([{ inline: { timeoutMs: 5, render } }])
  expect(await seen(await late.post())).toEqual([200, 'late'])
  const none = await open([{ inline: { timeoutMs: 60_000, render } }], { keep: again, earlier: async () => null })
  expect(await seen(await none.post())).toEqual([200, 'none'])
  expect([...late.ends, ...none.ends]).toEqual([])
})

test('a caller who hangs up while waiting leaves: the answer is not handed to nobody', async () => {
  const { port, slots, ends } = await open([{ inline: { timeoutMs: 60_000, render } }])
  const call = request({ port, host: '127.0.0.1', path: '/hook', method: 'POST' })
  call.on('error', () => {})
  call.end('{}')
  await eventually(() => slots.open('e1'))
  call.destroy()
  await eventually(() => !slots.open('e1'))
  expect([slots.offer('e1', part('p1')), ends]).toEqual([false, []])
})

test('a request may wait for another time than its platform does as a rule', async () => {
  const receive = async (): Promise<Verdict> => ({ ...ack, waitMs: 5 }) as Verdict
  const { post } = await open([{ webhook: webhook({ receive }), inline: { timeoutMs: 60_000, render } }])
  expect(await seen(await post())).toEqual([200, 'late'])
})

test('where no event can be taken an open request may be told why instead of being refused', async () => {
  const { post, ends } = await open([{ inline: { timeoutMs: 60_000, render } }], {
    keep: () => Promise.reject(new Error('too much')),
    sorry: () => part('busy'),
  })
  expect(await seen(await post())).toEqual([200, 'text of busy'])
  expect(ends).toEqual([])
})

test('what the platform says about earlier sends is noted before it is acknowledged', async () => {
  const receive = async (): Promise<Verdict> => ({ ...ack, reports: [{ key: 'k', outcome: 'sent' }] }) as Verdict
  const { post, ends } = await open([{ webhook: webhook({ receive }) }])
  expect(await seen(await post())).toEqual([200, 'ack'])
  expect(ends).toEqual(['fake k'])
})

test('a request that fails once its event is kept leaves no open place, in which the answer would be lost', async () => {
  const earlier = (): never => {
    throw new Error('the store can not be read')
  }
  const keep = async () => new Set<string>()
  const { post, slots } = await open([{ inline: { timeoutMs: 60_000, render } }], { earlier, keep })
  expect((await post()).status).toBe(503)
  expect([slots.open('e1'), slots.offer('e1', part('p1'))]).toEqual([false, false])
})

test('an event that comes again gets the answer it got before', async () => {
  const { post, ends } = await open([{ inline: { timeoutMs: 60_000, render } }], {
    keep: again,
    earlier: async () => ({ part: part('before'), taken: false }),
  })
  expect(await seen(await post())).toEqual([200, 'text of before'])
  await eventually(() => ends.length > 0)
  expect(ends).toEqual(['written before'])
})

test('an answer taken out of the mailbox for a caller who has left in the meantime goes back', async () => {
  let left = (): void => {}
  const { port, slots, ends } = await open([{ inline: { timeoutMs: 60_000, render } }], {
    keep: again,
    earlier: async () => {
      left()
      await eventually(() => !slots.open('e1'))
      return { part: part('waited'), taken: true }
    },
  })
  const call = request({ port, host: '127.0.0.1', path: '/hook', method: 'POST' })
  left = () => void call.destroy()
  call.on('error', () => {})
  call.end('{}')
  await eventually(() => ends.length > 0)
  expect(ends).toEqual(['lost waited'])
})

test('an event that comes again while it is worked on waits beside the first, and both get the answer', async () => {
  const { post, slots, kept } = await open([{ inline: { timeoutMs: 60_000, render } }])
  const both = [post(), post()]
  await eventually(() => kept.length === 2)
  slots.offer('e1', part('p1'))
  expect(await Promise.all((await Promise.all(both)).map((one) => one.text()))).toEqual(['text of p1', 'text of p1'])
})

test('several platforms share one listener, each with its own path, methods and limits', async () => {
  const text = (body: string) => async (): Promise<Verdict> => ({
    kind: 'answer',
    answer: { status: 200, headers: {}, body },
  })
  const { url, post } = await open([
    { platform: 'a', webhook: webhook({ path: '/a', receive: text('from a'), maxBytes: 10 }) },
    { platform: 'b', webhook: webhook({ path: '/b', receive: text('from b'), methods: ['GET', 'POST'] }) },
  ])
  expect(await seen(await post('/a'))).toEqual([200, 'from a'])
  expect(await seen(await post('/b'))).toEqual([200, 'from b'])
  expect(await seen(await fetch(`${url}/b`))).toEqual([200, 'from b'])
  expect((await fetch(`${url}/a`)).status).toBe(405)
  expect((await post('/a', 'x'.repeat(11))).status).toBe(413)
  expect((await post('/b', 'x'.repeat(11))).status).toBe(200)
})

test('a port that is taken is an error of opening, not of the process', async () => {
  const { port } = await open([{}])
  await expect(listen(makeApp([], {} as HttpDeps), '127.0.0.1', port, () => {})).rejects.toMatchObject({
    code: 'EADDRINUSE',
  })
})

test('closing lets a request that is open be answered', async () => {
  const { post, port, slots, listener } = await open([{ inline: { timeoutMs: 60_000, render } }])
  const call = request({ port, host: '127.0.0.1', path: '/hook', method: 'POST', agent: false })
  call.end('{}')
  await eventually(() => slots.open('e1'))
  const closing = listener.close()
  slots.offer('e1', part('p1'))
  const [response] = await once(call, 'response')
  const [text] = await once(response, 'data')
  expect(String(text)).toBe('text of p1')
  await closing
  await expect(post()).rejects.toThrow()
})
