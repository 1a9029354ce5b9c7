/** What the messages endpoint makes of a body: a message people see, or why it refuses. */
export type Reading =
  | { readonly kind: 'message'; readonly message: WireMessage }
  | { readonly kind: 'read'; readonly message: string; readonly typing: boolean }
  | { readonly kind: 'refused'; readonly code: number; readonly details: string }

export interface WireMessage {
  readonly recipientType: 'individual' | 'group'
  readonly to?: string
  readonly recipient?: string
  readonly text: string
  readonly file?: WireFile
  readonly buttons: readonly { readonly id: string; readonly title: string; readonly inList: boolean }[]
  readonly quotes?: string
  readonly correlation?: string
  /** The approved template it names: it may go at any time. */
  readonly template?: string
}

export interface WireFile {
  readonly type: string
  readonly id?: string
  readonly link?: string
  readonly filename?: string
}

type Fields = Readonly<Record<string, unknown>>
export const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const string = (value: unknown): string => (typeof value === 'string' ? value : '')
const optional = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const MiB = 1024 * 1024

/** Types and sizes of each kind of message (Cloud API, supported media types). A sticker is the only use of WebP. */
export const fileRules: Readonly<Record<string, { readonly mime: RegExp; readonly maxBytes: number }>> = {
  image: { mime: /^image\/(jpeg|png)$/, maxBytes: 5 * MiB },
  video: { mime: /^video\/(mp4|3gpp)$/, maxBytes: 16 * MiB },
  audio: { mime: /^audio\/(aac|amr|mpeg|mp4|ogg)$/, maxBytes: 16 * MiB },
  document: { mime: /./, maxBytes: 100 * MiB },
}

/** What the upload takes at all, and how much. */
export const uploadRule = (mime: string): number | null => {
  if (/^image\/(jpeg|png)$/.test(mime)) return 5 * MiB
  if (mime === 'image/webp') return 500 * 1024
  if (/^(video\/(mp4|3gpp)|audio\/(aac|amr|mpeg|mp4|ogg))$/.test(mime)) return 16 * MiB
  const office = /^application\/(pdf|msword|vnd\.ms-(excel|powerpoint)|vnd\.openxmlformats-officedocument\..+)$/
  return office.test(mime) || mime === 'text/plain' ? 100 * MiB : null
}

class Refused extends Error {
  readonly code: number
  constructor(code: number, details: string) {
    super(details)
    this.code = code
  }
}

const within = (name: string, value: unknown, max: number, min = 1): string => {
  const text = string(value)
  if (text.trim().length < min) throw new Refused(min > 0 ? 131008 : 131009, `${name} is required`)
  if (text.length > max) throw new Refused(131009, `${name} length invalid. Min length: ${min}, Max length: ${max}`)
  if (!text.isWellFormed()) throw new Refused(100, `${name} is not valid UTF-8`)
  return text
}

const fileOf = (type: string, body: Fields): WireFile => {
  const file: WireFile = {
    type,
    ...(optional(body.id) === undefined ? {} : { id: string(body.id) }),
    ...(optional(body.link) === undefined ? {} : { link: string(body.link) }),
    ...(optional(body.filename) === undefined ? {} : { filename: string(body.filename) }),
  }
  if ((file.id === undefined) === (file.link === undefined)) throw new Refused(131009, `${type}: either id or link`)
  if (file.link !== undefined && URL.parse(file.link)?.protocol !== 'https:')
    throw new Refused(131009, 'link: no https')
  if (file.filename !== undefined && type !== 'document') throw new Refused(100, `Unexpected key "filename" on ${type}`)
  if (body.caption !== undefined && type === 'audio') throw new Refused(100, 'Unexpected key "caption" on audio')
  return file
}

const unique = (name: string, values: readonly string[]): void => {
  if (new Set(values).size !== values.length) throw new Refused(131009, `${name} must be unique`)
}

const replyButtons = (action: Fields): WireMessage['buttons'] => {
  const buttons = list(action.buttons).map((button) => {
    const { type, reply } = fields(button)
    if (type !== 'reply') throw new Refused(131009, 'button type must be reply')
    const { id, title } = fields(reply)
    return { id: within('Button id', id, 256), title: within('Button title', title, 20), inList: false }
  })
  if (buttons.length < 1 || buttons.length > 3) throw new Refused(131009, 'Invalid buttons count. Min 1, Max 3')
  unique(
    'Button titles',
    buttons.map(({ title }) => title),
  )
  unique(
    'Button ids',
    buttons.map(({ id }) => id),
  )
  return buttons
}

