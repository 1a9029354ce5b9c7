import type { MediaKind } from '../../src/contract/index.ts'
import type { Person } from './platform.ts'

/** A refusal in the API's form: status, JSON error code, words, the tree of form errors, further headers. */
export class ApiError extends Error {
  readonly status: number
  readonly code: number
  readonly errors: object | null
  readonly headers: Readonly<Record<string, string>>
  readonly body: object

  constructor(
    status: number,
    code: number,
    message: string,
    more: { errors?: object; headers?: Record<string, string>; body?: object } = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.errors = more.errors ?? null
    this.headers = more.headers ?? {}
    this.body = more.body ?? {}
  }
}

export const invalid = (field: string, code: string, message: string): ApiError =>
  new ApiError(400, 50035, 'Invalid Form Body', { errors: { [field]: { _errors: [{ code, message }] } } })

export interface Channel {
  readonly id: string
  /** 0 text, 1 direct, 11 public thread, 15 forum. */
  readonly type: 0 | 1 | 11 | 15
  readonly name: string
  readonly guild: string | null
  readonly parent: string | null
  /** Whose direct channel it is. */
  readonly recipient: Person | null
  locked: boolean
  /** What a send to it is refused with. */
  refuse: ApiError | null
}

export interface Attachment {
  readonly id: string
  readonly filename: string
  readonly size: number
  readonly content_type: string
  readonly url: string
  readonly kind: MediaKind
  /** What is read to those who do not see it. */
  readonly description?: string
}

export interface ButtonJson {
  readonly type: 2
  readonly style: number
  readonly label: string
  readonly custom_id: string
}

export interface EmbedJson {
  readonly title?: string
  readonly description?: string
  readonly url?: string
  readonly image?: {
    readonly url: string
    readonly proxy_url?: string
    readonly width?: number
    readonly height?: number
  }
}

export interface Post {
  readonly id: string
  readonly channel: Channel
  /** Null: the bot. */
  readonly by: Person | null
  readonly replyTo: string | null
  readonly nonce: string | null
  /** Only this person sees it. */
  readonly onlyFor: string | null
  /** "Thinking…": deferred, nothing said yet. */
  loading: boolean
  content: string
  embeds: readonly EmbedJson[]
  attachments: readonly Attachment[]
  /** Ids of attachments that stand inside its embeds, and so are not listed beside them. */
  inside: readonly string[]
  rows: readonly { readonly type: 1; readonly components: readonly ButtonJson[] }[]
  flags: number
  edits: number
  /** Who was pinged by it. */
  pings: readonly string[]
}

export interface Interaction {
  readonly id: string
  readonly token: string
  /** 2 command, 3 component, 4 autocomplete. */
  readonly type: 2 | 3 | 4
  readonly by: Person
  readonly channel: Channel
  /** The message whose component was used. */
  readonly on: Post | null
  readonly askedMs: number
  state: 'pending' | 'deferred' | 'answered'
  original: Post | null
  /** What autocompletion offered. */
  readonly choices: PromiseWithResolvers<readonly { readonly name: string; readonly value: string }[]>
  /** Types of the callbacks that were accepted. */
  readonly callbacks: number[]
}

export interface World {
  readonly bot: { readonly id: string; readonly username: string }
  readonly guild: { readonly id: string; readonly name: string; readonly botRole: string; tier: number }
  readonly channels: Map<string, Channel>
  readonly posts: Post[]
  readonly interactions: Map<string, Interaction>
  readonly files: Map<string, Uint8Array>
  readonly signs: string[]
  readonly nonces: Map<string, Post>
  commands: readonly Readonly<Record<string, unknown>>[]
  /** How often the commands were written. */
  deployments: number
  /** Bits of the application's flags (gateway intents it may use). */
  applicationFlags: number
  /** Ids of people who take no direct messages from the bot. */
  readonly closed: Set<string>
  /** Callbacks of interactions are answered without a body, whatever was asked for. */
  terse: boolean
  /** Where files can be fetched. */
  cdn: string
  readonly limits: {
    ackMs: number
    tokenMs: number
    /** Sends to one channel: so many in a window. */
    perChannel: { count: number; windowMs: number }
    perSecond: number
    fileBytes: number
    requestBytes: number
  }
}

let counter = 0n
const epoch = 1_420_070_400_000n
/** A snowflake of this moment; ever new. */
export const snowflake = (atMs = Date.now()): string => {
  counter = (counter + 1n) % 4_194_303n
  return String(((BigInt(atMs) - epoch) << 22n) + counter)
}

