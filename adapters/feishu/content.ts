// A file of its own: what stands in a message, by its type; decode.ts knows who said it and where.
import * as v from 'valibot'
import type { MediaKind, MediaRef } from '../../src/contract/index.ts'
import { fileContent, imageContent, type Mention, type PostTag, postContent, textContent } from './wire.ts'

export interface Found {
  /** Mentions of others as their names; ours is cut out. */
  readonly text: string
  /** Somebody named our bot. */
  readonly named: boolean
  readonly files: readonly FoundFile[]
}

interface FoundFile {
  readonly kind: MediaKind
  readonly key: string
  /** How the resources API calls it. */
  readonly as: 'image' | 'file'
  readonly name?: string
}

export type Content =
  | { readonly kind: 'found'; readonly found: Found }
  /** Nothing a command can be made of, in words. */
  | { readonly kind: 'other'; readonly what: string }
  | { readonly kind: 'ignored'; readonly why: string }

const found = (files: readonly FoundFile[], text = '', named = false): Content => ({
  kind: 'found',
  found: { text, named, files },
})

/** Said of what we can't use. */
const unusable: ReadonlyMap<string, string> = new Map([
  ['sticker', 'a sticker'],
  ['location', 'a place'],
  ['share_user', 'a contact'],
  ['share_chat', 'a group'],
])

/** Pure. `json` is the content as it came; `bot` the open_id of ours, null while it is not known. */
export function readContent(
  type: string,
  json: string | undefined,
  mentions: readonly (Mention | null)[],
  bot: string | null,
): Content {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson()), json)
  const body = parsed.success ? parsed.output : null
  if (type === 'text') {
    const read = v.safeParse(textContent, body)
    if (!read.success) return { kind: 'ignored', why: 'a text without words' }
    const { text, named } = withNames(read.output.text, mentions, bot)
    return found([], unlinked(text), named)
  }
  if (type === 'post') return readPost(body, mentions, bot)
  if (type === 'image') {
    const read = v.safeParse(imageContent, body)
    if (read.success) return found([{ kind: 'image', key: read.output.image_key, as: 'image' }])
  }
  if (type === 'file' || type === 'audio' || type === 'media') {
    const read = v.safeParse(fileContent, body)
    if (read.success) return found([fileOf(type, read.output.file_key, read.output.file_name)])
  }
  // A card that somebody sent, and notes of the chat itself ("Ann joined").
  if (type === 'interactive' || type === 'system') return { kind: 'ignored', why: `a message of kind ${type}` }
  return { kind: 'other', what: unusable.get(type) ?? `a message of kind ${type.slice(0, 40)}` }
}

const pictures = /\.(?:jpe?g|png|webp|gif|bmp)$/i

const fileOf = (type: 'file' | 'audio' | 'media', key: string, name: string | undefined): FoundFile => {
  // Who wants a picture to keep its size sends it as a file; only its name tells.
  const plain = name !== undefined && pictures.test(name) ? 'image' : 'file'
  const kind = type === 'media' ? 'video' : type === 'audio' ? 'audio' : plain
  return { kind, key, as: 'file', ...(name ? { name: name.toWellFormed() } : {}) }
}

/** Keys stand in the text for people: `@_user_1`. Digits to the last one, as `@_user_1` also begins `@_user_10`. */
const withNames = (
  text: string,
  mentions: readonly (Mention | null)[],
  bot: string | null,
): { readonly text: string; readonly named: boolean } => {
  let named = false
  const replaced = text.replaceAll(/ ?@_user_\d+|@_all\b/g, (match) => {
    const key = match.trimStart()
    if (key === '@_all') return '@all'
    const mention = mentions.find((one) => one?.key === key)
    const isUs = bot !== null && mention?.id.open_id === bot
    named ||= isUs
    if (isUs) return ''
    return mention?.name ? match.replace(key, mention.name) : match
  })
  return { text: (named ? replaced.trim() : replaced).toWellFormed(), named }
}

/** Addresses arrive as links to themselves: `[https://a.example](https://a.example)`. */
const unlinked = (text: string): string =>
  text.replaceAll(/\[([^[\]]{1,2000})\]\((https?:\/\/[^()\s]{1,2000})\)/g, (whole, shown: string, url: string) =>
    url === shown || url.replace(/^https?:\/\//, '').replace(/\/$/, '') === shown ? url : whole,
  )

/** Rich text: paragraphs of tags. A received one has no language around it, and its mentions hold keys. */
const readPost = (body: unknown, mentions: readonly (Mention | null)[], bot: string | null): Content => {
  const read = v.safeParse(postContent, body)
  if (!read.success) return { kind: 'ignored', why: 'rich text without content' }
  const { title, content } = read.output
  const files = content.flat().flatMap((tag) => (tag === null ? [] : mediaOf(tag)))
  const lines = content
    .map((tags) => tags.map((tag) => (tag === null ? '' : wordsOf(tag))))
    .filter((pieces) => pieces.some((piece) => piece !== null))
    .map((pieces) => pieces.join(''))
  const { text, named } = withNames([...(title === '' ? [] : [title]), ...lines].join('\n'), mentions, bot)
  return found(files, text, named)
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

const mediaOf = ({ tag, image_key: image, file_key: file }: PostTag): readonly FoundFile[] => {
  if (tag === 'img' && text(image) !== '') return [{ kind: 'image', key: text(image), as: 'image' }]
  if (tag === 'media' && text(file) !== '') return [{ kind: 'video', key: text(file), as: 'file' }]
  return []
}

/** Null: a tag that shows no words, so that its paragraph is none. */
const wordsOf = (tag: PostTag): string | null => {
  if (tag.tag === 'text' || tag.tag === 'md' || tag.tag === 'code_block') return text(tag.text)
  if (tag.tag === 'a') return text(tag.text) || text(tag.href)
  // The key, which becomes the name; `all` has none.
  if (tag.tag === 'at') return text(tag.user_id).startsWith('@_') ? text(tag.user_id) : text(tag.user_name)
  return null
}

const joiner = '/'
/** Everything that fetching takes: the app, the message, the key, how it is called there, and of an app of the store the
 *  tenant. */
export const refOf = (
  account: string,
  message: string,
  { kind, key, as, name }: FoundFile,
  tenant: string | undefined,
): MediaRef => ({
  kind,
  ref: [account, message, key, as, ...(tenant === undefined ? [] : [tenant])].map(encodeURIComponent).join(joiner),
  ...(name === undefined ? {} : { name }),
})

export const readRef = (ref: string): readonly string[] | null => {
  const parts = ref.split(joiner).map((part) => (/%(?![0-9A-F]{2})/i.test(part) ? '' : decodeURIComponent(part)))
  return (parts.length === 4 || parts.length === 5) && parts.every((part) => part !== '') ? parts : null
}
