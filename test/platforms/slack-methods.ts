import type { Team } from './slack-hooks.ts'
import { readMessage } from './slack-rules.ts'
import type { Channel, Grant, Message, StoredFile, World } from './slack-world.ts'

export type Fields = Readonly<Record<string, unknown>>
export type Answer = Readonly<Record<string, unknown>> & { readonly ok: boolean }

export interface MethodDeps {
  readonly world: World
  readonly origin: () => string
  /** A one-time address for a Socket Mode connection. */
  readonly openSocket: () => string
  readonly oauth: (fields: Fields) => Answer
}

type Method = (fields: Fields, grant: Grant, deps: MethodDeps) => Answer
interface Row {
  readonly scope: string | null
  readonly token: 'bot' | 'app' | 'none'
  readonly run: Method
}

export const no = (error: string, more: object = {}): Answer => ({ ok: false, error, ...more })
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The channel of a call, if our bot may write there. */
const writable = (fields: Fields, grant: Grant, { world }: MethodDeps): Channel | string => {
  const id = text(fields.channel ?? fields.channel_id)
  // Posts alone take a person's id for the chat with them.
  const channel = world.channels.get(id) ?? (fields.ts === undefined ? world.directChat(grant.team, id) : null)
  if (!channel || channel.team.id !== grant.team.id) return 'channel_not_found'
  if (!channel.joined) return 'not_in_channel'
  return channel.archived ? 'is_archived' : channel
}

const threadOf = (fields: Fields, channel: Channel, { world }: MethodDeps): string | undefined | null => {
  const thread = text(fields.thread_ts)
  if (thread === '') return undefined
  const root = world.messages.find((one) => one.channel === channel.id && one.ts === thread)
  return root && root.onlyFor === undefined ? thread : null
}

const wireOf = (message: Message): object => ({
  user: message.team.botUser,
  type: 'message',
  ts: message.ts,
  bot_id: message.team.botId,
  text: message.text,
  ...(message.thread === undefined ? {} : { thread_ts: message.thread }),
  ...(message.metadata === undefined ? {} : { metadata: message.metadata }),
})

const put = (
  world: World,
  team: Team,
  channel: string,
  thread: string | undefined,
  more: Partial<Message>,
): Message => {
  const message: Message = {
    ts: world.nextTs(),
    team,
    channel,
    thread,
    text: '',
    buttons: [],
    files: [],
    ours: true,
    onlyFor: undefined,
    metadata: undefined,
    edits: 0,
    ...more,
  }
  world.messages.push(message)
  return message
}

const postMessage: Method = (fields, grant, deps) => {
  const channel = writable(fields, grant, deps)
  if (typeof channel === 'string') return no(channel)
  const thread = threadOf(fields, channel, deps)
  if (thread === null) return no('thread_not_found')
  const read = readMessage(fields, null)
  if (!read.ok) return no(read.error)
  const message = put(deps.world, grant.team, channel.id, thread, {
    text: read.text,
    buttons: read.buttons,
    metadata: fields.metadata,
  })
  return { ok: true, channel: channel.id, ts: message.ts, message: wireOf(message) }
}

const postEphemeral: Method = (fields, grant, deps) => {
  const channel = writable(fields, grant, deps)
  if (typeof channel === 'string') return no(channel)
  const user = text(fields.user)
  if (!/^[UW]/.test(user)) return no('user_not_in_channel')
  const thread = threadOf(fields, channel, deps)
  if (thread === null) return no('cannot_reply_to_message')
  // Without a reply in it there is no thread where it could be shown (chat.postEphemeral, `thread_ts`).
  const active = deps.world.messages.some((one) => one.thread === thread)
  const read = readMessage(fields, 40_000)
  if (!read.ok) return no(read.error)
  const shown = thread === undefined || active
  const found = { text: read.text, buttons: read.buttons, onlyFor: user }
  const ts = shown ? put(deps.world, grant.team, channel.id, thread, found).ts : deps.world.nextTs()
  return { ok: true, message_ts: ts }
}

const update: Method = (fields, grant, deps) => {
  const channel = writable(fields, grant, deps)
  if (typeof channel === 'string') return no(channel === 'is_archived' ? 'is_inactive' : channel)
  const message = deps.world.messages.find((one) => one.channel === channel.id && one.ts === text(fields.ts))
  if (!message || message.onlyFor !== undefined) return no('message_not_found')
  if (!message.ours) return no('cant_update_message')
  const read = readMessage({ mrkdwn: true, ...fields }, 4000)
  if (!read.ok) return no(read.error)
  message.text = read.text
  message.buttons = read.buttons
  message.edits += 1
  return { ok: true, channel: channel.id, ts: message.ts, text: read.text, message: wireOf(message) }
}

const open: Method = (fields, grant, { world }) => {
  const channel = world.directChat(grant.team, text(fields.users))
  return channel ? { ok: true, channel: { id: channel.id } } : no('user_not_found')
}

const history: Method = (fields, grant, deps) => {
  const channel = writable(fields, grant, deps)
  if (typeof channel === 'string') return no(channel)
  const thread = text(fields.ts)
  const oldest = Number(fields.oldest ?? 0)
  const found = deps.world.messages.filter(
    (one) =>
      one.channel === channel.id &&
      one.onlyFor === undefined &&
      // What a thread began with comes with its replies, always.
      (one.ts === thread || ((thread === '' || one.thread === thread) && Number(one.ts) > oldest)),
  )
  const withData = String(fields.include_all_metadata) === 'true'
  const messages = found.map((one) => wireOf(withData ? one : { ...one, metadata: undefined }))
  // Replies come from the oldest, everything else from the newest.
  return { ok: true, messages: (thread === '' ? messages.toReversed() : messages).slice(0, Number(fields.limit ?? 15)) }
}

