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
  /** Where the moment is signed along: the header it stands in, and what is signed before the body. */
  readonly stamp?: { readonly header: string; readonly before: (stamp: string) => string }
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

const slackBody = (
  JSON.parse(golden('slack/events.message-dm.json')) as { readonly request: { readonly rawBody: string } }
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

export const slack: SignedHook = {
  name: 'Slack',
  path: '/slack/events',
  header: 'X-Slack-Signature',
  secret: 'fake-slack-signing-secret-for-tests-only',
  prefix: 'v0=',
  encoding: 'hex',
  stamp: { header: 'X-Slack-Request-Timestamp', before: (stamp) => `v0:${stamp}:` },
  ack: '',
  // Asked who it is, it says so too.
  sent: JSON.stringify({
    ok: true,
    channel: 'D0FAKEDM001',
    ts: '1767225610.000100',
    team_id: 'T0FAKETEAM1',
    user_id: 'U0FAKEBOT01',
    bot_id: 'B0FAKEBOT01',
  }),
  settings: (apiBase) => ({
    SLACK_SIGNING_SECRET: slack.secret,
    SLACK_BOT_TOKEN: 'xoxb-fake-token-for-tests-only',
    SLACK_API_BASE: `${apiBase}/api`,
  }),
  body: (person, id, text) => {
    const ts = `"${(Date.now() / 1000).toFixed(3)}${id.replace(/\D/g, '').slice(-3).padStart(3, '0')}"`
    return filled(slackBody, {
      user: `"U0FAKE${person}"`,
      channel: `"D0FAKE${person}"`,
      event_id: `"Ev0FAKE${id}"`,
      ts,
      event_ts: ts,
      event_time: String(Math.floor(Date.now() / 1000)),
      text: JSON.stringify(text),
    })
  },
}

export const signedHooks: readonly SignedHook[] = [line, whatsapp, slack]

export const digestOf = (hook: SignedHook, stamp: string, body: Uint8Array): string =>
  hook.prefix +
  createHmac('sha256', hook.secret)
    .update(hook.stamp?.before(stamp) ?? '')
    .update(body)
    .digest(hook.encoding)

/** A call of the webhook as bytes in a latin1 string, signed as the platform does it. */
export const signedCall = (hook: SignedHook, body: string): string => {
  const bytes = Buffer.from(body)
  const stamp = String(Math.floor(Date.now() / 1000))
  return [
    `POST ${hook.path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    `${hook.header}: ${digestOf(hook, stamp, bytes)}`,
    ...(hook.stamp ? [`${hook.stamp.header}: ${stamp}`] : []),
    `Content-Length: ${bytes.length}`,
    '',
    bytes.toString('latin1'),
  ].join('\r\n')
}