const listRows = (action: Fields): WireMessage['buttons'] => {
  within('Button', action.button, 20)
  const sections = list(action.sections).map(fields)
  if (sections.length < 1 || sections.length > 10) throw new Refused(131009, 'Invalid sections count. Min 1, Max 10')
  if (sections.length > 1) for (const { title } of sections) within('Section title', title, 24)
  const rows = sections.flatMap((section) =>
    list(section.rows).map((row) => {
      const { id, title, description } = fields(row)
      if (description !== undefined) within('Row description', description, 72)
      return { id: within('Row id', id, 200), title: within('Row title', title, 24), inList: true }
    }),
  )
  if (rows.length < 1 || rows.length > 10) throw new Refused(131009, 'Total row count exceed max allowed count: 10')
  unique(
    'Row ids',
    rows.map(({ id }) => id),
  )
  return rows
}

const interactive = (body: Fields): Pick<WireMessage, 'text' | 'file' | 'buttons'> => {
  const header = fields(body.header)
  const type = string(header.type)
  const { text } = fields(body.body)
  if (body.type === 'list') {
    if (type !== '' && type !== 'text') throw new Refused(131009, 'a list takes a header of text only')
    return { text: within('Body text', text, 4096), buttons: listRows(fields(body.action)) }
  }
  if (body.type !== 'button') throw new Refused(131009, `Unexpected interactive type ${String(body.type)}`)
  if (type !== '' && !['text', 'image', 'video', 'document'].includes(type)) throw new Refused(131009, 'header type')
  const file = type === '' || type === 'text' ? undefined : fileOf(type, fields(header[type]))
  return {
    text: within('Body text', text, 1024),
    ...(file === undefined ? {} : { file }),
    buttons: replyButtons(fields(body.action)),
  }
}

/** Approved templates of the account: name, language, the words, and how many variables those have. */
const templates = [
  { name: 'result_ready', code: 'en', text: 'Your picture is ready. Reply to get it.', variables: 0 },
  { name: 'result_of', code: 'en', text: 'Your {{1}} is ready.', variables: 1 },
] as const

/** Refused as the Cloud API does (error codes, 132000 and 132001). */
const template = (body: Fields): Pick<WireMessage, 'text' | 'buttons' | 'template'> => {
  const name = within('template name', body.name, 512)
  const code = within('template language code', fields(body.language).code, 20)
  const known = templates.find((one) => one.name === name && one.code === code)
  if (!known) throw new Refused(132001, `template name (${name}) does not exist in ${code}`)
  const given = list(body.components).flatMap((component) => list(fields(component).parameters)).length
  if (given !== known.variables)
    throw new Refused(132000, `number of parameters (${given}) does not match the expected (${known.variables})`)
  return { text: known.text, buttons: [], template: name }
}

const contentOf = (type: string, body: Fields): Pick<WireMessage, 'text' | 'file' | 'buttons' | 'template'> => {
  if (type === 'template') return template(fields(body.template))
  if (type === 'text') return { text: within("text['body']", fields(body.text).body, 4096), buttons: [] }
  if (type === 'interactive') return interactive(fields(body.interactive))
  if (!(type in fileRules)) throw new Refused(131051, `Unsupported message type ${type}`)
  const own = fields(body[type])
  const text = own.caption === undefined ? '' : within('caption', own.caption, 1024)
  return { text, file: fileOf(type, own), buttons: [] }
}

const messageOf = (body: Fields): WireMessage => {
  const recipientType = body.recipient_type ?? 'individual'
  if (recipientType !== 'individual' && recipientType !== 'group') throw new Refused(131009, 'recipient_type')
  const [to, recipient] = [optional(body.to), optional(body.recipient)]
  if (to === undefined && recipient === undefined) throw new Refused(131008, 'The parameter to is required')
  const type = string(body.type)
  if (recipientType === 'group' && type === 'interactive') throw new Refused(131009, 'not supported in groups')
  const context = optional(fields(body.context).message_id)
  if (context !== undefined && !context.startsWith('wamid.')) throw new Refused(131009, 'context message_id')
  const correlation = optional(body.biz_opaque_callback_data)
  if (correlation !== undefined) within('biz_opaque_callback_data', correlation, 512)
  return {
    recipientType,
    ...(to === undefined ? {} : { to }),
    ...(recipient === undefined ? {} : { recipient }),
    ...(context === undefined ? {} : { quotes: context }),
    ...(correlation === undefined ? {} : { correlation }),
    ...contentOf(type, body),
  }
}

export const readMessage = (value: unknown): Reading => {
  const body = fields(value)
  try {
    if (body.messaging_product !== 'whatsapp') throw new Refused(100, 'messaging_product must be whatsapp')
    if (body.status === undefined) return { kind: 'message', message: messageOf(body) }
    if (body.status !== 'read') throw new Refused(131009, 'status')
    const typing = fields(body.typing_indicator).type
    if (typing !== undefined && typing !== 'text') throw new Refused(131009, 'typing_indicator')
    return { kind: 'read', message: within('message_id', body.message_id, 256), typing: typing === 'text' }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return { kind: 'refused', code: error.code, details: error.message }
  }
}
