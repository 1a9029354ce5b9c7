import * as v from 'valibot'
import type { Address, Body, InboundEvent, Sender, Verified } from '../../src/contract/index.ts'
import { eventId } from '../../src/contract/index.ts'
import { type Content, readContent, refOf } from './content.ts'
import {
  botAdded,
  buttonValue,
  type Message,
  message,
  type OldMessage,
  oldMessage,
  oldPress,
  type PersonIds,
  press,
} from './wire.ts'

/** Something that happened, whatever form it came in. */
export interface Occurrence {
  /** The platform's name of it; `card.action.trigger_v1` for presses of the old form. */
  readonly type: string
  /** Its id, where it has one. */
  readonly id: string | undefined
  readonly atMs: number | null
  readonly tenantKey: string | undefined
  readonly event: unknown
}

export interface DecodeContext {
  readonly account: string
  /** The workspace as configured; else the tenant that the event names. */
  readonly workspace: string | undefined
  /** Whose files it takes the tenant to fetch: of an app of the store. */
  readonly tenant: string | undefined
  /** The bot's open_id, null while it is not known. */
  readonly bot: string | null
  readonly requireMention: boolean
  readonly replyInThread: boolean
  /** The receiving time. */
  readonly nowMs: number
}

export type Decoded =
  | { readonly kind: 'event'; readonly event: InboundEvent }
  /** Nothing to answer, but the operator may want to know. */
  | { readonly kind: 'note'; readonly about: string }
  | { readonly kind: 'ignored'; readonly why: string }

const ignored = (why: string): Decoded => ({ kind: 'ignored', why })

const storeCure = 'set OPENCLAW_CONNECTOR_FEISHU_APP_TYPE=store (or app_type)'
const notes: ReadonlyMap<string, string> = new Map([
  ['im.chat.member.bot.deleted_v1', 'the bot was removed from a group'],
  ['im.chat.disbanded_v1', 'a group with the bot was disbanded'],
  ['app_open', `an organisation installed the app, so it is one of the store: ${storeCure}`],
  ['app_ticket', `a ticket came, so the app is one of the store: ${storeCure}`],
  ['app_uninstalled', 'an organisation removed the app'],
])

type Parser = () => Decoded

/** One occurrence as an event. Pure. */
export const decode = (given: Verified<Occurrence>, context: DecodeContext): Decoded => {
  const { type, event } = given.payload
  const parsers: ReadonlyMap<string, Parser> = new Map<string, Parser>([
    ['im.message.receive_v1', () => parsed(message, event, (one) => decodeMessage(one, given, context))],
    ['message', () => parsed(oldMessage, event, (one) => decodeMessage(modern(one, context), given, context))],
    ['card.action.trigger', () => parsed(press, event, (one) => decodePress(one, given, context))],
    ['card.action.trigger_v1', () => parsed(oldPress, event, (one) => decodePress(modernPress(one), given, context))],
    ['im.chat.member.bot.added_v1', () => parsed(botAdded, event, (one) => decodeAdded(one, given, context))],
  ])
  const about = notes.get(type)
  if (about !== undefined) return { kind: 'note', about }
  return parsers.get(type)?.() ?? ignored(`an event of type ${type.slice(0, 80)}`)
}

const parsed = <S extends v.GenericSchema>(
  schema: S,
  event: unknown,
  then: (output: v.InferOutput<S>) => Decoded,
): Decoded => {
  const read = v.safeParse(schema, event, { abortEarly: true })
  if (read.success) return then(read.output)
  return { kind: 'note', about: `an event could not be read (${v.getDotPath(read.issues[0]) ?? 'form'})` }
}

const senderOf = ({ open_id, union_id, user_id }: PersonIds, context: DecodeContext, bot: boolean): Sender | null => {
  const ids = [open_id, union_id, user_id].filter((id) => id !== undefined)
  const [id, ...aliases] = ids
  if (id === undefined) return null
  // Lists may name any of the three (facts/feishu §1).
  return { id, ...(aliases.length > 0 ? { aliases } : {}), self: id === context.bot, bot }
}

const placeOf = (
  { tenantKey }: Occurrence,
  { account, workspace = tenantKey }: DecodeContext,
): Pick<Address, 'platform' | 'account' | 'workspace'> => ({
  platform: 'feishu',
  account,
  ...(workspace === undefined ? {} : { workspace }),
})

const decodeMessage = (
  { sender, message: said }: Message,
  { payload, proof }: Verified<Occurrence>,
  context: DecodeContext,
): Decoded => {
  const isDirect = said.chat_type === 'p2p'
  const from = senderOf(sender.sender_id, context, sender.sender_type !== undefined && sender.sender_type !== 'user')
  if (from === null) return ignored('a message without a sender')
  const content = readContent(said.message_type, said.content, said.mentions, context.bot)
  if (content.kind === 'ignored') return ignored(content.why)
  const addressed = isDirect || (content.kind === 'found' && content.found.named)
  if (!addressed && context.requireMention) return ignored('group talk without a mention')
  const thread = context.replyInThread ? threadOf(said) : undefined
  const replyTo = answeredBy(said)
  return {
    kind: 'event',
    event: {
      // Not the event's id: the same message can come as two events, and in both forms (facts/feishu §2).
      id: eventId('feishu', context.account, 'message', said.message_id),
      at: said.create_time === undefined ? (payload.atMs ?? context.nowMs) : Number(said.create_time),
      from,
      proof,
      where: {
        ...placeOf(payload, context),
        chat: said.chat_id,
        kind: isDirect ? 'dm' : 'group',
        ...(thread === undefined ? {} : { thread }),
      },
      body: bodyOf(content, addressed),
      media:
        content.kind === 'found'
          ? content.found.files.map((file) => refOf(context.account, said.message_id, file, context.tenant))
          : [],
      message: said.message_id,
      ...(replyTo === undefined ? {} : { replyTo }),
    },
  }
}

