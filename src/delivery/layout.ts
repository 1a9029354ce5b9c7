import type { Artifact, Capabilities, MediaRung, PartButton, PartItem } from '../contract/index.ts'
import { fitsCaption } from './captions.ts'
import { split } from './split.ts'

/** A file with the rung that takes it. */
export interface Placed {
  readonly artifact: Artifact
  readonly rung: MediaRung
}

export interface Content {
  readonly text: string
  readonly media: readonly Placed[]
  readonly buttons: readonly PartButton[]
  /** The text gets messages of its own, because it will be edited. */
  readonly textAlone: boolean
}

/** What one platform call carries. */
export interface Draft {
  readonly items: readonly PartItem[]
  readonly buttons: readonly PartButton[]
}

/** Distributes text, files and buttons over calls. With buttons there must be a text or exactly one file (but for those
 *  that go with files). */
export const layout = (content: Content, caps: Capabilities): readonly Draft[] => {
  const caption = takesCaption(content, caps) ? content.text : undefined
  const texts: PartItem[] =
    caption === undefined ? split(content.text, caps.text).map((text) => ({ kind: 'text', text })) : []
  const calls = [...textCalls(texts, content.textAlone), ...mediaCalls(content.media, caption)]
  return withButtons(pack(calls, caps), content.buttons)
}

/** Buttons go where the text goes, and an album can't have any, as a rule. */
const takesCaption = ({ text, media, buttons, textAlone }: Content, caps: Capabilities): boolean => {
  const [first] = media
  return (
    first !== undefined &&
    !textAlone &&
    (buttons.length === 0 || media.length === 1 || caps.buttons?.withFiles === true) &&
    fitsCaption(text, first.rung.caption, caps)
  )
}

/** An item with how it may share a call: `alone` with nothing, else in an album of the same name. */
interface Call {
  readonly item: PartItem
  readonly alone: boolean
  readonly album: { readonly as: string; readonly max: number } | null
}

const textCalls = (texts: readonly PartItem[], alone: boolean): readonly Call[] =>
  texts.map((item, i) => ({ item, alone: alone && i === 0, album: null }))

const mediaCalls = (media: readonly Placed[], caption: string | undefined): readonly Call[] =>
  media.map(({ artifact, rung }, i) => ({
    item: {
      kind: 'media',
      media: artifact,
      as: rung.as,
      ...(i === 0 && caption !== undefined ? { caption } : {}),
    },
    alone: false,
    album: { as: rung.as, max: rung.album },
  }))

const pack = (calls: readonly Call[], caps: Capabilities): readonly (readonly PartItem[])[] => {
  const packed: Call[][] = []
  for (const call of calls) {
    const current = packed.at(-1)
    if (current && canJoin(current, call, caps)) current.push(call)
    else packed.push([call])
  }
  return packed.map((together) => together.map(({ item }) => item))
}

const canJoin = (current: readonly Call[], call: Call, caps: Capabilities): boolean => {
  if (current.some(({ alone }) => alone)) return false
  if (caps.call.items > 1) return current.length < caps.call.items
  return [...current, call].every(({ album }) => album?.as === call.album?.as && current.length < (album?.max ?? 1))
}

/** Behind the last text; without any text it is the only file. */
const withButtons = (parts: readonly (readonly PartItem[])[], buttons: readonly PartButton[]): readonly Draft[] => {
  const lastText = parts.findLastIndex((items) => items.some(({ kind }) => kind === 'text'))
  const place = lastText < 0 ? parts.length - 1 : lastText
  return parts.map((items, i) => ({ items, buttons: i === place ? buttons : [] }))
}

/** Several files in one call of a platform that knows albums only: nothing can hang on it. */
export const isAlbum = (items: readonly PartItem[], caps: Capabilities): boolean =>
  caps.call.items <= 1 && items.length > 1 && caps.buttons?.withFiles !== true
