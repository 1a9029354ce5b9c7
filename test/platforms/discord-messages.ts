import type { MediaKind } from '../../src/contract/index.ts'
import {
  ApiError,
  type Attachment,
  type ButtonJson,
  type EmbedJson,
  invalid,
  type Post,
  snowflake,
  type World,
} from './discord-world.ts'

/** A request's body: JSON, or `payload_json` with the parts `files[n]`. */
export interface Form {
  readonly json: Readonly<Record<string, unknown>>
  readonly files: ReadonlyMap<string, File>
}

/** What a message may say, checked as the API does. */
export interface Said {
  readonly content: string
  readonly embeds: readonly EmbedJson[]
  readonly rows: Post['rows']
  readonly flags: number
  readonly pings: readonly string[]
}

const most = {
  content: 2000,
  embeds: 10,
  files: 10,
  rows: 5,
  perRow: 5,
  label: 80,
  customId: 100,
  embedChars: 6000,
  alt: 1024,
}
const attached = 'attachment://'
const embedLimits = { title: 256, description: 4096, url: 2048 } as const

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const textOf = (value: unknown, field: string, max: number): string => {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw invalid(field, 'STRING_TYPE_CONVERT', 'Could not interpret as string.')
  // The strict reading of "characters": UTF-16 units.
  if (value.length > max) throw invalid(field, 'BASE_TYPE_MAX_LENGTH', `Must be ${max} or fewer in length.`)
  return value
}

const listOf = (value: unknown, field: string, max: number): readonly unknown[] => {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw invalid(field, 'LIST_TYPE_CONVERT', 'Only iterables may be used here.')
  if (value.length > max) throw invalid(field, 'BASE_TYPE_MAX_LENGTH', `Must be ${max} or fewer in length.`)
  return value
}

