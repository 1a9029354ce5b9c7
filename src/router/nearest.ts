const farthest = 2

/** Edit distance with swaps of neighbours (optimal string alignment); `farthest + 1` for anything beyond it. */
export function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > farthest) return farthest + 1
  let beforeLast: readonly number[] = []
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = swapped ? (beforeLast[j - 2] ?? 0) + 1 : change
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, change, swap))
    }
    beforeLast = last
    last = row
  }
  return Math.min(last[b.length] ?? 0, farthest + 1)
}

/** The candidate that was most likely meant, or null. The first of equals; a word of which little would be left after
 *  the correction is no misspelling of anything. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null
  let bestDistance = Math.min(farthest + 1, word.replace(/^\//, '').length)
  for (const candidate of candidates) {
    const far = distance(word, candidate)
    if (far >= bestDistance) continue
    best = candidate
    bestDistance = far
  }
  return best
}