export const makeWorld = (bot: World['bot']): World => ({
  bot,
  guild: { id: '1200000000000000100', name: 'Render Guild', botRole: '1200000000000000901', tier: 0 },
  channels: new Map(),
  posts: [],
  interactions: new Map(),
  files: new Map(),
  signs: [],
  nonces: new Map(),
  commands: [],
  deployments: 0,
  applicationFlags: 1 << 19,
  closed: new Set(),
  terse: false,
  cdn: '',
  limits: {
    ackMs: 3000,
    tokenMs: 15 * 60_000,
    perChannel: { count: 50, windowMs: 5000 },
    perSecond: 50,
    fileBytes: 10 * 1024 * 1024,
    requestBytes: 25 * 1024 * 1024,
  },
})

export const openChannel = (
  world: World,
  more: Partial<Channel> & { readonly id: string; readonly type: Channel['type'] },
) => {
  const made: Channel = {
    name: 'renders',
    guild: more.type === 1 ? null : world.guild.id,
    parent: null,
    recipient: null,
    locked: false,
    refuse: null,
    ...more,
  }
  world.channels.set(made.id, made)
  return made
}

/** The direct channel of a person, opened when it is not there. */
export const directChannel = (world: World, person: Person): Channel =>
  [...world.channels.values()].find(({ recipient }) => recipient?.id === person.id) ??
  openChannel(world, { id: snowflake(), type: 1, recipient: person, name: '' })

export const channelOf = (world: World, id: string): Channel => {
  const found = world.channels.get(id)
  if (!found) throw new ApiError(404, 10003, 'Unknown Channel')
  return found
}

export const postOf = (world: World, channel: Channel, id: string): Post => {
  const found = world.posts.find((post) => post.channel === channel && post.id === id && post.onlyFor === null)
  if (!found) throw new ApiError(404, 10008, 'Unknown Message')
  return found
}

export const addPost = (world: World, channel: Channel, more: Partial<Post> & { readonly by: Person | null }): Post => {
  const post: Post = {
    id: snowflake(),
    channel,
    replyTo: null,
    nonce: null,
    onlyFor: null,
    loading: false,
    content: '',
    embeds: [],
    attachments: [],
    inside: [],
    rows: [],
    flags: 0,
    edits: 0,
    pings: [],
    ...more,
  }
  world.posts.push(post)
  return post
}

export const userJson = (person: Person, bot: boolean): object => ({
  id: person.id,
  username: person.name.toLowerCase(),
  discriminator: '0',
  global_name: bot ? null : person.name,
  avatar: null,
  public_flags: 0,
  ...(bot ? { bot: true } : {}),
})

export const botJson = ({ bot }: World): object => userJson({ id: bot.id, name: bot.username }, true)

export const memberJson = (): object => ({
  roles: [],
  nick: null,
  joined_at: '2025-05-01T10:00:00.000000+00:00',
  premium_since: null,
  deaf: false,
  mute: false,
  pending: false,
  flags: 0,
  avatar: null,
  permissions: '2222085186636353',
})

export const channelJson = (world: World, channel: Channel): object => ({
  id: channel.id,
  type: channel.type,
  ...(channel.guild === null ? {} : { guild_id: channel.guild }),
  ...(channel.type === 1
    ? { recipients: channel.recipient ? [userJson(channel.recipient, false)] : [], last_message_id: null }
    : { name: channel.name, position: 1, permission_overwrites: [], parent_id: channel.parent, nsfw: false }),
  ...(channel.type === 11
    ? {
        owner_id: world.bot.id,
        message_count: 0,
        member_count: 1,
        thread_metadata: {
          archived: false,
          archive_timestamp: '2026-01-01T00:00:05.123000+00:00',
          auto_archive_duration: 1440,
          locked: channel.locked,
        },
      }
    : {}),
  flags: 0,
})

const timestampOf = (id: string): string => new Date(Number((BigInt(id) >> 22n) + epoch)).toISOString()

export const postJson = (world: World, post: Post, isBot = false): object => ({
  id: post.id,
  channel_id: post.channel.id,
  author: post.by ? userJson(post.by, isBot) : botJson(world),
  content: post.content,
  timestamp: timestampOf(post.id),
  edited_timestamp: post.edits > 0 ? new Date().toISOString() : null,
  tts: false,
  mention_everyone: false,
  mentions: [],
  mention_roles: [],
  attachments: post.attachments
    .filter(({ id }) => !post.inside.includes(id))
    .map(({ kind: _, ...file }) => ({ ...file, proxy_url: file.url })),
  embeds: post.embeds.map((embed) => ({ type: 'rich', ...embed })),
  components: post.rows,
  pinned: false,
  type: post.replyTo === null ? 0 : 19,
  flags: post.flags | (post.onlyFor === null ? 0 : 64) | (post.loading ? 128 : 0),
  channel_type: post.channel.type,
  ...(post.nonce === null ? {} : { nonce: post.nonce }),
  ...(post.replyTo === null
    ? {}
    : { message_reference: { type: 0, channel_id: post.channel.id, message_id: post.replyTo } }),
})
