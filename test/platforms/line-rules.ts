/** What the Messaging API says about a request: nothing, or the fields it refuses. */
export interface Problem {
  readonly property: string
  readonly message: string
}

type Fields = Readonly<Record<string, unknown>>

export const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const graphemeCount = (text: string): number => [...graphemes.segment(text)].length
const units = (text: string): number => text.length

const problem = (property: string, message: string): readonly Problem[] => [{ property, message }]

/** Text with a length, counted as the property is counted. */
const text = (property: string, value: unknown, max: number, count = units): readonly Problem[] => {
  if (typeof value !== 'string' || value === '') return problem(property, 'May not be empty')
  return count(value) > max ? problem(property, `Length must be between 0 and ${max}`) : []
}

const optional = (value: unknown, check: (value: unknown) => readonly Problem[]): readonly Problem[] =>
  value === undefined ? [] : check(value)

/** https, percent-encoded, at most 2000 characters. */
const link = (property: string, value: unknown): readonly Problem[] => {
  if (typeof value !== 'string' || value === '') return problem(property, 'May not be empty')
  if (value.length > 2000) return problem(property, 'Length must be between 0 and 2000')
  const isEncoded = /^[!-~]+$/.test(value)
  return isEncoded && URL.parse(value)?.protocol === 'https:' ? [] : problem(property, 'invalid uri scheme')
}

const uri = (property: string, value: unknown): readonly Problem[] => {
  const scheme = typeof value === 'string' ? URL.parse(value)?.protocol : undefined
  return ['http:', 'https:', 'line:', 'tel:'].includes(scheme ?? '')
    ? text(property, value, 1000)
    : problem(property, 'invalid uri scheme')
}

/** `labelMax` 20 in templates and quick replies, 40 on flex buttons; counted in graphemes. */
const action = (at: string, value: unknown, labelMax = 20): readonly Problem[] => {
  const { type, label, data, displayText, text: said, uri: target } = fields(value)
  const labelled = text(`${at}.label`, label, labelMax, graphemeCount)
  if (type === 'message') return [...labelled, ...text(`${at}.text`, said, 300, graphemeCount)]
  if (type === 'uri') return [...labelled, ...uri(`${at}.uri`, target)]
  if (type !== 'postback') return problem(`${at}.type`, 'invalid action type')
  return [
    ...labelled,
    ...text(`${at}.data`, data, 300),
    ...optional(displayText, (shown) => text(`${at}.displayText`, shown, 300, graphemeCount)),
    ...(displayText !== undefined && said !== undefined ? problem(at, 'text and displayText exclude each other') : []),
  ]
}

const actions = (at: string, value: unknown, min: number, max: number): readonly Problem[] => {
  const all = list(value)
  if (all.length < min || all.length > max) return problem(at, `Size must be between ${min} and ${max}`)
  return all.flatMap((one, i) => action(`${at}[${i}]`, one))
}

const quickReply = (at: string, value: unknown): readonly Problem[] => {
  const items = list(fields(value).items)
  if (items.length < 1 || items.length > 13) return problem(`${at}.items`, 'Size must be between 1 and 13')
  return items.flatMap((item, i) => {
    const one = fields(item)
    if (one.type !== 'action') return problem(`${at}.items[${i}].type`, 'must be action')
    return action(`${at}.items[${i}].action`, one.action)
  })
}

const template = (at: string, value: unknown): readonly Problem[] => {
  const card = fields(value)
  const short = (title: unknown, image: unknown, max: number): number =>
    title === undefined && image === undefined ? max : 60
  if (card.type === 'confirm')
    return [...text(`${at}.text`, card.text, 240, graphemeCount), ...actions(`${at}.actions`, card.actions, 2, 2)]
  if (card.type === 'buttons')
    return [
      ...optional(card.title, (title) => text(`${at}.title`, title, 40, graphemeCount)),
      ...text(`${at}.text`, card.text, short(card.title, card.thumbnailImageUrl, 160), graphemeCount),
      ...actions(`${at}.actions`, card.actions, 1, 4),
    ]
  if (card.type !== 'carousel') return problem(`${at}.type`, 'invalid template type')
  const columns = list(card.columns).map(fields)
  const counts = new Set(columns.map((column) => list(column.actions).length))
  if (columns.length < 1 || columns.length > 10) return problem(`${at}.columns`, 'Size must be between 1 and 10')
  if (counts.size > 1) return problem(`${at}.columns`, 'the number of actions must be the same')
  return columns.flatMap((column, i) => [
    ...optional(column.title, (title) => text(`${at}.columns[${i}].title`, title, 40, graphemeCount)),
    ...text(`${at}.columns[${i}].text`, column.text, short(column.title, column.thumbnailImageUrl, 120), graphemeCount),
    ...actions(`${at}.columns[${i}].actions`, column.actions, 1, 3),
  ])
}

