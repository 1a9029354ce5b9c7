import { clusterStart, isClusterStart } from './measure.ts'

/** Where a piece ends and where the next begins; what lies between is dropped. */
export interface Cut {
  readonly end: number
  readonly next: number
}

type Kind = 'paragraph' | 'line' | 'sentence' | 'word'

// Ideographic sentence ends are not followed by a space, so they are boundaries by themselves.
const gap = /\s+|[。！？]+[」』）”’]*/g
const sentenceEnd = /[^\s\d][.!?…。！？]["'”’)\]」』）]{0,2}$/

const kindOf = (text: string, at: number, found: string): Kind => {
  const lineBreaks = found.split('\n').length - 1
  if (lineBreaks > 1) return 'paragraph'
  if (lineBreaks === 1) return 'line'
  return found.trim() !== '' || sentenceEnd.test(text.slice(Math.max(0, at - 5), at)) ? 'sentence' : 'word'
}

const afterSpace = (text: string, at: number): number => {
  const space = /\s*/y
  space.lastIndex = at
  return at + (space.exec(text)?.[0].length ?? 0)
}

/** The best place to cut ordinary text between `from` (exclusive; what lies before it must stay whole) and `limit`,
 *  for a piece that starts at `at`. A stronger kind of boundary is taken only where it leaves at least half a piece. */
export function proseCut(text: string, at: number, from: number, limit: number): Cut {
  const last = new Map<Kind, number>()
  if (from > at) last.set('paragraph', from)
  // A little further than the limit, so that a paragraph's second line break is seen.
  for (const match of text.slice(from, limit + 8).matchAll(gap)) {
    const start = from + match.index
    const end = match[0].trim() === '' ? start : start + match[0].length
    if (end > limit) break
    if (end > at) last.set(kindOf(text, start, match[0]), end)
  }
  const half = at + (limit - at) / 2
  const strong = (['paragraph', 'line', 'sentence'] as const).map((kind) => last.get(kind) ?? 0)
  for (const end of [...strong.filter((end) => end >= half), Math.max(0, ...last.values())]) {
    const next = afterSpace(text, end)
    if (end > at && isClusterStart(text, next)) return { end, next }
  }
  return hardCut(text, at, limit)
}

/** Between grapheme clusters; between code points where one cluster alone is too long. `at` must be a boundary. */
export const hardCut = (text: string, at: number, limit: number): Cut => {
  const start = clusterStart(text, at, limit)
  const end = start > at ? start : limit
  return { end, next: end }
}
