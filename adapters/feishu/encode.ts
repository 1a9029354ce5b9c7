import type { AdapterText, Address, Part, PartButton } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { limits } from './limits.ts'
import type { ButtonPlace } from './wire.ts'

/** A file that was uploaded, or lies where people can open it. */
export type Handed =
  | { readonly kind: 'image' | 'file'; readonly key: string; readonly cover?: string }
  | { readonly kind: 'link'; readonly href: string }

/** A message as the API takes it. */
export interface Message {
  readonly type: 'post' | 'interactive' | 'image' | 'media' | 'audio' | 'file'
  /** JSON in a text. */
  readonly content: string
}

export type Say = (id: AdapterText) => string

type Tag = Readonly<Record<string, string>>

const message = (type: Message['type'], content: object): Message => ({ type, content: JSON.stringify(content) })

/** Signs that nobody can see, which would swell to six bytes each in JSON. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f]/g
const clean = (text: string): string => text.toWellFormed().replaceAll('\r\n', '\n').replaceAll(unseen, ' ')

/** Rich text without any style. Its texts are shown as they are; those of the type `text` would be markup. */
const post = (...paragraphs: readonly (readonly Tag[])[]): Message =>
  // The language is a key only: who reads in another one is shown the one there is.
  message('post', { zh_cn: { title: '', content: paragraphs } })

export const textPost = (text: string): Message => post([{ tag: 'text', text: clean(text) }])

const styles = { primary: 'primary', danger: 'danger' } as const

/** The opaque id, and where the card hangs: a press tells neither the kind of chat nor the topic. */
const buttonOf = ({ label, action, style }: PartButton, at: ButtonPlace): object => ({
  tag: 'button',
  type: style === undefined ? 'default' : styles[style],
  text: { tag: 'plain_text', content: clean(label) },
  value: { k: action, at },
})

const placeOf = ({ chat, kind, thread }: Address): ButtonPlace => ({
  chat,
  kind,
  ...(thread === undefined ? {} : { thread }),
})

interface CardParts {
  readonly text: string
  readonly image?: string
}

/** Card JSON 1.0, which older clients show too. Shared, as only shared cards can be updated. */
export const card = ({ text, image }: CardParts, { buttons, to }: Pick<Part, 'buttons' | 'to'>): Message => {
  const picture = image === undefined ? [] : [{ tag: 'img', img_key: image, alt: { tag: 'plain_text', content: '' } }]
  const words = text === '' ? [] : [{ tag: 'div', text: { tag: 'plain_text', content: clean(text) } }]
  const actions =
    buttons.length === 0 ? [] : [{ tag: 'action', actions: buttons.map((one) => buttonOf(one, placeOf(to))) }]
  return message('interactive', {
    config: { wide_screen_mode: true, update_multi: true },
    elements: [...picture, ...words, ...actions],
  })
}

/** The words of a part: its text, or what stands with its file, behind a mark where it may have arrived before. */
export const wordsOf = ({ items: [item], repeated }: Part, say: Say): string => {
  const own = item?.kind === 'text' ? item.text : (item?.caption ?? '')
  const text = own.trim() === '' && item?.kind === 'text' ? say('empty') : own
  return repeated === true ? [say('maybe_repeated'), text].filter((one) => one !== '').join('\n') : text
}

/** What stands in for a card that was refused: the commands behind its buttons, to be typed. */
export const withoutCard = (part: Part, say: Say): Message => {
  const words = wordsOf(part, say)
  const typed = part.buttons.map(({ say: command }) => command).join('\n')
  return textPost([words, typed].filter((one) => one !== '').join('\n\n'))
}

/** The messages of a part in order: one, as a rule; two where a file can't carry words or buttons. Pure. */
export const encode = (part: Part, handed: Handed | null, say: Say): readonly Message[] => {
  const [item, more] = part.items
  if (item === undefined || more !== undefined) throw new SendError('rejected', 'one text or file a message')
  const words = wordsOf(part, say)
  if (item.kind === 'text') return [part.buttons.length > 0 ? card({ text: words }, part) : textPost(words)]
  if (handed === null) throw new SendError('rejected', 'a file is missing')
  const name = item.media.name.trim() || item.media.kind
  const behind = part.buttons.length > 0 ? [card({ text: words || name }, part)] : []
  if (handed.kind === 'link') {
    const anchor = [{ tag: 'a', text: clean(name), href: handed.href }]
    if (behind.length > 0) return [post(anchor), ...behind]
    return [words === '' ? post(anchor) : post([{ tag: 'text', text: clean(words) }], anchor)]
  }
  if (handed.kind === 'image') return [pictureOf(handed.key, words, part)]
  const file = message(fileType(item.as), {
    file_key: handed.key,
    ...(handed.cover ? { image_key: handed.cover } : {}),
  })
  return [file, ...(behind.length > 0 || words === '' ? behind : [textPost(words)])]
}

const fileType = (as: string): Message['type'] => (as === 'video' ? 'media' : as === 'audio' ? 'audio' : 'file')

const pictureOf = (image: string, words: string, part: Part): Message => {
  if (part.buttons.length > 0) return card({ text: words, image }, part)
  if (words === '') return message('image', { image_key: image })
  // A picture is a paragraph of its own.
  return post([{ tag: 'img', image_key: image }], [{ tag: 'text', text: clean(words) }])
}

/** How the upload wants a file called, by its name's end (im/v1/files, file_type). */
const fileTypes: Readonly<Record<string, string>> = {
  pdf: 'pdf',
  doc: 'doc',
  docx: 'doc',
  xls: 'xls',
  xlsx: 'xls',
  ppt: 'ppt',
  pptx: 'ppt',
}

export const uploadType = (as: string, name: string): string => {
  if (as === 'video') return 'mp4'
  if (as === 'audio') return 'opus'
  const ending = /\.([a-z]{3,4})$/i.exec(name)?.[1]?.toLowerCase() ?? ''
  return (Object.hasOwn(fileTypes, ending) ? fileTypes[ending] : undefined) ?? 'stream'
}

/** Cut at the end of the name, so that its ending stays. */
export const fileNameOf = (name: string): string => {
  const plain = clean(name).replaceAll('\n', ' ').trim() || 'file'
  return plain.length <= limits.fileName ? plain : `…${plain.slice(1 - limits.fileName)}`.toWellFormed()
}
