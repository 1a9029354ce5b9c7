import { createHmac } from 'node:crypto'
import type { Proof } from '../../src/contract/index.ts'
import { sameSecret } from '../kit/hmac.ts'

export const signatureHeader = 'x-hub-signature-256'

/** What the signature over the bytes as they came proves: null for a wrong or missing one, `none` when there is no
 *  app secret to check it with (facts/whatsapp-cloud §2). */
export const prove = (given: string | null, body: Uint8Array, secret: string | undefined): Proof | null => {
  if (secret === undefined) return 'none'
  const expected = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  return given !== null && sameSecret(given, expected) ? 'signature' : null
}

/** The challenge to give back when Meta verifies the webhook; null when it was not Meta, or not with our token. The
 *  names hold dots and are no nested fields. */
export const challengeOf = (query: URLSearchParams, verifyToken: string | undefined): string | null => {
  const token = query.get('hub.verify_token')
  const challenge = query.get('hub.challenge')
  if (query.get('hub.mode') !== 'subscribe' || verifyToken === undefined || token === null) return null
  if (!sameSecret(token, verifyToken) || challenge === null) return null
  // Digits as a rule. It is given back as it came, so nothing that a browser could take for a page.
  return /^[\w-]{1,200}$/.test(challenge) ? challenge : null
}
