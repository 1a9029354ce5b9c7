import * as v from 'valibot'
import { lenient } from '../kit/fields.ts'
import type { Fields } from './xml.ts'

export const limits = {
  /** Bytes of UTF-8. No number is documented; more was refused with 45002. */
  text: 2_048,
  title: 64,
  buttons: 5,
  label: 40,
  imageBytes: 10 * 1024 * 1024,
  voiceBytes: 2 * 1024 * 1024,
  videoBytes: 10 * 1024 * 1024,
  thumbBytes: 64 * 1024,
  linkBytes: 100 * 1024 * 1024,
} as const

const id = v.pipe(v.string(), v.regex(/^[!-~]{1,128}$/))

const schema = v.object({
  /** Our account, `gh_…`. */
  ToUserName: id,
  /** Who writes: the OpenID, another one in each account. */
  FromUserName: id,
  CreateTime: v.pipe(v.string(), v.regex(/^\d{1,12}$/)),
  MsgType: v.pipe(v.string(), v.regex(/^\w{1,64}$/)),
  MsgId: lenient(v.pipe(v.string(), v.regex(/^\d{1,20}$/))),
  Content: lenient(v.string()),
  bizmsgmenuid: lenient(v.string()),
  MediaId: lenient(v.pipe(v.string(), v.regex(/^[!-~]{1,512}$/))),
  Recognition: lenient(v.string()),
  Event: lenient(v.pipe(v.string(), v.maxLength(128))),
  EventKey: lenient(v.pipe(v.string(), v.maxLength(1024))),
  Ticket: lenient(v.pipe(v.string(), v.maxLength(512))),
})

export type Message = v.InferOutput<typeof schema>

/** Null for a body that is well-formed but no message. */
export const readMessage = (fields: Fields): Message | null => {
  const read = v.safeParse(schema, fields)
  return read.success ? read.output : null
}

/** `rid` in the words identifies the call to Tencent's support. Success may come without a code. */
const answer = v.looseObject({
  errcode: v.optional(v.pipe(v.number(), v.integer()), 0),
  errmsg: v.optional(v.string(), ''),
})

export type ApiAnswer = v.InferOutput<typeof answer>

export const readAnswer = (text: string): ApiAnswer | null => {
  const read = v.safeParse(
    v.pipe(
      v.string(),
      v.parseJson(),
      v.check((body) => !Array.isArray(body)),
      answer,
    ),
    text,
  )
  return read.success ? read.output : null
}

const token = v.object({
  access_token: v.pipe(v.string(), v.regex(/^[!-~]{1,1024}$/)),
  expires_in: v.pipe(v.number(), v.minValue(1)),
})

export const readToken = (body: unknown): { readonly token: string; readonly lifeMs: number } | null => {
  const read = v.safeParse(token, body)
  return read.success ? { token: read.output.access_token, lifeMs: read.output.expires_in * 1000 } : null
}

// Of a thumbnail the id has a name of its own.
const mediaId = v.pipe(v.string(), v.regex(/^[!-~]{1,512}$/))
const uploaded = v.union([v.object({ media_id: mediaId }), v.object({ thumb_media_id: mediaId })])

export const readMediaId = (body: unknown): string | null => {
  const read = v.safeParse(uploaded, body)
  if (!read.success) return null
  return 'media_id' in read.output ? read.output.media_id : read.output.thumb_media_id
}
