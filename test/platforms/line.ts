import { createHmac } from 'node:crypto'
import type { MediaKind } from '../../src/contract/index.ts'
import { botId, type LineRequest, startLineHost } from './line-host.ts'
import { fields } from './line-rules.ts'
import { addPost, makeWorld, number, type Posted, placeOf, type World } from './line-world.ts'
import type { FakePlatform, Forgery, Person, Place, RawCall, RawReply, SayMore, Shown, Wire } from './platform.ts'

/** What the tests of this adapter need beyond the common fake. */
export interface FakeLine extends FakePlatform {
  readonly world: World
  readonly origin: string
  readonly botId: string
  /** Requests of sends as they came. */
  readonly requests: () => readonly LineRequest[]
  /** LINE brings an event of any kind; what is missing is filled in. */
  readonly bring: (event: Readonly<Record<string, unknown>>, place: Place, by: Person | null) => Promise<RawReply>
  /** A person sends a file. */
  readonly sendFile: (from: Person, place: Place, kind: MediaKind, bytes: Uint8Array, mime: string) => Promise<RawReply>
  /** A signed call with any body. */
  readonly signed: (body: string | Uint8Array) => RawCall
  /** What the console's Verify button sends. */
  readonly verify: () => Promise<RawReply>
}

const channelSecret = 'line-test-channel-secret-not-real'
const accessToken = 'line-test-access-token-not-real'
const id = (letter: string, end: string): string => letter + end.padStart(32, '0')
const ann: Person = { id: id('U', 'a11ce'), name: 'Ann' }
const bob: Person = { id: id('U', 'b0b'), name: 'Bob' }
const robot: Person = { id: id('U', 'f00b07'), name: 'Robot' }
const group: Place = { chat: id('C', 'c0de'), kind: 'group' }
const members = 3
const path = '/line/webhook'

const signatureOf = (body: string | Uint8Array, secret = channelSecret): string =>
  createHmac('sha256', secret).update(body).digest('base64')

const callOf = (body: string | Uint8Array, headers: Readonly<Record<string, string>>): RawCall => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'LineBotWebhook/2.0', ...headers },
  body,
})

const forgeries = (): readonly Forgery[] => {
  const body = JSON.stringify({ destination: botId, events: [] })
  const signature = signatureOf(body)
  const named = { 'x-line-signature': signature }
  return [
    { name: 'no signature', call: callOf(body, {}), status: 401 },
    { name: 'empty signature', call: callOf(body, { 'x-line-signature': '' }), status: 401 },
    { name: 'another secret', call: callOf(body, { 'x-line-signature': signatureOf(body, 'wrong') }), status: 401 },
    { name: 'an empty secret', call: callOf(body, { 'x-line-signature': signatureOf(body, '') }), status: 401 },
    { name: 'one flipped byte', call: callOf(body.replace('[]', '[ ]'), named), status: 401 },
    { name: 'a cut signature', call: callOf(body, { 'x-line-signature': signature.slice(0, -1) }), status: 401 },
    {
      name: 'the signature in hex',
      call: callOf(body, { 'x-line-signature': Buffer.from(signature, 'base64').toString('hex') }),
      status: 401,
    },
    {
      name: 'a signature with white space inside',
      call: callOf(body, { 'x-line-signature': `${signature.slice(0, 10)} ${signature.slice(10)}` }),
      status: 401,
    },
    { name: 'no JSON and no signature', call: callOf('{', {}), status: 401 },
    { name: 'another method', call: { ...callOf(body, named), method: 'GET' }, status: 405 },
    { name: 'a body too large', call: callOf(body + ' '.repeat(1024 * 1024), named), status: 413 },
  ]
}

const sourceOf = ({ chat }: Place, by: Person | null): object => {
  if (chat.startsWith('U')) return { type: 'user', userId: by?.id ?? chat }
  const [type, name] = chat.startsWith('C') ? ['group', 'groupId'] : ['room', 'roomId']
  return { type, [name as string]: chat, ...(by ? { userId: by.id } : {}) }
}

