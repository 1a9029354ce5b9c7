import { attachmentsOf, embedded, type Form, isEmpty, isObject, type Said, saidOf } from './discord-messages.ts'
import {
  ApiError,
  addPost,
  botJson,
  type Channel,
  channelJson,
  channelOf,
  directChannel,
  invalid,
  type Post,
  postJson,
  postOf,
  type World,
} from './discord-world.ts'
import type { Person } from './platform.ts'

export interface RouteCall {
  readonly world: World
  readonly path: readonly string[]
  readonly query: URLSearchParams
  readonly form: Form
}

export interface RouteReply {
  readonly status: number
  readonly body: unknown
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** Segments; `*` stands for one. */
  readonly path: readonly string[]
  /** Goes by a token in its path instead of the bot's. */
  readonly bare?: boolean
  readonly run: (call: RouteCall) => Promise<RouteReply> | RouteReply
}

export const ok = (body: unknown): RouteReply => ({ status: 200, body })
export const done: RouteReply = { status: 204, body: null }

const suppressEmbeds = 4
const suppressNotifications = 4096
const nonceLifeMs = 3 * 60_000

/** Whether the bot may write there. */
const writable = (world: World, channel: Channel): void => {
  if (channel.refuse) throw channel.refuse
  if (channel.recipient && world.closed.has(channel.recipient.id))
    throw new ApiError(403, 50007, 'Cannot send messages to this user')
  if (channel.type === 15) throw new ApiError(400, 40058, 'Cannot message this channel until it is created as a thread')
  if (channel.locked) throw new ApiError(400, 160005, 'The thread is locked')
}

export const fill = (post: Post, said: Said): Post => {
  post.content = said.content
  Object.assign(post, embedded(said.embeds, post.attachments))
  post.rows = said.rows
  post.flags = said.flags & ~64
  return post
}

const send: Route['run'] = async ({ world, path: [, id = ''], form }) => {
  const channel = channelOf(world, id)
  writable(world, channel)
  const { json } = form
  const said = saidOf(json, suppressEmbeds | suppressNotifications)
  const nonce = json.nonce === undefined ? null : String(json.nonce)
  if (nonce !== null && nonce.length > 25) throw invalid('nonce', 'BASE_TYPE_MAX_LENGTH', 'Must be 25 or fewer.')
  const known = nonce !== null && json.enforce_nonce === true ? world.nonces.get(`${channel.id} ${nonce}`) : undefined
  if (known) return ok(postJson(world, known))
  const attachments = await attachmentsOf(world, channel.id, form)
  if (isEmpty(said, attachments)) throw new ApiError(400, 50006, 'Cannot send an empty message')
  embedded(said.embeds, attachments)
  const post = fill(
    addPost(world, channel, { by: null, nonce, attachments, pings: said.pings, replyTo: quoted(world, channel, json) }),
    said,
  )
  if (nonce !== null) {
    world.nonces.set(`${channel.id} ${nonce}`, post)
    setTimeout(() => world.nonces.delete(`${channel.id} ${nonce}`), nonceLifeMs).unref()
  }
  return ok(postJson(world, post))
}

const quoted = (world: World, channel: Channel, { message_reference: reference }: Form['json']): string | null => {
  if (!isObject(reference)) return null
  const found = world.posts.find((post) => post.channel === channel && post.id === reference.message_id)
  if (found) return found.id
  if (reference.fail_if_not_exists === false) return null
  throw invalid('message_reference', 'REPLIES_UNKNOWN_MESSAGE', 'Unknown message')
}

/** An edit changes what it names. */
export const change = async (world: World, post: Post, form: Form): Promise<void> => {
  const { json } = form
  const said = saidOf(json, suppressEmbeds)
  const added = await attachmentsOf(world, post.channel.id, form)
  const listed = Array.isArray(json.attachments) ? json.attachments.filter(isObject).map(({ id }) => String(id)) : null
  const kept = post.attachments.filter(({ id }) => listed?.includes(id) ?? true)
  const attachments = [...kept, ...added]
  const shown = 'embeds' in json ? embedded(said.embeds, attachments) : null
  if ('content' in json) post.content = said.content
  if (shown) Object.assign(post, shown)
  if ('components' in json) post.rows = said.rows
  if ('flags' in json) post.flags = said.flags
  post.attachments = attachments
  if (isEmpty({ ...said, content: post.content, embeds: post.embeds }, post.attachments))
    throw new ApiError(400, 50006, 'Cannot send an empty message')
  post.edits++
}

const edit: Route['run'] = async ({ world, path: [, id = '', , message = ''], form }) => {
  const post = postOf(world, channelOf(world, id), message)
  if (post.by !== null) throw new ApiError(403, 50005, 'Cannot edit a message authored by another user')
  await change(world, post, form)
  return ok(postJson(world, post))
}