const getUploadUrl: Method = (fields, grant, { world, origin }) => {
  const [name, length] = [text(fields.filename), Number(fields.length)]
  if (name === '' || !(length > 0)) return no('missing_argument')
  if (length > 1024 ** 3) return no('file_upload_size_restricted')
  const id = world.nextId('F')
  const file: StoredFile = {
    id,
    team: grant.team,
    name,
    length,
    mime: '',
    bytes: null,
    shared: null,
    title: name,
  }
  world.files.set(id, file)
  return { ok: true, upload_url: `${origin()}/upload/v1/${id}`, file_id: id }
}

const completeUpload: Method = (fields, grant, deps) => {
  const wanted = Array.isArray(fields.files) ? (fields.files as readonly Fields[]) : []
  const files = wanted.map((one) => deps.world.files.get(text(one.id)))
  if (files.length === 0 || files.some((file) => !file || file.bytes === null || file.shared))
    return no('file_not_found')
  const channel = writable(fields, grant, deps)
  if (typeof channel === 'string') return no(channel)
  const thread = threadOf(fields, channel, deps)
  if (thread === null) return no('channel_not_found')
  const hasWords = fields.initial_comment !== undefined || fields.blocks !== undefined
  const blocks = fields.initial_comment === undefined ? fields.blocks : undefined
  const read = hasWords ? readMessage({ text: fields.initial_comment, blocks }, null) : null
  if (read && (!read.ok || read.buttons.length > 0)) return no('invalid_blocks')
  const known = files as readonly StoredFile[]
  const message = put(deps.world, grant.team, channel.id, thread, { text: read?.ok ? read.text : '', files: known })
  for (const [nth, file] of known.entries()) {
    file.shared = { channel: channel.id, ts: message.ts }
    file.title = text(wanted[nth]?.title) || file.name
  }
  // Shared a little later: the answer does not say where yet.
  return { ok: true, files: known.map(({ id, title }) => ({ id, title, shares: {} })) }
}

const fileInfo: Method = (fields, grant, { world, origin }) => {
  const file = world.files.get(text(fields.file))
  if (!file || file.team.id !== grant.team.id) return no('file_not_found')
  const path = `/files-pri/${grant.team.id}-${file.id}/download/${encodeURIComponent(file.name)}`
  const shares = file.shared ? { public: { [file.shared.channel]: [{ ts: file.shared.ts }] } } : {}
  return {
    ok: true,
    file: {
      id: file.id,
      name: file.name,
      mimetype: file.mime,
      size: file.length,
      shares,
      url_private: origin() + path,
      url_private_download: origin() + path,
    },
  }
}

const authTest: Method = (_fields, { team }) => ({
  ok: true,
  url: 'https://example-ws.slack.com/',
  team: team.name,
  user: 'render_desk',
  team_id: team.id,
  user_id: team.botUser,
  bot_id: team.botId,
  ...(team.enterprise === null ? {} : { enterprise_id: team.enterprise }),
  is_enterprise_install: team.enterprise !== null,
})

/** What our fake knows. Everything else is an `unknown_method`. */
export const methods: Readonly<Record<string, Row>> = {
  'auth.test': { scope: null, token: 'bot', run: authTest },
  'chat.postMessage': { scope: 'chat:write', token: 'bot', run: postMessage },
  'chat.postEphemeral': { scope: 'chat:write', token: 'bot', run: postEphemeral },
  'chat.update': { scope: 'chat:write', token: 'bot', run: update },
  'conversations.open': { scope: 'im:write', token: 'bot', run: open },
  'conversations.history': { scope: 'channels:history', token: 'bot', run: history },
  'conversations.replies': { scope: 'channels:history', token: 'bot', run: history },
  'files.getUploadURLExternal': { scope: 'files:write', token: 'bot', run: getUploadUrl },
  'files.completeUploadExternal': { scope: 'files:write', token: 'bot', run: completeUpload },
  'files.info': { scope: 'files:read', token: 'bot', run: fileInfo },
  'views.publish': {
    scope: null,
    token: 'bot',
    run: (fields) => (text(fields.user_id) === '' ? no('user_not_found') : { ok: true, view: fields.view }),
  },
  'apps.connections.open': {
    scope: 'connections:write',
    token: 'app',
    run: (_fields, _grant, deps) => ({ ok: true, url: deps.openSocket() }),
  },
  'oauth.v2.access': { scope: null, token: 'none', run: (fields, _grant, deps) => deps.oauth(fields) },
}

/** The message a response_url makes, at most five in half an hour. */
export const respond = (world: World, key: string, fields: Fields): { status: number; body: string } => {
  const found = world.responses.get(key)
  if (!found) return { status: 404, body: 'no_service' }
  if (world.now() > found.until) return { status: 404, body: 'expired_url' }
  if (found.uses >= 5) return { status: 404, body: 'used_url' }
  const read = readMessage(fields, 40_000)
  if (!read.ok) return { status: 400, body: read.error }
  found.uses += 1
  const onlyFor = fields.response_type === 'in_channel' ? undefined : found.user
  // Into the channel, wherever it was pressed, unless it is told the thread.
  put(world, found.team, found.channel, text(fields.thread_ts) || undefined, {
    text: read.text,
    buttons: read.buttons,
    onlyFor,
  })
  return { status: 200, body: 'ok' }
}
