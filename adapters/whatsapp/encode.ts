import type { AdapterText, Address, Artifact, Part, PartButton } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { limits } from './limits.ts'
import { isNumber, isUserId } from './wire.ts'

/** A file as a message names it: uploaded before, or lying where Meta can fetch it. */
export type FileName = { readonly id: string } | { readonly link: string }

/** The fields of a message that say what it is; whom it goes to comes on top. */
export type Content = Readonly<Record<string, unknown>>

export interface EncodeDeps {
  readonly say: (id: AdapterText) => string
}

const refuse = (about: string): never => {
  throw new SendError('rejected', about)
}

/** The fields that name a conversation: a number, a group, or a person without a number by their business-scoped id. */
export const recipient = ({ chat, kind }: Address): Content => {
  if (kind === 'group') return { recipient_type: 'group', to: chat }
  if (isNumber(chat)) return { recipient_type: 'individual', to: chat }
  if (isUserId(chat)) return { recipient_type: 'individual', recipient: chat }
  throw new SendError('target_gone', 'neither a phone number nor a user id of WhatsApp')
}

const textOf = (body: string): Content => ({ type: 'text', text: { preview_url: false, body } })

/**
 * Pure. The messages that carry a part, in order: one, as a rule. Two where a mark ("perhaps a repeat") does not fit in
 * front, or where a file can not carry the buttons. `quoting` is the one that quotes and answers for the part.
 */
export function encode(
  part: Part,
  file: FileName | null,
  { say }: EncodeDeps,
): { readonly lead: readonly Content[]; readonly main: readonly Content[] } {
  const [item, more] = part.items
  if (item === undefined || more !== undefined) return refuse('WhatsApp takes one text or file a message')
  const mark = part.repeated === true ? say('maybe_repeated') : null
  const own = item.kind === 'text' ? item.text : (item.caption ?? '')
  const max = item.kind === 'text' ? limits.text : item.as === 'audio' ? 0 : limits.caption
  const marked = mark === null ? own : own === '' ? mark : `${mark}\n${own}`
  const apart = mark !== null && marked.length > max
  const words = apart ? own : marked
  const main =
    item.kind === 'text'
      ? withButtons(words.trim() === '' ? say('empty') : words, part, say)
      : fileMessages(item.media, item.as, words, part, file ?? refuse('a file is missing'), say)
  return { lead: apart ? [textOf(mark)] : [], main }
}

const withButtons = (text: string, { buttons, to }: Part, say: EncodeDeps['say']): readonly Content[] => {
  if (buttons.length === 0) return [textOf(text)]
  if (to.kind === 'dm') return [fitsReply(text, buttons) ? replyButtons(text, buttons) : list(text, buttons, say)]
  // Groups take no interactive messages (Groups API, limits): there the commands are typed.
  const typed = buttons.map((button) => button.say).join('\n')
  const together = `${text}\n\n${typed}`
  return together.length <= limits.text ? [textOf(together)] : [textOf(text), textOf(typed)]
}

const fileMessages = (
  media: Artifact,
  as: string,
  caption: string,
  part: Part,
  file: FileName,
  say: EncodeDeps['say'],
): readonly Content[] => {
  const type = as === 'link' ? 'document' : as
  const name = media.name.trim().slice(0, 240) || media.kind
  const named = type === 'document' ? { ...file, filename: name } : file
  const body = caption || name
  const { buttons, to } = part
  if (buttons.length > 0 && to.kind === 'dm' && type !== 'audio' && fitsReply(body, buttons)) {
    return [replyButtons(body, buttons, { type, [type]: named })]
  }
  const message = { type, [type]: { ...named, ...(caption === '' ? {} : { caption }) } }
  return buttons.length === 0 ? [message] : [message, ...withButtons(name, part, say)]
}

/** Titles of reply buttons have to differ; rows of a list need not. */
const areUnique = (buttons: readonly PartButton[]): boolean =>
  new Set(buttons.map(({ label }) => label)).size === buttons.length

const fitsReply = (body: string, buttons: readonly PartButton[]): boolean =>
  buttons.length <= limits.replyButtons && body.length <= limits.replyBody && areUnique(buttons)

const replyButtons = (body: string, buttons: readonly PartButton[], header?: object): Content => ({
  type: 'interactive',
  interactive: {
    type: 'button',
    ...(header === undefined ? {} : { header }),
    body: { text: body },
    action: { buttons: buttons.map(({ label, action }) => ({ type: 'reply', reply: { id: action, title: label } })) },
  },
})

const list = (body: string, buttons: readonly PartButton[], say: EncodeDeps['say']): Content => {
  if (buttons.length > limits.rows) refuse(`${buttons.length} buttons, WhatsApp takes ${limits.rows}`)
  const unique = areUnique(buttons)
  const rows = buttons.map(({ label, action, say: typed }) => ({
    id: action,
    title: label,
    ...(unique ? {} : { description: typed.slice(0, limits.rowDescription).toWellFormed() }),
  }))
  return {
    type: 'interactive',
    interactive: {
      type: 'list',
      body: { text: body },
      action: { button: say('choose').slice(0, limits.buttonTitle), sections: [{ rows }] },
    },
  }
}
