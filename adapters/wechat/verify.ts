import { sameSecret } from '../kit/hmac.ts'
import { sign } from './crypt.ts'

/** The query of every request, each parameter exactly once. */
export interface Query {
  readonly signature: string
  readonly timestamp: string
  readonly nonce: string
  /** The body is encrypted, and signed by this. */
  readonly msgSignature: string | null
}

/** How far the clock in a query may be from ours, either way (spec/connector.md, WeChat notes). */
export const windowMs = 300_000

const hex = /^[0-9a-f]{40}$/
const single = (query: URLSearchParams, name: string, form: RegExp): string | null => {
  const [value, more] = query.getAll(name)
  return value !== undefined && more === undefined && form.test(value) ? value : null
}

/** Null when a parameter is missing, doubled or of another form. `openid` is not signed, so it is not read. */
export const readQuery = (query: URLSearchParams): Query | null => {
  const signature = single(query, 'signature', hex)
  const timestamp = single(query, 'timestamp', /^\d{1,12}$/)
  const nonce = single(query, 'nonce', /^[\w-]{1,64}$/)
  if (signature === null || timestamp === null || nonce === null) return null
  if (!query.has('encrypt_type') || single(query, 'encrypt_type', /^raw$/) !== null)
    return { signature, timestamp, nonce, msgSignature: null }
  const msgSignature = single(query, 'msg_signature', hex)
  if (single(query, 'encrypt_type', /^aes$/) === null || msgSignature === null) return null
  return { signature, timestamp, nonce, msgSignature }
}

/** What is sent back to prove the address to the console; nothing that could be markup. Its
 *  alphabet is not documented: refusing one would make the setup impossible. */
export const readEcho = (query: URLSearchParams): string | null => single(query, 'echostr', /^[\w.~=-]{1,128}$/)

/** Why a query proves nothing, or null. It proves who called and when; what the body says is not covered by it. */
export const problemOf = (query: Query, token: string, nowMs: number): string | null => {
  const { signature, timestamp, nonce } = query
  if (!sameSecret(signature, sign(token, timestamp, nonce))) return 'wrong signature'
  return Math.abs(nowMs - Number(timestamp) * 1000) > windowMs ? 'stale request: timestamp out of the window' : null
}

/** Whether the encrypted text was signed by somebody who knows the token. */
export const isSigned = (query: Query, token: string, encrypted: string): boolean =>
  sameSecret(query.msgSignature ?? '', sign(token, query.timestamp, query.nonce, encrypted))
