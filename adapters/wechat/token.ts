// A file of its own: one access token for all calls, fetched by one of them at a time.
import { SendError } from '../../src/contract/index.ts'
import { shared } from '../kit/flight.ts'
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

/** Kept in memory only: a stable token can be asked for again at any time, and it opens the whole account. */
export const makeTokens = ({ fetchToken, now }: TokenDeps): Tokens => {
  let current: { readonly token: string; readonly untilMs: number } | null = null
  let refused: string | null = null
  let forcedMs = Number.NEGATIVE_INFINITY

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

  const join = shared(fetchFresh, () => new SendError('unavailable', 'stopped while the access token was fetched'))

  return {
    get: async (signal) => (current && current.untilMs > now() ? current.token : join(signal)),
    drop: (token) => {
      if (current?.token !== token) return
      current = null
      refused = token
    },
  }
}