const flex = (at: string, value: unknown): readonly Problem[] => {
  const contents = fields(value)
  const bytes = Buffer.byteLength(JSON.stringify(contents))
  if (contents.type === 'bubble') return bytes > 30 * 1024 ? problem(at, 'larger than 30 KB') : []
  if (contents.type !== 'carousel') return problem(`${at}.type`, 'invalid container')
  if (list(contents.contents).length > 12) return problem(`${at}.contents`, 'Size must be between 1 and 12')
  return bytes > 50 * 1024 ? problem(at, 'larger than 50 KB') : []
}

/** Keys of a textV2 and what they stand for. */
const substitutions = (at: string, value: unknown): readonly Problem[] => {
  const all = Object.entries(fields(value))
  if (all.length > 100) return problem(at, 'Size must be between 0 and 100')
  return all.flatMap(([key, one]) => {
    if (!/^\w{1,20}$/.test(key)) return problem(`${at}.${key}`, 'invalid key')
    return ['mention', 'emoji'].includes(String(fields(one).type)) ? [] : problem(`${at}.${key}.type`, 'invalid type')
  })
}

const kinds: Readonly<Record<string, (message: Fields, at: string) => readonly Problem[]>> = {
  text: (message, at) => text(`${at}.text`, message.text, 5000),
  textV2: (message, at) => [
    ...text(`${at}.text`, message.text, 5000),
    ...substitutions(`${at}.substitution`, message.substitution),
  ],
  image: (message, at) => [
    ...link(`${at}.originalContentUrl`, message.originalContentUrl),
    ...link(`${at}.previewImageUrl`, message.previewImageUrl),
  ],
  video: (message, at) => [
    ...link(`${at}.originalContentUrl`, message.originalContentUrl),
    ...link(`${at}.previewImageUrl`, message.previewImageUrl),
    ...optional(message.trackingId, (id) => text(`${at}.trackingId`, id, 100)),
  ],
  audio: (message, at) => [
    ...link(`${at}.originalContentUrl`, message.originalContentUrl),
    ...(Number.isInteger(message.duration) && Number(message.duration) > 0
      ? []
      : problem(`${at}.duration`, 'must be a positive number')),
  ],
  template: (message, at) => [
    ...text(`${at}.altText`, message.altText, 1500),
    ...template(`${at}.template`, message.template),
  ],
  flex: (message, at) => [...text(`${at}.altText`, message.altText, 1500), ...flex(`${at}.contents`, message.contents)],
}

const messageProblems = (value: unknown, at: string): readonly Problem[] => {
  const message = fields(value)
  const check = kinds[String(message.type)]
  if (!check) return problem(`${at}.type`, 'unknown message type')
  const canQuote = message.type === 'text' || message.type === 'textV2'
  return [
    ...check(message, at),
    ...optional(message.quickReply, (reply) => quickReply(`${at}.quickReply`, reply)),
    ...(message.quoteToken !== undefined && !canQuote ? problem(`${at}.quoteToken`, 'only texts can quote') : []),
  ]
}

/** The message objects of a send, 1 to 5 of them. */
export const messagesProblems = (value: unknown): readonly Problem[] => {
  const messages = list(value)
  if (messages.length < 1 || messages.length > 5) return problem('messages', 'Size must be between 1 and 5')
  return messages.flatMap((message, i) => messageProblems(message, `messages[${i}]`))
}

/** A retry key is a UUID in hexadecimal notation. */
export const isRetryKey = (key: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(key)

export const isTarget = (to: unknown): to is string => typeof to === 'string' && /^[UCR][0-9a-f]{32}$/.test(to)
