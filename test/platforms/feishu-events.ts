import { createCipheriv, createHash } from 'node:crypto'
import type { RawCall } from './platform.ts'

/** One app of the developer console, with everything the console shows about it. */
export interface FeishuApp {
  readonly appId: string
  readonly secret: string
  readonly token: string
  /** Null: events come in the open. */
  readonly encryptKey: string | null
  readonly bot: string
  /** Offered in the store: it has a ticket, and a token for each tenant. */
  readonly store?: boolean
}

export const tenant = 'fa4etenant000001'
export const otherTenant = 'fa4etenant000002'
export const mainApp: FeishuApp = {
  appId: 'cli_00000000fa4e0001',
  secret: 'fake-app-secret-for-tests-only',
  token: 'FAKEverificationTOKENfortests0001',
  encryptKey: null,
  bot: 'ou_fa4e0000000000000000000000009000',
}
export const encryptKey = 'fake-encrypt-key-for-tests-only'
export const otherApp: FeishuApp = {
  appId: 'cli_00000000fa4e0002',
  secret: 'fake-app-secret-of-the-other-app',
  token: 'FAKEverificationTOKENfortests0002',
  encryptKey: 'fake-encrypt-key-of-the-other-app',
  bot: 'ou_fa4e0000000000000000000000009002',
}

export const eventPath = '/feishu/events'
export const callbackPath = '/feishu/callback'

/** The three names of somebody; `userId` only where the app may read it. */
export interface Writer {
  readonly openId: string
  readonly unionId: string
  readonly userId: string | null
  readonly name: string
}

export const idsOf = ({ openId, unionId, userId }: Writer): object => ({
  open_id: openId,
  union_id: unionId,
  ...(userId === null ? {} : { user_id: userId }),
})

export interface V2 {
  readonly schema: '2.0'
  readonly header: Readonly<Record<string, string>>
  readonly event: Readonly<Record<string, unknown>>
}

export const v2 = (
  app: FeishuApp,
  eventId: string,
  type: string,
  atMs: number,
  event: object,
  tenantKey = tenant,
): V2 => ({
  schema: '2.0',
  header: {
    event_id: eventId,
    token: app.token,
    // Milliseconds for events, microseconds for cards.
    create_time: type.startsWith('card.') ? `${atMs}000` : String(atMs),
    event_type: type,
    tenant_key: tenantKey,
    app_id: app.appId,
  },
  event: event as V2['event'],
})

/** An event of the first form, as apps of the store are told about themselves. */
export const v1 = (app: FeishuApp, uuid: string, type: string, atMs: number, event: object): object => ({
  ts: `${Math.floor(atMs / 1000)}.${String(atMs % 1000).padStart(3, '0')}`,
  uuid,
  token: app.token,
  type: 'event_callback',
  event: { app_id: app.appId, type, ...event },
})

export const mentionOf = (key: string, openId: string, name: string, type: 'bot' | 'user'): object => ({
  key,
  id: { open_id: openId, union_id: openId.replace('ou_', 'on_'), user_id: '' },
  mentioned_type: type,
  name,
  tenant_key: tenant,
})

/** AES-256-CBC with PKCS7, the key hashed, the first block of the text as iv. */
export const sealed = (plain: string, key: string, iv: Buffer = Buffer.alloc(16, 7)): string => {
  const cipher = createCipheriv('aes-256-cbc', createHash('sha256').update(key).digest(), iv)
  return Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final()]).toString('base64')
}

const signatureHeaders = (signature: string, stamp: string, nonce: string) => ({
  'x-lark-request-timestamp': stamp,
  'x-lark-request-nonce': nonce,
  'x-lark-signature': signature,
})

/** The signature over events: SHA-256 with the encrypt key. */
export const signedHeaders = (body: string, key: string, stamp: string, nonce = '1000000001') =>
  signatureHeaders(createHash('sha256').update(`${stamp}${nonce}${key}${body}`).digest('hex'), stamp, nonce)

/** The signature over card callbacks of the old form: SHA-1 with the verification token. */
export const oldCardHeaders = (body: string, token: string, stamp: string, nonce = '2000000001') =>
  signatureHeaders(createHash('sha1').update(`${stamp}${nonce}${token}${body}`).digest('hex'), stamp, nonce)

export const callOf = (path: string, body: string, headers: Readonly<Record<string, string>> = {}): RawCall => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
  body,
})

/** A payload as the app's webhook gets it: in the open, or encrypted and signed. */
export const delivered = (app: FeishuApp, path: string, payload: object, nowMs: number): RawCall => {
  const plain = JSON.stringify(payload)
  if (app.encryptKey === null) return callOf(path, plain)
  const body = JSON.stringify({ encrypt: sealed(plain, app.encryptKey) })
  return callOf(path, body, signedHeaders(body, app.encryptKey, String(Math.floor(nowMs / 1000))))
}

/** The console's check of an address. It is never signed. */
export const challenge = (app: FeishuApp, path: string, token = app.token): RawCall => {
  const plain = JSON.stringify({ challenge: 'fake-challenge-0001', token, type: 'url_verification' })
  return callOf(path, app.encryptKey === null ? plain : JSON.stringify({ encrypt: sealed(plain, app.encryptKey) }))
}

export const textMessage = (from: Writer, more: object, words: string): object => ({
  sender: { sender_id: idsOf(from), sender_type: 'user', tenant_key: tenant },
  message: {
    message_id: 'om_fa4e00000000000000000000forged01',
    chat_id: 'oc_fa4e0000000000000000000000000001',
    chat_type: 'p2p',
    message_type: 'text',
    content: JSON.stringify({ text: words }),
    ...more,
  },
})

export const pressOf = (from: Writer, place: { chat: string; message: string }, value: unknown): object => ({
  operator: { tenant_key: tenant, ...idsOf(from) },
  token: 'c-FAKEcardtoken00000001',
  action: { value, tag: 'button' },
  host: 'im_message',
  context: { open_message_id: place.message, open_chat_id: place.chat },
})
