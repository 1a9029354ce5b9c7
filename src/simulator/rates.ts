import { type Answer, json } from './http.ts'

export type RateClass = 'admin' | 'logs' | 'events'

const perMinute: Readonly<Record<RateClass, number>> = { admin: 20, logs: 60, events: 30 }

/** Wider buckets beside the one of the principal, as multiples of its size. */
const wider = { ip: 5, tenant: 3, endpoint_class: 10 }

export interface Refusal {
  readonly bucket: string
  readonly scope: string
  readonly retryAfterSec: number
  readonly reason: 'burst_limit_exceeded' | 'daily_cap_exceeded'
  readonly rateClass: RateClass
}

export interface Rates {
  /** Null when the request may pass; then it is counted. */
  readonly take: (rateClass: RateClass, principal: string, tenant: string) => Refusal | null
}

interface Bucket {
  tokens: number
  at: number
}

/** Token buckets that refill evenly, and an optional cap per UTC day. Kept in memory only, as in the pack. */
export function createRates(now: () => number, dailyCap: number | null): Rates {
  const buckets = new Map<string, Bucket>()
  const days = new Map<string, number>()

  const bucketOf = (key: string, size: number): Bucket => {
    const at = now()
    const bucket = buckets.get(key) ?? { tokens: size, at }
    bucket.tokens = Math.min(size, bucket.tokens + (Math.max(0, at - bucket.at) * size) / 60_000)
    bucket.at = at
    buckets.set(key, bucket)
    return bucket
  }

  return {
    take: (rateClass, principal, tenant) => {
      const size = perMinute[rateClass]
      const scopes = [
        { bucket: 'token_id', scope: `token_id:${principal}`, size },
        { bucket: 'ip', scope: 'ip:127.0.0.1', size: size * wider.ip },
        { bucket: 'tenant', scope: `tenant:${tenant}`, size: size * wider.tenant },
        { bucket: 'endpoint_class', scope: `endpoint_class:${rateClass}`, size: size * wider.endpoint_class },
      ]
      const day = `${rateClass} ${principal} ${Math.floor(now() / 86_400_000)}`
      const used = days.get(day) ?? 0
      if (dailyCap !== null && used >= dailyCap) {
        const retryAfterSec = Math.ceil((86_400_000 - (now() % 86_400_000)) / 1000)
        const scope = `token_id:${principal}`
        return { bucket: 'token_id', scope, retryAfterSec, reason: 'daily_cap_exceeded', rateClass }
      }
      const found = scopes.map((entry) => ({ ...entry, held: bucketOf(`${rateClass} ${entry.scope}`, entry.size) }))
      const dry = found.find((entry) => entry.held.tokens < 1)
      if (dry !== undefined) {
        const retryAfterSec = Math.max(1, Math.ceil(((1 - dry.held.tokens) * 60) / dry.size))
        return { bucket: dry.bucket, scope: dry.scope, retryAfterSec, reason: 'burst_limit_exceeded', rateClass }
      }
      for (const { held } of found) held.tokens -= 1
      days.set(day, used + 1)
      return null
    },
  }
}

export const rateLimited = (refusal: Refusal, error: string): Answer =>
  json(
    429,
    {
      error,
      code: 'rate_limit_exceeded',
      bucket: refusal.bucket,
      scope: refusal.scope,
      retry_after_sec: refusal.retryAfterSec,
      reason_code: refusal.reason,
      endpoint_class: refusal.rateClass,
      ok: false,
    },
    { 'Retry-After': String(refusal.retryAfterSec) },
  )
