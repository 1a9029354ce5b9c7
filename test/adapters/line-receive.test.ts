import { createHmac } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InboundEvent } from '../../src/contract/index.ts'
import { type FakeLine, startLine } from '../platforms/line.ts'
import { alice, channelSecret, connected, makeLine, requestOf, theGroup } from './line-kit.ts'

let nowMs = Date.now()
let fake: FakeLine

beforeEach(async () => {
  nowMs = Date.now()
  fake = await startLine({ now: () => nowMs })
})
afterEach(() => fake.close())

const ok = { status: 200, headers: {}, body: '' }

const signed = (body: string | Uint8Array) =>
  requestOf({
    body,
    headers: { 'X-Line-Signature': createHmac('sha256', channelSecret).update(body).digest('base64') },
  })

const eventOf = (n: number, over: object = {}): object => ({
  type: 'message',
  mode: 'active',
  timestamp: nowMs,
  webhookEventId: `01JTEST${n}`,
  source: { type: 'user', userId: alice },
  replyToken: `replytoken${n}`,
  message: { id: String(n), type: 'text', text: `text ${n}` },
  ...over,
})

const textEvent = (text: string, message: object = {}, over: object = {}): object =>
  eventOf(1, { message: { id: '1', type: 'text', text, ...message }, ...over })

const bodyWith = (...events: readonly unknown[]): string => JSON.stringify({ destination: fake.botId, events })

const inGroup = { source: { type: 'group', groupId: theGroup, userId: alice } }

const received = async (events: readonly unknown[], texts = {}): Promise<readonly InboundEvent[]> => {
  const verdict = await makeLine(texts, { now: () => nowMs }).receive(signed(bodyWith(...events)))
  if (verdict.kind === 'reject') throw new Error(verdict.reason)
  return verdict.kind === 'events' ? verdict.events : []
}
const textsOf = (events: readonly InboundEvent[]): readonly string[] =>
  events.map(({ body }) => (body.kind === 'text' ? body.text : body.kind))

describe('a webhook call', () => {
  it('of the console to verify the URL is answered 200 with nothing in it', async () => {
    connected(fake)
    expect(await fake.verify()).toEqual(ok)
  })

  it.each([
    ['no JSON', 'hello'],
    ['half a JSON', '{"destination":"U1","events":['],
    ['an array', '[]'],
    ['null', 'null'],
    ['no list of events', '{"destination":"U1","events":{}}'],
    ['no destination', '{"events":[]}'],
  ])('that is signed but %s is answered 200 and logged: LINE must not bring it again', async (_, body) => {
    const { receive, lines } = makeLine({})
    expect(await receive(signed(body))).toEqual({ kind: 'answer', answer: ok })
    expect(lines.join()).toContain('could not be understood')
  })

  it('in broken UTF-8 is not guessed at', async () => {
    const body = Buffer.from(bodyWith(eventOf(1))).map((byte) => (byte === 0x74 ? 0xff : byte))
    expect(await makeLine({}).receive(signed(body))).toEqual({ kind: 'answer', answer: ok })
  })

  it('without a proper signature is refused before anything is read', async () => {
    const { receive } = makeLine({})
    for (const { call, status, name } of fake.forgeries().filter(({ status }) => status === 401))
      expect([name, await receive(requestOf(call))]).toMatchObject([name, { kind: 'reject', status }])
  })
})

