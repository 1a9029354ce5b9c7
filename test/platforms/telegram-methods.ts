import { imageSize } from 'image-size'
import type { MediaKind } from '../../src/contract/index.ts'
import type { Params } from './telegram-request.ts'
import {
  addPost,
  bad,
  botJson,
  type Key,
  keepFile,
  type Media,
  type Posted,
  postJson,
  room,
  type World,
} from './telegram-world.ts'

type MethodTable = Readonly<Record<string, (params: Params, world: World) => unknown>>

const MiB = 1024 * 1024

const keysOf = (params: Params): readonly (readonly Key[])[] => {
  const rows = (params.object('reply_markup')?.inline_keyboard ?? []) as Key[][]
  if (rows.flat().length > 100) throw bad('reply markup is too long')
  for (const key of rows.flat()) {
    if (!key.text?.trim())
      throw bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    const bytes = Buffer.byteLength(key.callback_data ?? '')
    if (bytes < 1 || bytes > 64) throw bad('BUTTON_DATA_INVALID')
    if (key.style !== undefined && !['danger', 'success', 'primary'].includes(key.style))
      throw bad('invalid button style')
  }
  return rows
}

/** The address of a send: an existing room, an open topic, and a quoted message that exists or may be missing. */
const placeOf = (params: Params, world: World) => {
  const where = room(world, params.integer('chat_id') ?? 0)
  const asked = params.integer('message_thread_id')
  if (asked !== null && where.topics && !where.topics.has(asked)) throw bad('message thread not found')
  const reply = params.object('reply_parameters')
  const wanted = reply ? Number(reply.message_id) : null
  const exists = world.posts.some((post) => post.room === where && post.id === wanted)
  if (wanted !== null && !exists && reply?.allow_sending_without_reply !== true)
    throw bad('message to be replied not found')
  // Outside of forums a thread id is ignored.
  return { where, thread: where.topics ? asked : null, replyTo: exists ? wanted : null }
}

const textOf = (params: Params): string => {
  const text = (params.text('text') ?? '').trim()
  if (text === '') throw bad('message text is empty')
  if (text.length > 4096) throw bad('message is too long')
  return text
}

const checkCaption = (caption: unknown): string => {
  const text = caption === undefined || caption === null ? '' : String(caption).trim()
  if (text.length > 1024) throw bad('message caption is too long')
  return text
}

const checkPhoto = (bytes: Uint8Array): void => {
  if (bytes.length > 10 * MiB)
    throw bad(`file of size ${bytes.length} bytes is too big for a photo; the maximum size is ${10 * MiB} bytes`)
  try {
    const { width, height } = imageSize(bytes)
    if (width + height > 10_000 || Math.max(width, height) / Math.min(width, height) > 20)
      throw bad('PHOTO_INVALID_DIMENSIONS')
  } catch (error) {
    // Bytes that are no picture are let through: tests of sizes send zeros.
    if (error instanceof Error && error.message.startsWith('Bad Request')) throw error
  }
}

const typeOf = (name: string): string => {
  const types: Readonly<Record<string, string>> = {
    png: 'image/png',
    jpg: 'image/jpeg',
    jpeg: 'image/jpeg',
    webp: 'image/webp',
    gif: 'image/gif',
    mp4: 'video/mp4',
    mp3: 'audio/mpeg',
    m4a: 'audio/mp4',
    ogg: 'audio/ogg',
    wav: 'audio/wav',
    txt: 'text/plain',
    json: 'application/json',
  }
  return types[name.split('.').at(-1)?.toLowerCase() ?? ''] ?? 'application/octet-stream'
}

/** What a viewer sees it as: a document is a file, whatever is in it. */
const kindOf = (as: string, mime: string): MediaKind => {
  if (as === 'document') return 'file'
  if (as === 'audio' || as === 'voice') return 'audio'
  if (as === 'photo') return 'image'
  return as === 'animation' && mime === 'image/gif' ? 'image' : 'video'
}

const mediaOf = async (params: Params, as: string, reference: unknown, world: World): Promise<Media> => {
  const file = params.file(reference)
  if (!file) throw bad('wrong file identifier/HTTP URL specified')
  const bytes = new Uint8Array(await file.arrayBuffer())
  if (bytes.length === 0) throw bad('file must be non-empty')
  if (bytes.length > 50 * MiB)
    throw bad(`file of size ${bytes.length} bytes is too big; the maximum size is ${50 * MiB} bytes`)
  if (as === 'photo') checkPhoto(bytes)
  const mime = typeOf(file.name)
  const fileId = keepFile(world, `sent/${world.files.size}-${file.name}`, bytes)
  return { as, kind: kindOf(as, mime), bytes: bytes.length, mime, name: file.name, fileId }
}

const sendOne = (as: string) => async (params: Params, world: World) => {
  const { where, thread, replyTo } = placeOf(params, world)
  const keys = keysOf(params)
  const text = checkCaption(params.value('caption'))
  const media = await mediaOf(params, as, params.value(as), world)
  return postJson(world, addPost(world, where, { by: null, thread, replyTo, keys, text, media }))
}

