import type { Address, Artifact, Part, PartButton, PartItem } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Method, Upload } from './client.ts'
import { limits } from './limits.ts'

export interface Call {
  readonly method: Method
  readonly payload: Readonly<Record<string, unknown>>
}

type MediaItem = Extract<PartItem, { kind: 'media' }>

/** Rung name to method, and the field (or album type) that carries the file. */
const methods: Readonly<Record<string, { readonly method: Method; readonly field: string; readonly album: boolean }>> =
  {
    photo: { method: 'sendPhoto', field: 'photo', album: true },
    animation: { method: 'sendAnimation', field: 'animation', album: false },
    video: { method: 'sendVideo', field: 'video', album: true },
    audio: { method: 'sendAudio', field: 'audio', album: true },
    voice: { method: 'sendVoice', field: 'voice', album: false },
    document: { method: 'sendDocument', field: 'document', album: true },
  }

const refuse = (about: string): never => {
  throw new SendError('rejected', about)
}

/** Chat and message ids are numbers below 2^53 (facts/telegram §4, ids). */
const number = (text: string): number | null => (/^-?\d{1,16}$/.test(text) ? Number(text) : null)

/** Chat and topic, as every send names them. Id 1 is General's own and must not be sent. */
export function target(to: Address): Readonly<Record<string, number>> {
  const chat = number(to.chat)
  if (chat === null) throw new SendError('target_gone', 'not the id of a Telegram chat')
  const thread = to.thread === undefined ? null : number(to.thread)
  return { chat_id: chat, ...(thread === null || thread <= 1 ? {} : { message_thread_id: thread }) }
}

export const messageNumber = (message: string): number | null => {
  const id = number(message)
  return id !== null && id > 0 ? id : null
}

const quoting = (replyTo: string | undefined): object => {
  const message = replyTo === undefined ? null : messageNumber(replyTo)
  return message === null ? {} : { reply_parameters: { message_id: message, allow_sending_without_reply: true } }
}

export function keyboard(buttons: readonly PartButton[]): { inline_keyboard: object[][] } {
  const keys = buttons.map(({ label, action, style }) => {
    const bytes = Buffer.byteLength(action)
    if (bytes < 1 || bytes > limits.callbackDataBytes) refuse(`a button id of ${bytes} bytes, Telegram takes 1 to 64`)
    return { text: label, callback_data: action, ...(style ? { style } : {}) }
  })
  const rows = Math.ceil(keys.length / limits.buttonsPerRow)
  return {
    inline_keyboard: Array.from({ length: rows }, (_, row) =>
      keys.slice(row * limits.buttonsPerRow, (row + 1) * limits.buttonsPerRow),
    ),
  }
}

/** No parse_mode anywhere: nothing in an answer is ever markup. */
export const plainText = (text: string): object => ({ text, link_preview_options: { is_disabled: true } })

/**
 * Pure. The calls that carry a part: one, or two when `mark` ("perhaps a repeat") does not fit in front of the text.
 * The last call is the part itself. `files` belong to its media items, in order.
 */
export function encode(part: Part, files: readonly Blob[], mark: string | null): readonly Call[] {
  const first = part.items[0] ?? refuse('a part without items')
  const base = { ...target(part.to), ...quoting(part.replyTo) }
  const own = first.kind === 'text' ? first.text : (first.caption ?? '')
  const max = first.kind === 'text' ? limits.text : limits.caption
  const marked = mark === null ? own : own === '' ? mark : `${mark}\n${own}`
  const apart = mark !== null && marked.length > max
  const lead = apart ? own : marked
  const main = encodeItems(part.items, base, lead, files)
  const markup = part.buttons.length > 0 ? { reply_markup: keyboard(part.buttons) } : {}
  if (main.method === 'sendMediaGroup' && part.buttons.length > 0) refuse('an album can not carry buttons')
  const call: Call = { method: main.method, payload: { ...main.payload, ...markup } }
  return apart ? [{ method: 'sendMessage', payload: { ...target(part.to), ...plainText(mark) } }, call] : [call]
}

/** `lead` is the text, or the caption of the first file. */
function encodeItems(items: readonly PartItem[], base: object, lead: string, files: readonly Blob[]): Call {
  const [first] = items
  if (items.length === 1 && first?.kind === 'text')
    return { method: 'sendMessage', payload: { ...base, ...plainText(lead) } }
  const media = items.filter((item): item is MediaItem => item.kind === 'media')
  if (media.length !== items.length) refuse('text and files do not share a Telegram call')
  const [only] = media
  if (only && media.length === 1) {
    const { method, field } = methods[only.as] ?? refuse(`Telegram has no ${only.as}`)
    return { method, payload: { ...base, ...body(only, field, lead), [field]: uploadOf(only.media, files[0]) } }
  }
  if (media.length > limits.album) refuse(`an album of ${media.length}, Telegram takes ${limits.album}`)
  const group = media.map((item, index) => {
    const { field, album } = methods[item.as] ?? refuse(`Telegram has no ${item.as}`)
    if (!album || item.as !== media[0]?.as) refuse(`${item.as} can not be in this album`)
    const caption = index === 0 ? lead : (item.caption ?? '')
    return { type: field, media: uploadOf(item.media, files[index]), ...body(item, field, caption) }
  })
  return { method: 'sendMediaGroup', payload: { ...base, media: group } }
}

function body({ media, as }: MediaItem, field: string, caption: string): object {
  return {
    ...(caption === '' ? {} : { caption }),
    // Otherwise a WebP sent as a file becomes a sticker and a GIF an animation.
    ...(as === 'document' ? { disable_content_type_detection: true } : {}),
    ...(field === 'video' ? { supports_streaming: true } : {}),
    ...(field === 'video' && media.width && media.height ? { width: media.width, height: media.height } : {}),
  }
}

const uploadOf = (media: Artifact, file: Blob | undefined): Upload =>
  file === undefined ? refuse('a file is missing') : { upload: file, name: media.name }