describe('events of one body', () => {
  it('are judged each on its own: strange neighbours take nobody down', async () => {
    const stale = eventOf(2, { timestamp: nowMs - 86_400_000 })
    const strange = [null, 7, 'text', [], {}, eventOf(8, { webhookEventId: 5 }), eventOf(9, { source: { type: 'x' } })]
    const events = await received([strange[0], eventOf(1), ...strange.slice(1), stale, eventOf(3)])
    expect(textsOf(events)).toEqual(['text 1', 'text 2', 'text 3'])
  })

  it('of pictures sent together are put in their order, and nothing else is moved', async () => {
    const picture = (n: number, imageSet?: object) =>
      eventOf(n, { message: { id: String(n), type: 'image', contentProvider: { type: 'line' }, imageSet } })
    const set = (index: number, id = 'A') => ({ id, index, total: 3 })
    const events = await received([
      picture(1, set(3)),
      picture(2, set(2, 'B')),
      eventOf(3),
      picture(4, { id: 'A' }),
      picture(5, set(1)),
      picture(6),
      picture(7, set(2)),
      picture(8, set(1, 'B')),
    ])
    expect(events.map(({ id }) => id.at(-1)).join('')).toBe('58347612')
  })

  it('go to their own chats', async () => {
    const room = `R${'7'.repeat(32)}`
    const events = await received([
      eventOf(1),
      eventOf(2, inGroup),
      eventOf(3, { source: { type: 'room', roomId: room, userId: alice } }),
    ])
    expect(events.map(({ where }) => [where.kind, where.chat])).toEqual([
      ['dm', alice],
      ['group', theGroup],
      ['group', room],
    ])
  })

  it('are told apart by the id of the event alone, delivered again or not', async () => {
    const { events } = connected(fake)
    await fake.say(fake.people.ann, fake.places.dm, '/run fox')
    nowMs += 60_000
    await fake.redeliver()
    await fake.say(fake.people.ann, fake.places.dm, '/run fox')
    expect(events[1]?.id).toBe(events[0]?.id)
    expect(events[1]?.at).toBe(events[0]?.at)
    expect(events[2]?.id).not.toBe(events[0]?.id)
  })

  it.each([
    ['of an older console', { replyToken: '0'.repeat(32) }],
    ['of an older console', { replyToken: 'f'.repeat(32) }],
    ['of nobody', { source: { type: 'user', userId: `U${'deadbeef'.repeat(4)}` } }],
    ['of a chat another module holds', { mode: 'standby' }],
    ['that were edited', { type: 'messageEdited' }],
    ['that take back nobody knows what', { type: 'unsend', message: undefined }],
    ['of no conversation', { source: undefined }],
    ['of a kind to come', { message: { id: '1', type: 'hologram' } }],
  ])('%s are left out', async (_, over) => {
    expect(textsOf(await received([eventOf(1, over), eventOf(2)]))).toEqual(['text 2'])
  })

  it('of a member without an id prove nobody, and never somebody’s right', async () => {
    const nameless = { source: { type: 'group', groupId: theGroup } }
    const [talk, press] = await received([
      eventOf(1, nameless),
      eventOf(2, { ...nameless, type: 'postback', postback: { data: 'abc' }, message: undefined }),
    ])
    expect(talk).toMatchObject({ proof: 'none', from: { id: theGroup } })
    expect(press).toMatchObject({ proof: 'none', body: { kind: 'press', action: 'abc' } })
  })
})

it.each(['follow', 'join'])(
  'a %s that comes late is greeted all the same: nothing was said that could be out of date',
  async (type) => {
    const late = { type, message: undefined, timestamp: nowMs - 3_600_000, ...(type === 'join' ? inGroup : {}) }
    expect(await received([eventOf(1, late)])).toMatchObject([{ at: nowMs, body: { kind: 'text', text: '/start' } }])
  },
)

describe('a text', () => {
  it.each([
    ['／run fox', '/run fox'],
    ['　/status　', '/status'],
    ['か\u3099', 'が'],
    ['a \ud83e b', 'a \ufffd b'],
    ['None', 'None'],
  ])('%j is read as %j', async (given, read) => {
    expect(textsOf(await received([textEvent(given)]))).toEqual([read])
  })

  const self = (index: number, length: number) => ({ index, length, type: 'user', userId: fake.botId, isSelf: true })

  it.each([
    ['@Helper /run fox', [[0, 7]], '/run fox', true],
    ['🦊 @Helper hi', [[3, 7]], '🦊  hi', true],
    [
      '@Helper do @Helper',
      [
        [0, 7],
        [11, 7],
      ],
      'do',
      true,
    ],
    // What does not begin with @ is nobody's mention, wherever it points.
    ['/run fox', [[0, 8]], '/run fox', false],
    ['hi', [[50, 7]], 'hi', false],
    ['@', [[0, 0]], '@', false],
  ] as const)('%j in a group: our own mention is cut out', async (given, mentions, text, addressed) => {
    const mention = { mentionees: mentions.map(([index, length]) => self(index, length)) }
    const [event] = await received([textEvent(given, { mention }, inGroup)])
    expect(event?.body).toEqual({ kind: 'text', text, addressed })
  })

  it('that quotes a message names it, and for a command also as the file it may be', async () => {
    const quote = { quotedMessageId: '518000000000000077' }
    const [talk, command] = await received([textEvent('nice', quote), textEvent('/run style', quote)])
    expect(talk).toMatchObject({ replyTo: '518000000000000077', media: [] })
    expect(command).toMatchObject({
      replyTo: '518000000000000077',
      media: [{ kind: 'file', ref: '518000000000000077' }],
    })
  })
})

describe('a reply token', () => {
  it('is good for a little less than a minute after the webhook came', async () => {
    const [event] = await received([eventOf(1, { timestamp: nowMs - 10_000 })])
    expect(event?.handle).toEqual({ kind: 'token', value: 'replytoken1', expiresAt: nowMs + 55_000 })
  })

  it('of an event older than 20 minutes is worth nothing', async () => {
    const [event] = await received([eventOf(1, { timestamp: nowMs - 20 * 60_000 - 1 })])
    expect(event).toBeDefined()
    expect(event).not.toHaveProperty('handle')
  })
})
