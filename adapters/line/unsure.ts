// A file of its own: what LINE wants of a repeated push, beside its key.
import type { LineMessage } from './wire.ts'

/** The shortest life of a link, halved: what is shown from it has to be fetched still. */
const youngMs = 30_000
const most = 500

export interface Unsure {
  /** What such a push carried before, if not long ago. */
  readonly before: (part: string) => readonly LineMessage[] | null
  readonly keep: (part: string, messages: readonly LineMessage[]) => void
  readonly settled: (part: string) => void
}

/** Under one retry key goes one request (reference, Retrying an API request). Links are signed anew each time, so what a
 *  push of unknown fate carried is kept for its repeats. */
export const makeUnsure = (now: () => number): Unsure => {
  const kept = new Map<string, { readonly messages: readonly LineMessage[]; readonly untilMs: number }>()
  const before: Unsure['before'] = (part) => {
    const one = kept.get(part)
    return one && one.untilMs > now() ? one.messages : null
  }
  return {
    before,
    keep: (part, messages) => {
      if (before(part)) return
      kept.delete(part)
      kept.set(part, { messages, untilMs: now() + youngMs })
      if (kept.size > most) kept.delete(kept.keys().next().value ?? '')
    },
    settled: (part) => void kept.delete(part),
  }
}
