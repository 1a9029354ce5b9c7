import type { AdapterText, Part, PartButton } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { limits } from './limits.ts'
import { escapeText } from './markup.ts'

/** The fields of a message that say what it is; where it goes comes on top. */
export interface Content {
  /** What notifications and old clients show; escaped. */
  readonly text: string
  readonly blocks: readonly object[]
  /** The same without blocks, should Slack not take them; the buttons as what they type. */
  readonly plain: string
}

export interface EncodeDeps {
  readonly say: (id: AdapterText) => string
}

const link = /https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?()[\]{}*_~`]/g
const maxLink = 3000

/** Elements of rich text are shown as they are: no markup, no mention, no emoji by name. Links have to be said. */
const richText = (text: string): object => {
  const elements: object[] = []
  let at = 0
  const say = (words: string): void => {
    if (words !== '') elements.push({ type: 'text', text: words })
  }
  for (const { 0: url, index } of text.matchAll(link)) {
    if (url.length > maxLink || !URL.canParse(url)) continue
    say(text.slice(at, index))
    elements.push({ type: 'link', url })
    at = index + url.length
  }
  say(text.slice(at))
  return { type: 'rich_text', elements: [{ type: 'rich_text_section', elements }] }
}

const actions = (buttons: readonly PartButton[]): object => ({
  type: 'actions',
  elements: buttons.map(({ label, action, style }, nth) => ({
    type: 'button',
    action_id: `b${nth}`,
    text: { type: 'plain_text', text: label, emoji: false },
    value: action,
    ...(style === undefined ? {} : { style }),
  })),
})

/** The beginning, where the whole would be too long once it is escaped. */
const fallback = (text: string): string => {
  const whole = escapeText(text)
  if (whole.length <= limits.fallback) return whole
  // A character takes at most five once escaped.
  return `${escapeText(text.slice(0, Math.floor(limits.fallback / 5) - 1).toWellFormed())}…`
}

const markOf = (part: Part, say: EncodeDeps['say']): string => (part.repeated === true ? say('maybe_repeated') : '')

const marked = (mark: string, words: string): string => [mark, words].filter((one) => one !== '').join('\n')

/** Pure. A text with its buttons. */
export const encodeText = (words: string, buttons: readonly PartButton[]): Content => {
  if (buttons.length > limits.buttons)
    throw new SendError('rejected', `${buttons.length} buttons, Slack takes ${limits.buttons}`)
  return {
    text: fallback(words),
    blocks: buttons.length === 0 ? [richText(words)] : [richText(words), actions(buttons)],
    plain: escapeText([words, ...buttons.map(({ say: typed }) => typed)].join('\n')),
  }
}

/** Pure. What a part without files says, and `more` behind it. */
export const encode = (part: Part, { say }: EncodeDeps, more = ''): Content => {
  const [item, another] = part.items
  if (item?.kind !== 'text' || another !== undefined) throw new SendError('rejected', 'Slack takes one text a message')
  const words = marked(marked(markOf(part, say), item.text), more)
  return encodeText(words.trim() === '' ? say('empty') : words, part.buttons)
}

/** Pure. What is said with the files of a part; null for nothing. */
export const encodeCaption = (part: Part, { say }: EncodeDeps): Content | null => {
  const captions = part.items.flatMap((item) => (item.kind === 'media' && item.caption ? [item.caption] : []))
  const words = marked(markOf(part, say), captions.join('\n'))
  return words.trim() === '' ? null : encodeText(words, [])
}
