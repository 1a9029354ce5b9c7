import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeTokens } from '../../adapters/wechat/token.ts'
import type { AdapterDeps, Probe, SendError } from '../../src/contract/index.ts'
import { never, text as textItem } from '../kit/adapter.ts'
import { type FakeWechat, startFakeWechat } from '../platforms/wechat.ts'
import { connected, makePart, makeWechat, type Wechat } from './wechat-kit.ts'

let fake: FakeWechat
let nowMs: number
let made: Wechat

const connect = (deps: Partial<AdapterDeps> = {}): void => {
  made = connected(fake, undefined, { now: () => nowMs, ...deps })
}
const say = (text = 'hi', signal = never) => made.adapter.send(makePart([textItem(text)]), signal)
const failed = (): Promise<SendError> =>
  say().then(
    () => {
      throw new Error('it was sent')
    },
    (error: SendError) => error,
  )
const tokenCalls = () => fake.api.calls().filter(({ method }) => method === 'stable_token')
const probes = (): Promise<readonly Probe[]> => made.adapter.probe(never)

beforeEach(async () => {
  nowMs = Date.now()
  fake = await startFakeWechat({ now: () => nowMs })
  connect()
  await fake.say(fake.people.ann, fake.places.dm, 'hello')
})
afterEach(() => fake.close())

describe('the access token', () => {
  it.each([40001, 42001, 40014])('refused with %i is fetched anew, once, and the message goes out', async (errcode) => {
    await say('first')
    fake.api.expireTokens()
    fake.api.answerNext('message/custom/send', errcode)
    expect(await say('second')).toEqual({ via: 'push' })
    expect(fake.shown().map(({ text }) => text)).toEqual(['first', 'second'])
    expect(tokenCalls()).toHaveLength(2)
  })

  it('that has run out is fetched before it is refused', async () => {
    await say('first')
    nowMs += 7_200_000 - 30_000
    await say('second')
    expect(tokenCalls()).toHaveLength(2)
    expect(fake.api.calls().filter(({ method }) => method === 'message/custom/send')).toHaveLength(2)
  })

  it('is forced only where the platform gives the refused one again, and seldom', async () => {
    await say()
    fake.api.answerNext('message/custom/send', 40001)
    expect(await say()).toEqual({ via: 'push' })
    expect(tokenCalls().map(({ body }) => JSON.parse(body).force_refresh)).toEqual([false, false, true])
    fake.api.answerNext('message/custom/send', 40001)
    expect(await say()).toEqual({ via: 'push' })
    expect(
      tokenCalls()
        .map(({ body }) => JSON.parse(body).force_refresh)
        .slice(3),
    ).toEqual([false])
  })

  it('with a wrong secret says what to check, and is asked for again with the next part', async () => {
    fake.failNext({ kind: 'auth' })
    const error = await failed()
    expect(error).toMatchObject({ code: 'auth', delivered: 'no', message: expect.stringContaining('_APP_SECRET') })
    expect(await say()).toEqual({ via: 'push' })
  })

  it('for an address that is not on the list names the address', async () => {
    fake.api.allowAddress(false)
    expect(await failed()).toMatchObject({
      code: 'auth',
      message: expect.stringContaining('add 203.0.113.9 to the IP allow list'),
    })
    fake.api.allowAddress(true)
    expect(await say()).toEqual({ via: 'push' })
  })

  it('that can not be fetched has shown nothing', async () => {
    fake.api.answerNext('stable_token', -1)
    expect(await failed()).toMatchObject({ code: 'unavailable', delivered: 'no' })
    connect({
      fetch: async () => {
        throw new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } })
      },
    })
    expect(await failed()).toMatchObject({ code: 'unavailable', delivered: 'no' })
  })

  it('and the secret are in no error and no log line', async () => {
    const leaky = async (url: unknown, init?: RequestInit): Promise<Response> => {
      if (String(url).includes('custom/send')) throw new Error(`failed: ${url} ${init?.body}`)
      if (String(url).includes('stable_token')) return fetch(url as string, init)
      return Response.json({ errcode: 1, errmsg: `${url} fake-wechat-app-secret` })
    }
    connect({ fetch: leaky })
    const errors = [await failed()]
    await made.adapter.typing?.(makePart([]).to, undefined, never)
    const said = JSON.stringify([errors.map(String), made.lines, await probes()])
    for (const secret of fake.secrets) expect(said).not.toContain(secret)
  })
})

