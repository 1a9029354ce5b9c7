import * as v from 'valibot'
import { lenient } from '../kit/fields.ts'

/** Limits of a SkillResponse (JSON format per response type). Units of text are not stated: UTF-16 is the safe count. */
export const limits = {
  text: 1000,
  altText: 50,
  label: 14,
  outputs: 3,
  quickReplies: 10,
  /** The whole body; a larger one is not shown at all. */
  bodyBytes: 30_720,
} as const

// Kakao adds fields at will and sends null, "null" or nothing for most (group chatbot guide, SkillRequest): whatever
// is not needed may have any shape.

// botUserKey has up to 70 characters; test and legacy requests carry short numbers as text.
const personId = v.pipe(v.string(), v.regex(/^[!-~]{1,128}$/))

const schema = v.object({
  userRequest: v.object({
    user: v.object({
      id: personId,
      properties: lenient(
        v.object({
          botUserKey: lenient(personId),
          plusfriendUserKey: lenient(personId),
          bot_user_key: lenient(personId),
          plusfriend_user_key: lenient(personId),
        }),
      ),
    }),
    utterance: v.nullable(v.string()),
    callbackUrl: lenient(v.string()),
    /** Present in group chats only. */
    chat: v.optional(v.unknown()),
    params: lenient(v.object({ media: lenient(v.object({ type: v.string(), url: v.string() })) })),
  }),
  action: lenient(
    v.object({
      params: lenient(v.record(v.string(), v.unknown())),
      /** `extra` of the pressed button; the value we put there is an opaque token. */
      clientExtra: lenient(v.object({ token: lenient(v.pipe(v.string(), v.regex(/^[\w.:-]{1,200}$/))) })),
    }),
  ),
  flow: lenient(v.object({ trigger: lenient(v.object({ type: v.string() })) })),
})

/** The part of a skill request we read; everything but the user and the utterance may be missing. */
export type SkillPayload = v.InferOutput<typeof schema>

/** The payload, or the path of the first field that makes it unusable. */
export const readPayload = (
  body: unknown,
): { readonly kind: 'payload'; readonly payload: SkillPayload } | { readonly kind: 'broken'; readonly at: string } => {
  const read = v.safeParse(schema, body, { abortEarly: true })
  if (read.success) return { kind: 'payload', payload: read.output }
  return { kind: 'broken', at: v.getDotPath(read.issues[0]) ?? 'body' }
}

export type Output =
  | { readonly simpleText: { readonly text: string } }
  | { readonly simpleImage: { readonly imageUrl: string; readonly altText: string } }

export interface QuickReply {
  readonly label: string
  readonly action: 'message'
  readonly messageText: string
}

/** SkillResponse 2.0: an answer, or the promise that the answer will be posted to the callback address. */
export type SkillResponse =
  | {
      readonly version: '2.0'
      readonly template: { readonly outputs: readonly Output[]; readonly quickReplies?: readonly QuickReply[] }
    }
  | { readonly version: '2.0'; readonly useCallback: true; readonly data: { readonly text: string } }
