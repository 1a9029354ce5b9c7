import { createHash } from 'node:crypto'
import type { Address, Artifact, Part, PartButton, PartItem } from '../../src/contract/index.ts'
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

/** The text of a message. In a card where the escapes make it too long (there is room for twice as much), and where a
 *  link in it would get a preview of its own beside our cards. */
const words = (text: string, hasCards: boolean): { readonly content: string; readonly description?: string } => {
  const escaped = literal(text)
  if (escaped.length <= limits.content && !(hasCards && /https?:\/\//i.test(text))) return { content: escaped }
  return { content: '', description: escaped.slice(0, limits.description).toWellFormed() }
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

/** What an edit replaces: the text and the buttons. Files are not named, so they stay; a picture leaves its card, and
 *  stands beside the new words. */
export const edited = (part: Part): Readonly<Record<string, unknown>> => {
  const [item, more] = part.items
  if (item?.kind !== 'text' || more) throw new SendError('edit_gone', 'only a text can be edited in')
  return { ...base(item.text, [], []), components: rows(part.buttons) }
}

/** Text, cards with pictures, and cards with links. The words stand above the cards: notifications and the search show
 *  no others. */
const base = (
  text: string,
  pictures: readonly object[],
  leads: readonly object[],
): Readonly<Record<string, unknown>> => {
  const { content, ...said } = words(text, pictures.length + leads.length > 0)
  const [first, ...others] = pictures
  const top = { ...said, ...first }
  const embeds = [...(Object.keys(top).length > 0 ? [top] : []), ...others, ...leads]
  return { content, embeds, flags: embeds.length > 0 ? 0 : suppressEmbeds, ...pingNobody }
}

/** A card that leads to a file behind a link. */
const lead = ({ media }: MediaItem, url: string): object => ({
  title: media.name.slice(0, limits.embedTitle).toWellFormed(),
  url,
  ...(media.kind === 'image' ? { image: { url } } : {}),
})

/** Cards that show uploaded pictures. Those of one address are drawn as one, as a gallery; without a title the address
 *  itself is not shown. */
const cards = (names: readonly string[], { workspace, kind, thread, chat }: Address): readonly object[] => {
  const place = kind === 'dm' ? '@me' : `${workspace}/${thread ?? chat}`
  return names.map((name, i) => ({
    ...(names.length > 1
      ? { url: `https://discord.com/channels/${place}?set=${1 + Math.floor(i / limits.gallery)}` }
      : {}),
    image: { url: `attachment://${name}` },
  }))
}

interface Piece extends Upload {
  readonly card: boolean
  readonly alt: string
}

const endings: Readonly<Record<string, string>> = { 'image/jpeg': 'jpg', 'image/webp': 'webp', 'image/gif': 'gif' }

/** A name by which a card can speak of a file: of the few characters Discord leaves in names, with an ending it knows as
 *  a picture's, and not `taken` by another. */
const cardName = ({ name, mime }: Pick<Artifact, 'name' | 'mime'>, taken: readonly string[]): string => {
  const [, stem = '', ending] = /^(.*?)(\.(?:png|jpe?g|webp|gif))?$/is.exec(name) ?? []
  const safe = stem
    .replaceAll(/\s/g, '_')
    .replaceAll(/[^\w.-]/g, '')
    .replace(/^\.+/, '')
  const whole = `${safe || 'picture'}${ending ?? `.${endings[mime] ?? 'png'}`}`
  return taken.includes(whole) ? cardName({ name: `${taken.length + 1}-${whole}`, mime }, taken) : whole
}

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
  const text = (part.repeated === true ? [mark, ...own] : own).join('\n')
  // What was wished for is the best description of a picture there is.
  const alt = own.join('\n').slice(0, limits.altText).toWellFormed()
  if (part.items.length === 0) refuse('a part without items')
  if (media.length > limits.files) refuse(`${media.length} files, Discord takes ${limits.files}`)
  const pieces: Piece[] = []
  const leads: object[] = []
  for (const [i, item] of media.entries()) {
    const { as, media: artifact } = item
    if (as === 'link') leads.push(lead(item, links[i] ?? noLink()))
    else if (as !== 'card' && as !== 'attachment') refuse(`Discord has no ${as}`)
    else {
      const card = as === 'card'
      const taken = pieces.map((piece) => piece.name)
      pieces.push({
        file: files[i] ?? refuse('a file is missing'),
        name: card ? cardName(artifact, taken) : artifact.name,
        card,
        alt: artifact.kind === 'image' ? alt : '',
      })
    }
  }
  const groups = grouped(pieces)
  return groups.map((group, i) => {
    const names = group.filter(({ card }) => card).map(({ name }) => name)
    return {
      json: {
        ...base(i === 0 ? text : '', cards(names, part.to), i === 0 ? leads : []),
        components: i === groups.length - 1 ? rows(part.buttons) : [],
        ...(group.length > 0 ? { attachments: group.map(described) } : {}),
      },
      files: group.map(({ file, name }) => ({ file, name })),
    }
  })
}

const described = ({ name, alt }: Piece, id: number): object => ({
  id,
  filename: name,
  ...(alt === '' ? {} : { description: alt }),
})

const noLink = (): never => {
  throw new SendError('media_rejected', 'there is no public address to show the file from')
}

const grouped = (uploads: readonly Piece[]): readonly (readonly Piece[])[] => {
  const groups: Piece[][] = [[]]
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
