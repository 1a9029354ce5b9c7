import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A platform that signs its webhook calls and is answered by calls of our own. */
export interface SignedHook {
  readonly name: string
  readonly path: string
  readonly header: string
  readonly secret: string
  /** What stands before the digest, and how that is written. */
  readonly prefix: string
  readonly encoding: 'base64' | 'hex'
  /** What is answered to a call that was taken. */
  readonly ack: string
  /** What its API answers to a message. */
  readonly sent: string
  /** Of a daemon, with the API at this address. */
  readonly settings: (apiBase: string) => Readonly<Record<string, string>>
  /** Somebody says something. `id` is nobody else's. */
  readonly body: (person: number, id: string, text: string) => string
}

const golden = (name: string): string => readFileSync(new URL(`../golden/${name}`, import.meta.url), 'utf8')

const lineBody = golden('line/text-dm.json')
const whatsappBody = (
  JSON.parse(golden('whatsapp/message.text.json')) as { readonly request: { readonly rawBody: string } }
).request.rawBody

/** The recorded body with these texts of it replaced, each wherever it stands. */
const filled = (body: string, texts: Readonly<Record<string, string>>): string =>
  Object.entries(texts).reduce((text, [name, value]) => {
    const field = new RegExp(`"${name}":(?:"(?:[^"\\\\]|\\\\.)*"|\\d+)`, 'g')
    return text.replace(field, `"${name}":${value}`)
  }, body)

export const line: SignedHook = {
  name: 'LINE',
  path: '/line/webhook',
  header: 'X-Line-Signature',
  secret: 'line-test-channel-secret-not-real',
  prefix: '',
  encoding: 'base64',
  ack: '',
  sent: '{"sentMessages":[{"id":"518000000000000001","quoteToken":"q"}]}',
  settings: (apiBase) => ({
    LINE_CHANNEL_SECRET: line.secret,
    LINE_CHANNEL_ACCESS_TOKEN: 'line-test-access-token-not-real',
    LINE_API_BASE: apiBase,
  }),
  body: (person, id, text) =>
    filled(lineBody, {
      userId: `"U${person.toString(16).padStart(32, '0')}"`,
      webhookEventId: `"${id}"`,
      replyToken: `"token${id}"`,
      timestamp: String(Date.now()),
      text: JSON.stringify(text),
    }),
}

export const whatsapp: SignedHook = {
  name: 'WhatsApp',
  path: '/whatsapp/webhook',
  header: 'X-Hub-Signature-256',
  secret: 'fake-meta-app-secret-for-tests-only',
  prefix: 'sha256=',
  encoding: 'hex',
  ack: 'OK',
  sent: '{"messages":[{"id":"wamid.FAKE000001"}]}',
  settings: (apiBase) => ({
    WHATSAPP_ACCESS_TOKEN: 'fake-whatsapp-access-token',
    WHATSAPP_APP_SECRET: whatsapp.secret,
    WHATSAPP_PHONE_NUMBER_ID: '200000000000002',
    WHATSAPP_API_BASE: apiBase,
  }),
  body: (person, id, text) => {
    const number = `"${15_550_200_000 + person}"`
    return filled(whatsappBody, {
      from: number,
      wa_id: number,
      from_user_id: `"US.9000000000${person}"`,
      user_id: `"US.9000000000${person}"`,
      timestamp: `"${Math.floor(Date.now() / 1000)}"`,
      body: JSON.stringify(text),
    }).replaceAll(/"wamid\.\w+"/g, `"wamid.${id}"`)
  },
}

/** A call of the webhook as bytes in a latin1 string, signed as the platform does it. */
export const signedCall = (hook: SignedHook, body: string): string => {
  const bytes = Buffer.from(body)
  const digest = createHmac('sha256', hook.secret).update(bytes).digest(hook.encoding)
  return [
    `POST ${hook.path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    `${hook.header}: ${hook.prefix}${digest}`,
    `Content-Length: ${bytes.length}`,
    '',
    bytes.toString('latin1'),
  ].join('\r\n')
}
