import { readdirSync } from 'node:fs'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { openClient } from '../../adapters/line/connect.ts'
import { encode, retryKey } from '../../adapters/line/encode.ts'
import { makeQuota } from '../../adapters/line/quota.ts'
import { sender } from '../../adapters/line/send.ts'
import { isSigned } from '../../adapters/line/verify.ts'
import { botInfo, endpointTest } from '../../adapters/line/wire.ts'
import type { SendError } from '../../src/contract/index.ts'
import { never, text as textItem } from '../kit/adapter.ts'
import { testDeps } from '../kit/deps.ts'
import { startLine } from '../platforms/line.ts'
import { messagesProblems } from '../platforms/line-rules.ts'
import {
  accessToken,
  alice,
  answerTo,
  artifact,
  channelSecret,
  connected,
  golden,
  goldenJson,
  makeLine,
  makePart,
  mediaItem,
  requestOf,
  theGroup,
  tokenHandle,
} from './line-kit.ts'

interface Case {
  readonly file: string
  readonly group: 'inbound' | 'api-request' | 'api-response'
  readonly headers?: Readonly<Record<string, string>>
  readonly request?: string
  readonly status?: number
}

const cases = goldenJson<readonly Case[]>('cases.json')
const inbound = cases.filter(({ group }) => group === 'inbound')
const nowMs = 1_773_619_260_000

const dm = { platform: 'line', account: 'default', chat: alice, kind: 'dm' }
const group = { ...dm, chat: theGroup, kind: 'group' }
const room = { ...group, chat: 'R0000000000000000000000000000700a' }
const from = (id: string) => ({ id, self: false, bot: false })
const said = (text: string, addressed: boolean) => ({ kind: 'text', text, addressed })

/** What each event is expected to hold; `n` is the number behind its event id, `token` the one behind its token. */
const eventOf = (n: number, where: object, body: object): object => ({
  id: `line:default:01JTESTEVENT${String(n).padStart(14, '0')}`,
  at: 1_773_619_200_000 + n * 1000,
  from: from(alice),
  proof: 'signature',
  where,
  body,
  media: [],
})
const event = (n: number, token: number, where: object, body: object, more: object = {}): object => ({
  ...eventOf(n, where, body),
  handle: {
    kind: 'token',
    value: `replytoken${String(token).padStart(22, '0')}`,
    expiresAt: nowMs + 55_000,
  },
  ...more,
})
const quotable = (n: number): object => ({ message: `quotetoken-${String(n).padStart(4, '0')}` })
const file = (kind: string, n: number, more: object = {}) => ({
  media: [{ kind, ref: `5180000000000000${n}`, ...more }],
})

