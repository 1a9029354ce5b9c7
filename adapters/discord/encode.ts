import { createHash } from 'node:crypto'
import type { Part, PartButton, PartItem } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Upload } from './client.ts'
import { limits } from './limits.ts'
import { literal } from './literal.ts'

/** One message: its JSON, and the files that go with it. */
export interface Message {
  readonly json: Readonly<Record<string, unknown>>
  readonly files: readonly Upload[]
}

export const ephemeral = 64
/** No previews of links that stand in a prompt. */
const suppressEmbeds = 4

type MediaItem = Extract<PartItem, { kind: 'media' }>

const refuse = (about: string): never => {
  throw new SendError('rejected', about)
}

const isId = (text: string): boolean => /^\d{1,20}$/.test(text)

/** The text of a message. What the escapes make longer than a message may be goes into a card, which holds twice as much. */
export const words = (text: string): { readonly content: string; readonly embeds: readonly object[] } => {
  const escaped = literal(text)
  if (escaped.length <= limits.content) return { content: escaped, embeds: [] }
  return { content: '', embeds: [{ description: escaped.slice(0, limits.description).toWellFormed() }] }
}

const styles = { primary: 1, danger: 4, plain: 2 } as const

export const rows = (buttons: readonly PartButton[]): readonly object[] => {
  const made = buttons.map(({ label, action, style }) => {
    if (action.length < 1 || action.length > limits.customId)
      refuse(`a button id of ${action.length} characters, Discord takes 1 to ${limits.customId}`)
    return { type: 2, style: styles[style ?? 'plain'], label, custom_id: action }
  })
  return Array.from({ length: Math.ceil(made.length / limits.perRow) }, (_, row) => ({
    type: 1,
    components: made.slice(row * limits.perRow, (row + 1) * limits.perRow),
  }))
}

/** Nobody is ever pinged by us: without this even `@everyone` inside a prompt would be. */
const pingNobody = { allowed_mentions: { parse: [], replied_user: false } }

/** What an edit replaces: the text and the buttons. */
export const edited = (part: Part): Readonly<Record<string, unknown>> => {
  const [item, more] = part.items
  if (item?.kind !== 'text' || more) throw new SendError('edit_gone', 'only a text can be edited in')
  return { ...base(item.text, []), components: rows(part.buttons) }
}

const base = (text: string, cards: readonly object[]): Readonly<Record<string, unknown>> => {
  const { content, embeds } = words(text)
  const all = [...embeds, ...cards]
  return { content, embeds: all, flags: all.length > 0 ? 0 : suppressEmbeds, ...pingNobody }
}

/** A card that leads to a file behind a link. */
const card = ({ media }: MediaItem, url: string): object => ({
  title: media.name.slice(0, limits.embedTitle).toWellFormed(),
  url,
  ...(media.kind === 'image' ? { image: { url } } : {}),
})

/**
 * Pure. The messages that carry a part: one, or several where its files are too large for one request together. The text
 * and the quote are on the first, the buttons on the last. `files` and `links` belong to its media items, in order.
 * `mark` says that it may have arrived before.
 */
export function encode(
  part: Part,
  files: readonly Blob[],
  links: readonly (string | null)[],
  mark: string,
): readonly Message[] {
  const media = part.items.filter((item): item is MediaItem => item.kind === 'media')
  const own = part.items.map((item) => (item.kind === 'text' ? item.text : (item.caption ?? ''))).filter(Boolean)
  const said = part.repeated === true ? [mark, ...own] : own
  if (part.items.length === 0) refuse('a part without items')
  if (media.length > limits.files) refuse(`${media.length} files, Discord takes ${limits.files}`)
  const uploads: Upload[] = []
  const cards: object[] = []
  for (const [i, item] of media.entries()) {
    if (item.as === 'attachment') uploads.push({ file: files[i] ?? refuse('a file is missing'), name: item.media.name })
    else if (item.as === 'link') cards.push(card(item, links[i] ?? noLink()))
    else refuse(`Discord has no ${item.as}`)
  }
  const groups = grouped(uploads)
  return groups.map((group, i) => ({
    json: {
      ...base(i === 0 ? said.join('\n') : '', i === 0 ? cards : []),
      components: i === groups.length - 1 ? rows(part.buttons) : [],
      ...(group.length > 0 ? { attachments: group.map(({ name }, id) => ({ id, filename: name })) } : {}),
    },
    files: group,
  }))
}

const noLink = (): never => {
  throw new SendError('media_rejected', 'there is no public address to show the file from')
}

const grouped = (uploads: readonly Upload[]): readonly (readonly Upload[])[] => {
  const groups: Upload[][] = [[]]
  let bytes = 0
  for (const upload of uploads) {
    if (bytes > 0 && bytes + upload.file.size > limits.requestBytes) {
      groups.push([])
      bytes = 0
    }
    groups.at(-1)?.push(upload)
    bytes += upload.file.size
  }
  return groups
}

/** What a message to a channel has beyond one by token: the key that makes a repeat harmless, and the quote. */
export const inChannel = ({ json }: Message, part: Part, nth: number): Readonly<Record<string, unknown>> => ({
  ...json,
  nonce: nonceOf(part.key, nth),
  enforce_nonce: true,
  // A quote that no longer exists must not stop the sending.
  ...(nth === 0 && part.replyTo !== undefined && isId(part.replyTo)
    ? { message_reference: { message_id: part.replyTo, fail_if_not_exists: false } }
    : {}),
})

const nonceOf = (key: string, nth: number): string =>
  createHash('sha256')
    .update(`${key} ${nth}`)
    .digest('base64url')
    .slice(0, limits.nonce - 1)
