import * as v from 'valibot'
import { bounded, lenient, whole } from '../kit/fields.ts'

// What is not needed may have any shape: Meta leaves fields out, too (usernames, 2026).
const words = bounded(1024)
const id = v.pipe(v.string(), v.regex(/^[!-~]{1,256}$/))
/** Meta writes times as text and codes as numbers. */
const integer = whole(11)

const number = /^\d{3,20}$/
const userId = /^[A-Z]{2}\.[A-Za-z0-9.]{1,140}$/
/** A phone number in digits alone. */
export const isNumber = (text: string): boolean => number.test(text)
/** A business-scoped user id: `US.` and digits, `US.ENT.` and more for the parent's. */
export const isUserId = (text: string): boolean => userId.test(text)
const numberText = v.pipe(v.string(), v.regex(number))
const userIdText = v.pipe(v.string(), v.regex(userId))

/** Of each list the items stay unread: one that is broken takes no other with it. */
const items = v.nullish(v.array(v.unknown()), [])
export const envelope = v.object({ object: words, entry: items })
export const entry = v.object({ id: lenient(words), changes: items })
export const change = v.object({ field: words, value: v.record(v.string(), v.unknown()) })

export const value = v.object({
  metadata: v.object({ phone_number_id: id, display_phone_number: lenient(words) }),
  contacts: v.fallback(items, []),
  messages: items,
  statuses: items,
  errors: v.fallback(items, []),
})

export const contact = v.object({
  profile: lenient(v.object({ name: lenient(words) })),
  wa_id: lenient(numberText),
  user_id: lenient(userIdText),
})

const file = v.object({
  id,
  mime_type: lenient(bounded(200)),
  filename: lenient(words),
  caption: lenient(bounded(16_384)),
})
const pressed = v.object({ id: v.pipe(v.string(), v.minLength(1), v.maxLength(256)) })

export const message = v.object({
  id,
  from: lenient(numberText),
  from_user_id: lenient(userIdText),
  from_parent_user_id: lenient(userIdText),
  /** Seconds. */
  timestamp: v.pipe(integer, v.minValue(0), v.maxValue(99_999_999_999)),
  type: bounded(64),
  /** Not lenient: what is said in a group must never count as said to us alone. */
  group_id: v.pipe(
    v.nullish(id),
    v.transform((given) => given ?? undefined),
  ),
  context: lenient(v.object({ from: lenient(words), id: lenient(id) })),
  text: lenient(v.object({ body: bounded(65_536) })),
  image: lenient(file),
  video: lenient(file),
  audio: lenient(file),
  document: lenient(file),
  interactive: lenient(v.object({ type: bounded(64), button_reply: lenient(pressed), list_reply: lenient(pressed) })),
  button: lenient(v.object({ payload: v.pipe(v.string(), v.minLength(1), v.maxLength(256)) })),
  system: lenient(v.object({ type: lenient(bounded(64)) })),
  unsupported: lenient(v.object({ type: lenient(bounded(64)) })),
})

export const problem = v.object({
  code: integer,
  title: lenient(words),
  message: lenient(words),
  error_data: lenient(v.object({ details: lenient(bounded(2048)) })),
})

export const status = v.object({
  id,
  status: bounded(32),
  /** Of a message to a group: whom of its people this is about; the user id where the number is hidden. */
  recipient_participant_id: lenient(words),
  recipient_participant_user_id: lenient(words),
  biz_opaque_callback_data: lenient(v.pipe(v.string(), v.minLength(1), v.maxLength(512))),
  errors: v.fallback(items, []),
})

export type Contact = v.InferOutput<typeof contact>
export type Message = v.InferOutput<typeof message>
export type Status = v.InferOutput<typeof status>
export type Problem = v.InferOutput<typeof problem>
export type Value = v.InferOutput<typeof value>

/** The parts of answers of the Graph API that we read. */
export const sent = v.object({ messages: v.pipe(v.array(v.object({ id })), v.minLength(1)) })
export const uploaded = v.object({ id: v.pipe(v.string(), v.regex(/^[\w-]{1,128}$/)) })
export const mediaInfo = v.object({ url: bounded(4096) })
export const phone = v.object({
  display_phone_number: lenient(words),
  verified_name: lenient(words),
  quality_rating: lenient(words),
})
export const app = v.object({ id: v.pipe(v.string(), v.regex(/^\d{1,32}$/)) })
/** Where an app has its webhooks, one for each kind of object. */
export const subscriptions = v.object({
  data: v.array(
    v.object({
      object: words,
      callback_url: bounded(4096),
      active: lenient(v.boolean()),
      fields: v.fallback(v.array(v.object({ name: words })), []),
    }),
  ),
})
export const refusal = v.object({
  error: v.object({
    code: integer,
    message: lenient(v.string()),
    error_subcode: lenient(integer),
    is_transient: lenient(v.boolean()),
    error_data: lenient(v.object({ details: lenient(v.string()) })),
  }),
})