const events: Readonly<Record<string, readonly object[]>> = {
  'text-dm': [event(1, 1, dm, said('Hello, what is on today?', true), quotable(1))],
  'text-dm-unicode': [event(2, 2, dm, said('こんにちは 🙂\n改行あり', true), quotable(2))],
  'text-dm-escaped-whitespace': [event(99, 99, dm, said('こんにちは /ok', true), quotable(99))],
  'text-group-mention-bot': [event(3, 3, group, said('@Bob please summarise', true), quotable(3))],
  'text-group-mention-all': [event(4, 4, group, said('@All lunch at noon', false), quotable(4))],
  'text-group-no-mention': [event(5, 5, group, said('just chatting', false), quotable(5))],
  'text-group-no-userid': [
    event(6, 6, group, said('who am I', false), { ...quotable(6), from: from(theGroup), proof: 'none' }),
  ],
  'text-room': [event(7, 7, room, said('hello room', false), quotable(7))],
  'text-emoji': [event(8, 8, dm, said('Nice (hello) work', true), quotable(8))],
  'text-quote-reply': [
    event(9, 9, group, said('about this one', false), { ...quotable(9), replyTo: '518000000000000001' }),
  ],
  'image-line': [event(10, 10, dm, said('', true), { ...quotable(10), ...file('image', 10) })],
  'image-external': [event(11, 11, dm, { kind: 'other', what: 'image kept elsewhere' }, quotable(11))],
  // The second of the set came first.
  'image-set': [
    event(13, 13, dm, said('', true), { ...quotable(13), ...file('image', 13) }),
    event(12, 12, dm, said('', true), { ...quotable(12), ...file('image', 12) }),
  ],
  video: [event(14, 14, dm, said('', true), { ...quotable(14), ...file('video', 14) })],
  audio: [event(15, 15, dm, said('', true), file('audio', 15))],
  file: [event(16, 16, group, said('', false), file('file', 16, { name: 'report 2026.pdf', bytes: 20_480 }))],
  location: [event(17, 17, dm, { kind: 'other', what: 'location' })],
  sticker: [event(18, 18, dm, { kind: 'other', what: 'sticker' }, quotable(18))],
  'sticker-message': [event(19, 19, dm, { kind: 'other', what: 'sticker' }, quotable(19))],
  follow: [event(21, 20, dm, said('/start', true), { at: nowMs })],
  'follow-unblocked': [event(22, 21, dm, said('/start', true), { at: nowMs })],
  'join-group': [event(24, 22, group, said('/start', true), { at: nowMs, from: from(theGroup), proof: 'none' })],
  'unsend-group': [eventOf(20, group, { kind: 'unsent', message: '518000000000000003' })],
  postback: [event(28, 24, dm, { kind: 'press', action: 'action=approve&id=req-42' })],
  'postback-datetime': [event(29, 25, dm, { kind: 'press', action: 'action=book' })],
  'redelivery-first': [event(77, 31, dm, said('deliver me once', true), { ...quotable(77), at: 1_773_619_236_000 })],
  'redelivery-second': [event(77, 31, dm, said('deliver me once', true), { ...quotable(77), at: 1_773_619_236_000 })],
  'multi-events-mixed': [
    event(36, 33, dm, said('one', true), { ...quotable(40), at: 1_773_619_238_000 }),
    event(37, 34, group, said('two', false), { ...quotable(41), at: 1_773_619_239_000 }),
  ],
}
const ignored = [
  'webhook-verify-empty',
  'unfollow',
  'leave-group',
  'member-joined',
  'member-left',
  'postback-richmenu',
  'beacon',
  'account-link',
  'video-play-complete',
  'membership-joined',
  'standby',
  'unknown-event-type',
]

const nameOf = ({ file: name }: Case): string => name.replace(/\.json$/, '')
const received = (one: Case, texts: Readonly<Record<string, string>> = {}) =>
  makeLine(texts, { now: () => nowMs }).receive(requestOf({ body: golden(one.file), headers: one.headers ?? {} }))

describe('recorded webhooks', () => {
  it.each(inbound.filter((one) => nameOf(one) in events))('$file brings what was said', async (one) => {
    const verdict = await received(one)
    expect(verdict).toEqual({
      kind: 'events',
      events: events[nameOf(one)],
      ack: { status: 200, headers: {}, body: '' },
    })
    expect(JSON.parse(JSON.stringify(verdict))).toStrictEqual(verdict)
  })

  it.each(inbound.filter((one) => ignored.includes(nameOf(one))))(
    '$file is answered 200 and brings nothing',
    async (one) => {
      expect(await received(one)).toEqual({ kind: 'answer', answer: { status: 200, headers: {}, body: '' } })
    },
  )

  it('bad-signature.json is refused', async () => {
    const one = inbound.find(({ file: name }) => name === 'bad-signature.json')
    expect(await received(one!)).toMatchObject({ kind: 'reject', status: 401 })
  })

  it.each(['text-group-no-mention', 'text-group-mention-all', 'text-room', 'text-group-no-userid', 'file'])(
    '%s.json is no concern of ours where mentions are required',
    async (name) => {
      const one = inbound.find(({ file: its }) => its === `${name}.json`)
      expect((await received(one!, { REQUIRE_MENTION: 'true' })).kind).toBe('answer')
    },
  )

  it('is taken where mentions are required and it has one', async () => {
    const one = inbound.find(({ file: its }) => its === 'text-group-mention-bot.json')
    expect((await received(one!, { REQUIRE_MENTION: 'true' })).kind).toBe('events')
  })

  it('are signed over their bytes: the same JSON written anew is not', () => {
    const one = inbound.find(({ file: its }) => its === 'text-dm-escaped-whitespace.json')!
    const signature = one.headers?.['x-line-signature'] ?? ''
    expect(isSigned(golden(one.file), signature, channelSecret)).toBe(true)
    const anew = Buffer.from(JSON.stringify(goldenJson(one.file)))
    expect(isSigned(anew, signature, channelSecret)).toBe(false)
  })

  it('are all expected in one way or the other', () => {
    const expected = [...Object.keys(events), ...ignored, 'bad-signature']
    expect(inbound.map(nameOf).toSorted()).toEqual(expected.toSorted())
    const recorded = readdirSync(new URL('../golden/line/', import.meta.url)).filter((name) => name !== 'cases.json')
    expect(cases.map(({ file: its }) => its).toSorted()).toEqual(recorded.toSorted())
  })
})

