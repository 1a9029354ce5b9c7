import { type Cut, hardCut, proseCut } from './boundary.ts'
import { type Fence, fencesOf } from './fences.ts'
import { measure, reach, smallestMax, type TextLimit } from './measure.ts'

interface Piece extends Cut {
  readonly text: string
  /** The fence the next piece has to open again. */
  readonly inside: Fence | null
}

/**
 * Takes a text apart into pieces of at most `max`. Cuts at paragraphs, lines, sentences, words, in this order, and
 * inside a word only where there is nothing else, then between grapheme clusters (a single cluster over `max` between
 * code points). Whitespace at a cut is dropped. Code fences stay whole when they fit into one piece; otherwise they
 * are closed at the cut and opened again behind it. Blank text gives no piece.
 *
 * Linear in the length of the text: a piece looks at a window of `max`, and two neighbours together use up a window.
 */
export function split(text: string, { max, unit }: TextLimit): string[] {
  if (max < smallestMax) throw new RangeError(`a text of at most ${max} has no room for every character`)
  const fences = fencesOf(text)
  const pieces: string[] = []
  let fenceAt = 0
  let inside: Fence | null = null
  for (let at = 0; at < text.length; ) {
    while (fenceAt < fences.length && (fences[fenceAt]?.end ?? 0) <= at) fenceAt++
    const piece: Piece = nextPiece({ text, at, inside, fences, fenceAt, max, unit })
    if (piece.text.trim() !== '') pieces.push(piece.text)
    at = piece.next
    inside = piece.inside
  }
  return pieces
}

interface Window extends TextLimit {
  readonly text: string
  readonly at: number
  readonly inside: Fence | null
  readonly fences: readonly Fence[]
  /** The first fence that ends behind `at`. */
  readonly fenceAt: number
}

function nextPiece(window: Window): Piece {
  const { text, at, inside, max, unit } = window
  const prefix = inside?.open ?? ''
  const limit = reach(text, at, max - measure(prefix, unit), unit)
  if (limit === text.length) return { text: prefix + text.slice(at), end: limit, next: limit, inside: null }

  const { wholeUntil, crossing } = fencesIn(window, limit)
  if (crossing) {
    const before = text.slice(at, Math.max(at, crossing.start))
    if (before !== '' && (before.trim() === '' || fits(window, crossing)))
      return proseUntil(window, prefix, crossing.start)
    if (reopens(window, crossing)) {
      const inFence = fencePiece(window, prefix, crossing)
      return before !== '' && (inFence === null || isStub(crossing, inFence, limit - at))
        ? proseUntil(window, prefix, crossing.start)
        : (inFence ?? fenceHard(window, prefix, crossing))
    }
  }
  const cut = proseCut(text, at, wholeUntil, limit)
  return { text: prefix + text.slice(at, cut.end), ...cut, inside: null }
}

/** Up to where fences of this window are whole, and the fence that reaches beyond its end. */
const fencesIn = ({ fences, fenceAt, at }: Window, limit: number) => {
  let wholeUntil = at
  let next = fenceAt
  for (; next < fences.length; next++) {
    const { end } = fences[next] as Fence
    if (end > limit) break
    wholeUntil = end
  }
  const fence = fences[next]
  return { wholeUntil, crossing: fence && fence.start < limit ? fence : null }
}

const fits = ({ text, max, unit }: Window, fence: Fence): boolean => reach(text, fence.start, max, unit) >= fence.end

/** Whether closing and opening leaves at least half of each piece to the code itself. Never looks further than that. */
const reopens = ({ max, unit }: Window, { open, close }: Fence): boolean => {
  const added = open + close.slice(0, max)
  return reach(added, 0, max / 2, unit) === added.length
}

/** A last quarter that would hold only the head of a fence is left empty. */
const isStub = (fence: Fence, piece: Piece, width: number): boolean => piece.end - fence.body < width / 4

const proseUntil = ({ text, at }: Window, prefix: string, end: number): Piece => ({
  text: prefix + text.slice(at, end).trimEnd(),
  end,
  next: end,
  inside: null,
})

/** How far a piece may reach that closes the fence at its end. */
const fenceLimit = ({ text, at, max, unit }: Window, prefix: string, fence: Fence): number =>
  Math.min(fence.bodyEnd, reach(text, at, max - measure(prefix + fence.close, unit), unit))

const closed = ({ text, at }: Window, prefix: string, fence: Fence, { end, next }: Cut): Piece => {
  // When nothing but the closing line is left, it has been said already.
  const isOver = next >= fence.bodyEnd
  return {
    text: prefix + text.slice(at, end) + fence.close,
    end,
    next: isOver ? fence.end : next,
    inside: isOver ? null : fence,
  }
}

/** Cuts behind the last line of code that has room; null when not even one has. */
function fencePiece(window: Window, prefix: string, fence: Fence): Piece | null {
  const { text, at } = window
  const from = Math.max(at, fence.body)
  const lineBreak = text.slice(from, fenceLimit(window, prefix, fence) + 1).lastIndexOf('\n')
  if (lineBreak < 1) return null
  return closed(window, prefix, fence, { end: from + lineBreak, next: from + lineBreak + 1 })
}

function fenceHard(window: Window, prefix: string, fence: Fence): Piece {
  const from = Math.max(window.at, fence.body)
  return closed(window, prefix, fence, hardCut(window.text, from, fenceLimit(window, prefix, fence)))
}