describe('an answer that is none', () => {
  it.each([
    ['HTML of a proxy', 200, '<html>', 'unavailable', 'maybe'],
    ['a list', 200, '[]', 'unavailable', 'maybe'],
    ['a code that is no number', 200, '{"errcode":"0"}', 'unavailable', 'maybe'],
    ['far too much', 200, `"${'x'.repeat(70_000)}"`, 'unavailable', 'maybe'],
    ['a redirect', 302, '', 'unavailable', 'no'],
    ['502', 502, '', 'unavailable', 'maybe'],
    ['503', 503, '', 'unavailable', 'no'],
    ['429', 429, '', 'rate_limited', 'no'],
  ])('%s is no success', async (_, status, body, code, delivered) => {
    const answering = async (url: unknown, init?: RequestInit): Promise<Response> =>
      String(url).includes('custom/send') ? new Response(body, { status }) : fetch(url as string, init)
    connect({ fetch: answering })
    expect(await failed()).toMatchObject({ code, delivered })
  })
})

describe('fetching one token for many', () => {
  const deferred = () => {
    const asked: { readonly force: boolean; readonly signal: AbortSignal; readonly give: (token: string) => void }[] =
      []
    const tokens = makeTokens({
      now: () => nowMs,
      fetchToken: (force, signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('cut')), { once: true })
          asked.push({ force, signal, give: (token) => resolve({ token, lifeMs: 7_200_000 }) })
        }),
    })
    return { asked, tokens }
  }

  it('asks once for all who wait', async () => {
    const { asked, tokens } = deferred()
    const waiting = [tokens.get(never), tokens.get(never), tokens.get(never)]
    asked[0]?.give('t1')
    expect(await Promise.all(waiting)).toEqual(['t1', 't1', 't1'])
    expect(asked).toHaveLength(1)
  })

  it('lets one go without the others, and stops when nobody waits any more', async () => {
    const { asked, tokens } = deferred()
    const [first, second] = [new AbortController(), new AbortController()]
    const [one, two] = [tokens.get(first.signal), tokens.get(second.signal)]
    first.abort()
    await expect(one).rejects.toMatchObject({ code: 'unavailable', delivered: 'no' })
    expect(asked[0]?.signal.aborted).toBe(false)
    second.abort()
    await expect(two).rejects.toMatchObject({ code: 'unavailable' })
    expect(asked[0]?.signal.aborted).toBe(true)
    const again = tokens.get(never)
    await expect.poll(() => asked.length, { interval: 1 }).toBe(2)
    asked[1]?.give('t2')
    expect(await again).toBe('t2')
  })

  it('drops only the token that was refused', async () => {
    const { asked, tokens } = deferred()
    const got = tokens.get(never)
    asked[0]?.give('t1')
    await got
    tokens.drop('an older one')
    expect(await tokens.get(never)).toBe('t1')
    expect(asked).toHaveLength(1)
  })
})

describe('a look at the setup', () => {
  it('finds a working account, its mode, its clock and where it listens', async () => {
    const found = await probes()
    expect(found.map(({ name, ok }) => [name, ok])).toEqual([
      ['encryption', true],
      ['access token', true],
      ['speaking first', true],
      ['clock', true],
      ['server URL', true],
    ])
    expect(JSON.stringify(found)).toContain('127.0.0.1:8097')
  })

  it('names the address to allow', async () => {
    fake.api.allowAddress(false)
    expect((await probes()).filter(({ ok }) => !ok)).toMatchObject([
      { name: 'access token', about: expect.stringContaining('203.0.113.9') },
    ])
  })

  it('says what an unverified account can do, and remembers it', async () => {
    fake.api.grant(false)
    expect(JSON.stringify(await probes())).toContain('48001')
    expect(made.adapter.pushes?.()).toBe(false)
    fake.api.grant(true)
    await probes()
    expect(made.adapter.pushes?.()).toBe(true)
  })

  it.each([
    [-1, 'system error'],
    [45009, '45009'],
  ])('claims nothing about a right when it was told %i', async (errcode, words) => {
    fake.api.grant(false)
    await probes()
    fake.api.answerNext('message/custom/typing', errcode)
    expect((await probes()).filter(({ ok }) => !ok)).toMatchObject([
      { name: 'speaking first', about: expect.stringContaining(words) },
    ])
    expect(made.adapter.pushes?.()).toBe(false)
  })

  it('notices a clock that is off', async () => {
    nowMs += 200_000
    expect((await probes()).filter(({ ok }) => !ok)).toMatchObject([
      { name: 'clock', about: expect.stringMatching(/20[01] s ahead/) },
    ])
  })

  it('asks nobody without AppID and AppSecret, and names the weakness of plain mode', async () => {
    const found = await makeWechat({ TOKEN: 'FakeWechatToken' }).adapter.probe(never)
    expect(found.map(({ name }) => name)).toEqual(['encryption', 'speaking first', 'server URL'])
    expect(found[0]?.about).toContain('ENCODING_AES_KEY')
  })
})