const deploy: Route['run'] = ({ world, form }) => {
  const list = form.json as unknown
  if (!Array.isArray(list)) throw invalid('commands', 'LIST_TYPE_CONVERT', 'Only iterables may be used here.')
  const commands = list.filter(isObject)
  if (commands.length > 100) throw new ApiError(400, 30032, 'Maximum number of application commands reached (100)')
  for (const command of commands) checkCommand(command)
  const names = commands.map(({ name }) => name)
  if (new Set(names).size !== names.length)
    throw invalid('name', 'APPLICATION_COMMANDS_DUPLICATE_NAME', 'Application command names must be unique')
  world.deployments++
  world.commands = commands.map((command, i) => ({
    type: 1,
    ...command,
    id: String(1_250_000_000_000_000_000n + BigInt(i + 1)),
    application_id: world.bot.id,
    version: '1',
    default_member_permissions: command.default_member_permissions ?? null,
  }))
  return ok(world.commands)
}

const commandName = /^[-_'\p{L}\p{N}]{1,32}$/u
const checkCommand = ({ name, description, options }: Readonly<Record<string, unknown>>): void => {
  const list = Array.isArray(options) ? options.filter(isObject) : []
  for (const one of [{ name, description }, ...list]) {
    const word = String(one.name)
    if (!commandName.test(word) || word !== word.toLowerCase())
      throw invalid('name', 'APPLICATION_COMMAND_INVALID_NAME', `Command name is invalid: ${word}`)
    const about = String(one.description ?? '')
    if (about.length < 1 || about.length > 100)
      throw invalid('description', 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 100 in length.')
  }
  if (list.length > 25) throw invalid('options', 'BASE_TYPE_MAX_LENGTH', 'Must be 25 or fewer in length.')
  if (new Set(list.map((option) => option.name)).size !== list.length)
    throw invalid('options', 'APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE', 'Option names must be unique')
  const optional = list.findIndex((option) => option.required !== true)
  if (optional >= 0 && list.slice(optional).some((option) => option.required === true))
    throw invalid('options', 'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID', 'Required options must come first')
}

const gatewayInfo = (url: string, remaining: number) => ({
  url,
  shards: 1,
  session_start_limit: { total: 1000, remaining, reset_after: 14_400_000, max_concurrency: 1 },
})

export const makeRoutes = (
  gateway: () => { readonly url: string; readonly remaining: number },
  people: Readonly<Record<string, Person>>,
): readonly Route[] => [
  { method: 'GET', path: ['gateway', 'bot'], run: () => ok(gatewayInfo(gateway().url, gateway().remaining)) },
  { method: 'GET', path: ['users', '@me'], run: ({ world }) => ok(botJson(world)) },
  {
    method: 'GET',
    path: ['applications', '@me'],
    run: ({ world }) => ok({ id: world.bot.id, name: world.bot.username, flags: world.applicationFlags }),
  },
  {
    method: 'POST',
    path: ['users', '@me', 'channels'],
    run: ({ world, form }) => {
      const person = Object.values(people).find(({ id }) => id === form.json.recipient_id)
      if (!person) throw invalid('recipient_id', 'USER_NOT_FOUND', 'Unknown user')
      return ok(channelJson(world, directChannel(world, person)))
    },
  },
  {
    method: 'GET',
    path: ['channels', '*'],
    run: ({ world, path: [, id = ''] }) => ok(channelJson(world, channelOf(world, id))),
  },
  {
    method: 'GET',
    path: ['guilds', '*'],
    run: ({ world: { guild }, path: [, id] }) => {
      if (id !== guild.id) throw new ApiError(404, 10004, 'Unknown Guild')
      return ok({ id, name: guild.name, premium_tier: guild.tier })
    },
  },
  { method: 'POST', path: ['channels', '*', 'messages'], run: send },
  {
    method: 'GET',
    path: ['channels', '*', 'messages', '*'],
    run: ({ world, path: [, id = '', , message = ''] }) => {
      return ok(postJson(world, postOf(world, channelOf(world, id), message)))
    },
  },
  { method: 'PATCH', path: ['channels', '*', 'messages', '*'], run: edit },
  {
    method: 'POST',
    path: ['channels', '*', 'typing'],
    run: ({ world, path: [, id = ''] }) => {
      world.signs.push(channelOf(world, id).id)
      return done
    },
  },
  { method: 'GET', path: ['applications', '*', 'commands'], run: ({ world }) => ok(world.commands) },
  { method: 'PUT', path: ['applications', '*', 'commands'], run: deploy },
]
