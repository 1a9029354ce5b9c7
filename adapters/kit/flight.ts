/** Rejects with what `stopped` makes at the signal, and leaves no listener behind. */
const orStopped = async <T>(work: Promise<T>, signal: AbortSignal, stopped: () => Error): Promise<T> => {
  let stop = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(stopped())
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', stop))
}

interface Flight<T> {
  readonly work: Promise<T>
  readonly stop: AbortController
  waiting: number
}

/**
 * One piece of work for all who ask for it at the same time, such as fetching a token. Whoever is stopped leaves alone,
 * with the error of `stopped`; the work is aborted once nobody waits any more, and who comes then begins anew.
 * Throws what the work throws.
 */
export const shared = <T>(work: (signal: AbortSignal) => Promise<T>, stopped: () => Error) => {
  let flight: Flight<T> | null = null
  const end = (ended: Flight<T>): void => {
    if (flight === ended) flight = null
  }
  const start = (): Flight<T> => {
    const stop = new AbortController()
    const started: Flight<T> = { stop, waiting: 0, work: work(stop.signal).finally(() => end(started)) }
    return started
  }

  return async (signal: AbortSignal): Promise<T> => {
    flight ??= start()
    const joined = flight
    joined.waiting += 1
    try {
      return await orStopped(joined.work, signal, stopped)
    } finally {
      joined.waiting -= 1
      if (joined.waiting === 0) {
        joined.stop.abort()
        end(joined)
      }
    }
  }
}
