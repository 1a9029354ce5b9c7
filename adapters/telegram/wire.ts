import * as v from 'valibot'

/** The few fields we read of the Bot API's objects (facts: Bot API 10.x). Everything else is cut off. */
const id = v.pipe(v.number(), v.safeInteger())
const words = v.pipe(v.string(), v.maxLength(512))
/** A message has at most 4096 characters; a foreign server may claim more. */
const text = v.pipe(v.string(), v.maxLength(16_384))

export const user = v.object({
  id,
  is_bot: v.optional(v.boolean(), false),
  first_name: v.optional(words),
  last_name: v.optional(words),
  username: v.optional(words),
})

const chat = v.object({
  id,
  type: words,
  title: v.optional(words),
  username: v.optional(words),
  is_direct_messages: v.optional(v.boolean()),
})

const entity = v.object({
  type: words,
  /** UTF-16 code units, as JS counts. */
  offset: id,
  length: id,
  user: v.optional(v.object({ id })),
})
const entities = v.optional(v.pipe(v.array(entity), v.maxLength(1000)))

const file = v.object({
  file_id: v.pipe(v.string(), v.minLength(1), v.maxLength(512)),
  file_size: v.optional(id),
  // Both are the sender's word for it, of any length.
  mime_type: v.fallback(v.optional(words), undefined),
  file_name: v.fallback(v.optional(words), undefined),
})
const photo = v.object({ file_id: file.entries.file_id, file_size: v.optional(id), width: id, height: id })

/** The files a message may carry, one kind at a time. */
const attached = {
  photo: v.optional(v.pipe(v.array(photo), v.maxLength(50))),
  animation: v.optional(file),
  video: v.optional(file),
  video_note: v.optional(file),
  audio: v.optional(file),
  voice: v.optional(file),
  document: v.optional(file),
}
/** What a person can send that is neither text nor a file we take; whether it is there is all we ask. */
const unusable = {
  sticker: v.optional(v.unknown()),
  location: v.optional(v.unknown()),
  contact: v.optional(v.unknown()),
  poll: v.optional(v.unknown()),
  dice: v.optional(v.unknown()),
  story: v.optional(v.unknown()),
}

/** Of an answered message: a file there that we can't read must not cost the message itself. */
const attachedThere = {
  photo: v.fallback(attached.photo, undefined),
  animation: v.fallback(attached.animation, undefined),
  video: v.fallback(attached.video, undefined),
  video_note: v.fallback(attached.video_note, undefined),
  audio: v.fallback(attached.audio, undefined),
  voice: v.fallback(attached.voice, undefined),
  document: v.fallback(attached.document, undefined),
}

const message = v.object({
  message_id: id,
  chat,
  date: id,
  from: v.optional(user),
  sender_chat: v.optional(chat),
  message_thread_id: v.optional(id),
  is_topic_message: v.optional(v.boolean()),
  is_automatic_forward: v.optional(v.boolean()),
  ephemeral_message_id: v.optional(id),
  reply_to_message: v.optional(
    v.object({
      message_id: id,
      from: v.optional(user),
      forum_topic_created: v.optional(v.unknown()),
      ...attachedThere,
    }),
  ),
  migrate_to_chat_id: v.optional(id),
  text: v.optional(text),
  entities,
  caption: v.optional(text),
  caption_entities: entities,
  ...attached,
  ...unusable,
})

const callback = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  from: user,
  /** Inaccessible messages have a chat, an id and date 0, nothing else. */
  message: v.optional(
    v.object({
      message_id: id,
      chat,
      message_thread_id: v.optional(id),
      is_topic_message: v.optional(v.boolean()),
    }),
  ),
  data: v.optional(v.pipe(v.string(), v.maxLength(256))),
})

const membership = v.object({
  chat,
  from: user,
  old_chat_member: v.object({ status: words }),
  new_chat_member: v.object({ status: words }),
})

export const update = v.object({
  update_id: id,
  message: v.optional(message),
  callback_query: v.optional(callback),
  my_chat_member: v.optional(membership),
})

export type User = v.InferOutput<typeof user>
export type Chat = v.InferOutput<typeof chat>
export type Entity = v.InferOutput<typeof entity>
export type Message = v.InferOutput<typeof message>
export type CallbackQuery = v.InferOutput<typeof callback>
export type Membership = v.InferOutput<typeof membership>
export type Update = v.InferOutput<typeof update>

/** Who we are on Telegram, from `getMe`. */
export const bot = v.object({
  id,
  username: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  can_read_all_group_messages: v.optional(v.boolean()),
})
export type Bot = v.InferOutput<typeof bot>

export const webhookInfo = v.object({ url: v.string(), pending_update_count: v.optional(id) })
export const fileInfo = v.object({ file_path: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)) })
/** A send answers with one message, an album with several. */
export const sent = v.union([v.object({ message_id: id }), v.array(v.object({ message_id: id }))])
