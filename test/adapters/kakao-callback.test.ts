import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { postCallback } from '../../adapters/kakao/callback.ts'
import type { InboundEvent, InlineAnswer, ReplyHandle, SendError } from '../../src/contract/index.ts'
import { never, text as textItem } from '../kit/adapter.ts'
import { type FakeKakao, startFakeKakao } from '../platforms/kakao.ts'
import { connected, golden, type Kakao, makePart, tokenHandle } from './kakao-kit.ts'

let nowMs = Date.now()
let fake: FakeKakao
let kakao: Kakao

const anAnswer = { version: '2.0', template: { outputs: [] } } as const

const late = (event: InboundEvent): InlineAnswer => ({ kind: 'late', event })

/** A request that was promised an answer: its one-time handle. */
const promised = async (): Promise<ReplyHandle> => {
  let handle: ReplyHandle | undefined
  kakao = connected(
    fake,
    (event) => {
      handle = event.handle
      return late(event)
    },
    { now: () => nowMs },
  )
  fake.offerCallbacks(true)
  await fake.say(fake.people.ann, fake.places.dm, '/run fox')
  if (!handle) throw new Error('no handle')
  return handle
}

const send = (handle: ReplyHandle | undefined, signal: AbortSignal = never) =>
  kakao.adapter.send(makePart([textItem('done')], handle ? { handle } : {}), signal)

const bubbles = () => fake.shown().map(({ text }) => text)

beforeEach(async () => {
  nowMs = Date.now()
  fake = await startFakeKakao({ now: () => nowMs })
})
afterEach(() => fake.close())

describe('a result that comes later', () => {
  it('is posted to the callback address and shown', async () => {
    const handle = await promised()
    expect(await send(handle)).toEqual({ via: 'token' })
    expect(bubbles()).toEqual(['<still_working>', 'done'])
    expect(fake.errors()).toEqual([])
  })

  it('goes through a callback address once only', async () => {
    const handle = await promised()
    await send(handle)
    await expect(send(handle)).rejects.toMatchObject({ code: 'handle_gone', delivered: 'no' })
    expect(bubbles()).toEqual(['<still_working>', 'done'])
  })

  it('has no address after an ordinary answer', async () => {
    let handle: ReplyHandle | undefined
    kakao = connected(fake, (event) => {
      handle = event.handle
      return { kind: 'part', part: makePart([textItem('at once')]) }
    })
    fake.offerCallbacks(true)
    await fake.say(fake.people.ann, fake.places.dm, '/status')
    await expect(send(handle)).rejects.toMatchObject({ code: 'handle_gone', delivered: 'no' })
    expect(bubbles()).toEqual(['at once'])
  })

  it('is not posted without an address or after 55 seconds', async () => {
    const handle = await promised()
    await expect(send(undefined)).rejects.toMatchObject({ code: 'window_closed', delivered: 'no' })
    nowMs += 55_000
    await expect(send(handle)).rejects.toMatchObject({ code: 'window_closed', delivered: 'no' })
    expect(fake.calls()).toHaveLength(0)
  })

  it('is refused by the platform after a minute', async () => {
    const handle = await promised()
    nowMs += 60_001
    const stretched = { ...handle, expiresAt: nowMs + 1_000 }
    await expect(send(stretched)).rejects.toMatchObject({ code: 'handle_gone', delivered: 'no' })
  })

  it('is never posted to an address outside Kakao, even one from the store', async () => {
    await promised()
    const foreign = tokenHandle('http://127.0.0.1:1/latest/meta-data', nowMs + 1_000)
    await expect(send(foreign)).rejects.toMatchObject({ code: 'handle_gone', delivered: 'no' })
    expect(fake.calls()).toHaveLength(0)
  })
})

