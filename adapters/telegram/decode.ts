import type { Address, InboundEvent, MediaKind, MediaRef, Proof, Sender, Verified } from '../../src/contract/index.ts'
import { eventId } from '../../src/contract/index.ts'
import { spoken } from './mention.ts'
import type { Bot, CallbackQuery, Chat, Membership, Message, Update, User } from './wire.ts'

/** How long a press is worth answering. The limit is undocumented; too late is told by the API and then ignored. */
const pressLifeMs = 30_000

/** Telegram's stand-ins for people it hides; they are never persons (facts/telegram §4, sender identity). */
const standIns = new Set([1_087_968_824, 136_817_688, 777_000])

export type Decoded =
  | { readonly kind: 'event'; readonly event: InboundEvent }
  /** Nothing to answer, but the operator may want to know. */
  | { readonly kind: 'note'; readonly fields: object; readonly about: string }
  | { readonly kind: 'ignored'; readonly why: string }

const ignored = (why: string): Decoded => ({ kind: 'ignored', why })

/** Pure. `nowMs` stands in where Telegram tells no time (presses). */
export function decode({ payload, proof }: Verified<Update>, me: Bot, nowMs: number): Decoded {
  if (payload.message) return decodeMessage(payload.message, payload.update_id, proof, me)
  if (payload.callback_query) return decodePress(payload.callback_query, proof, me, nowMs)
  if (payload.my_chat_member) return decodeMembership(payload.my_chat_member)
  return ignored('a kind of update we do not use')
}

function decodeMessage(message: Message, updateId: number, proof: Proof, me: Bot): Decoded {
  const { chat } = message
  if (message.migrate_to_chat_id !== undefined)
    return {
      kind: 'note',
      fields: { chat: String(chat.id), moved: String(message.migrate_to_chat_id) },
      about: 'a group became a supergroup and has a new id: lists that name the old one need the new one',
    }
  if (!isConversation(chat)) return ignored('not a conversation with people')
  if (message.is_automatic_forward) return ignored('a channel post copied into its discussion group')
  // An answer to an ephemeral message has to be ephemeral too and within 15 s; we register no such command.
  if (message.ephemeral_message_id !== undefined) return ignored('an ephemeral message')
  const from = senderOf(message, me)
  if (!from) return ignored('a message without a sender')

  const own = mediaOf(message)
  const text = message.text ?? message.caption
  const odd = text === undefined && own.length === 0 ? oddOf(message) : null
  // Notes of the chat itself ("Ann joined") have nothing of that.
  if (text === undefined && own.length === 0 && odd === null) return ignored('neither text nor a file')
  const said = spoken(text ?? '', (message.text === undefined ? message.caption_entities : message.entities) ?? [], me)
  if (said.toOther) return ignored('a command for another bot')

  const answered = answeredBy(message)
  // A command is about the picture it answers; other words are not.
  const media = own.length === 0 && answered && said.text.startsWith('/') ? mediaOf(answered) : own
  const addressed = chat.type === 'private' || said.toUs || answered?.from?.id === me.id
  return {
    kind: 'event',
    event: {
      // The message, not the update: another Bot API server numbers its updates anew. Id 0 is no identity (facts §4).
      id:
        message.message_id > 0
          ? eventId('telegram', String(me.id), 'message', String(chat.id), String(message.message_id))
          : eventId('telegram', String(me.id), 'update', String(updateId)),
      at: message.date * 1000,
      from,
      proof,
      where: addressOf(message, me),
      body: odd === null ? { kind: 'text', text: said.text, addressed } : { kind: 'other', what: odd },
      media,
      ...(message.message_id > 0 ? { message: String(message.message_id) } : {}),
      ...(answered ? { replyTo: String(answered.message_id) } : {}),
    },
  }
}

function decodePress(query: CallbackQuery, proof: Proof, me: Bot, nowMs: number): Decoded {
  const { message, data } = query
  if (!message || !isConversation(message.chat)) return ignored('a press outside of our conversations')
  if (data === undefined || Buffer.byteLength(data) > 64) return ignored('a press that carries no action of ours')
  return {
    kind: 'event',
    event: {
      id: eventId('telegram', String(me.id), 'callback', query.id),
      at: nowMs,
      from: personOf(query.from, me),
      proof,
      where: addressOf(message, me),
      body: { kind: 'press', action: data, message: String(message.message_id) },
      media: [],
      handle: { kind: 'token', value: query.id, expiresAt: nowMs + pressLifeMs },
    },
  }
}

