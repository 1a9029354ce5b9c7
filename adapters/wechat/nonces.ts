// A file of its own: a signature that does not cover the body may be used for one body only.
import { createHash } from 'node:crypto'
import { type Query, windowMs } from './verify.ts'

const maxRemembered = 20_000

interface Bound {
  readonly digest: string
  readonly untilMs: number
}

/**
 * Binds each (timestamp, nonce) to the first content that came with it: false for any other content, true for the same
 * again, which is a retry. Remembered for as long as the timestamp is fresh, in a bounded way, in memory.
 */
export const makeNonces = (now: () => number): ((query: Query, content: string) => boolean) => {
  const bound = new Map<string, Bound>()
  const forget = (nowMs: number): void => {
    for (const [key, { untilMs }] of bound) {
      if (untilMs >= nowMs && bound.size < maxRemembered) return
      bound.delete(key)
    }
  }
  return ({ timestamp, nonce }, content) => {
    const key = `${timestamp}.${nonce}`
    const digest = createHash('sha256').update(content).digest('hex')
    const first = bound.get(key)
    if (first) return first.digest === digest
    forget(now())
    bound.set(key, { digest, untilMs: Number(timestamp) * 1000 + windowMs })
    return true
  }
}
