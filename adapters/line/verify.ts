import { createHmac } from 'node:crypto'
import { sameSecret } from '../kit/hmac.ts'

export const signatureHeader = 'x-line-signature'

/** Whether LINE signed exactly these bytes: base64 of HMAC-SHA256 with the channel secret (Verify webhook signature).
 *  Compared as text, so that a signature has one spelling only. */
export const isSigned = (body: Uint8Array, signature: string | null, channelSecret: string): boolean =>
  signature !== null && sameSecret(signature, createHmac('sha256', channelSecret).update(body).digest('base64'))
