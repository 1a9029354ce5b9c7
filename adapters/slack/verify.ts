import { createHmac } from 'node:crypto'
import { sameSecret } from '../kit/hmac.ts'

/** How far a signature may lie from our clock, in both directions (facts/slack §2). */
const mostSkewS = 300

/** Whether Slack signed these bytes with our secret, just now. */
export const isSigned = (
  header: (name: string) => string | null,
  body: Uint8Array,
  secret: string,
  nowMs: number,
): boolean => {
  const timestamp = header('x-slack-request-timestamp') ?? ''
  const given = header('x-slack-signature') ?? ''
  const mac = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest('hex')
  const isFresh = /^\d{1,12}$/.test(timestamp) && Math.abs(nowMs / 1000 - Number(timestamp)) <= mostSkewS
  return sameSecret(given, `v0=${mac}`) && isFresh
}