interface Wired {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** The sender of the adapter over a host that gives one answer to everything. */
const over = (status: number, body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}) => {
  const wired: Wired[] = []
  const deps = testDeps({
    now: () => nowMs,
    media: { open: async () => new Blob([]), link: (blob) => `https://media.example.com/${blob}` },
  })
  const client = openClient({
    accessToken,
    apiBase: 'https://api.line.me',
    dataBase: 'https://api-data.line.me',
    fetch: async (url, init) => {
      wired.push({
        url: String(url),
        headers: { ...(init?.headers as Record<string, string>) },
        body: JSON.parse(String(init?.body)),
      })
      return new Response(new Uint8Array(Buffer.from(body)), { status, headers })
    },
  })
  return { wired, ...sender(client, makeQuota(client, deps), deps), deps }
}

const responseOf = (name: string) => {
  const one = cases.find(({ file: its }) => its === name)!
  return over(one.status ?? 0, golden(name), one.headers)
}

const requests = cases.filter(({ group: its }) => its === 'api-request')

describe('recorded requests', () => {
  it.each(requests.filter(({ request }) => /message\/(push|reply)$/.test(request ?? '')))(
    '$file is a send as the fake LINE takes it',
    ({ file: name }) => {
      expect(messagesProblems(goldenJson<{ messages: unknown }>(name).messages)).toEqual([])
    },
  )

  it('api-push-text.json is what a text becomes, with a retry key of the same form', async () => {
    const { send, wired } = over(200, golden('resp-send-ok.json'))
    await send(makePart([textItem('Your build finished.')]), never)
    const one = requests.find(({ file: name }) => name === 'api-push-text.json')
    expect(wired).toEqual([
      {
        url: 'https://api.line.me/v2/bot/message/push',
        headers: {
          authorization: one?.headers?.Authorization,
          'content-type': 'application/json',
          'x-line-retry-key': retryKey('p1'),
        },
        body: goldenJson('api-push-text.json'),
      },
    ])
    const form = (key: string | undefined): string => (key ?? '').replaceAll(/[0-9a-f]/g, 'x')
    expect(form(wired[0]?.headers['x-line-retry-key'])).toBe(form(one?.headers?.['X-Line-Retry-Key']))
  })

  it('api-push-image.json is what a picture with a preview becomes', async () => {
    const { send, wired } = over(200, golden('resp-send-ok.json'))
    const preview = { blob: 'p/2.jpg', mime: 'image/jpeg', bytes: 1000 }
    await send(makePart([mediaItem('image', { blob: 'o/2.jpg', preview })]), never)
    expect(wired[0]?.body).toEqual(goldenJson('api-push-image.json'))
  })

  it('api-reply-text.json has the form of a reply of ours: quote, quick replies, no retry key', async () => {
    const { send, wired } = over(200, golden('resp-send-ok.json'))
    const { replyToken, messages } = goldenJson<{
      replyToken: string
      messages: { quickReply: { items: object[] } }[]
    }>('api-reply-text.json')
    const buttons = [{ label: 'Later', action: 'action=later', say: '/later' }]
    const more = { buttons, replyTo: 'quotetoken-0001', handle: tokenHandle(replyToken, nowMs + 1) }
    await send(makePart([textItem('Pick one')], more), never)
    const [, later] = messages[0]?.quickReply.items ?? []
    expect(wired[0]?.body).toEqual({ replyToken, messages: [{ ...messages[0], quickReply: { items: [later] } }] })
    expect(wired[0]?.headers).not.toHaveProperty('x-line-retry-key')
  })

  it('api-loading-start.json is how we show that we are at work', async () => {
    const { typing, wired } = over(202, '{}')
    await typing(makePart([]).to, undefined, never)
    expect(wired).toMatchObject([
      { url: 'https://api.line.me/v2/bot/chat/loading/start', body: goldenJson('api-loading-start.json') },
    ])
  })

  it('api-mark-as-read.json and api-set-webhook.json are calls we never make', async () => {
    const fake = await startLine()
    const { adapter, events } = connected(fake)
    await fake.say(fake.people.ann, fake.places.dm, '/status')
    await adapter.send(answerTo(events[0]), never)
    await adapter.typing?.(makePart([]).to, undefined, never)
    await adapter.probe(never)
    await fake.close()
    const made = fake.calls().map(({ method }) => method)
    expect(made).toContain('POST /v2/bot/channel/webhook/test')
    for (const name of ['api-mark-as-read.json', 'api-set-webhook.json']) {
      const [method, url] = requests.find(({ file: its }) => its === name)?.request?.split(' ') ?? []
      expect(made).not.toContain(`${method} ${URL.parse(url ?? '')?.pathname}`)
    }
  })
})