const embedOf = (value: unknown): EmbedJson => {
  if (!isObject(value)) throw invalid('embeds', 'MODEL_TYPE_CONVERT', 'Only dictionaries may be used here.')
  for (const [name, max] of Object.entries(embedLimits)) textOf(value[name], `embeds.${name}`, max)
  const image = isObject(value.image) ? textOf(value.image.url, 'embeds.image', 2048) : null
  for (const url of [value.url, image].filter((one) => typeof one === 'string'))
    if (!/^https?:\/\//.test(url) && (url === value.url || !url.startsWith(attached)))
      throw invalid('embeds.url', 'URL_TYPE_INVALID_SCHEME', 'Scheme must be http(s) or attachment.')
  return value as EmbedJson
}

const rowOf = (value: unknown): Post['rows'][number] => {
  if (!isObject(value) || value.type !== 1) throw invalid('components', 'UNION_TYPE_CHOICES', 'Not an action row.')
  const components = listOf(value.components, 'components', most.perRow)
  if (components.length === 0) throw invalid('components', 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 5.')
  return { type: 1, components: components.map(buttonOf) }
}

const buttonOf = (value: unknown): ButtonJson => {
  if (!isObject(value) || value.type !== 2) throw invalid('components', 'UNION_TYPE_CHOICES', 'Not a button.')
  const { style, label, custom_id } = value
  if (![1, 2, 3, 4].includes(Number(style))) throw invalid('style', 'BASE_TYPE_CHOICES', 'Not a style with an id.')
  if (textOf(label, 'label', most.label) === '') throw invalid('label', 'BASE_TYPE_REQUIRED', 'This field is required')
  if (textOf(custom_id, 'custom_id', most.customId) === '')
    throw invalid('custom_id', 'BASE_TYPE_REQUIRED', 'This field is required')
  return value as unknown as ButtonJson
}

/** Everything that pings, unless `allowed_mentions` forbids it (absent: all of it). */
const pingsOf = (content: string, allowed: unknown): readonly string[] => {
  const parse = isObject(allowed) && Array.isArray(allowed.parse) ? allowed.parse : allowed === undefined ? null : []
  const may = (sort: string): boolean => parse === null || parse.includes(sort)
  return [
    ...(may('everyone') ? (content.match(/@(everyone|here)/g) ?? []) : []),
    ...(may('users') ? (content.match(/<@!?\d+>/g) ?? []) : []),
    ...(may('roles') ? (content.match(/<@&\d+>/g) ?? []) : []),
  ]
}

export const saidOf = (json: Form['json'], flagsAllowed: number): Said => {
  const content = textOf(json.content, 'content', most.content).trim()
  const embeds = listOf(json.embeds, 'embeds', most.embeds).map(embedOf)
  const chars = embeds.reduce((sum, { title = '', description = '' }) => sum + title.length + description.length, 0)
  if (chars > most.embedChars) throw invalid('embeds', 'MAX_EMBED_SIZE_EXCEEDED', 'Embed size exceeds 6000.')
  const rows = listOf(json.components, 'components', most.rows).map(rowOf)
  const ids = rows.flatMap(({ components }) => components.map(({ custom_id }) => custom_id))
  if (new Set(ids).size !== ids.length)
    throw invalid('components', 'COMPONENT_CUSTOM_ID_DUPLICATED', 'Component custom id cannot be duplicated')
  const flags = Number(json.flags ?? 0)
  if ((flags & ~flagsAllowed) !== 0) throw invalid('flags', 'INVALID_FLAGS', 'Those flags can not be set here.')
  return { content, embeds, rows, flags, pings: pingsOf(content, json.allowed_mentions) }
}

export const isEmpty = (said: Said, attachments: readonly Attachment[]): boolean =>
  said.content === '' && said.embeds.length === 0 && attachments.length === 0

const kindOf = (mime: string): MediaKind =>
  (['image', 'video', 'audio'] as const).find((kind) => mime.startsWith(`${kind}/`)) ?? 'file'

/** Keeps the uploaded files. */
export const attachmentsOf = async (
  world: World,
  channel: string,
  { json, files }: Form,
): Promise<readonly Attachment[]> => {
  if (files.size > most.files) throw invalid('attachments', 'BASE_TYPE_MAX_LENGTH', 'Must be 10 or fewer in length.')
  const sizes = [...files.values()].map(({ size }) => size)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  if (sizes.some((size) => size > world.limits.fileBytes) || total > world.limits.requestBytes)
    throw new ApiError(413, 40005, 'Request entity too large')
  const named = listOf(json.attachments, 'attachments', most.files).filter(isObject)
  const kept: Attachment[] = []
  for (const [part, file] of files) {
    const nth = /^files\[(\d+)\]$/.exec(part)?.[1]
    const meta = named.find(({ id }) => String(id) === nth)
    if (nth === undefined) throw invalid('files', 'BASE_TYPE_CHOICES', `unexpected part ${part}`)
    const description = textOf(meta?.description, 'attachments.description', most.alt)
    const bytes = new Uint8Array(await file.arrayBuffer())
    const one = { filename: String(meta?.filename ?? file.name), mime: file.type, bytes, description }
    kept.push(await keepFile(world, channel, one))
  }
  return kept
}

/** The embeds with the addresses of the files they show, and the ids of those. The API takes a name that is not there, and
 *  people see a broken picture: here it is refused. */
export const embedded = (
  embeds: readonly EmbedJson[],
  attachments: readonly Attachment[],
): { readonly embeds: readonly EmbedJson[]; readonly inside: readonly string[] } => {
  const inside: string[] = []
  const shown = embeds.map((embed) => {
    const name = embed.image?.url.startsWith(attached) ? embed.image.url.slice(attached.length) : null
    if (name === null) return embed
    const file = attachments.find(({ id, filename }) => filename === name && !inside.includes(id))
    if (!file || !/\.(?:jpe?g|png|webp|gif)$/i.test(name))
      throw invalid('embeds.image', 'ATTACHMENT_NOT_FOUND', `no picture of the name ${name}`)
    inside.push(file.id)
    return { ...embed, image: { url: file.url, proxy_url: file.url, width: 64, height: 64 } }
  })
  return { embeds: shown, inside }
}

/** What is left of a name, as on the real host; a card that speaks of any other one is in vain. */
const nameLeft = (name: string): string => name.replaceAll(/\s/g, '_').replaceAll(/[^\w.-]/g, '') || 'unknown'

export const keepFile = async (
  world: World,
  channel: string,
  file: {
    readonly filename: string
    readonly mime: string
    readonly bytes: Uint8Array
    readonly description?: string
  },
): Promise<Attachment> => {
  const id = snowflake()
  const filename = nameLeft(file.filename)
  const path = `/attachments/${channel}/${id}/${filename}`
  world.files.set(path, file.bytes)
  return {
    id,
    filename,
    size: file.bytes.length,
    content_type: file.mime || 'application/octet-stream',
    url: `${world.cdn}${path}?ex=0&is=0&hm=fake`,
    kind: kindOf(file.mime),
    ...(file.description ? { description: file.description } : {}),
  }
}
