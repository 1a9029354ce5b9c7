import type { Backend } from './client.ts'
import type { Answer, CallOptions, Failure } from './http.ts'
import type { BackendConfig, Template } from './wire.ts'

/** `trouble`: the value is an old one, because of this. */
export type CachedAnswer<T> =
  | { readonly ok: true; readonly value: T; readonly asOfMs: number; readonly trouble: Failure | null }
  | Failure

export interface Cached<T> {
  /** Fetches when the value is older than its time to live. When that fails, the last good one serves for an hour.
   *  The caller's signal ends the waiting, not the fetch, which others may be waiting for. */
  readonly get: (options?: { readonly signal?: AbortSignal }) => Promise<CachedAnswer<T>>
  /** Makes the next `get` fetch. What is known stays for the case that this fails. */
  readonly expire: () => void
}

/** "Not before": one for all reads that share a rate bucket of the backend. */
export interface Hold {
  until: { readonly ms: number; readonly failure: Failure } | null
}

export interface CachedDeps<T> {
  readonly load: (options: CallOptions) => Promise<Answer<T>>
  readonly now: () => number
  /** Ends fetches for good, at shutdown. */
  readonly signal: AbortSignal
  readonly hold: Hold
  readonly ttlMs?: number
  readonly staleMs?: number
}

/** The bucket refills with one request every 3 s (20 a minute). */
const refillMs = 3000

const stopped: Failure = {
  ok: false,
  kind: 'unanswered',
  status: null,
  detail: 'stopped while waiting',
  said: null,
  effect: 'none',
  retryAfterMs: null,
  code: null,
}

/** What `promise` brings, or `otherwise` when the signal comes first. */
function unless<T>(signal: AbortSignal | undefined, promise: Promise<T>, otherwise: T): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const stop = () => resolve(otherwise)
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

export function createCached<T>(deps: CachedDeps<T>): Cached<T> {
  const { load, now, signal, hold, ttlMs = 60_000, staleMs = 3_600_000 } = deps
  let good: { readonly value: T; readonly asOfMs: number } | null = null
  let due = true
  let own: Hold['until'] = null
  let flight: Promise<Failure | null> | null = null

  const withheld = (): Failure | null => {
    const held = [hold.until, own].find((until) => until !== null && now() < until.ms)
    return held ? { ...held.failure, retryAfterMs: held.ms - now() } : null
  }

  async function fetchNow(): Promise<Failure | null> {
    const answer = await load({ signal })
    if (answer.ok) {
      good = { value: answer.value, asOfMs: now() }
      due = false
      return null
    }
    const until = { ms: now() + Math.max(refillMs, answer.retryAfterMs ?? 0), failure: answer }
    if (answer.kind === 'limited') hold.until = until
    // Any answer cost a request of the bucket; a backend that is down costs nothing and may be back at once.
    else if (answer.status !== null) own = until
    return answer
  }

  const fetchOnce = (): Promise<Failure | null> => {
    flight ??= fetchNow().finally(() => {
      flight = null
    })
    return flight
  }

  return {
    get: async (options = {}) => {
      if (good !== null && !due && now() - good.asOfMs < ttlMs) return { ok: true, ...good, trouble: null }
      if (options.signal?.aborted) return stopped
      const trouble = withheld() ?? (await unless(options.signal, fetchOnce(), stopped))
      if (good !== null && now() - good.asOfMs < staleMs) return { ok: true, ...good, trouble }
      return trouble ?? stopped
    },
    expire: () => {
      due = true
    },
  }
}

/** The two reads that every conversation needs, inside the 20 a minute they share with the language model. */
export function createCaches(deps: {
  readonly backend: Backend
  readonly now: () => number
  readonly signal: AbortSignal
}): {
  readonly templates: Cached<readonly Template[]>
  readonly config: Cached<BackendConfig>
} {
  const { backend, now, signal } = deps
  const hold: Hold = { until: null }
  return {
    templates: createCached({ load: backend.templates, now, signal, hold }),
    config: createCached({ load: backend.config, now, signal, hold }),
  }
}
