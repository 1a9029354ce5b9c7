/** What a message of ours is, once the platform has read it. Fields as people see them, keys not yet looked up. */
export interface ReadContent {
  readonly type: string
  readonly text: string
  readonly files: readonly { readonly kind: 'image' | 'video' | 'audio' | 'file' | 'link'; readonly key: string }[]
  readonly buttons: readonly { readonly label: string; readonly value: unknown }[]
  /** A card everybody sees the same of: only such can be updated. */
  readonly shared: boolean
}

export type ContentReading =
  | { readonly kind: 'content'; readonly content: ReadContent }
  | { readonly kind: 'refused'; readonly code: number; readonly msg: string }

type Fields = Readonly<Record<string, unknown>>

class Refused extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

export const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

const textBytes = 150 * 1024
const richBytes = 30 * 1024

const need = (value: unknown, name: string): string => {
  if (typeof value !== 'string' || value === '') throw new Refused(230001, `invalid ${name}`)
  return value
}

/** A text message is markup: tags style it, and what looks like a link is one. */
const rendered = (words: string): string =>
  words
    .replaceAll(/<at user_id="[^"]*">(.*?)<\/at>/g, '@$1')
    .replaceAll(/<\/?[bius]>/g, '')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')

type Found = Pick<ReadContent, 'text' | 'files' | 'buttons'>

const post = (body: Fields): Found => {
  const inner = fields(body.zh_cn ?? body.en_us ?? body.ja_jp)
  if (!Array.isArray(inner.content)) throw new Refused(230001, 'a post without a language or content')
  const files: ReadContent['files'][number][] = []
  const lines = inner.content.map((line) => {
    const tags = list(line).map(fields)
    const alone = tags.some(({ tag }) => tag === 'img' || tag === 'media')
    if (alone && tags.length > 1) throw new Refused(230001, 'a picture has to be a paragraph of its own')
    return tags
      .map((tag) => {
        if (tag.tag === 'text') return text(tag.text)
        if (tag.tag === 'img') files.push({ kind: 'image', key: need(tag.image_key, 'image_key') })
        else if (tag.tag === 'a') files.push({ kind: 'link', key: `${need(tag.href, 'href')} ${text(tag.text)}` })
        else throw new Refused(230001, `unknown tag ${text(tag.tag)}`)
        return null
      })
      .filter((piece) => piece !== null)
  })
  const title = text(inner.title)
  const said = lines.filter((pieces) => pieces.length > 0).map((pieces) => pieces.join(''))
  return { text: [...(title ? [title] : []), ...said].join('\n'), files, buttons: [] }
}

const button = (raw: unknown): ReadContent['buttons'][number] => {
  const { tag, text: label, value, type } = fields(raw)
  if (tag !== 'button') throw new Refused(230099, 'ErrCode: 11310; only buttons in this fake')
  if (!['default', 'primary', 'danger'].includes(text(type))) throw new Refused(230099, 'ErrCode: 200621; button type')
  if (fields(label).tag !== 'plain_text') throw new Refused(230099, 'ErrCode: 200621; button text')
  // The SDKs refuse presses whose value is no object.
  if (typeof value !== 'object' || value === null) throw new Refused(230099, 'ErrCode: 200671; button value')
  return { label: need(fields(label).content, 'button text'), value }
}

/** Card JSON 1.0: elements, and an action element for buttons. */
const card = (body: Fields): Found => {
  const files: ReadContent['files'][number][] = []
  const buttons: ReadContent['buttons'][number][] = []
  const lines: string[] = []
  if (body.schema !== undefined) throw new Refused(230099, 'ErrCode: 200621; this fake reads JSON 1.0')
  for (const element of list(body.elements).map(fields)) {
    if (element.tag === 'div') {
      const { tag, content } = fields(element.text)
      if (tag !== 'plain_text' && tag !== 'lark_md') throw new Refused(230099, 'ErrCode: 200621; text of a div')
      lines.push(tag === 'plain_text' ? text(content) : rendered(text(content)))
    } else if (element.tag === 'img') {
      if (fields(element.alt).tag !== 'plain_text') throw new Refused(230099, 'ErrCode: 200621; img without alt')
      files.push({ kind: 'image', key: need(element.img_key, 'img_key') })
    } else if (element.tag === 'action') buttons.push(...list(element.actions).map(button))
    else throw new Refused(230099, `ErrCode: 200621; unknown element ${text(element.tag)}`)
  }
  if (lines.length + files.length === 0) throw new Refused(230099, 'ErrCode: 200621; an empty card')
  return { text: lines.join('\n'), files, buttons }
}

