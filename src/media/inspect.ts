import { imageSize } from 'image-size'
import { type Format, formats } from './formats.ts'
import { formatOfBytes } from './magic.ts'
import { moves } from './moves.ts'

/** How many of the first bytes are worth keeping for `inspect`: pictures carry whole workflows before their frames. */
export const headBytes = 256 * 1024

export interface Inspected {
  readonly format: Format
  readonly width?: number
  readonly height?: number
  readonly animated?: boolean
}

/** What a file is, by its first bytes. Only among texts, which have no signature, the name decides; it never makes a
 *  picture, sound or video out of anything. `head` is at most `headBytes` long. */
export const inspect = (head: Uint8Array, name: string): Inspected => {
  const format = formatOfBytes(head) ?? textFormat(head, name) ?? formats.binary
  if (format.kind !== 'image') return { format }
  return { format, ...sizeOf(head, format), ...(moves(head, format) ? { animated: true } : {}) }
}

/** Formats whose size is read; the library's other readers never see foreign bytes. */
const sized: ReadonlySet<Format> = new Set([formats.png, formats.jpeg, formats.gif, formats.webp, formats.bmp])

const sizeOf = (head: Uint8Array, format: Format): { readonly width?: number; readonly height?: number } => {
  if (!sized.has(format)) return {}
  try {
    // A copy, because the library reads the whole buffer under a view.
    const { width, height } = imageSize(new Uint8Array(head))
    return width > 0 && height > 0 ? { width, height } : {}
  } catch {
    // A size that can't be read is an unknown size, not a failure: the file itself may be cut or unusual.
    return {}
  }
}

const textFormats: Readonly<Record<string, Format>> = {
  csv: formats.csv,
  md: formats.markdown,
  srt: formats.subtitles,
  json: formats.json,
  svg: formats.svg,
  html: formats.html,
  htm: formats.html,
  xml: formats.xml,
}

const textFormat = (head: Uint8Array, name: string): Format | null => {
  const text = utf8(head)
  if (text === null) return null
  const start = text.slice(0, 1024).trimStart()
  if (/<svg[\s>]/i.test(start)) return formats.svg
  if (/^<(!doctype\s+html|html|head|body|script)\b/i.test(start)) return formats.html
  if (/^<\?xml\b/i.test(start)) return formats.xml
  const named = textFormats[name.split('.').at(-1)?.toLowerCase() ?? '']
  return named ?? (isJson(text) ? formats.json : formats.text)
}

/** The bytes as text, or null when they are none. A character cut off at the end does not count. */
const utf8 = (head: Uint8Array): string | null => {
  if (head.length === 0) return null
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what tells binary data from text
    return /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? null : text
  } catch {
    return null
  }
}

const isJson = (text: string): boolean => {
  if (!/^\s*[[{]/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