describe('the reply to a callback', () => {
  const success = '{"status":"SUCCESS"}'
  const fail = '{"status":"FAIL","message":"invalid skill response"}'

  it.each([
    [200, fail, 'handle_gone', 'no'],
    [200, 'OK', 'handle_gone', 'maybe'],
    [200, '{"status":"QUEUED"}', 'handle_gone', 'maybe'],
    [200, `"${'x'.repeat(20_000)}"`, 'handle_gone', 'maybe'],
    [400, success, 'handle_gone', 'no'],
    [404, '', 'handle_gone', 'no'],
    [500, fail, 'handle_gone', 'no'],
    [500, '', 'handle_gone', 'maybe'],
    [504, '<html>', 'handle_gone', 'maybe'],
    [503, '', 'unavailable', 'no'],
  ])('%i %s means %s, delivered: %s', async (status, body, code, delivered) => {
    const handle = await promised()
    const deps = { fetch: async () => new Response(body, { status }), now: () => nowMs, apiBase: fake.origin }
    const posted = postCallback(handle, anAnswer, never, { ...deps, timeoutMs: 1_000 })
    await expect(posted).rejects.toMatchObject({ code, delivered })
  })

  it.each([
    ['callback-post-ok.json', 200, 'token'],
    ['callback-post-fail.json', 200, 'handle_gone no'],
    ['callback-post-expired.json', 400, 'handle_gone no'],
  ])('%s (%i) is understood', async (file, status, outcome) => {
    const handle = await promised()
    const reply = async () => new Response(new Uint8Array(golden(file)), { status })
    const deps = { fetch: reply, now: () => nowMs, apiBase: fake.origin, timeoutMs: 1_000 }
    const seen = await postCallback(handle, anAnswer, never, deps).then(
      ({ via }) => via,
      ({ code, delivered }: SendError) => `${code} ${delivered}`,
    )
    expect(seen).toBe(outcome)
  })

  it('is not looked for elsewhere', async () => {
    const handle = await promised()
    const moved = { ...handle, value: `${fake.origin}/v1/callback/moved` }
    await expect(send(moved)).rejects.toMatchObject({ code: 'handle_gone', delivered: 'no' })
    expect(bubbles()).toEqual(['<still_working>'])
  })
})

describe('trouble with a callback', () => {
  it.each([
    [
      { kind: 'rate_limited', retryAfterMs: 2_000 },
      { code: 'rate_limited', delivered: 'no', retryAfterMs: 2_000 },
    ],
    [{ kind: 'unavailable' }, { code: 'unavailable', delivered: 'no' }],
  ] as const)('$kind leaves the address for another try', async (how, expected) => {
    const handle = await promised()
    fake.failNext(how)
    await expect(send(handle)).rejects.toMatchObject(expected)
    expect(await send(handle)).toEqual({ via: 'token' })
  })

  it.each([
    [{ kind: 'media_rejected' }, 'no'],
    [{ kind: 'target_gone' }, 'no'],
    [{ kind: 'auth' }, 'no'],
    [{ kind: 'answer_lost' }, 'maybe'],
  ] as const)('$kind sends the answer to the mailbox', async (how, delivered) => {
    const handle = await promised()
    fake.failNext(how)
    await expect(send(handle)).rejects.toMatchObject({ code: 'handle_gone', delivered })
    expect(bubbles()).toEqual(delivered === 'no' ? ['<still_working>'] : ['<still_working>', 'done'])
  })

  it('gives up on a host that does not answer', async () => {
    const handle = await promised()
    fake.failNext({ kind: 'hang' })
    const deps = { fetch, now: () => nowMs, apiBase: fake.origin, timeoutMs: 50 }
    const posted = postCallback(handle, anAnswer, never, deps)
    await expect(posted).rejects.toMatchObject({ code: 'handle_gone', delivered: 'maybe' })
  })

  it('stops at once when told to', async () => {
    const handle = await promised()
    fake.failNext({ kind: 'hang' })
    const stop = new AbortController()
    const sending = send(handle, stop.signal)
    await expect.poll(() => fake.calls().length, { interval: 5 }).toBe(1)
    stop.abort()
    await expect(sending).rejects.toMatchObject({ code: 'handle_gone', delivered: 'maybe' })
    await expect(send(handle, stop.signal)).rejects.toMatchObject({ code: 'unavailable', delivered: 'no' })
  })

  it('keeps the address for another try when the host cannot be reached', async () => {
    const gone = await startFakeKakao()
    await gone.close()
    const nobody = tokenHandle(`${gone.origin}/v1/callback/1`, nowMs + 1_000)
    const deps = { fetch, now: () => nowMs, apiBase: gone.origin, timeoutMs: 5_000 }
    const posted = postCallback(nobody, anAnswer, never, deps)
    await expect(posted).rejects.toMatchObject({ code: 'unavailable', delivered: 'no' })
  })

  it('never shows the address in an error or a log line', async () => {
    const handle = await promised()
    fake.failNext({ kind: 'answer_lost' })
    const error: unknown = await send(handle).catch((thrown: unknown) => thrown)
    expect(String(error)).toContain('no reply from the callback host')
    expect(JSON.stringify([String(error), ...kakao.lines])).not.toContain('fake-callback-token')
  })
})
