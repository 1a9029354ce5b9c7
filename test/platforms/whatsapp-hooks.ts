import { createHmac } from 'node:crypto'
import type { Forgery, RawCall } from './platform.ts'

export const appSecret = 'fake-meta-app-secret-for-tests-only'
export const verifyToken = 'fake-whatsapp-verify-token'
export const phoneNumberId = '200000000000002'
export const ownNumber = '15550100001'
const waba = '100000000000001'
const hookPath = '/whatsapp/webhook'

/** Somebody with the two names WhatsApp gives them; who took a username has no number. */
export interface Writer {
  readonly userId: string
  readonly number: string | null
  readonly name: string
}

/** JSON as Meta writes it, and signs it: slashes and everything beyond ASCII escaped. */
export const metaJson = (value: unknown): string =>
  JSON.stringify(value)
    .replaceAll('/', '\\/')
    .replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

export const signatureOf = (body: string, secret = appSecret): string =>
  `sha256=${createHmac('sha256', secret).update(body, 'utf8').digest('hex')}`

export const callOf = (body: string, headers: Readonly<Record<string, string>>): RawCall => ({
  method: 'POST',
  path: hookPath,
  headers: { 'content-type': 'application/json', 'user-agent': 'facebookexternalua', ...headers },
  body,
})

export const signed = (payload: object): RawCall => {
  const body = metaJson(payload)
  return callOf(body, { 'x-hub-signature-256': signatureOf(body) })
}

export const verification = (token: string, more = 'hub.mode=subscribe&hub.challenge=1158201444'): RawCall => ({
  method: 'GET',
  path: `${hookPath}?${more}&hub.verify_token=${encodeURIComponent(token)}`,
  headers: {},
  body: '',
})

export const hook = (field: string, ...values: readonly object[]): object => ({
  object: 'whatsapp_business_account',
  entry: [{ id: waba, changes: values.map((value) => ({ value, field })) }],
})

export const numberValue = (more: object, number = phoneNumberId): object => ({
  messaging_product: 'whatsapp',
  metadata: { display_phone_number: ownNumber, phone_number_id: number },
  ...more,
})

export const contactOf = ({ userId, number, name }: Writer): object => ({
  profile: { name },
  user_id: userId,
  ...(number === null ? {} : { wa_id: number }),
})

export const messageOf = (from: Writer, id: string, atMs: number, more: object): object => ({
  ...(from.number === null ? {} : { from: from.number }),
  from_user_id: from.userId,
  id,
  timestamp: String(Math.floor(atMs / 1000)),
  ...more,
})

export const statusOf = (
  to: Writer,
  id: string,
  status: string,
  atMs: number,
  correlation: string | undefined,
  problem?: { readonly code: number; readonly title: string; readonly details: string },
): object => ({
  id,
  status,
  timestamp: String(Math.floor(atMs / 1000)),
  ...(to.number === null ? {} : { recipient_id: to.number }),
  recipient_user_id: to.userId,
  ...(correlation === undefined ? {} : { biz_opaque_callback_data: correlation }),
  ...(problem === undefined
    ? {}
    : {
        errors: [
          {
            code: problem.code,
            title: problem.title,
            message: problem.title,
            error_data: { details: problem.details },
          },
        ],
      }),
})

/** Calls of somebody who is not Meta, or of Meta for somebody else's webhook. */
export const forgeriesWith = (from: Writer, atMs: number): readonly Forgery[] => {
  const message = messageOf(from, 'wamid.FORGED', atMs, { type: 'text', text: { body: '/status – über/alles' } })
  const payload = hook('messages', numberValue({ contacts: [contactOf(from)], messages: [message] }))
  const body = metaJson(payload)
  const good = signatureOf(body)
  const header = 'x-hub-signature-256'
  const sha1 = `sha1=${createHmac('sha1', appSecret).update(body).digest('hex')}`
  return [
    { name: 'no signature', call: callOf(body, {}), status: 401 },
    { name: 'an empty signature', call: callOf(body, { [header]: '' }), status: 401 },
    {
      name: 'another app secret',
      call: callOf(body, { [header]: signatureOf(body, 'fake-other-secret') }),
      status: 401,
    },
    { name: 'a cut signature', call: callOf(body, { [header]: good.slice(0, -1) }), status: 401 },
    { name: 'a signature without its name', call: callOf(body, { [header]: good.slice(7) }), status: 401 },
    { name: 'the old SHA-1 signature', call: callOf(body, { 'x-hub-signature': sha1, [header]: sha1 }), status: 401 },
    {
      name: 'a signature of the same JSON written anew',
      call: callOf(body, { [header]: signatureOf(JSON.stringify(payload)) }),
      status: 401,
    },
    {
      name: 'words changed after signing',
      call: callOf(body.replace('status', 'stop  '), { [header]: good }),
      status: 401,
    },
    { name: 'a verification with another token', call: verification('fake-other-token'), status: 403 },
    { name: 'a verification without a token', call: verification(''), status: 403 },
    { name: 'a verification of another kind', call: verification(verifyToken, 'hub.mode=unsubscribe'), status: 403 },
    {
      name: 'a verification whose challenge is a page',
      call: verification(verifyToken, 'hub.mode=subscribe&hub.challenge=%3Cscript%3E'),
      status: 403,
    },
  ]
}