const sendMessage = (params: Params, world: World) => {
  const { where, thread, replyTo } = placeOf(params, world)
  if (params.text('parse_mode') !== null) throw bad('this fake takes plain text only')
  return postJson(
    world,
    addPost(world, where, { by: null, thread, replyTo, keys: keysOf(params), text: textOf(params) }),
  )
}

const sendMediaGroup = async (params: Params, world: World) => {
  const { where, thread, replyTo } = placeOf(params, world)
  if (params.value('reply_markup') !== undefined) throw bad('reply_markup is not allowed in albums')
  const items = params.value('media')
  if (!Array.isArray(items)) throw bad("can't parse media JSON object")
  if (items.length < 2) throw bad('group send failed: too few messages to send as an album')
  if (items.length > 10) throw bad('too many messages to send as an album')
  const types = new Set(items.map((item) => String(item.type)))
  const fits =
    [...types].every((type) => ['photo', 'video'].includes(type)) || (types.size === 1 && !types.has('animation'))
  if (!fits) throw bad("the media can't be sent as one album")
  const media = await Promise.all(items.map((item) => mediaOf(params, String(item.type), item.media, world)))
  const album = `album-${world.posts.length}`
  return items.map((item, index) =>
    postJson(
      world,
      addPost(world, where, {
        by: null,
        thread,
        replyTo,
        album,
        text: checkCaption(item.caption),
        media: media[index] ?? null,
      }),
    ),
  )
}

const edited = (params: Params, world: World): Posted => {
  const where = room(world, params.integer('chat_id') ?? 0)
  const found = world.posts.find((post) => post.room === where && post.id === params.integer('message_id'))
  if (!found) throw bad('message to edit not found')
  if (found.by) throw bad("message can't be edited")
  return found
}

const change = (post: Posted, text: string, keys: Posted['keys'], world: World) => {
  if (post.text === text && JSON.stringify(post.keys) === JSON.stringify(keys))
    throw bad(
      'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message',
    )
  post.text = text
  post.keys = keys
  post.edits++
  return postJson(world, post)
}

const scopeOf = (params: Params, world: World): string => {
  const scope = params.object('scope') ?? { type: 'default' }
  if (scope.type === 'chat') room(world, Number(scope.chat_id))
  return JSON.stringify(scope)
}

/** How long a press can be answered; the real number is undocumented. */
const pressMs = 30_000

export const methods: MethodTable = {
  getMe: (_, world) => ({ ...botJson(world), can_join_groups: true, can_read_all_group_messages: true }),
  sendMessage,
  sendPhoto: sendOne('photo'),
  sendDocument: sendOne('document'),
  sendVideo: sendOne('video'),
  sendAnimation: sendOne('animation'),
  sendAudio: sendOne('audio'),
  sendVoice: sendOne('voice'),
  sendMediaGroup,
  editMessageText: (params, world) => {
    const post = edited(params, world)
    if (post.media) throw bad('there is no text in the message to edit')
    return change(post, textOf(params), keysOf(params), world)
  },
  editMessageCaption: (params, world) => {
    const post = edited(params, world)
    if (!post.media) throw bad('there is no caption in the message to edit')
    return change(post, checkCaption(params.value('caption')), keysOf(params), world)
  },
  answerCallbackQuery: (params, world) => {
    const query = world.queries.get(params.text('callback_query_id') ?? '')
    if (!query || query.answered || Date.now() - query.askedMs > pressMs)
      throw bad('query is too old and response timeout expired or query ID is invalid')
    const text = params.text('text') ?? ''
    if (text.length > 200) throw bad('MESSAGE_TOO_LONG')
    query.answered = true
    const { room: where, thread } = query.post
    if (text !== '') addPost(world, where, { by: null, thread, text, onlyFor: query.by.id })
    return true
  },
  sendChatAction: (params, world) => {
    const { where, thread } = placeOf(params, world)
    const action = params.text('action') ?? ''
    if (!/^(typing|upload_(photo|video|voice|document|video_note)|record_(video|voice|video_note))$/.test(action))
      throw bad('wrong parameter action in request')
    world.signs.push({ room: where.id, action, thread })
    return true
  },
  setMyCommands: (params, world) => {
    const list = params.value('commands')
    if (!Array.isArray(list)) throw bad("can't parse commands")
    if (list.length > 100) throw bad('BOT_COMMANDS_TOO_MUCH')
    for (const { command, description } of list) {
      if (!/^[a-z0-9_]{1,32}$/.test(command)) throw bad('BOT_COMMAND_INVALID')
      if (!description || description.length > 256) throw bad('BOT_COMMAND_DESCRIPTION_INVALID')
    }
    world.commands.set(scopeOf(params, world), list)
    return true
  },
  deleteMyCommands: (params, world) => world.commands.delete(scopeOf(params, world)) || true,
  getWebhookInfo: (_, world) => ({ url: world.webhook, has_custom_certificate: false, pending_update_count: 0 }),
  deleteWebhook: (_, world) => {
    world.webhook = ''
    return true
  },
  getFile: (params, world) => {
    const id = params.text('file_id') ?? ''
    const file = world.files.get(id)
    if (!file) throw bad('wrong file_id or the file is temporarily unavailable')
    if (file.bytes.length > 20 * MiB) throw bad('file is too big')
    return { file_id: id, file_unique_id: `u-${id}`, file_size: file.bytes.length, file_path: file.path }
  },
}
