import * as v from 'valibot'
import { bounded, lenient } from '../kit/fields.ts'

// What is not needed may have any shape: ids are left out by scope.
const words = bounded(1024)
/** Ids go into paths and logs. Where one is absent it may also be an empty text. */
const id = v.pipe(v.string(), v.regex(/^[!-~]{1,128}$/))
const digits = v.pipe(v.string(), v.regex(/^\d{1,17}$/))
const unread = v.record(v.string(), v.unknown())

export const urlCheck = v.object({ type: v.literal('url_verification'), challenge: words, token: words })

/** Events of the second form, and presses of the new one. */
export const envelope = v.object({
  schema: v.literal('2.0'),
  header: v.object({
    event_id: lenient(id),
    token: lenient(words),
    create_time: lenient(digits),
    event_type: words,
    tenant_key: lenient(id),
    app_id: lenient(id),
  }),
  event: unread,
})

/** Events of the first form: no schema, the token outside. `ts` is seconds with a fraction. */
export const oldEnvelope = v.object({
  type: v.literal('event_callback'),
  uuid: lenient(id),
  ts: lenient(v.pipe(v.string(), v.regex(/^\d{1,11}(\.\d{1,9})?$/))),
  token: lenient(words),
  event: v.looseObject({ type: words, app_id: lenient(id), tenant_key: lenient(id) }),
})

const person = v.object({ open_id: lenient(id), union_id: lenient(id), user_id: lenient(id) })
export type PersonIds = v.InferOutput<typeof person>

const mention = v.object({
  key: v.pipe(v.string(), v.regex(/^@_user_\d{1,4}$/)),
  id: v.fallback(person, {}),
  name: v.fallback(bounded(200), ''),
})
export type Mention = v.InferOutput<typeof mention>

/** im.message.receive_v1. `create_time` in ms; `content` is JSON in a text. */
export const message = v.object({
  sender: v.object({ sender_id: person, sender_type: lenient(words) }),
  message: v.object({
    message_id: id,
    root_id: lenient(id),
    parent_id: lenient(id),
    thread_id: lenient(id),
    create_time: lenient(digits),
    chat_id: id,
    chat_type: words,
    message_type: words,
    content: lenient(bounded(512 * 1024)),
    mentions: v.fallback(v.array(v.fallback(v.nullable(mention), null)), []),
  }),
})
export type Message = v.InferOutput<typeof message>

/** A message event of the first form. */
export const oldMessage = v.object({
  open_id: id,
  union_id: lenient(id),
  employee_id: lenient(id),
  open_chat_id: id,
  chat_type: words,
  msg_type: words,
  open_message_id: id,
  root_id: lenient(id),
  parent_id: lenient(id),
  is_mention: lenient(v.boolean()),
  text: lenient(bounded(64 * 1024)),
  text_without_at_bot: lenient(bounded(64 * 1024)),
})
export type OldMessage = v.InferOutput<typeof oldMessage>

/** card.action.trigger. `token` is for updating the card, and proves nothing. */
export const press = v.object({
  operator: person,
  token: lenient(words),
  action: v.object({ value: v.unknown() }),
  context: v.object({ open_message_id: id, open_chat_id: lenient(id) }),
})

/** A press of the old form: flat, and signed with the verification token. */
export const oldPress = v.object({
  open_id: id,
  user_id: lenient(id),
  tenant_key: lenient(id),
  open_message_id: id,
  open_chat_id: lenient(id),
  token: words,
  action: v.object({ value: v.unknown() }),
})

/** What a button of ours carries: the opaque id, and where it hangs. */
export const buttonValue = v.object({
  k: bounded(256),
  at: lenient(v.object({ chat: id, kind: v.picklist(['dm', 'group']), thread: lenient(id) })),
})
export type ButtonPlace = NonNullable<v.InferOutput<typeof buttonValue>['at']>

export const botAdded = v.object({ chat_id: id, operator_id: person })
export const inChat = v.object({ chat_id: lenient(id), message_id: lenient(id) })

const file = {
  image: v.object({ image_key: id }),
  file: v.object({ file_key: id, file_name: lenient(bounded(1024)) }),
}
export const imageContent = file.image
export const fileContent = file.file
export const textContent = v.object({ text: v.string() })
const tag = v.looseObject({ tag: words })
export const postContent = v.object({
  title: v.fallback(v.string(), ''),
  content: v.array(v.array(v.fallback(v.nullable(tag), null))),
})
export type PostTag = v.InferOutput<typeof tag>

export const failure = v.object({ code: v.number(), msg: lenient(v.string()) })
export const tenantToken = v.object({ tenant_access_token: v.pipe(v.string(), v.minLength(1)), expire: v.number() })
export const appToken = v.object({ app_access_token: v.pipe(v.string(), v.minLength(1)), expire: v.number() })
export const appTicket = v.object({ app_ticket: v.pipe(v.string(), v.regex(/^[!-~]{1,1000}$/)) })
export const botInfo = v.object({
  bot: v.object({ open_id: id, app_name: lenient(words), activate_status: lenient(v.number()) }),
})
export const sent = v.object({ data: v.object({ message_id: id }) })
export const uploadedImage = v.object({ data: v.object({ image_key: id }) })
export const uploadedFile = v.object({ data: v.object({ file_key: id }) })

const seconds = lenient(v.pipe(v.number(), v.minValue(0), v.maxValue(24 * 60 * 60)))
export const clientConfig = v.object({
  ReconnectInterval: seconds,
  ReconnectNonce: seconds,
  PingInterval: seconds,
})
export type ClientConfig = v.InferOutput<typeof clientConfig>
export const endpoint = v.object({
  data: v.object({ URL: v.pipe(v.string(), v.maxLength(4096)), ClientConfig: v.fallback(clientConfig, {}) }),
})