function decodeMembership({ chat, from, new_chat_member }: Membership): Decoded {
  const gone = new_chat_member.status === 'kicked' || new_chat_member.status === 'left'
  const dm = chat.type === 'private'
  return {
    kind: 'note',
    fields: { chat: String(chat.id), by: String(from.id), status: new_chat_member.status },
    about: dm
      ? `a person ${gone ? 'blocked' : 'opened'} the chat with the bot`
      : `the bot ${gone ? 'was removed from' : 'is in'} a group`,
  }
}

/** Channels and their direct-message chats take answers by other rules; we do not speak there. */
const isConversation = (chat: Chat): boolean =>
  (chat.type === 'private' || chat.type === 'group' || chat.type === 'supergroup') && chat.is_direct_messages !== true

function addressOf(message: Pick<Message, 'chat' | 'message_thread_id' | 'is_topic_message'>, me: Bot): Address {
  const { chat } = message
  // Without is_topic_message the thread id is only a reply chain, and General has neither (facts §4, topics).
  const thread = message.is_topic_message === true ? message.message_thread_id : undefined
  return {
    platform: 'telegram',
    account: String(me.id),
    chat: String(chat.id),
    kind: chat.type === 'private' ? 'dm' : 'group',
    ...(thread === undefined ? {} : { thread: String(thread) }),
  }
}

/** The message this one answers. Telegram adds a topic's root to everything said in it; nobody answered that. */
function answeredBy(message: Message): Message['reply_to_message'] {
  const answered = message.reply_to_message
  if (!answered || answered.forum_topic_created !== undefined) return undefined
  const root = message.is_topic_message === true && answered.message_id === message.message_thread_id
  return root ? undefined : answered
}

function senderOf(message: Message, me: Bot): Sender | null {
  // Anonymous admins and channels speak as a chat: they have its (negative) id, never that of a person.
  const { sender_chat: chat, from } = message
  if (chat) return { id: String(chat.id), ...named(chat.title), self: false, bot: false }
  return from ? personOf(from, me) : null
}

const personOf = (user: User, me: Bot): Sender => ({
  id: String(user.id),
  ...named([user.first_name, user.last_name].filter(Boolean).join(' ') || user.username),
  self: user.id === me.id,
  bot: user.is_bot || standIns.has(user.id),
})

const named = (name: string | undefined): { name?: string } => (name ? { name: name.slice(0, 100) } : {})

type Attached = Pick<Message, 'photo' | 'animation' | 'video' | 'video_note' | 'audio' | 'voice' | 'document'>

function mediaOf(message: Attached): MediaRef[] {
  const { photo, animation, video, video_note, audio, voice, document } = message
  const largest = photo?.toSorted((a, b) => b.width * b.height - a.width * a.height)[0]
  if (largest) return [refOf('image', { ...largest, mime_type: 'image/jpeg' })]
  // An animation comes with a `document` of the same file beside it (Bot API, Message.animation).
  const moving = animation ?? video ?? video_note
  if (moving) return [refOf('video', moving)]
  const heard = audio ?? voice
  if (heard) return [refOf('audio', heard)]
  return document ? [refOf(kindOf(document.mime_type), document)] : []
}

/** What else there is, where neither words nor files are. */
const oddOf = (message: Message): string | null =>
  (['sticker', 'location', 'contact', 'poll', 'dice', 'story'] as const).find((kind) => message[kind] !== undefined) ??
  null

const kindOf = (mime = ''): MediaKind =>
  (['image', 'video', 'audio'] as const).find((kind) => mime.startsWith(`${kind}/`)) ?? 'file'

const refOf = (
  kind: MediaKind,
  file: {
    file_id: string
    file_size?: number | undefined
    mime_type?: string | undefined
    file_name?: string | undefined
  },
): MediaRef => ({
  kind,
  ref: file.file_id,
  ...(file.mime_type === undefined ? {} : { mime: file.mime_type }),
  ...(file.file_size === undefined ? {} : { bytes: file.file_size }),
  ...(file.file_name === undefined ? {} : { name: file.file_name }),
})
