import type { AdapterText, Part, PartButton, PartItem } from '../../src/contract/index.ts'
import type { Output, QuickReply, SkillResponse } from './wire.ts'
import { limits } from './wire.ts'

export interface EncodeDeps {
  readonly link: (blob: string) => string | null
  readonly say: (id: AdapterText) => string
}

/** Addresses are signed and short; a longer one could push the body over its limit. */
const maxImageUrlLength = 2_000

/** At most `max` UTF-16 units, ending in `…` when shortened, never between the halves of a surrogate pair. */
export const cut = (text: string, max: number): string => {
  if (text.length <= max) return text
  const end = /[\uD800-\uDBFF]/.test(text.charAt(max - 2)) ? max - 2 : max - 1
  return `${text.slice(0, end)}…`
}

const textOutput = (text: string, deps: EncodeDeps): Output => ({
  simpleText: { text: text.trim() === '' ? deps.say('empty') : cut(text, limits.text) },
})

const itemOutput = (item: PartItem, deps: EncodeDeps): Output => {
  if (item.kind === 'text') return textOutput(item.text, deps)
  const name = item.media.name.trim() || item.media.kind
  const imageUrl = deps.link(item.media.blob)
  // The planner sends no picture where there are no links; should it happen, the name is the truth that is left.
  if (imageUrl === null || imageUrl.length > maxImageUrlLength) return textOutput(name, deps)
  return { simpleImage: { imageUrl, altText: cut(name, limits.altText) } }
}

const quickReply = ({ label, say }: Pick<PartButton, 'label' | 'say'>): QuickReply => ({
  label: cut(label.trim() || say, limits.label),
  action: 'message',
  messageText: say,
})

const quickReplies = (buttons: readonly Pick<PartButton, 'label' | 'say'>[]): readonly QuickReply[] =>
  buttons.filter(({ say }) => say.trim() !== '').map(quickReply)

const bytesOf = (response: SkillResponse): number => Buffer.byteLength(JSON.stringify(response))

/** The answer with as many quick replies as the body has room for; outputs alone always fit. A command that was cut
 *  would be another command, so quick replies fall away whole, the last one first. */
const answer = (outputs: readonly Output[], replies: readonly QuickReply[]): SkillResponse => {
  const kept = replies.slice(0, limits.quickReplies)
  const template = kept.length > 0 ? { outputs, quickReplies: kept } : { outputs }
  const response: SkillResponse = { version: '2.0', template }
  if (kept.length === 0 || bytesOf(response) <= limits.bodyBytes) return response
  return answer(outputs, kept.slice(0, -1))
}

/** Says that this may have been shown before: as a bubble of its own, else in front of the shortest text. Three
 *  pictures have no room for words, and a picture seen twice is known to be the same. */
const markRepeated = (outputs: readonly Output[], deps: EncodeDeps): readonly Output[] => {
  const mark = deps.say('maybe_repeated')
  if (outputs.length < limits.outputs) return [textOutput(mark, deps), ...outputs]
  const texts = outputs.flatMap((output) => ('simpleText' in output ? [output.simpleText.text] : []))
  const shortest = texts.toSorted((a, b) => a.length - b.length)[0]
  const place = outputs.findIndex((output) => 'simpleText' in output && output.simpleText.text === shortest)
  return outputs.map((output, index) => (index === place ? textOutput(`${mark}\n${shortest}`, deps) : output))
}

/** A part as SkillResponse, valid for any part. `capabilities` keep parts inside the limits; what exceeds them
 *  nevertheless is shortened visibly. */
export const encodePart = (part: Part, deps: EncodeDeps): SkillResponse => {
  const outputs = part.items.slice(0, limits.outputs).map((item) => itemOutput(item, deps))
  const shown = outputs.length > 0 ? outputs : [textOutput('', deps)]
  return answer(part.repeated ? markRepeated(shown, deps) : shown, quickReplies(part.buttons))
}

export const encodeText = (
  text: string,
  deps: EncodeDeps,
  buttons: readonly Pick<PartButton, 'label' | 'say'>[] = [],
): SkillResponse => answer([textOutput(text, deps)], quickReplies(buttons))

/** The promise of a later answer. Valid only for a request that brought a callback address. Blocks can show the text
 *  with {{#webhook.text}}. */
export const encodePromise = (text: string): SkillResponse => ({
  version: '2.0',
  useCallback: true,
  data: { text: cut(text, limits.text) },
})
