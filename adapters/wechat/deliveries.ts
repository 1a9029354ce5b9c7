// A file of its own: which of the three deliveries of a message this is, and how long it may wait.

/** WeChat hangs up after 5 s; the rest is for the way. */
export const answerMs = 4_200
/** Longer than WeChat waits: it hangs up and brings the message again, and the answer gets more time. */
const patientMs = 5_500
const deliveriesInAll = 3
/** The third delivery comes about ten seconds behind the first. */
const thirdAfterMs = 9_000
const rememberMs = 60_000
const maxRemembered = 2_000

export interface Deliveries {
  /** Counts this delivery. `ageMs`: time between the writing of the message and the signing of this request, both by
   *  WeChat's clock; up to a minute it tells a third delivery also after a restart. Returns how long it may wait. */
  readonly waitMs: (id: string, ageMs: number, pushes: boolean) => number
}

/** Who can be written to later needs one delivery; who can't gets the most out of all three. */
export const makeDeliveries = (now: () => number): Deliveries => {
  const seen = new Map<string, { readonly count: number; readonly firstMs: number }>()
  return {
    waitMs: (id, ageMs, pushes) => {
      const nowMs = now()
      for (const [key, { firstMs }] of seen) {
        if (nowMs - firstMs < rememberMs && seen.size < maxRemembered) break
        seen.delete(key)
      }
      const before = seen.get(id)
      const count = (before?.count ?? 0) + 1
      seen.set(id, { count, firstMs: before?.firstMs ?? nowMs })
      const isThird = count >= deliveriesInAll || (ageMs >= thirdAfterMs && ageMs < rememberMs)
      return pushes || isThird ? answerMs : patientMs
    },
  }
}
