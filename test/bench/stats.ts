const sorted = (values: Iterable<number>): Float64Array => Float64Array.from(values).sort()

/** The value below which this share (0 to 1) of the values lies. */
export const percentile = (values: Iterable<number>, share: number): number => {
  const order = sorted(values)
  return order[Math.min(order.length - 1, Math.floor(order.length * share))] ?? Number.NaN
}

export const median = (values: Iterable<number>): number => {
  const order = sorted(values)
  const upper = order.length >> 1
  const lower = order.length % 2 === 0 ? upper - 1 : upper
  return ((order[lower] ?? Number.NaN) + (order[upper] ?? Number.NaN)) / 2
}

export interface Pair {
  readonly a: readonly number[]
  readonly b: readonly number[]
}

/** Measures two things in turns, A B A B, so that both see the same weather. The first turns are for warming up. */
export const inTurns = async (
  a: () => Promise<number>,
  b: () => Promise<number>,
  { warmUp, rounds }: { readonly warmUp: number; readonly rounds: number },
): Promise<Pair> => {
  const seen = { a: [] as number[], b: [] as number[] }
  for (let round = 0; round < warmUp + rounds; round++) {
    const [ofA, ofB] = [await a(), await b()]
    if (round < warmUp) continue
    seen.a.push(ofA)
    seen.b.push(ofB)
  }
  return seen
}

/** B as a multiple of A: the median of the rounds' own ratios, because neighbours in time are the most alike. */
export const ratioOf = ({ a, b }: Pair): number => median(b.map((value, i) => value / (a[i] ?? Number.NaN)))