const bodyOf = (content: Exclude<Content, { kind: 'ignored' }>, addressed: boolean): Body =>
  content.kind === 'other'
    ? { kind: 'other', what: content.what }
    : { kind: 'text', text: content.found.text, addressed }

/** A topic is named by its first message: an answer to that lands in it, and its own id is good for nothing. */
const threadOf = ({ thread_id, root_id, message_id }: Message['message']): string | undefined =>
  thread_id === undefined ? undefined : (root_id ?? message_id)

/** Everything in a topic names its first message as parent; nobody answered that. */
const answeredBy = ({ thread_id, root_id, parent_id }: Message['message']): string | undefined =>
  thread_id !== undefined && parent_id === root_id ? undefined : parent_id

/** A message of the first form in the words of the second. Only text has words there. */
const modern = (old: OldMessage, { bot }: DecodeContext): Message => {
  const key = '@_user_1'
  const named = old.is_mention === true && bot !== null
  const words = old.text_without_at_bot ?? old.text ?? ''
  return {
    sender: {
      sender_id: { open_id: old.open_id, union_id: old.union_id, user_id: old.employee_id },
      sender_type: 'user',
    },
    message: {
      message_id: old.open_message_id,
      root_id: old.root_id,
      parent_id: old.parent_id,
      thread_id: undefined,
      create_time: undefined,
      chat_id: old.open_chat_id,
      chat_type: old.chat_type === 'private' ? 'p2p' : old.chat_type,
      message_type: old.msg_type,
      content: JSON.stringify({ text: named ? `${key} ${words}` : words }),
      mentions: named ? [{ key, id: { open_id: bot }, name: '' }] : [],
    },
  }
}

type Press = v.InferOutput<typeof press>

const modernPress = (old: v.InferOutput<typeof oldPress>): Press => ({
  operator: { open_id: old.open_id, user_id: old.user_id },
  token: old.token,
  action: old.action,
  context: { open_message_id: old.open_message_id, open_chat_id: old.open_chat_id },
})

const decodePress = (
  { operator, token = '', action, context: { open_message_id, open_chat_id } }: Press,
  { payload, proof }: Verified<Occurrence>,
  context: DecodeContext,
): Decoded => {
  const from = senderOf(operator, context, false)
  if (from === null) return ignored('a press of nobody')
  const { value } = action
  const read = v.safeParse(buttonValue, typeof value === 'string' ? { k: value } : value)
  if (!read.success) return ignored('a press that carries no action of ours')
  const { k, at } = read.output
  // The card says where it was hung up. It may have been forwarded since: then it hangs where it is pressed.
  const isThere = at !== undefined && (at.chat === open_chat_id || (at.kind === 'dm' && isOf(at.chat, from)))
  // Where no chat is told, a direct chat alone reaches nobody but who pressed.
  const pressedIn =
    open_chat_id === undefined ? { chat: from.id, kind: 'dm' as const } : { chat: open_chat_id, kind: 'group' as const }
  const place = isThere ? at : pressedIn
  return {
    kind: 'event',
    event: {
      id: eventId('feishu', context.account, 'press', ...(payload.id ? [payload.id] : [open_message_id, token])),
      at: payload.atMs ?? context.nowMs,
      from,
      proof,
      where: {
        ...placeOf(payload, context),
        chat: place.chat,
        kind: place.kind,
        ...('thread' in place && place.thread !== undefined ? { thread: place.thread } : {}),
      },
      body: { kind: 'press', action: k, message: open_message_id },
      media: [],
      message: open_message_id,
    },
  }
}

/** A direct chat can be named by its person. */
const isOf = (chat: string, { id, aliases = [] }: Sender): boolean => chat === id || aliases.includes(chat)

const decodeAdded = (
  { chat_id: chat, operator_id }: v.InferOutput<typeof botAdded>,
  { payload, proof }: Verified<Occurrence>,
  context: DecodeContext,
): Decoded => {
  const from = senderOf(operator_id, context, false)
  if (from === null) return ignored('added by nobody')
  return {
    kind: 'event',
    event: {
      id: eventId('feishu', context.account, 'added', payload.id ?? chat),
      at: payload.atMs ?? context.nowMs,
      from,
      proof,
      where: { ...placeOf(payload, context), chat, kind: 'group' },
      body: { kind: 'text', text: '/start', addressed: true },
      media: [],
    },
  }
}
