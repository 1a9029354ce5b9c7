/** One token in the unit of `level`. A bucket gains `rpm` units a millisecond, so all sums stay whole numbers. */
const token = 60_000
const noticeEveryMs = 60_000
/** How many of the oldest keys are looked at for one that can be forgotten without loss. */
const lookAt = 8

interface Bucket {
  readonly level: number
  readonly atMs: number
  /** When it will be full again; a full bucket is worth as much as none. */
  readonly fullAtMs: number
  readonly noticedAtMs: number | null
}

/** The state of the rate limits: never more than `maxKeys` buckets, the least recently used first in the map. */
export interface Limits {
  readonly maxKeys: number
  readonly buckets: Map<string, Bucket>
}

export interface Taking {
  /** Qualified by platform and account: ids of two platforms must not share a bucket. */
  readonly userKey: string
  readonly channelKey: string
  /** Requests per minute, at least 1. A bucket also holds one minute's worth, for bursts. */
  readonly userRpm: number
  readonly channelRpm: number
}

export type Taken =
  | { readonly ok: true }
  /** `notice`: say so to the person; false when they were told within the last minute. */
  | { readonly ok: false; readonly who: 'user' | 'channel'; readonly retryAfterMs: number; readonly notice: boolean }

export const newLimits = (maxKeys: number): Limits => ({ maxKeys: Math.max(2, maxKeys), buckets: new Map() })

/** Takes one request from both buckets, or from neither. Changes `state`. */
export function take(state: Limits, nowMs: number, of: Taking): Taken {
  const userKey = `user ${of.userKey}`
  const channelKey = `channel ${of.channelKey}`
  const user = filled(state.buckets.get(userKey), nowMs, of.userRpm)
  const channel = filled(state.buckets.get(channelKey), nowMs, of.channelRpm)
  const userWaitMs = waitMs(user, of.userRpm)
  const channelWaitMs = waitMs(channel, of.channelRpm)
  if (userWaitMs === 0 && channelWaitMs === 0) {
    keep(state, nowMs, userKey, lowered(user, nowMs, of.userRpm))
    keep(state, nowMs, channelKey, lowered(channel, nowMs, of.channelRpm))
    return { ok: true }
  }
  const [who, key, bucket] =
    userWaitMs > 0 ? (['user', userKey, user] as const) : (['channel', channelKey, channel] as const)
  const notice = bucket.noticedAtMs === null || Math.abs(nowMs - bucket.noticedAtMs) >= noticeEveryMs
  keep(state, nowMs, key, notice ? { ...bucket, noticedAtMs: nowMs } : bucket)
  return { ok: false, who, retryAfterMs: Math.max(userWaitMs, channelWaitMs), notice }
}

const waitMs = (bucket: Bucket, rpm: number): number => Math.max(0, Math.ceil((token - bucket.level) / rpm))

/** The bucket as it stands now. A clock that went back gives nothing and takes nothing. */
function filled(bucket: Bucket | undefined, nowMs: number, rpm: number): Bucket {
  const full = rpm * token
  if (bucket === undefined) return { level: full, atMs: nowMs, fullAtMs: nowMs, noticedAtMs: null }
  const level = Math.min(full, bucket.level + Math.max(0, nowMs - bucket.atMs) * rpm)
  return { ...bucket, level, atMs: nowMs, fullAtMs: nowMs + (full - level) / rpm }
}

function lowered(bucket: Bucket, nowMs: number, rpm: number): Bucket {
  const level = bucket.level - token
  return { ...bucket, level, fullAtMs: nowMs + (rpm * token - level) / rpm }
}

function keep(state: Limits, nowMs: number, key: string, bucket: Bucket): void {
  state.buckets.delete(key)
  if (state.buckets.size >= state.maxKeys) evict(state, nowMs)
  state.buckets.set(key, bucket)
}

/** Drops one bucket: the first full one among the oldest, else the oldest. */
function evict(state: Limits, nowMs: number): void {
  let oldest: string | null = null
  let seen = 0
  for (const [key, bucket] of state.buckets) {
    oldest ??= key
    if (bucket.fullAtMs <= nowMs) {
      state.buckets.delete(key)
      return
    }
    if (++seen === lookAt) break
  }
  if (oldest !== null) state.buckets.delete(oldest)
}
