import type { MediaKind, Part } from '../../src/contract/index.ts'
import type { Choice } from './choices.ts'

export interface SavedFile {
  readonly path: string
  readonly kind: MediaKind
  readonly mime: string
  readonly bytes: number
  /** Escape sequences that draw it; empty when it can't be drawn here. */
  readonly drawn: string
}

/**
 * Answers may carry words of strangers, and a terminal obeys escape sequences (change the title, write the clipboard,
 * hide text). Every control character but newline and tab is therefore shown, not sent.
 */
export const harmless = (text: string): string =>
  text
    .replaceAll('\r\n', '\n')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (char) => {
      const code = char.charCodeAt(0)
      return code < 0x20 ? `^${String.fromCharCode(code + 64)}` : '\ufffd'
    })

const sizeOf = (bytes: number): string =>
  bytes < 1000 ? `${bytes} bytes` : bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`

const indented = (text: string): string =>
  harmless(text)
    .split('\n')
    .map((line) => `  ${line}\n`)
    .join('')

/**
 * A part as people see it: lines set in by two spaces, files by the path they were saved under, buttons by number,
 * then an empty line. The empty line is the only one that is not set in, so that messages can be told apart.
 * An edit saves nothing: without `saved` only the captions of files are shown.
 */
export const encode = (
  part: Part,
  saved: readonly SavedFile[],
  choices: readonly Choice[],
  repeatedMark: string,
): string => {
  const files = saved.values()
  const blocks = part.items.map((item) => {
    if (item.kind === 'text') return indented(item.text)
    const file = files.next().value
    const line = file ? `${file.drawn}${indented(`saved: ${file.path} (${file.mime}, ${sizeOf(file.bytes)})`)}` : ''
    return `${line}${item.caption ? indented(item.caption) : ''}`
  })
  const mark = part.repeated ? indented(repeatedMark) : ''
  const row = choices.map((choice) => `[#${choice.number}] ${choice.label}`).join('   ')
  return `${mark}${blocks.join('')}${row ? indented(row) : ''}\n`
}

/** Whether an edit is worth a new line where the old one can't be replaced: more changed than its numbers. */
export const isNews = (before: string, after: string): boolean =>
  before.replaceAll(/[\d█▓▒░.:/%]+/g, '') !== after.replaceAll(/[\d█▓▒░.:/%]+/g, '')