describe('recorded answers', () => {
  const text = makePart([textItem('hi')])
  const spoken = (name: string, part = text): Promise<string> =>
    responseOf(name)
      .send(part, never)
      .then(
        ({ message, via }) => `${via} ${message}`,
        ({ code, delivered }: SendError) => `${code} ${delivered}`,
      )

  it.each([
    ['resp-send-ok.json', 'push 518099999999999901'],
    ['resp-409-retry-key.json', 'push 518099999999999901'],
    ['resp-400-details.json', 'rejected no'],
    ['resp-401.json', 'auth no'],
    ['resp-429-rate.json', 'rate_limited no'],
    ['resp-429-monthly.json', 'window_closed no'],
    ['resp-500.json', 'unavailable maybe'],
  ])('%s to a push means %s', async (name, outcome) => {
    expect(await spoken(name)).toBe(outcome)
  })

  it('resp-400-invalid-reply-token.json to a reply means that the token is gone', async () => {
    const part = { ...text, handle: tokenHandle('replytoken0000000000000000000001', nowMs + 1) }
    expect(await spoken('resp-400-invalid-reply-token.json', part)).toBe('handle_gone no')
  })

  it('resp-400-details.json to a file means that this file is refused', async () => {
    expect(await spoken('resp-400-details.json', makePart([mediaItem('image')]))).toBe('media_rejected no')
  })

  it.each([
    'resp-profile.json',
    'resp-group-summary.json',
    'resp-stateless-token.json',
    'resp-v21-token.json',
    'resp-transcoding-processing.json',
  ])('%s is of another call: taken as sent when it is a 200, with no message named', async (name) => {
    expect(await spoken(name)).toBe('push undefined')
  })

  it('resp-quota.json and resp-quota-consumption.json are read as a quota', async () => {
    const bodies = [golden('resp-quota.json'), golden('resp-quota-consumption.json')]
    const { adapter } = makeLine(
      {},
      { now: () => nowMs, fetch: async () => new Response(new Uint8Array(bodies.shift()!)) },
    )
    expect(await adapter.quota?.(never)).toEqual({ used: 500, limit: 1000, resetsAt: Date.UTC(2026, 2, 31, 15) })
  })

  it('resp-bot-info.json and resp-webhook-test.json are understood by the look at the setup', () => {
    expect(v.parse(botInfo, goldenJson('resp-bot-info.json'))).toMatchObject({
      displayName: 'Helper',
      basicId: '@000fake',
    })
    expect(v.parse(endpointTest, goldenJson('resp-webhook-test.json'))).toMatchObject({
      success: true,
      statusCode: 200,
    })
  })
})

describe('what we encode', () => {
  it('is taken by the rules of the fake LINE', () => {
    const buttons = Array.from({ length: 13 }, (_, i) => ({ label: `No. ${i}`, action: `a${i}`, say: '/x' }))
    const items = [textItem('x'.repeat(5000)), mediaItem('image'), mediaItem('link', { kind: 'file' })]
    const made = encode(makePart(items, { buttons }), new Map(), {
      link: () => `https://media.example.com/${artifact().blob}`,
    })
    expect(messagesProblems(made)).toEqual([])
  })
})
