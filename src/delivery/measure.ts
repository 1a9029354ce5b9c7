import type { Capabilities } from '../contract/index.ts'

export type TextUnit = Capabilities['text']['unit']

export interface TextLimit {
  /** At least `smallestMax`. */
  readonly max: number
  readonly unit: TextUnit
}

/** One code point takes up to four bytes: with less room than that nothing could be placed. */
export const smallestMax = 4

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** What one code point costs. A lone surrogate becomes U+FFFD in UTF-8: three bytes. */
const costOf = (codePoint: number, unit: TextUnit): number => {
  if (unit === 'codepoint') return 1
  if (unit === 'utf16') return codePoint > 0xffff ? 2 : 1
  if (codePoint < 0x80) return 1
  if (codePoint < 0x800) return 2
  return codePoint > 0xffff ? 4 : 3
}

/** Length of a text as the platform counts it. */
export const measure = (text: string, unit: TextUnit): number => {
  if (unit === 'utf16') return text.length
  if (unit === 'byte') return Buffer.byteLength(text)
  let count = 0
  for (const _ of text) count++
  return count
}

/** The furthest index such that `text.slice(from, index)` costs at most `room`. Looks no further than that. */
export const reach = (text: string, from: number, room: number, unit: TextUnit): number => {
  if (unit === 'utf16') {
    const end = from + room
    if (end >= text.length) return text.length
    return isLow(text.charCodeAt(end)) && isHigh(text.charCodeAt(end - 1)) ? end - 1 : end
  }
  let at = from
  let left = room
  while (at < text.length) {
    const codePoint = text.codePointAt(at) ?? 0
    left -= costOf(codePoint, unit)
    if (left < 0) return at
    at += codePoint > 0xffff ? 2 : 1
  }
  return at
}

const isHigh = (code: number): boolean => code >= 0xd800 && code < 0xdc00
const isLow = (code: number): boolean => code >= 0xdc00 && code < 0xe000

/** The last place at or before `limit` that lies between two grapheme clusters, as seen from `from` (itself such a
 *  place). `from` when the cluster that starts there reaches beyond `limit`. */
export const clusterStart = (text: string, from: number, limit: number): number => {
  if (limit >= text.length) return text.length
  // Whether a boundary lies at `limit` is decided by what precedes it and by the one code point behind it.
  const seen = text.slice(from, limit + 2)
  return from + (graphemes.segment(seen).containing(limit - from)?.index ?? 0)
}

/** Whether no cluster spans the place right before `at`, behind a character that joins nothing by itself (whitespace,
 *  punctuation). */
export const isClusterStart = (text: string, at: number): boolean =>
  at >= text.length || graphemes.segment(text.slice(at - 1, at + 2)).containing(1)?.index === 1

/** Shortens to `max`, the mark included, between grapheme clusters. Returns the text itself when it fits. Where not
 *  even the mark fits, it is left away. */
export const cut = (text: string, { max, unit, mark = '…' }: TextLimit & { readonly mark?: string }): string => {
  if (reach(text, 0, max, unit) === text.length) return text
  const room = max - measure(mark, unit)
  if (room < 0) return text.slice(0, clusterStart(text, 0, reach(text, 0, max, unit)))
  return text.slice(0, clusterStart(text, 0, reach(text, 0, room, unit))).trimEnd() + mark
}