export async function startLine(options: { readonly now?: () => number } = {}): Promise<FakeLine> {
  const { now = Date.now } = options
  const world = makeWorld(now)
  world.groups.set(group.chat, members)
  let wire: Wire = async () => {
    throw new Error('connect() the fake first')
  }
  let last: Readonly<Record<string, unknown>> | null = null

  const signed = (body: string | Uint8Array): RawCall => callOf(body, { 'x-line-signature': signatureOf(body) })
  const post = (events: readonly object[]): Promise<RawReply> =>
    wire(signed(JSON.stringify({ destination: botId, events })))
  const verify = (): Promise<RawReply> => post([])
  const host = await startLineHost({ world, accessToken, test: verify })

  const bring: FakeLine['bring'] = (event, place, by) => {
    const nth = number(world)
    const replyToken = `replytoken${String(nth).padStart(22, '0')}`
    const made: Readonly<Record<string, unknown>> = {
      webhookEventId: `01JTESTEVENT${String(nth).padStart(14, '0')}`,
      deliveryContext: { isRedelivery: false },
      timestamp: now(),
      source: sourceOf(place, by),
      replyToken,
      mode: 'active',
      ...event,
    }
    const eventAt = Number(made.timestamp)
    world.tokens.set(replyToken, { chat: place.chat, givenAt: now(), eventAt, used: false })
    last = made
    return post([made])
  }

  const say = async (from: Person, place: Place, text: string, more: SayMore = {}): Promise<RawReply | null> => {
    // Bots do not share a group, and our own messages never come back.
    if (more.fromUs || from.id === robot.id) return null
    const where = place.kind === 'dm' ? { ...place, chat: from.id } : place
    const isMention = place.kind === 'group' && (more.mention ?? true)
    const spoken = isMention ? `@Helper ${text}` : text
    const mentionee = { index: 0, length: 7, type: 'user', userId: botId, isSelf: true }
    const posted = addPost(world, { chat: where.chat, by: from, object: { type: 'text', text: spoken } })
    const message = {
      id: posted.id,
      type: 'text',
      quoteToken: posted.quoteToken,
      text: spoken,
      ...(isMention ? { mention: { mentionees: [mentionee] } } : {}),
      ...(more.replyTo ? { quotedMessageId: more.replyTo } : {}),
    }
    return bring({ type: 'message', message, ...(more.at ? { timestamp: more.at } : {}) }, where, from)
  }

  const press = async (chat: string, action: Readonly<Record<string, unknown>>): Promise<void> => {
    const by = [ann, bob, robot].find((person) => person.id === chat) ?? ann
    if (action.displayText) addPost(world, { chat, by, object: { type: 'text', text: action.displayText } })
    await bring({ type: 'postback', postback: { data: action.data } }, placeOf(chat), by)
  }

  const shownOf = (post: Posted): Shown => {
    // Quick replies are gone with the next message of anybody.
    const isLast = world.posts.findLast(({ chat }) => chat === post.chat) === post
    const items = fields(post.object.quickReply).items
    const actions = isLast && Array.isArray(items) ? items.map((item) => fields(fields(item).action)) : []
    return {
      id: post.id,
      place: placeOf(post.chat),
      ...seen(post.object),
      buttons: actions.map((action) => ({ label: String(action.label), press: () => press(post.chat, action) })),
      ...(post.quotes === null ? {} : { replyTo: post.quotes }),
      edits: 0,
    }
  }

  return {
    id: 'line',
    settings: { CHANNEL_SECRET: channelSecret, CHANNEL_ACCESS_TOKEN: accessToken, API_BASE: host.origin },
    secrets: [channelSecret, accessToken],
    people: { ann, bob, robot },
    places: { dm: { chat: ann.id, kind: 'dm' }, group, thread: null },
    connect: (to) => {
      wire = to
    },
    say,
    redeliver: async () => {
      if (last === null) return null
      const token = world.tokens.get(String(last.replyToken))
      // The minute counts from the redelivery.
      if (token) token.givenAt = now()
      return post([{ ...last, deliveryContext: { isRedelivery: true } }])
    },
    shown: () => world.posts.filter(({ by }) => by === null).map(shownOf),
    calls: host.calls,
    failNext: host.failNext,
    forgeries,
    close: host.close,
    world,
    origin: host.origin,
    botId,
    requests: host.requests,
    bring,
    sendFile: (from, place, kind, bytes, mime) => {
      const where = place.kind === 'dm' ? { ...place, chat: from.id } : place
      const posted = addPost(world, { chat: where.chat, by: from, object: { type: kind } })
      world.contents.set(posted.id, { bytes, mime, preparing: 0, state: 'kept' })
      const about =
        kind === 'file'
          ? { fileName: 'a file.bin', fileSize: bytes.byteLength }
          : { contentProvider: { type: 'line' }, ...(kind === 'image' ? {} : { duration: 1000 }) }
      return bring({ type: 'message', message: { id: posted.id, type: kind, ...about } }, where, from)
    },
    signed,
    verify,
  }
}

/** What a person sees of a message object. A name with a link below it is a file to them. */
const seen = (object: Posted['object']): Pick<Shown, 'text' | 'media'> => {
  const { type } = object
  if (type === 'image' || type === 'video' || type === 'audio')
    return { text: '', media: [{ kind: type, as: type, bytes: 0, mime: '', name: String(object.originalContentUrl) }] }
  const text = type === 'text' ? String(object.text) : String(object.altText)
  const [, name, url] = /^([^\n]+)\n(https:\/\/[!-~]+)$/.exec(text) ?? []
  if (name === undefined || url === undefined) return { text, media: [] }
  return { text: '', media: [{ kind: 'file', as: 'link', bytes: 0, mime: '', name }] }
}
