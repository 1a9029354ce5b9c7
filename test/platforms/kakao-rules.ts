/** What KakaoTalk shows of an answer, or why it shows an error bubble instead. */
export type Reading =
  | { readonly kind: 'shown'; readonly bubbles: readonly Bubble[]; readonly quickReplies: readonly Reply[] }
  | { readonly kind: 'promise'; readonly text: string }
  | { readonly kind: 'error'; readonly problems: readonly string[] }

export interface Bubble {
  readonly text: string
  readonly imageUrl?: string
  readonly altText?: string
}

export interface Reply {
  readonly label: string
  readonly messageText: string
}

type Fields = Readonly<Record<string, unknown>>

const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const string = (value: unknown): string => (typeof value === 'string' ? value : '')

const within = (name: string, value: unknown, max: number, min = 1): readonly string[] => {
  const text = string(value)
  if (text.length > max) return [`${name} is longer than ${max}`]
  if (text.trim().length < min) return [`${name} is empty`]
  return text.isWellFormed() ? [] : [`${name} has half a surrogate pair`]
}

const picture = (name: string, url: unknown): readonly string[] =>
  URL.parse(string(url))?.protocol === 'https:' ? [] : [`${name} is no https address`]

const cardProblems = (card: Fields, descriptionMax: number, buttonsMax: number): readonly string[] => [
  ...(string(card.title) + string(card.description) === '' ? ['a card needs a title or a description'] : []),
  ...within('title', card.title, 50, 0),
  ...within('description', card.description, descriptionMax, 0),
  ...('thumbnail' in card ? picture('thumbnail', fields(card.thumbnail).imageUrl) : []),
  ...(list(card.buttons).length > buttonsMax ? ['too many buttons'] : []),
  ...list(card.buttons).flatMap((button) => within('button label', fields(button).label, 14)),
]

const carouselProblems = (carousel: Fields): readonly string[] => [
  ...(list(carousel.items).length > 10 ? ['a carousel has 10 items at most'] : []),
  ...list(carousel.items).flatMap((item) => cardProblems(fields(item), 128, 3)),
]

const outputProblems = (output: unknown): readonly string[] => {
  const { simpleText, simpleImage, textCard, basicCard, carousel } = fields(output)
  if (simpleText) return within('simpleText', fields(simpleText).text, 1000)
  if (simpleImage) {
    const { imageUrl, altText } = fields(simpleImage)
    return [...picture('simpleImage', imageUrl), ...within('altText', altText, 50)]
  }
  if (textCard) return cardProblems(fields(textCard), 400, 3)
  if (basicCard) {
    const square = fields(fields(basicCard).thumbnail).fixedRatio === true
    return cardProblems(fields(basicCard), 230, square ? 2 : 3)
  }
  if (carousel) return carouselProblems(fields(carousel))
  return ['unknown kind of output']
}

const replyProblems = (reply: unknown): readonly string[] => {
  const { label, action, messageText } = fields(reply)
  if (action !== 'message') return ['only message actions work without a block id']
  return [...within('quick reply label', label, 14), ...within('messageText', messageText, 10_000)]
}

const bubbleOf = (output: unknown): Bubble => {
  const { simpleText, simpleImage } = fields(output)
  const { imageUrl, altText } = fields(simpleImage)
  if (simpleImage) return { text: '', imageUrl: string(imageUrl), altText: string(altText) }
  return { text: string(fields(simpleText).text) }
}

const parse = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** Reads a SkillResponse as the platform would. `promise`: whether `useCallback` may be answered here. */
export const readSkillResponse = (body: string, may: { readonly promise: boolean }): Reading => {
  if (Buffer.byteLength(body) > 30_720) return { kind: 'error', problems: ['body is larger than 30720 bytes'] }
  const answer = fields(parse(body))
  if (answer.version !== '2.0') return { kind: 'error', problems: ['no SkillResponse 2.0'] }
  if (answer.useCallback === true) {
    if (!may.promise) return { kind: 'error', problems: ['useCallback without a callback address'] }
    if ('template' in answer) return { kind: 'error', problems: ['a promise has no template'] }
    return { kind: 'promise', text: string(fields(answer.data).text) }
  }
  const template = fields(answer.template)
  const outputs = list(template.outputs)
  const quickReplies = list(template.quickReplies)
  const problems = [
    ...(outputs.length < 1 || outputs.length > 3 ? [`${outputs.length} outputs instead of 1 to 3`] : []),
    ...(quickReplies.length > 10 ? [`${quickReplies.length} quick replies instead of 10`] : []),
    ...outputs.flatMap(outputProblems),
    ...quickReplies.flatMap(replyProblems),
  ]
  if (problems.length > 0) return { kind: 'error', problems }
  return {
    kind: 'shown',
    bubbles: outputs.map(bubbleOf),
    quickReplies: quickReplies.map((reply) => ({
      label: string(fields(reply).label),
      messageText: string(fields(reply).messageText),
    })),
  }
}
