// A file of its own: one access token for all calls, fetched by one of them at a time.
import { SendError } from '../../src/contract/index.ts'
import { withDeadline } from '../kit/http.ts'

export interface Tokens {
  /** The current token. Throws SendError or what fetching throws; stops at the signal. */
  readonly get: (signal: AbortSignal) => Promise<string>
  /** This one was refused: the next `get` fetches. */
  readonly drop: (refused: string) => void
}

export interface TokenDeps {
  readonly fetchToken: (
    force: boolean,
    signal: AbortSignal,
  ) => Promise<{ readonly token: string; readonly lifeMs: number }>
  readonly now: () => number
}

const askMs = 10_000
/** Given up a little before its end, so that none expires on the way. */
const marginMs = 60_000
/** Forcing is allowed 20 times a day (getStableAccessToken). */
const forceEveryMs = 75 * 60_000

interface Flight {
  readonly fetched: Promise<string>
  readonly stop: AbortController
  waiting: number
}

/** Rejects at the signal, and leaves no listener behind. */
const orAborted = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
  let abort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new SendError('unavailable', 'stopped while the access token was fetched'))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', abort))
}

/** Kept in memory only: a stable token can be asked for again at any time, and it opens the whole account. */
export const makeTokens = ({ fetchToken, now }: TokenDeps): Tokens => {
  let current: { readonly token: string; readonly untilMs: number } | null = null
  let refused: string | null = null
  let forcedMs = Number.NEGATIVE_INFINITY
  let flight: Flight | null = null

  const fetchFresh = async (signal: AbortSignal): Promise<string> => {
    let got = await withDeadline(signal, askMs, (both) => fetchToken(false, both))
    // The same one again although it was refused: only force makes a new one.
    if (got.token === refused && now() - forcedMs > forceEveryMs) {
      forcedMs = now()
      got = await withDeadline(signal, askMs, (both) => fetchToken(true, both))
    }
    current = { token: got.token, untilMs: now() + Math.max(got.lifeMs - marginMs, got.lifeMs / 2) }
    return got.token
  }

  const start = (): Flight => {
    const stop = new AbortController()
    const started: Flight = {
      stop,
      waiting: 0,
      fetched: fetchFresh(stop.signal).finally(() => {
        if (flight === started) flight = null
      }),
    }
    return started
  }

  return {
    get: async (signal) => {
      if (current && current.untilMs > now()) return current.token
      flight ??= start()
      const joined = flight
      joined.waiting += 1
      try {
        return await orAborted(joined.fetched, signal)
      } finally {
        joined.waiting -= 1
        // Nobody waits for it any more.
        if (joined.waiting === 0) joined.stop.abort()
      }
    },
    drop: (token) => {
      if (current?.token !== token) return
      current = null
      refused = token
    },
  }
}
