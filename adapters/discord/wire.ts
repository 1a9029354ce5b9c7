import * as v from 'valibot'

/** The few fields we read of the API's objects (facts: API v10). Everything else is cut off. */
export const id = v.pipe(v.string(), v.regex(/^\d{1,20}$/))
const name = v.pipe(v.string(), v.maxLength(512))
/** A message has at most 4000 characters (with Nitro); a foreign server may claim more. */
const text = v.pipe(v.string(), v.maxLength(16_384))
const maybe = <T extends v.GenericSchema>(schema: T) => v.nullish(schema)
const list = <T extends v.GenericSchema>(schema: T, max: number) => v.pipe(v.array(schema), v.maxLength(max))

const user = v.object({
  id,
  username: v.fallback(name, ''),
  global_name: maybe(name),
  bot: v.nullish(v.boolean(), false),
  system: v.nullish(v.boolean(), false),
})

const attachment = v.object({
  id,
  filename: v.pipe(v.string(), v.maxLength(1024)),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  url: v.pipe(v.string(), v.maxLength(2048)),
  content_type: maybe(name),
})
const attachments = v.nullish(list(attachment, 50), [])

/** The picture of a card; its address is Discord's own where the file was uploaded with it. */
const embeds = v.fallback(
  list(v.object({ image: maybe(v.object({ url: v.pipe(v.string(), v.maxLength(2048)) })) }), 50),
  [],
)

const member = v.object({ nick: maybe(name) })

export const message = v.object({
  id,
  channel_id: id,
  guild_id: maybe(id),
  channel_type: maybe(v.number()),
  type: v.nullish(v.number(), 0),
  author: user,
  member: maybe(member),
  webhook_id: maybe(id),
  content: v.nullish(text, ''),
  attachments,
  mention_roles: v.nullish(list(id, 500), []),
  sticker_items: v.nullish(list(v.unknown(), 50), []),
  poll: maybe(v.unknown()),
  message_snapshots: v.nullish(list(v.unknown(), 50), []),
  message_reference: maybe(v.object({ message_id: maybe(id) })),
  // A message there that we can't read must not cost this one.
  referenced_message: v.fallback(maybe(v.object({ id, author: user, attachments, embeds })), undefined),
})

const option = v.object({
  name,
  type: v.number(),
  value: maybe(v.union([text, v.number(), v.boolean()])),
  focused: v.nullish(v.boolean(), false),
})

export const interaction = v.object({
  id,
  application_id: id,
  /** 2 command, 3 component, 4 autocomplete, 5 modal. */
  type: v.number(),
  token: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)),
  guild_id: maybe(id),
  channel_id: maybe(id),
  channel: maybe(v.object({ id, type: v.number(), parent_id: maybe(id) })),
  member: maybe(v.object({ nick: maybe(name), user })),
  user: maybe(user),
  message: maybe(v.object({ id })),
  data: maybe(
    v.object({
      type: maybe(v.number()),
      name: maybe(name),
      options: v.nullish(list(option, 30), []),
      custom_id: maybe(v.pipe(v.string(), v.maxLength(100))),
      component_type: maybe(v.number()),
      resolved: maybe(v.object({ attachments: v.nullish(v.record(v.string(), attachment), {}) })),
    }),
  ),
})

const thread = v.object({ id, parent_id: maybe(id) })
export const threadEvent = thread

export const guild = v.object({
  id,
  name: v.nullish(name, ''),
  unavailable: v.nullish(v.boolean(), false),
  premium_tier: v.fallback(maybe(v.number()), undefined),
  roles: v.fallback(list(v.object({ id, tags: maybe(v.object({ bot_id: maybe(id) })) }), 1000), []),
  threads: v.fallback(list(thread, 5000), []),
})
export const threadList = v.object({ threads: v.fallback(list(thread, 5000), []) })

export const ready = v.object({
  session_id: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
  resume_gateway_url: v.pipe(v.string(), v.maxLength(512)),
  user: v.object({ id, username: name }),
  application: v.fallback(maybe(v.object({ id })), undefined),
})

export const hello = v.object({ heartbeat_interval: v.pipe(v.number(), v.minValue(10), v.maxValue(600_000)) })

/** `s` and `t` belong to dispatches (op 0). */
export const frame = v.object({
  op: v.number(),
  d: maybe(v.unknown()),
  s: maybe(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  t: maybe(name),
})

export const gatewayInfo = v.object({
  url: v.pipe(v.string(), v.maxLength(512)),
  session_start_limit: v.object({
    total: v.number(),
    remaining: v.number(),
    reset_after: v.pipe(v.number(), v.minValue(0)),
  }),
})
export const self = v.object({ id, username: name })
export const application = v.object({ id, flags: v.nullish(v.number(), 0) })
export const channel = v.object({ id, type: v.number(), parent_id: maybe(id) })
export const sent = v.object({ id, flags: v.nullish(v.number(), 0) })
/** What stands where the first answer to an interaction does. */
export const original = v.object({
  ...sent.entries,
  content: v.nullish(v.string(), ''),
  embeds: v.nullish(v.array(v.object({ description: v.nullish(v.string(), '') })), []),
})
export const refreshed = v.object({ attachments, embeds })
export const called = v.object({ resource: maybe(v.object({ message: maybe(v.object({ id })) })) })

export type User = v.InferOutput<typeof user>
export type Attachment = v.InferOutput<typeof attachment>
export type WireMessage = v.InferOutput<typeof message>
export type WireInteraction = v.InferOutput<typeof interaction>
export type Frame = v.InferOutput<typeof frame>
