import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Failure, FakePlatform, Person, PersonsFile, Place, SayMore, Shown } from './platform.ts'
import { methods } from './telegram-methods.ts'
import { bodyOf, paramsOf } from './telegram-request.ts'
import { updateQueue } from './telegram-updates.ts'
import {
  addPost,
  BotError,
  chatJson,
  fileJson,
  keepFile,
  type Media,
  openRoom,
  type Posted,
  personJson,
  postJson,
  type World,
} from './telegram-world.ts'

/** What the tests of this adapter need beyond the common fake. */
export interface FakeTelegram extends FakePlatform {
  readonly token: string
  readonly world: World
  readonly updates: ReturnType<typeof updateQueue>
  /** Who presses which button; a button that is gone can still be pressed by an old client. */
  readonly press: (by: Person, message: string, label: string) => void
  /** The files of a message a person sends; returns its file id. */
  readonly keepFile: (path: string, bytes: Uint8Array) => string
  readonly revokeToken: () => void
}

const token = '7000000001:fake-Token_for-tests-AAAAAAAAAAAAAAAAAA'
const dm = 501_000_111
const group = -1_001_900_000_001
const forum = -1_001_900_000_002
const topic = 77

const people = {
  ann: { id: String(dm), name: 'Ann' },
  bob: { id: '501000222', name: 'Bob' },
  robot: { id: '501000333', name: 'Robot' },
}

/** A Bot API server on 127.0.0.1, written from the protocol facts. */
export async function startTelegram(): Promise<FakeTelegram> {
  const world: World = {
    bot: { id: 7_000_000_001, username: 'render_desk_bot', name: 'Render Desk' },
    rooms: new Map(),
    posts: [],
    queries: new Map(),
    commands: new Map(),
    files: new Map(),
    signs: [],
    webhook: '',
  }
  for (const person of Object.values(people)) openRoom(world, Number(person.id), 'private', person.name)
  openRoom(world, group, 'supergroup', 'Render Group')
  openRoom(world, forum, 'supergroup', 'Studio Forum', [topic])
  const updates = updateQueue(880_000_001)
  const calls: { method: string; at: number }[] = []
  let failure: Failure | null = null
  let revoked = false

  const server = createServer((request, response) => {
    void serve(request, response).catch((error: unknown) => {
      if (error instanceof BotError) refuse(response, error)
      else refuse(response, new BotError(500, `Internal Server Error: ${String(error)}`))
    })
  })

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://fake')
    const body = await bodyOf(request)
    const file = /^\/file\/bot([^/]+)\/(.+)$/.exec(url.pathname)
    if (file) return serveFile(file[1] ?? '', decodeURIComponent(file[2] ?? ''), response)
    const [, given = '', method = ''] = /^\/bot([^/]*)\/([^/]+)$/.exec(url.pathname) ?? []
    if (!url.pathname.startsWith('/bot')) throw new BotError(404, 'Not Found')
    if (!/^\d+:.+$/.test(given) || given.length > 80) throw new BotError(401, 'Unauthorized: invalid token specified')
    if (given !== token || revoked) throw new BotError(401, 'Unauthorized')
    calls.push({ method, at: Date.now() })
    const params = await paramsOf(request, url, body)
    const planned = /^send(?!ChatAction)/.test(method) ? failure : null
    if (planned) failure = null
    if (planned?.kind === 'hang') return
    if (planned && planned.kind !== 'answer_lost') throw refusals[planned.kind](planned)
    const own = methods[method]
    if (method === 'getUpdates') return answer(response, await poll(params, response))
    if (!own) throw new BotError(404, 'Not Found: method not found')
    const result = await own(params, world)
    if (planned?.kind === 'answer_lost') request.socket.destroy()
    else answer(response, result)
  }

  const poll = async (params: Awaited<ReturnType<typeof paramsOf>>, response: ServerResponse): Promise<unknown> => {
    if (world.webhook !== '')
      throw new BotError(
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
      )
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    return updates.poll({
      offset: params.integer('offset'),
      limit: Math.min(100, params.integer('limit') ?? 100),
      timeoutMs: Math.min(50, params.integer('timeout') ?? 0) * 1000,
      gone: gone.signal,
    })
  }

  const serveFile = (given: string, path: string, response: ServerResponse): void => {
    const found = [...world.files.values()].find((file) => file.path === path)
    if (given !== token || !found) throw new BotError(404, 'Not Found')
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(found.bytes)
  }

  const say = async (from: Person, place: Place, text: string, more: SayMore = {}): Promise<null> => {
    // A private chat is that of the person who writes.
    const where = world.rooms.get(Number(place.kind === 'dm' ? from.id : place.chat))
    if (!where) throw new Error(`no chat ${place.chat} on this platform`)
    const thread = place.thread === undefined ? null : Number(place.thread)
    const spoken = mention(text, place.kind === 'group' && (more.mention ?? true), world.bot.username)
    const replied = world.posts.find((post) => post.room === where && String(post.id) === more.replyTo)
    const media = more.file ? mediaOf(world, more.file) : null
    const posted = addPost(world, where, { by: from, thread, text: spoken.text, media, replyTo: replied?.id ?? null })
    const isBot = from.id === people.robot.id
    const atMs = more.at ?? Date.now()
    const message = {
      message_id: posted.id,
      from: more.fromUs
        ? personJson({ id: String(world.bot.id), name: world.bot.name }, true)
        : personJson(from, isBot),
      chat: chatJson(where),
      date: Math.floor(atMs / 1000),
      ...(media ? { ...captioned(spoken), ...fileJson(media) } : spoken),
      ...(thread === null ? {} : { message_thread_id: thread, is_topic_message: true, ...topicRoot(where.id, thread) }),
      ...(replied ? { reply_to_message: postJson(world, replied) } : {}),
    }
    updates.push({ message }, atMs)
    return null
  }

  const press = (by: Person, post: Posted, data: string): void => {
    const id = String(4_382_000_000_000_000_000n + BigInt(world.queries.size + 1))
    world.queries.set(id, { id, by, post, askedMs: Date.now(), answered: false })
    const message = postJson(world, post)
    updates.push({ callback_query: { id, from: personJson(by, false), message, chat_instance: '-88', data } })
  }

  const shown = (): readonly Shown[] =>
    world.posts
      .filter((post) => post.by === null)
      .map((post) => ({
        id: String(post.id),
        place: {
          chat: String(post.room.id),
          kind: post.room.type === 'private' ? 'dm' : 'group',
          ...(post.thread === null ? {} : { thread: String(post.thread) }),
        },
        text: post.text,
        media: post.media ? [post.media] : [],
        buttons: post.keys.flat().map((key) => ({
          label: key.text,
          press: async () => {
            const owner = Object.values(people).find((person) => Number(person.id) === post.room.id)
            press(owner ?? people.ann, post, key.callback_data)
          },
        })),
        ...(post.replyTo === null ? {} : { replyTo: String(post.replyTo) }),
        ...(post.onlyFor === null ? {} : { onlyFor: post.onlyFor }),
        edits: post.edits,
      }))

  const base = await listen(server)
  return {
    id: 'telegram',
    settings: { TOKEN: token, API_BASE: base },
    secrets: [token],
    people,
    places: {
      dm: { chat: String(dm), kind: 'dm' },
      group: { chat: String(group), kind: 'group' },
      thread: { chat: String(forum), kind: 'group', thread: String(topic) },
    },
    connect: () => {},
    say,
    redeliver: async () => {
      updates.redeliver()
      return null
    },
    shown,
    calls: () => calls,
    failNext: (how) => {
      failure = how
    },
    forgeries: () => [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
    token,
    world,
    updates,
    press: (by, message, label) => {
      const post = world.posts.find((each) => String(each.id) === message && each.by === null && each.keys.length > 0)
      const key = post?.keys.flat().find((each) => each.text === label)
      if (!post || !key) throw new Error(`message ${message} has no button ${label}`)
      press(by, post, key.callback_data)
    },
    keepFile: (path, bytes) => keepFile(world, path, bytes),
    revokeToken: () => {
      revoked = true
    },
  }
}

