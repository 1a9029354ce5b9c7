import type { MediaKind } from '../../src/contract/index.ts'
import type { Person } from './platform.ts'

/** A refusal in the Bot API's envelope. */
export class BotError extends Error {
  readonly code: number
  readonly parameters: Readonly<Record<string, number>>

  constructor(code: number, description: string, parameters: Readonly<Record<string, number>> = {}) {
    super(description)
    this.code = code
    this.parameters = parameters
  }
}

export const bad = (description: string): BotError => new BotError(400, `Bad Request: ${description}`)

export interface Room {
  readonly id: number
  readonly type: 'private' | 'group' | 'supergroup'
  readonly name: string
  /** Open topics; null: not a forum. */
  readonly topics: Set<number> | null
  nextMessage: number
  /** What a send to it answers with 403, e.g. `bot was blocked by the user`. */
  forbidden: string | null
  /** The group became a supergroup. */
  movedTo: number | null
}

export interface Media {
  readonly kind: MediaKind
  readonly as: string
  readonly bytes: number
  readonly mime: string
  readonly name: string
  /** Under which the file can be fetched again. */
  readonly fileId: string
}

export interface Key {
  readonly text: string
  readonly callback_data: string
  readonly style?: string
}

export interface Posted {
  readonly id: number
  readonly room: Room
  readonly thread: number | null
  /** Null: the bot. */
  readonly by: Person | null
  readonly album: string | null
  readonly media: Media | null
  readonly replyTo: number | null
  text: string
  keys: readonly (readonly Key[])[]
  edits: number
  /** Only this person sees it (alerts). */
  readonly onlyFor: string | null
}

export interface Query {
  readonly id: string
  readonly by: Person
  readonly post: Posted
  readonly askedMs: number
  answered: boolean
}

export interface World {
  readonly bot: { readonly id: number; readonly username: string; readonly name: string }
  readonly rooms: Map<number, Room>
  readonly posts: Posted[]
  readonly queries: Map<string, Query>
  /** Commands by scope, as JSON of the scope. */
  readonly commands: Map<string, readonly { command: string; description: string }[]>
  /** Files people sent, by id. */
  readonly files: Map<string, { readonly path: string; readonly bytes: Uint8Array }>
  readonly signs: { readonly room: number; readonly action: string; readonly thread: number | null }[]
  webhook: string
}

export const room = (world: World, id: number): Room => {
  const found = world.rooms.get(id)
  if (!found) throw bad('chat not found')
  if (found.movedTo !== null)
    throw new BotError(400, 'Bad Request: group chat was upgraded to a supergroup chat', {
      migrate_to_chat_id: found.movedTo,
    })
  if (found.forbidden !== null) throw new BotError(403, `Forbidden: ${found.forbidden}`)
  return found
}

export const openRoom = (
  world: World,
  id: number,
  type: Room['type'],
  name: string,
  topics: readonly number[] | null = null,
): Room => {
  const made: Room = {
    id,
    type,
    name,
    topics: topics && new Set(topics),
    nextMessage: 10,
    forbidden: null,
    movedTo: null,
  }
  world.rooms.set(id, made)
  return made
}

export const addPost = (
  world: World,
  where: Room,
  more: Partial<Omit<Posted, 'id' | 'room'>> & { readonly by: Person | null },
): Posted => {
  const posted: Posted = {
    id: where.nextMessage++,
    room: where,
    thread: null,
    album: null,
    media: null,
    replyTo: null,
    text: '',
    keys: [],
    edits: 0,
    onlyFor: null,
    ...more,
  }
  world.posts.push(posted)
  return posted
}

export const chatJson = (where: Room): object => ({
  id: where.id,
  type: where.type,
  ...(where.type === 'private' ? { first_name: where.name } : { title: where.name }),
  ...(where.topics ? { is_forum: true } : {}),
})

export const botJson = (world: World): object => ({
  id: world.bot.id,
  is_bot: true,
  first_name: world.bot.name,
  username: world.bot.username,
})

export const personJson = (person: Person, isBot: boolean): object => ({
  id: Number(person.id),
  is_bot: isBot,
  first_name: person.name,
})

/** Keeps a file to be fetched with `getFile`; returns its id. */
export const keepFile = (world: World, path: string, bytes: Uint8Array): string => {
  const id = `file-${world.files.size + 1}`
  world.files.set(id, { path, bytes })
  return id
}

/** How a message shows its file: photos in several sizes, the largest last. */
export const fileJson = ({ as, bytes, mime, name, fileId }: Media): object => {
  if (as !== 'photo') return { [as]: { file_id: fileId, file_size: bytes, mime_type: mime, file_name: name } }
  const size = (file_id: string, file_size: number, side: number) => ({ file_id, file_size, width: side, height: side })
  return { photo: [size(`${fileId}-small`, Math.min(bytes, 1000), 90), size(fileId, bytes, 1280)] }
}

/** A message of ours as the Bot API returns it. */
export const postJson = (world: World, post: Posted): object => ({
  message_id: post.id,
  from: post.by ? personJson(post.by, false) : botJson(world),
  chat: chatJson(post.room),
  date: Math.floor(Date.now() / 1000),
  ...(post.thread === null ? {} : { message_thread_id: post.thread, is_topic_message: true }),
  ...(post.album === null ? {} : { media_group_id: post.album }),
  ...(post.media === null ? { text: post.text } : { caption: post.text, ...fileJson(post.media) }),
  ...(post.keys.length > 0 ? { reply_markup: { inline_keyboard: post.keys } } : {}),
})