const single = (kind: ReadContent['files'][number]['kind'], key: unknown, name: string): Found => ({
  text: '',
  files: [{ kind, key: need(key, name) }],
  buttons: [],
})

const readers: Readonly<Record<string, (body: Fields) => Found>> = {
  text: (body) => ({ text: rendered(need(body.text, 'text')), files: [], buttons: [] }),
  post,
  interactive: card,
  image: (body) => single('image', body.image_key, 'image_key'),
  file: (body) => single('file', body.file_key, 'file_key'),
  audio: (body) => single('audio', body.file_key, 'file_key'),
  media: (body) => single('video', body.file_key, 'file_key'),
}

/** Reads `msg_type` and `content`, which is JSON inside a string. */
export const readContent = (type: unknown, content: unknown): ContentReading => {
  try {
    const reader = readers[text(type)]
    if (!reader) throw new Refused(230001, 'invalid msg_type')
    if (typeof content !== 'string') throw new Refused(230001, 'content is not a string in json format')
    // The request is measured, in which the content is a string.
    if (Buffer.byteLength(JSON.stringify(content)) > (type === 'text' ? textBytes : richBytes))
      throw new Refused(230025, 'The length of the message content reaches its limit.')
    const body = fields(JSON.parse(content))
    const shared = fields(body.config).update_multi === true
    return { kind: 'content', content: { type: text(type), shared, ...reader(body) } }
  } catch (error) {
    if (error instanceof Refused) return { kind: 'refused', code: error.code, msg: error.message }
    return { kind: 'refused', code: 230001, msg: 'content is not a string in json format' }
  }
}

const MiB = 1024 * 1024
/** By upload: the types a message can show them as, and how much is taken. */
export const uploadLimits = { image: 10 * MiB, file: 30 * MiB } as const
export const fileTypes: readonly string[] = ['opus', 'mp4', 'pdf', 'doc', 'xls', 'ppt', 'stream']

/** Which uploads each kind of message takes; anything else is 230055. */
export const fits = (kind: ReadContent['files'][number]['kind'], uploadedAs: string): boolean => {
  if (kind === 'image') return uploadedAs === 'image'
  if (kind === 'video') return uploadedAs === 'mp4'
  if (kind === 'audio') return uploadedAs === 'opus'
  return kind === 'link' || uploadedAs !== 'image'
}

/** A refusal by its code. HTTP is 400 for nearly all of them. */
export interface Refusal {
  readonly code: number
  readonly msg: string
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

export const refusals: Readonly<Record<number, string>> = {
  10003: 'invalid param',
  10012: 'app_ticket is invalid',
  10015: 'wrong app secret',
  99991400: 'request trigger frequency limit',
  99991662: 'app is disabled',
  99991673: 'app is not installed',
  99991664: 'Invalid app access token',
  99991663: 'Invalid access token for authorization. Please make a request with token attached',
  99991672: 'Access denied. One of the following scopes is required: [im:message:send_as_bot]',
  230002: 'The bot can not be outside the group.',
  230011: 'The message is recalled.',
  230020: 'This operation triggers the frequency limit.',
  230049: 'The message is being sent.',
  230055: 'The type of file upload does not match the type of message.',
  230071: 'The operator is not the sender of the message.',
  230072: 'The message has been edited the maximum number of times.',
  230099: 'Failed to create card content, ext=ErrCode: 200621; ErrMsg: parse card json err',
  234006: 'The file size exceeds the maximum limit.',
}
export const refusalOf = (code: number, more: Partial<Refusal> = {}): Refusal => ({
  code,
  msg: refusals[code] ?? 'refused',
  ...more,
})
