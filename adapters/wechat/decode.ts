import { createHash } from 'node:crypto'
import type { Body, InboundEvent, MediaRef, Verified } from '../../src/contract/index.ts'
import { eventId } from '../../src/contract/index.ts'
import { sayMark } from './encode.ts'
import type { Message } from './wire.ts'

export interface DecodeContext {
  readonly account: string
  /** Commands that may stand behind a menu entry, with slash. */
  readonly commands: ReadonlySet<string>
}

/** What stands in for kinds of messages that the platform does not hand on: a text, but nobody's words. */
const unsupportedNotice = /^【收到不支持的消息类型，暂无法显示】$/

/** Composed letters, trimmed, the full-width slash of Chinese keyboards, and without control characters. */
const normalise = (text: string): string =>
  text
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to go
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '')
    .normalize('NFC')
    .trim()
    .replace(/^／/, '/')

const typed = (text: string): Body => ({ kind: 'text', text, addressed: true })
const other = (what: string): Body => ({ kind: 'other', what })

/** A tap on a menu in a message comes back as its label, with the id we gave it: what it says. */
const textOf = ({ Content = '', bizmsgmenuid = '' }: Message): Body => {
  const text = normalise(Content)
  if (unsupportedNotice.test(text)) return other('message of that kind')
  if (bizmsgmenuid.startsWith(sayMark)) return typed(normalise(bizmsgmenuid.slice(sayMark.length)))
  // Silence is no answer here: who sends nothing readable gets the help.
  return typed(text === '' ? '/help' : text)
}

const clickOf = (key: string, { commands }: DecodeContext): Body => {
  const text = normalise(key)
  return typed(commands.has(text.split(/\s/, 1)[0]?.toLowerCase() ?? '') ? text : '/help')
}

const eventOf = ({ Event = '', EventKey = '' }: Message, context: DecodeContext): Body | null => {
  if (Event === 'subscribe' || Event === 'SCAN') return typed('/start')
  return Event === 'CLICK' ? clickOf(EventKey, context) : null
}

const bodyOf = (message: Message, context: DecodeContext): Body | null => {
  const heard = normalise(message.Recognition ?? '')
  switch (message.MsgType) {
    case 'event':
      return eventOf(message, context)
    case 'text':
      return textOf(message)
    case 'image':
      return message.MediaId === undefined ? null : typed('')
    case 'voice':
      if (heard !== '') return { kind: 'heard', text: heard }
      return message.MediaId === undefined ? other('voice message') : typed('')
    case 'video':
    case 'shortvideo':
      return other('video')
    case 'location':
    case 'link':
      return other(message.MsgType)
    default:
      return null
  }
}

/** Messages have an id. Events have none: who, when and what make one (guide to receiving events), as a digest. */
const keyOf = (message: Message): readonly string[] => {
  const { FromUserName, MsgId, CreateTime, Event = '', EventKey = '', Ticket = '', Content = '' } = message
  if (message.MsgType !== 'event' && MsgId !== undefined) return [FromUserName, MsgId]
  const facts = JSON.stringify([message.MsgType, CreateTime, Event, EventKey, Ticket, Content])
  return [FromUserName, createHash('sha256').update(facts).digest('hex').slice(0, 32)]
}

/** Films come as a link to another host, so only what can be fetched by its id is pointed to. */
const mediaOf = ({ MsgType, MediaId }: Message): readonly MediaRef[] => {
  if (MediaId === undefined || (MsgType !== 'image' && MsgType !== 'voice')) return []
  return [{ kind: MsgType === 'image' ? 'image' : 'audio', ref: MediaId }]
}

/** A message as an event; null for what needs no answer (menu links, positions, reports, people who left). `at`: when
 *  it was signed, in ms; WeChat passes on at once, and what CreateTime says is covered by no signature in the open. */
export const decode = (
  { payload, proof }: Verified<Message>,
  at: number,
  context: DecodeContext,
): InboundEvent | null => {
  const body = bodyOf(payload, context)
  if (body === null) return null
  const { account } = context
  return {
    id: eventId('wechat', account, ...keyOf(payload)),
    at,
    from: { id: payload.FromUserName, self: false, bot: false },
    proof,
    // An answer in the open request names both sides, so our side is part of the address.
    where: { platform: 'wechat', account, workspace: payload.ToUserName, chat: payload.FromUserName, kind: 'dm' },
    body,
    media: mediaOf(payload),
    ...(payload.MsgId === undefined ? {} : { message: payload.MsgId }),
  }
}
