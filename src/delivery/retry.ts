import type { Capabilities, SendCode, SendError } from '../contract/index.ts'

const second = 1000
const minute = 60 * second

/** After this long an answer is worth nothing any more. */
export const giveUpAfterMs = 24 * 60 * minute
/** What may have arrived is repeated soon once; then ever more rarely, as each time may be seen again. */
const rarelyFirstMs = minute
const rarelyMostMs = 6 * 60 * minute

/** What to do about a failed send. `again` waits in its place; `pause` stops the whole account for that long;
 *  `mailbox` leaves it for the person to fetch; `lower` takes the next rung; `bare` drops the thread or the handle. */
export type Step =
  | { readonly do: 'again'; readonly state: 'queued' | 'unknown'; readonly afterMs: number }
  | { readonly do: 'pause'; readonly afterMs: number }
  | { readonly do: 'mailbox' }
  | { readonly do: 'lower' }
  | { readonly do: 'bare'; readonly drop: 'thread' | 'handle' }
  | { readonly do: 'end'; readonly lane: boolean }

const backoff: Readonly<Record<'rate_limited' | 'unavailable' | 'auth', { firstMs: number; mostMs: number }>> = {
  rate_limited: { firstMs: second, mostMs: 5 * minute },
  // What waits holds up its conversation, also behind a single call that went wrong again and again.
  unavailable: { firstMs: second, mostMs: minute },
  auth: { firstMs: 30 * second, mostMs: 10 * minute },
}

/** Doubles with each attempt up to a cap, with a fifth of jitter; the platform's own number goes first. */
export const delayMs = (
  code: 'rate_limited' | 'unavailable' | 'auth',
  attempts: number,
  retryAfterMs: number | null,
  random: number,
): number => {
  const { firstMs, mostMs } = backoff[code]
  const own = Math.min(mostMs, firstMs * 2 ** Math.min(attempts - 1, 20))
  return Math.max(retryAfterMs ?? 0, Math.round(own * (1 + 0.2 * random)))
}

const ends: Readonly<Partial<Record<SendCode, { readonly lane: boolean }>>> = {
  target_gone: { lane: true },
  rejected: { lane: false },
  edit_gone: { lane: false },
}

/** Pure. `attempts` counts the failed one; `ageMs` is the part's age; `maybes` how often it may have arrived before. */
export const stepAfter = (
  error: SendError,
  row: { readonly attempts: number; readonly ageMs: number; readonly maybes: number },
  caps: Pick<Capabilities, 'resend' | 'answer'>,
  random: number,
): Step => {
  const end = ends[error.code]
  if (end) return { do: 'end', lane: end.lane }
  if (error.code === 'window_closed') return { do: 'mailbox' }
  if (error.code === 'thread_gone') return { do: 'bare', drop: 'thread' }
  if (error.code === 'handle_gone')
    return caps.answer.push === 'never' ? { do: 'mailbox' } : { do: 'bare', drop: 'handle' }
  if (error.code === 'media_rejected') return { do: 'lower' }
  if (row.ageMs > giveUpAfterMs) return { do: 'end', lane: false }
  if (error.code === 'auth') return { do: 'pause', afterMs: delayMs('auth', row.attempts, error.retryAfterMs, random) }
  const code = error.code === 'rate_limited' ? 'rate_limited' : 'unavailable'
  const afterMs = delayMs(code, row.attempts, error.retryAfterMs, random)
  if (error.delivered === 'no' || caps.resend === 'deduplicated') return { do: 'again', state: 'queued', afterMs }
  if (row.maybes === 0) return { do: 'again', state: 'unknown', afterMs }
  const rarelyMs = Math.min(rarelyMostMs, rarelyFirstMs * 3 ** Math.min(row.maybes - 1, 10))
  return { do: 'again', state: 'unknown', afterMs: Math.max(afterMs, rarelyMs) }
}
