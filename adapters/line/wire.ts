import * as v from 'valibot'
import { lenient } from '../kit/fields.ts'

/** The few fields we read of webhooks and answers. LINE adds properties, types and values unannounced (development
 *  guidelines); what is absent is left out, never null. */
const words = (max: number) => v.pipe(v.string(), v.maxLength(max))
const id = v.pipe(v.string(), v.regex(/^[!-~]{1,512}$/))
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

const conversation = (letter: string) => v.pipe(v.string(), v.regex(new RegExp(`^${letter}[0-9a-f]{32}$`)))
const userId = lenient(conversation('U'))

const source = v.variant('type', [
  v.object({ type: v.literal('user'), userId: conversation('U') }),
  v.object({ type: v.literal('group'), groupId: conversation('C'), userId }),
  v.object({ type: v.literal('room'), roomId: conversation('R'), userId }),
])

const mentionee = v.object({ index: count, length: count, isSelf: lenient(v.boolean()) })

const message = v.object({
  /** Digits beyond 2^53. */
  id: v.pipe(v.string(), v.regex(/^\d{1,32}$/)),
  type: words(64),
  /** At most 5000 for a person, perhaps more with emoji placeholders. */
  text: lenient(words(20_000)),
  quoteToken: lenient(id),
  quotedMessageId: lenient(v.pipe(v.string(), v.regex(/^\d{1,32}$/))),
  mention: lenient(v.object({ mentionees: v.pipe(v.array(mentionee), v.maxLength(100)) })),
  contentProvider: lenient(v.object({ type: words(64) })),
  /** Of pictures sent together; older apps leave the index out. */
  imageSet: lenient(v.object({ id: words(512), index: count })),
  fileName: lenient(words(1000)),
  fileSize: lenient(count),
})

const postback = v.object({ data: words(300), params: lenient(v.record(v.string(), v.unknown())) })

const unsend = v.object({ messageId: message.entries.id })

const event = v.object({
  type: words(64),
  mode: words(32),
  timestamp: count,
  webhookEventId: v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/)),
  /** Some partner events have none. */
  source: v.optional(source),
  replyToken: lenient(id),
  message: v.optional(message),
  postback: v.optional(postback),
  unsend: lenient(unsend),
})

/** The envelope alone: each event is judged on its own, so that a strange one takes no other down. */
export const webhook = v.object({ destination: id, events: v.array(v.unknown()) })

export type LineEvent = v.InferOutput<typeof event>
export type Message = v.InferOutput<typeof message>
export type Source = v.InferOutput<typeof source>

/** The event, or the path of the first field that makes it unreadable. */
export const readEvent = (
  raw: unknown,
): { readonly kind: 'event'; readonly event: LineEvent } | { readonly kind: 'broken'; readonly at: string } => {
  const read = v.safeParse(event, raw, { abortEarly: true })
  if (read.success) return { kind: 'event', event: read.output }
  return { kind: 'broken', at: v.getDotPath(read.issues[0]) ?? 'event' }
}

/** Answer to a send, also inside a 409. Ids are documented as numbers and shown as strings. */
export const sent = v.object({
  sentMessages: v.pipe(v.array(v.object({ id: v.union([id, count]) })), v.minLength(1)),
})

export const failure = v.object({
  message: v.fallback(words(500), ''),
  details: v.fallback(
    v.pipe(
      v.array(v.object({ message: v.fallback(words(300), ''), property: v.fallback(words(300), '') })),
      v.maxLength(50),
    ),
    [],
  ),
})
export type Failure = v.InferOutput<typeof failure>

export const botInfo = v.object({
  userId: conversation('U'),
  basicId: words(100),
  displayName: words(200),
  chatMode: lenient(words(32)),
})
export const endpoint = v.object({ endpoint: words(500), active: v.boolean() })
export const endpointTest = v.object({
  success: v.boolean(),
  statusCode: lenient(v.number()),
  reason: v.fallback(words(200), ''),
  detail: v.fallback(words(500), ''),
})
export const quotaLimit = v.object({ type: words(32), value: lenient(count) })
export const quotaUsed = v.object({ totalUsage: count })

export interface QuickReply {
  readonly items: readonly {
    readonly type: 'action'
    readonly action: {
      readonly type: 'postback'
      readonly label: string
      readonly data: string
      readonly displayText: string
    }
  }[]
}

/** A message object. The quick reply of the last one of a call is shown. */
export type LineMessage = (
  | { readonly type: 'text'; readonly text: string; readonly quoteToken?: string }
  | { readonly type: 'image' | 'video'; readonly originalContentUrl: string; readonly previewImageUrl: string }
  | { readonly type: 'audio'; readonly originalContentUrl: string; readonly duration: number }
) & { readonly quickReply?: QuickReply }
