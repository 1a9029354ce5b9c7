// A file of its own: one tenant token for all calls of an app, fetched by one of them at a time.
import { withDeadline } from '../kit/http.ts'
import { FeishuError } from './errors.ts'

export interface Tokens {
  /** The current token. Throws what fetching throws; stops at the signal. */
  readonly get: (signal: AbortSignal) => Promise<string>
  /** This one was refused: the next `get` fetches, unless another has been fetched meanwhile. */
  readonly drop: (refused: string) => void
}

export interface TokenDeps {
  readonly fetchToken: (signal: AbortSignal) => Promise<{ readonly token: string; readonly lifeMs: number }>
  readonly now: () => number
}

const askMs = 10_000
/** With less than half an hour left a new one is given out, and the old one stays good (tenant_access_token). */
const marginMs = 30 * 60_000

interface Flight {
  readonly fetched: Promise<string>
  readonly stop: AbortController
  waiting: number
}

/** Rejects at the signal, and leaves no listener behind. */
const orAborted = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
  let abort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new FeishuError({ words: 'stopped while the tenant token was fetched' }))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', abort))
}

/** Kept in memory only: it can be asked for again at any time. */
export const makeTokens = ({ fetchToken, now }: TokenDeps): Tokens => {
  let current: { readonly token: string; readonly untilMs: number } | null = null
  let flight: Flight | null = null

  const fetchFresh = async (signal: AbortSignal): Promise<string> => {
    const { token, lifeMs } = await withDeadline(signal, askMs, fetchToken)
    current = { token, untilMs: now() + Math.max(lifeMs - marginMs, Math.min(lifeMs / 2, 60_000)) }
    return token
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
        if (joined.waiting === 0) {
          joined.stop.abort()
          if (flight === joined) flight = null
        }
      }
    },
    drop: (token) => {
      if (current?.token === token) current = null
    },
  }
}
