import * as v from 'valibot'
import { bounded, lenient, whole } from '../kit/fields.ts'

const id = v.pipe(v.string(), v.regex(/^[A-Z][A-Z0-9]{1,63}$/))
const userId = v.pipe(v.string(), v.regex(/^[UW][A-Z0-9]{1,63}$/))
const channelId = v.pipe(v.string(), v.regex(/^[CDG][A-Z0-9]{1,63}$/))
const timestamp = v.pipe(v.string(), v.regex(/^\d{1,12}\.\d{1,9}$/))
/** Seconds, of an age or since the epoch. */
const seconds = whole(12)
const flag = v.pipe(
  v.union([v.boolean(), v.picklist(['true', 'false'])]),
  v.transform((value) => value === true || value === 'true'),
)

export const isUserId = (text: string): boolean => /^[UW][A-Z0-9]{1,63}$/.test(text)
export const isChannelId = (text: string): boolean => /^[CDG][A-Z0-9]{1,63}$/.test(text)

export const file = v.object({
  id,
  name: lenient(bounded(1024)),
  mimetype: lenient(bounded(200)),
  size: lenient(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  mode: lenient(bounded(64)),
})

/** The fields of all the events that we read; which are there depends on the type. */
export const event = v.object({
  type: bounded(64),
  subtype: lenient(bounded(64)),
  user: lenient(userId),
  bot_id: lenient(id),
  app_id: lenient(id),
  text: lenient(bounded(100_000)),
  ts: lenient(timestamp),
  event_ts: lenient(timestamp),
  thread_ts: lenient(timestamp),
  edited: lenient(v.object({})),
  channel: lenient(channelId),
  channel_type: lenient(bounded(32)),
  user_team: lenient(id),
  source_team: lenient(id),
  files: v.fallback(v.optional(v.pipe(v.array(v.unknown()), v.maxLength(100)), []), []),
  inviter: lenient(userId),
  tab: lenient(bounded(32)),
  tokens: lenient(v.object({ bot: lenient(v.array(bounded(64))) })),
})

export const envelope = v.object({
  type: v.literal('event_callback'),
  team_id: lenient(id),
  context_team_id: lenient(id),
  enterprise_id: lenient(v.nullable(id)),
  context_enterprise_id: lenient(v.nullable(id)),
  api_app_id: lenient(id),
  event_time: lenient(seconds),
  authorizations: v.fallback(
    v.optional(
      v.array(
        v.object({
          enterprise_id: lenient(v.nullable(id)),
          team_id: lenient(v.nullable(id)),
          user_id: lenient(id),
          is_bot: lenient(v.boolean()),
          is_enterprise_install: lenient(v.boolean()),
        }),
      ),
      [],
    ),
    [],
  ),
  event,
})

export const challenge = v.object({
  type: v.literal('url_verification'),
  challenge: v.pipe(v.string(), v.regex(/^[\w.~+/=-]{1,500}$/)),
})

export const rateLimited = v.object({
  type: v.literal('app_rate_limited'),
  team_id: id,
  minute_rate_limited: lenient(seconds),
})

export const slash = v.object({
  command: v.pipe(v.string(), v.regex(/^\/\S{1,100}$/)),
  text: v.optional(bounded(20_000), ''),
  team_id: lenient(id),
  enterprise_id: lenient(id),
  is_enterprise_install: lenient(flag),
  channel_id: channelId,
  user_id: userId,
  user_name: lenient(bounded(200)),
  response_url: lenient(bounded(2048)),
  trigger_id: v.pipe(v.string(), v.regex(/^[!-~]{1,200}$/)),
})

export const interaction = v.pipe(
  v.object({
    type: bounded(64),
    user: v.object({ id: userId, name: lenient(bounded(200)), team_id: lenient(id) }),
    team: lenient(v.nullable(v.object({ id }))),
    enterprise: lenient(v.nullable(v.object({ id }))),
    is_enterprise_install: lenient(flag),
    channel: lenient(v.object({ id: channelId })),
    container: lenient(
      v.object({
        channel_id: lenient(channelId),
        message_ts: lenient(timestamp),
        thread_ts: lenient(timestamp),
        is_ephemeral: lenient(v.boolean()),
      }),
    ),
    message: lenient(v.object({ ts: lenient(timestamp), thread_ts: lenient(timestamp) })),
    response_url: lenient(bounded(2048)),
    actions: v.fallback(
      v.optional(
        v.array(
          v.object({
            type: bounded(64),
            action_id: bounded(255),
            value: lenient(bounded(2000)),
            action_ts: timestamp,
          }),
        ),
        [],
      ),
      [],
    ),
  }),
  // Told twice, and not always in both places.
  v.transform(({ channel, container, message, ...rest }) => ({
    ...rest,
    channel: channel?.id ?? container?.channel_id,
    message: container?.message_ts ?? message?.ts,
    thread: container?.thread_ts ?? message?.thread_ts,
    isEphemeral: container?.is_ephemeral === true,
  })),
)

export type Envelope = v.InferOutput<typeof envelope>
export type SlackEvent = v.InferOutput<typeof event>
export type Slash = v.InferOutput<typeof slash>
export type Interaction = v.InferOutput<typeof interaction>

/** How an answer may reach the person alone, or at all: kept in the event's one-time token. */
export const answerWay = v.object({
  user: userId,
  /** A response_url: works wherever the command was typed. */
  url: v.optional(bounded(2048)),
  /** The thread has replies, so that something can be shown in it to one person. */
  threaded: v.optional(v.boolean()),
})
export type AnswerWay = v.InferOutput<typeof answerWay>

/** The parts of answers of the Web API that we read. */
export const posted = v.object({ ts: timestamp })
export const opened = v.object({ channel: v.object({ id: channelId }) })
export const uploadUrl = v.object({ upload_url: bounded(4096), file_id: id })
const share = v.record(v.string(), v.array(v.object({ ts: lenient(timestamp) })))
export const fileInfo = v.object({
  file: v.object({
    mimetype: lenient(bounded(200)),
    url_private: lenient(bounded(4096)),
    url_private_download: lenient(bounded(4096)),
    shares: lenient(v.object({ public: lenient(share), private: lenient(share) })),
  }),
})
export const messages = v.object({
  messages: v.array(
    v.object({
      ts: lenient(timestamp),
      metadata: lenient(v.object({ event_payload: lenient(v.object({ key: lenient(bounded(200)) })) })),
    }),
  ),
})
export const whoami = v.object({
  team_id: id,
  team: lenient(bounded(200)),
  user_id: id,
  bot_id: lenient(id),
  enterprise_id: lenient(id),
  /** The SDK puts the header `x-oauth-scopes` there. */
  response_metadata: lenient(v.object({ scopes: lenient(v.array(bounded(100))) })),
})
export const socketUrl = v.object({ url: bounded(4096) })

const token = v.pipe(v.string(), v.regex(/^[!-~]{1,1000}$/))
export const granted = v.object({
  app_id: lenient(id),
  access_token: token,
  refresh_token: lenient(token),
  expires_in: lenient(v.pipe(seconds, v.minValue(1))),
  scope: lenient(bounded(2000)),
  bot_user_id: lenient(id),
  team: lenient(v.nullable(v.object({ id, name: lenient(bounded(200)) }))),
  enterprise: lenient(v.nullable(v.object({ id, name: lenient(bounded(200)) }))),
  is_enterprise_install: lenient(v.boolean()),
})
export type Granted = v.InferOutput<typeof granted>

/** Frames of Socket Mode. */
export const frame = v.object({
  type: bounded(64),
  envelope_id: lenient(bounded(200)),
  payload: v.optional(v.unknown()),
  reason: lenient(bounded(64)),
})
