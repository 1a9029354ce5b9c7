import type { Address, Body, InboundEvent, MediaRef, Proof, ReplyHandle, Verified } from '../../src/contract/index.ts'
import { eventId } from '../../src/contract/index.ts'
import { tokenLifeMs, tokenRedeliveredMs } from './limits.ts'
import type { LineEvent, Message, Source } from './wire.ts'

export interface DecodeContext {
  readonly account: string
  /** The bot's own user id (`destination`). */
  readonly self: string
  /** Receiving time: reply tokens count from it. */
  readonly nowMs: number
  /** In groups only what mentions us is for us. */
  readonly requireMention: boolean
}

export type Decoded =
  | { readonly kind: 'event'; readonly event: InboundEvent }
  | { readonly kind: 'ignored'; readonly why: string }

interface Said {
  readonly body: Body
  readonly media: readonly MediaRef[]
}

const ignored = (why: string): Decoded => ({ kind: 'ignored', why })

/** Older consoles test a webhook with events of nobody. */
const dummyToken = /^(?:0{32}|f{32})$/
const dummyUser = `U${'deadbeef'.repeat(4)}`

/** Pure. One event of a webhook body. */
export function decode({ payload, proof }: Verified<LineEvent>, context: DecodeContext): Decoded {
  const { source } = payload
  if (payload.mode !== 'active') return ignored('another module holds this chat')
  if (source === undefined) return ignored('an event of no conversation')
  if (dummyToken.test(payload.replyToken ?? '') || source.userId === dummyUser) return ignored('a test of the console')
  const said = saidIn(payload, source)
  if (typeof said === 'string') return ignored(said)
  const { body, media } = said
  if (context.requireMention && source.type !== 'user' && isSpoken(body) && !isAddressed(body))
    return ignored('group talk without a mention')
  const handle = handleOf(payload, context.nowMs)
  const { message } = payload
  return {
    kind: 'event',
    event: {
      id: eventId('line', context.account, payload.webhookEventId),
      // Nobody said anything that could be out of date: a greeting that comes late is still one.
      at: isArrival(payload) ? context.nowMs : payload.timestamp,
      ...senderOf(source, proof, context),
      where: placeOf(source, context.account),
      body,
      media,
      // What quoting needs is this token, not the message's id; both belong to the message and do not expire.
      ...(message?.quoteToken === undefined ? {} : { message: message.quoteToken }),
      ...(message?.quotedMessageId === undefined ? {} : { replyTo: message.quotedMessageId }),
      ...(handle === null ? {} : { handle }),
    },
  }
}

/** A person added us, or we were taken into a group. */
const isArrival = ({ type }: LineEvent): boolean => type === 'follow' || type === 'join'

/** What was said, or why it is not for us. */
function saidIn(event: LineEvent, source: Source): Said | string {
  if (event.type === 'message' && event.message) return messageSaid(event.message, source)
  if (event.type === 'postback' && event.postback) {
    // Switching tabs of a rich menu is between the person and their screen.
    if (event.postback.params && 'newRichMenuAliasId' in event.postback.params) return 'a switch of the rich menu'
    return { body: { kind: 'press', action: event.postback.data }, media: [] }
  }
  if (event.type === 'unsend' && event.unsend)
    return { body: { kind: 'unsent', message: event.unsend.messageId }, media: [] }
  if (isArrival(event)) return { body: { kind: 'text', text: '/start', addressed: true }, media: [] }
  return 'a kind of event we do not use'
}

function messageSaid(message: Message, source: Source): Said | string {
  const { type } = message
  if (type === 'text') return textSaid(message, source)
  if (type === 'sticker' || type === 'location') return { body: { kind: 'other', what: type }, media: [] }
  if (type !== 'image' && type !== 'video' && type !== 'audio' && type !== 'file')
    return 'a kind of message we do not use'
  // Foreign addresses are not fetched.
  if (message.contentProvider !== undefined && message.contentProvider.type !== 'line')
    return { body: { kind: 'other', what: `${type} kept elsewhere` }, media: [] }
  const { fileName, fileSize } = message
  const media: MediaRef = {
    kind: type,
    ref: message.id,
    ...(fileName === undefined ? {} : { name: fileName.toWellFormed().slice(0, 255) }),
    ...(fileSize === undefined ? {} : { bytes: fileSize }),
  }
  return { body: { kind: 'text', text: '', addressed: source.type === 'user' }, media: [media] }
}

function textSaid(message: Message, source: Source): Said {
  const { text, mentioned } = withoutMention(message)
  const body: Body = { kind: 'text', text, addressed: source.type === 'user' || mentioned }
  // Of a quoted message LINE tells the id alone. For a command it may be the picture or film to work on; what it is shows
  // when it is fetched.
  const quoted = text.startsWith('/') ? message.quotedMessageId : undefined
  return { body, media: quoted === undefined ? [] : [{ kind: 'file', ref: quoted }] }
}

/** Cuts our own mention out; others stay. Whatever index and length say, only what begins with `@` is a mention. */
function withoutMention({ text = '', mention }: Message): { readonly text: string; readonly mentioned: boolean } {
  const ours = (mention?.mentionees ?? [])
    .filter(({ isSelf, index, length }) => isSelf === true && length > 0 && text.charAt(index) === '@')
    .toSorted((a, b) => b.index - a.index)
  const rest = ours.reduce((left, { index, length }) => left.slice(0, index) + left.slice(index + length), text)
  return { text: normalise(rest), mentioned: ours.length > 0 }
}

/** Composed, trimmed, and the full-width slash of Japanese keyboards. */
const normalise = (text: string): string => text.toWellFormed().normalize('NFC').trim().replace(/^／/, '/')

const isSpoken = (body: Body): boolean => body.kind === 'text' || body.kind === 'other'
const isAddressed = (body: Body): boolean => body.kind === 'text' && body.addressed

/** Members who did not consent have no id: the group speaks for them, and nothing is proven. */
function senderOf(source: Source, proof: Proof, { self }: DecodeContext): Pick<InboundEvent, 'from' | 'proof'> {
  const { userId } = source
  if (userId === undefined) return { from: { id: chatOf(source), self: false, bot: false }, proof: 'none' }
  return { from: { id: userId, self: userId === self, bot: false }, proof }
}

const chatOf = (source: Source): string => {
  if (source.type === 'user') return source.userId
  return source.type === 'group' ? source.groupId : source.roomId
}

const placeOf = (source: Source, account: string): Address => ({
  platform: 'line',
  account,
  chat: chatOf(source),
  kind: source.type === 'user' ? 'dm' : 'group',
})

/** A redelivered token counts from the redelivery, but not for ever. */
const handleOf = ({ replyToken, timestamp }: LineEvent, nowMs: number): ReplyHandle | null =>
  replyToken === undefined || nowMs - timestamp > tokenRedeliveredMs
    ? null
    : { kind: 'token', value: replyToken, expiresAt: nowMs + tokenLifeMs }
