import { createDecipheriv, hash } from 'node:crypto'
import type { RawRequest } from '../../src/contract/index.ts'
import { sameSecret } from '../kit/hmac.ts'

const names = {
  signature: 'x-lark-signature',
  timestamp: 'x-lark-request-timestamp',
  nonce: 'x-lark-request-nonce',
} as const

export interface Signed {
  readonly signature: string
  /** Seconds since the epoch, as text: it is signed as it stands. */
  readonly timestamp: string
  readonly nonce: string
}

/** The signature headers; null unless all three are there. */
export const readSigned = ({ header }: RawRequest): Signed | null => {
  const [signature, timestamp, nonce] = [header(names.signature), header(names.timestamp), header(names.nonce)]
  if (!signature || !timestamp || !nonce || nonce.length > 200) return null
  return { signature, timestamp, nonce }
}

/** No limit is documented; ours is on both sides, and redeliveries are taken to be signed anew. */
export const isFresh = ({ timestamp }: Signed, nowMs: number, maxAgeMs: number): boolean =>
  /^\d{1,12}$/.test(timestamp) && Math.abs(nowMs - Number(timestamp) * 1000) <= maxAgeMs

const over = (kind: 'sha256' | 'sha1', { timestamp, nonce }: Signed, key: string, body: Uint8Array): string =>
  hash(kind, Buffer.concat([Buffer.from(`${timestamp}${nonce}${key}`), body]), 'hex')

/** Of encrypted events: a hash (no HMAC) of time, nonce, encrypt key and the bytes as they came. */
export const isEventSigned = (signed: Signed, key: string, body: Uint8Array): boolean =>
  sameSecret(signed.signature.toLowerCase(), over('sha256', signed, key, body))

/** Of presses of the old form: the same with SHA-1 and the verification token. */
export const isCardSigned = (signed: Signed, token: string, body: Uint8Array): boolean =>
  sameSecret(signed.signature.toLowerCase(), over('sha1', signed, token, body))

const ivBytes = 16

/** AES-256-CBC, the key hashed with SHA-256, the iv in front. Null for anything that does not open. */
export const decrypt = (sealed: string, key: string): Uint8Array | null => {
  const bytes = Buffer.from(sealed, 'base64')
  if (bytes.length < 2 * ivBytes || bytes.length % ivBytes !== 0) return null
  try {
    const decipher = createDecipheriv('aes-256-cbc', hash('sha256', key, 'buffer'), bytes.subarray(0, ivBytes))
    return Buffer.concat([decipher.update(bytes.subarray(ivBytes)), decipher.final()])
  } catch {
    // Another key, or changed on the way: the caller refuses it.
    return null
  }
}

/** A missing or empty token is never right. */
export const isToken = (given: string | undefined, expected: string | undefined): boolean =>
  given !== undefined && given !== '' && expected !== undefined && expected !== '' && sameSecret(given, expected)
