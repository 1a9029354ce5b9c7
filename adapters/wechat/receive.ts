import type { Log, RawRequest, Verdict } from '../../src/contract/index.ts'
import { vouch } from '../../src/contract/index.ts'
import { type Cipher, decrypt } from './crypt.ts'
import { type DecodeContext, decode } from './decode.ts'
import type { Deliveries } from './deliveries.ts'
import { success } from './inline.ts'
import type { Rights } from './rights.ts'
import { isSigned, problemOf, type Query, readEcho, readQuery } from './verify.ts'
import { readMessage } from './wire.ts'
import { type Fields, type Gate, maxBytes } from './xml.ts'

export interface ReceiveDeps extends DecodeContext {
  readonly token: string
  /** The current key first, then the previous one. Empty: messages come in the open. */
  readonly ciphers: readonly Cipher[]
  /** This one fitted: answers go out with it. */
  readonly use: (cipher: Cipher) => void
  readonly gate: Gate
  readonly nonces: (query: Query, content: string) => boolean
  readonly deliveries: Deliveries
  readonly rights: Rights
  readonly now: () => number
  readonly log: Log
}

type Refusal = Extract<Verdict, { kind: 'reject' }>
type Opened = { readonly kind: 'opened'; readonly fields: Fields; readonly content: string }

const forbidden = (reason: string): Refusal => ({ kind: 'reject', status: 403, reason })
const unreadable = (reason: string): Refusal => ({ kind: 'reject', status: 400, reason })

const utf8 = new TextDecoder('utf-8', { fatal: true })
const textOf = (body: Uint8Array): string | null => {
  try {
    return utf8.decode(body)
  } catch {
    return null
  }
}

/**
 * The verdict on a request. Everything that could be a forgery is answered with one and the same 403. What is
 * authentic gets a 200 even where it means nothing to us: anything else shows the person an error.
 */
export const makeReceive = (deps: ReceiveDeps): ((request: RawRequest) => Promise<Verdict>) => {
  /** Only what the cipher protects is looked at: in compatible mode the fields beside it are signed by nobody. */
  const unseal = (outer: Fields, query: Query): Opened | Refusal => {
    const sealed = outer.Encrypt ?? ''
    // Before anything is decrypted, so that nobody without the token learns how it went.
    if (!isSigned(query, deps.token, sealed)) return forbidden('wrong msg_signature')
    for (const cipher of deps.ciphers) {
      const content = decrypt(sealed, cipher)
      if (content === null) continue
      deps.use(cipher)
      const inner = deps.gate(content)
      return inner.kind === 'fields'
        ? { kind: 'opened', fields: inner.fields, content }
        : unreadable(`encrypted body: ${inner.why}`)
    }
    return forbidden('not encrypted with our key for our AppID')
  }

  const open = (query: Query, body: Uint8Array): Opened | Refusal => {
    const encrypts = deps.ciphers.length > 0
    if (encrypts && query.msgSignature === null) return forbidden('not encrypted, although an AES key is set')
    const text = textOf(body)
    const outer = text === null ? null : deps.gate(text)
    if (outer?.kind !== 'fields') return unreadable(outer?.why ?? 'not UTF-8')
    if (encrypts) return unseal(outer.fields, query)
    if (outer.fields.MsgType === undefined && outer.fields.Encrypt !== undefined)
      return forbidden('encrypted: set OPENCLAW_CONNECTOR_WECHAT_ENCODING_AES_KEY')
    // The encrypted copy of compatible mode is another one in each delivery, and not read here.
    return { kind: 'opened', fields: outer.fields, content: JSON.stringify({ ...outer.fields, Encrypt: '' }) }
  }

  const taken = (query: Query, fields: Fields): Verdict => {
    const message = readMessage(fields)
    if (message === null) {
      deps.log.warn({}, 'a message without sender, time or kind')
      return { kind: 'answer', answer: success }
    }
    // The plain signature proves a caller who knows the token, the encrypted one also what is said.
    const signedMs = Number(query.timestamp) * 1000
    const event = decode(vouch(message, deps.ciphers.length > 0 ? 'signature' : 'secret'), signedMs, deps)
    if (event === null) return { kind: 'answer', answer: success }
    const ageMs = signedMs - Number(message.CreateTime) * 1000
    const waitMs = deps.deliveries.waitMs(event.id, ageMs, deps.rights.has())
    return { kind: 'events', events: [event], ack: success, waitMs }
  }

  return async ({ method, query: params, body }) => {
    const query = readQuery(params)
    if (query === null) return forbidden('a query that is not one of WeChat')
    const problem = problemOf(query, deps.token, deps.now())
    if (problem !== null) return forbidden(problem)
    if (method === 'GET') {
      const echo = readEcho(params)
      return echo === null ? forbidden('no echostr') : { kind: 'answer', answer: { ...success, body: echo } }
    }
    if (body.byteLength > maxBytes) return { kind: 'reject', status: 413, reason: 'message too large' }
    const opened = open(query, body)
    if (opened.kind === 'reject') return opened
    if (!deps.nonces(query, opened.content)) return forbidden('a used nonce with another body')
    return taken(query, opened.fields)
  }
}
