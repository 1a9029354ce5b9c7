// A file of its own: one tenant token for all calls of an app, fetched by one of them at a time.
import { shared } from '../kit/flight.ts'
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

/** Runs the work; once more with a fresh token when this one was refused. Throws what the work throws. */
export const withToken = async <T>(
  tokens: Tokens,
  isRefused: (error: FeishuError) => boolean,
  signal: AbortSignal,
  work: (token: string) => Promise<T>,
): Promise<T> => {
  const token = await tokens.get(signal)
  try {
    return await work(token)
  } catch (error) {
    if (!(error instanceof FeishuError) || !isRefused(error)) throw error
    tokens.drop(token)
    return work(await tokens.get(signal))
  }
}

/** Kept in memory only: it can be asked for again at any time. */
export const makeTokens = ({ fetchToken, now }: TokenDeps): Tokens => {
  let current: { readonly token: string; readonly untilMs: number } | null = null

  const fetchFresh = async (signal: AbortSignal): Promise<string> => {
    const { token, lifeMs } = await withDeadline(signal, askMs, fetchToken)
    current = { token, untilMs: now() + Math.max(lifeMs - marginMs, Math.min(lifeMs / 2, 60_000)) }
    return token
  }

  const join = shared(fetchFresh, () => new FeishuError({ words: 'stopped while the tenant token was fetched' }))

  return {
    get: async (signal) => (current && current.untilMs > now() ? current.token : join(signal)),
    drop: (token) => {
      if (current?.token === token) current = null
    },
  }
}
