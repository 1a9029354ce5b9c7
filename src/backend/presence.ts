/** Whether anybody answers at the backend's address, seen from the calls that are made anyway. */
export interface Presence {
  readonly fetch: typeof fetch
  /** Since when nobody does; null while somebody does (or nobody has asked yet). */
  readonly away: () => { readonly sinceMs: number } | null
}

/** Any HTTP answer is a sign of life. A call that its caller gave up says nothing; one that ran into its own time
 *  limit (longer than any freeze of the backend, backend-contract 0.3) counts as silence. */
export const watchPresence = (inner: typeof fetch, now: () => number): Presence => {
  let sinceMs: number | null = null
  return {
    fetch: async (input, init) => {
      try {
        const response = await inner(input, init)
        sinceMs = null
        return response
      } catch (error) {
        if ((error as { name?: string }).name !== 'AbortError') sinceMs ??= now()
        throw error
      }
    },
    away: () => (sinceMs === null ? null : { sinceMs }),
  }
}
