import { createHash } from 'node:crypto'
import type { Artifact, Part, PartButton, PartItem } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { limits } from './limits.ts'
import type { LineMessage, QuickReply } from './wire.ts'

export interface EncodeDeps {
  readonly link: (blob: string) => string | null
}

const refuse = (about: string): never => {
  throw new SendError('rejected', about)
}

const unshowable = (about: string): never => {
  throw new SendError('media_rejected', about)
}

/** The key of a part as a UUID, the only form LINE takes; always the same one for the same part. */
export const retryKey = (partKey: string): string => {
  const hex = createHash('sha256').update(partKey).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}

/**
 * Pure. The message objects of a part, at most five. `durations` (ms) belong to its audio items, by blob. Throws
 * SendError `media_rejected` where a file lacks what LINE wants beside it.
 */
export function encode(
  part: Part,
  durations: ReadonlyMap<string, number>,
  { link }: EncodeDeps,
): readonly LineMessage[] {
  if (part.items.length < 1 || part.items.length > limits.messages)
    refuse(`${part.items.length} messages, LINE takes 1 to ${limits.messages} in a call`)
  const messages = part.items.map((item) => messageOf(item, durations, link))
  return quoting(withButtons(messages, part.buttons), part.replyTo)
}

/** Only texts can quote. */
const quoting = (messages: readonly LineMessage[], quoteToken: string | undefined): readonly LineMessage[] => {
  const [first, ...rest] = messages
  return quoteToken && first?.type === 'text' ? [{ ...first, quoteToken }, ...rest] : messages
}

export const unquoted = (messages: readonly LineMessage[]): readonly LineMessage[] =>
  messages.map((message) => {
    if (message.type !== 'text') return message
    const { quoteToken: _, ...rest } = message
    return rest
  })

/** LINE shows the quick replies of the last message of a call only. */
const withButtons = (messages: readonly LineMessage[], buttons: readonly PartButton[]): readonly LineMessage[] => {
  if (buttons.length === 0) return messages
  const quickReply: QuickReply = { items: buttons.slice(0, limits.quickReplies).map(quickReplyOf) }
  return messages.map((message, i) => (i === messages.length - 1 ? { ...message, quickReply } : message))
}

const quickReplyOf = ({ label, say, action }: PartButton): QuickReply['items'][number] => {
  if (action.length < 1 || action.length > limits.postbackData)
    refuse(`a button id of ${action.length} characters, LINE takes 1 to ${limits.postbackData}`)
  const shown = firstGraphemes(label.trim() || say, limits.label)
  return { type: 'action', action: { type: 'postback', label: shown, data: action, displayText: shown } }
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

const firstGraphemes = (text: string, max: number): string =>
  [...graphemes.segment(text.slice(0, limits.displayText))]
    .slice(0, max)
    .map(({ segment }) => segment)
    .join('')

function messageOf(item: PartItem, durations: ReadonlyMap<string, number>, link: EncodeDeps['link']): LineMessage {
  if (item.kind === 'text') return { type: 'text', text: item.text }
  const { media, as } = item
  const originalContentUrl = urlOf(media.blob, link)
  if (as === 'link') return { type: 'text', text: linkText(media, originalContentUrl) }
  if (as === 'audio') {
    const duration = durations.get(media.blob) ?? unshowable('the length of the audio is not known')
    return { type: 'audio', originalContentUrl, duration }
  }
  if (as !== 'image' && as !== 'video') return refuse(`LINE has no ${as}`)
  const previewImageUrl = isOwnPreview(item, as) ? originalContentUrl : urlOf(previewOf(media), link)
  return { type: as, originalContentUrl, previewImageUrl }
}

/** A small picture is its own preview. */
const isOwnPreview = ({ media }: Extract<PartItem, { kind: 'media' }>, as: string): boolean =>
  as === 'image' && media.preview === undefined && media.bytes <= limits.previewBytes

const previewOf = ({ preview }: Artifact): string => {
  if (preview === undefined || preview.bytes > limits.previewBytes || !/^image\/(?:jpeg|png)$/.test(preview.mime))
    return unshowable('LINE wants a small JPEG or PNG beside the file, and there is none')
  return preview.blob
}

/** Percent-encoded https, at most 2000 characters (reference, Image message). */
function urlOf(blob: string, link: EncodeDeps['link']): string {
  const given = link(blob)
  const url = given === null ? null : URL.parse(given)
  if (url === null) return unshowable('LINE takes files as https links only: set OPENCLAW_CONNECTOR_PUBLIC_BASE_URL')
  if (url.protocol !== 'https:') return unshowable('LINE takes https links only')
  return url.href.length <= limits.url ? url.href : unshowable('the link is too long for LINE')
}

const linkText = ({ name, kind }: Artifact, url: string): string => {
  const title = name.replaceAll(/\s+/g, ' ').trim().toWellFormed().slice(0, 200) || kind
  return `${title.toWellFormed()}\n${url}`
}
