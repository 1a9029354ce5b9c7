import { createHmac, timingSafeEqual } from 'node:crypto'
import { isBlobId } from './blob-names.ts'

export interface LinksOptions {
  /** At least 16 random bytes, used for nothing else. */
  readonly key: Uint8Array
  /** The public https address of this process, with or without a path; null when there is none. */
  readonly base: string | null
  readonly path?: string
  readonly ttlMs: number
  readonly now: () => number
}

export interface LinkTarget {
  readonly blob: string
  readonly expiresAtMs: number
}

export interface Links {
  /** A signed link that expires; null without a public address. */
  readonly link: (blob: string) => string | null
  /** What a token stands for; null for a wrong and for an expired one alike. */
  readonly check: (token: string) => LinkTarget | null
}

const mediaPath = '/media'

// 16 bytes id, 5 bytes expiry (seconds), 18 bytes MAC: 39 bytes are 52 characters without a spare bit, so that a
// token has one spelling only.
const idBytes = 16
const expiryBytes = 5
const payloadBytes = idBytes + expiryBytes
const macBytes = 18
const tokenForm = /^[A-Za-z0-9_-]{52}$/

/** Links carry their id and expiry, so that they survive a restart without being stored. */
export const createLinks = ({ key, base, path = mediaPath, ttlMs, now }: LinksOptions): Links => {
  if (key.length < 16) throw new RangeError('the key of media links needs at least 16 bytes')
  const prefix = base === null ? null : base.replace(/\/+$/, '') + path

  const macOf = (payload: Uint8Array): Buffer =>
    createHmac('sha256', key).update('media link 1\0').update(payload).digest().subarray(0, macBytes)

  return {
    link: (blob) => {
      if (!isBlobId(blob)) throw new Error('not the id of a blob')
      if (prefix === null) return null
      const payload = Buffer.alloc(payloadBytes)
      payload.write(blob, 'hex')
      payload.writeUIntBE(Math.floor((now() + ttlMs) / 1000), idBytes, expiryBytes)
      return `${prefix}/${Buffer.concat([payload, macOf(payload)]).toString('base64url')}`
    },
    check: (token) => {
      if (!tokenForm.test(token)) return null
      const bytes = Buffer.from(token, 'base64url')
      const payload = bytes.subarray(0, payloadBytes)
      if (!timingSafeEqual(bytes.subarray(payloadBytes), macOf(payload))) return null
      const expiresAtMs = payload.readUIntBE(idBytes, expiryBytes) * 1000
      return now() < expiresAtMs ? { blob: payload.toString('hex', 0, idBytes), expiresAtMs } : null
    },
  }
}
