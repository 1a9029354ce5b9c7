import { createHash } from 'node:crypto'
import type { SkillPayload } from './wire.ts'

/** Requests carry no message id and no time, and who types the same words twice sends equal bytes: without a request
 *  id equal bytes count as one act for this long only. */
const sameActMs = 5_000
const maxRemembered = 1_000

const digest = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex').slice(0, 32)

/** When these bytes were first seen, within the span; remembered in a bounded way. */
const rememberFirstSeen = (now: () => number) => {
  const firstSeen = new Map<string, number>()
  return (key: string): number => {
    const at = now()
    const first = firstSeen.get(key)
    if (first !== undefined && Math.abs(at - first) < sameActMs) return first
    firstSeen.delete(key)
    firstSeen.set(key, at)
    const oldest = firstSeen.keys().next()
    if (firstSeen.size > maxRemembered && !oldest.done) firstSeen.delete(oldest.value)
    return at
  }
}

/**
 * What makes a request this request and no other: `X-Request-Id`, else the one-time callback address, else its bytes
 * for a few seconds. The person is always part of it, because a repeat is answered with the first answer again, and
 * a proxy that gives one id to everybody must not show people each other's answers.
 */
export const makeRequestKeys = (now: () => number) => {
  const firstSeen = rememberFirstSeen(now)
  return (requestId: string | null, payload: SkillPayload, body: Uint8Array): readonly string[] => {
    const { user, callbackUrl } = payload.userRequest
    const person = digest(user.id)
    if (requestId !== null && requestId !== '') {
      return [person, /^[\w.-]{1,80}$/.test(requestId) ? requestId : digest(requestId)]
    }
    if (callbackUrl !== undefined) return [person, 'callback', digest(callbackUrl)]
    const bytes = digest(body)
    return [person, 'bytes', bytes, String(firstSeen(bytes))]
  }
}