const refusals: Readonly<Record<Exclude<Failure['kind'], 'hang' | 'answer_lost'>, (how: Failure) => BotError>> = {
  rate_limited: (how) => {
    const seconds = how.kind === 'rate_limited' ? Math.ceil(how.retryAfterMs / 1000) : 1
    return new BotError(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds })
  },
  // Before anything was taken; a 500 would leave that open.
  unavailable: () => new BotError(503, 'Service Unavailable'),
  auth: () => new BotError(401, 'Unauthorized'),
  target_gone: () => new BotError(403, 'Forbidden: bot was blocked by the user'),
  media_rejected: () => new BotError(400, 'Bad Request: PHOTO_INVALID_DIMENSIONS'),
}

function refuse(response: ServerResponse, { code, message, parameters }: BotError): void {
  const after = parameters.retry_after
  response.writeHead(code, {
    'content-type': 'application/json',
    ...(after === undefined ? {} : { 'retry-after': String(after) }),
  })
  const more = Object.keys(parameters).length > 0 ? { parameters } : {}
  response.end(JSON.stringify({ ok: false, error_code: code, description: message, ...more }))
}

const answer = (response: ServerResponse, result: unknown): void => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: true, result }))
}

/** As the app sends it: pictures as photos, everything else as a document. */
const mediaOf = (world: World, { kind, bytes, mime, name }: PersonsFile): Media => {
  const fileId = keepFile(world, `sent/${world.files.size}-${name}`, bytes)
  return { as: kind === 'image' ? 'photo' : 'document', kind, bytes: bytes.length, mime, name, fileId }
}

const captioned = ({ text, entities }: { text: string; entities?: object[] }): object =>
  text === '' ? {} : { caption: text, ...(entities ? { caption_entities: entities } : {}) }

/** Everything said in a topic answers its root, by Telegram's own doing. */
const topicRoot = (chat: number, thread: number): object => ({
  reply_to_message: {
    message_id: thread,
    chat: { id: chat, type: 'supergroup' },
    forum_topic_created: { name: 'Topic' },
  },
})

/** How people address a bot: a command gets its name as suffix, other text a mention in front. */
function mention(text: string, wanted: boolean, username: string): { text: string; entities?: object[] } {
  const command = /^\/[a-z0-9_]+/i.exec(text)?.[0]
  if (command) {
    const word = wanted ? `${command}@${username}` : command
    return {
      text: word + text.slice(command.length),
      entities: [{ type: 'bot_command', offset: 0, length: word.length }],
    }
  }
  if (!wanted) return { text }
  return { text: `@${username} ${text}`, entities: [{ type: 'mention', offset: 0, length: username.length + 1 }] }
}

const listen = (server: Server): Promise<string> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
