import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { startFeishu } from '../platforms/feishu.ts'
import {
  callbackPath,
  eventPath,
  type FeishuApp,
  mainApp,
  otherApp,
  sealed,
  textMessage,
  v2,
} from '../platforms/feishu-events.ts'
import { mutateBytes } from './bytes.ts'
import { damageJson } from './damage.ts'
import type { Post } from './frames.ts'
import { mutateJson } from './json.ts'
import type { Random } from './random.ts'
import { inSettings, type Target } from './target.ts'

const golden = new URL('../golden/feishu/', import.meta.url)
/** Bodies in the open: those that came encrypted are encrypted anew. */
export const seeds: readonly Buffer[] = readdirSync(golden)
  .filter((name) => /^(?:card|challenge|encrypted|event)\./.test(name))
  .map((name) => JSON.parse(readFileSync(new URL(name, golden), 'utf8')) as { payload?: object })
  .flatMap(({ payload }) => (payload ? [Buffer.from(JSON.stringify(payload))] : []))

const share = { sealed: 0.5, proven: 0.88, envelope: 0.15, callback: 0.3, bob: 0.1 }
/** Answers go out at our own pace, so there are few people, and little to ask for. */
const people = 40
export const rates = { RATE_LIMIT_USER_RPM: '5', RATE_LIMIT_CHANNEL_RPM: '5' }
const proof = 'X-Lark-Signature'
const ann = { openId: 'ou_fa4e0000000000000000000000000001', unionId: 'on_fa4e0001', userId: 'fakealice', name: 'Ann' }

/** Another person and another message, now. To a few of the people something can be sent. */
export const varyFeishu = (body: Buffer, random: Random, n: number): Buffer => {
  const who = random.chance(share.bob) ? '0007' : String(1000 + random.below(people))
  const nowMs = Date.now()
  let nth = 0
  return Buffer.from(
    body
      .toString('utf8')
      .replaceAll(/\b(o[un]_fa4e0{24})00(?:01|07)\b/g, `$1${who}`)
      .replaceAll(/\b(om_fa4e)\w{28}\b/g, `$1${n.toString(16).padStart(28, '0')}`)
      .replaceAll(/"fa4e0{24}\w{4}"/g, () => `"fa4e${n.toString(16)}x${nth++}"`)
      .replaceAll(/\b1767225\d{6}\b/g, String(nowMs))
      .replaceAll(/\b1767225\d{3}(?=\.\d)/g, String(Math.floor(nowMs / 1000))),
  )
}

const headersOf = (over: 'sha256' | 'sha1', key: string, body: Buffer, stamp: string, nonce: string) => ({
  'X-Lark-Request-Timestamp': stamp,
  'X-Lark-Request-Nonce': nonce,
  [proof]: createHash(over).update(`${stamp}${nonce}${key}`).update(body).digest('hex'),
})

/** Something about the proof is missing, old, odd or made for other bytes. */
const unproven = (good: Readonly<Record<string, string>>, random: Random): Readonly<Record<string, string>> => {
  const name = random.pick(Object.keys(good))
  const { [name]: value = '', ...rest } = good
  const odd = ['', ' ', '0', '-1', 'NaN', '1e400', '9'.repeat(400), '__proto__', 'x'.repeat(3000), value.repeat(4)]
  return random.pick([rest, { ...good, [name]: random.pick(odd) }, { ...good, [name]: value.slice(1) }])
}

/** The other app's words instead of the main one's: what it takes has to be encrypted and signed. */
const forOther = (body: Buffer): Buffer =>
  Buffer.from(
    body.toString('latin1').replaceAll(mainApp.appId, otherApp.appId).replaceAll(mainApp.token, otherApp.token),
    'latin1',
  )

const keyOf = ({ encryptKey }: FeishuApp): string => encryptKey ?? ''

/** Mostly the damaged body, well encrypted; now and then what is around it is damaged, too. */
const sealedBody = (plain: Buffer, random: Random): Buffer => {
  const cipher = sealed(forOther(plain).toString('utf8'), keyOf(otherApp))
  if (!random.chance(share.envelope)) return Buffer.from(JSON.stringify({ encrypt: cipher }))
  return random.pick([
    () => Buffer.from(mutateJson({ encrypt: cipher }, random)),
    () => mutateBytes(Buffer.from(JSON.stringify({ encrypt: cipher })), random),
    () =>
      Buffer.from(JSON.stringify({ encrypt: mutateBytes(Buffer.from(cipher, 'base64'), random).toString('base64') })),
    () => Buffer.from(JSON.stringify({ encrypt: sealed(plain.toString('utf8'), 'fake-key-of-nobody') })),
  ])()
}

const postOf = (body: Buffer, n: number, random: Random): Post => {
  const [stamp, nonce] = [String(Math.floor(Date.now() / 1000)), String(1_000_000_000 + n)]
  const isSealed = random.chance(share.sealed)
  const content = isSealed ? sealedBody(body, random) : body
  // In the open only presses of the old form are signed, with the token; for the rest it does no harm.
  const good = isSealed
    ? headersOf('sha256', keyOf(otherApp), content, stamp, nonce)
    : headersOf('sha1', mainApp.token, content, stamp, nonce)
  const isCallback = body.includes('card') !== random.chance(0.05)
  return {
    path: isCallback ? callbackPath : eventPath,
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      ...(random.chance(1 - share.proven) ? unproven(good, random) : good),
    },
    proof,
    body: content,
  }
}

/** Chooses the first, and what is likely. */
const sealing = (isSealed: boolean): Random => ({
  below: () => 0,
  pick: ([one]) => one!,
  chance: (p) => isSealed && p === share.sealed,
})

/** Ann asks for help; nobody else is Ann. */
export const helpOf = (id: string, chat: string): object =>
  v2(
    mainApp,
    `fuzz-help-${id}`,
    'im.message.receive_v1',
    Date.now(),
    textMessage(ann, { message_id: `om_fuzz_help_${id}`, chat_id: chat }, '/help'),
  )

/** Two apps by webhook: one is told everything in the open, the other only what is encrypted and signed. */
export const openFeishu = async (): Promise<Target> => {
  const fake = await startFeishu({ mode: 'webhook' })
  const entry = ({ appId, secret, token, encryptKey }: FeishuApp): object => ({
    app_id: appId,
    app_secret: secret,
    verification_token: token,
    encrypt_key: encryptKey,
    mode: 'webhook',
  })
  const { chat } = fake.places.dm
  const bodyOf = (id: string): Buffer => Buffer.from(JSON.stringify(helpOf(id, chat)))
  const answers = (): number =>
    fake.shown().filter((one) => one.place.chat === chat && one.text.includes('/help')).length
  return {
    name: 'feishu',
    settings: {
      ...inSettings('FEISHU', {
        BINDINGS_JSON: JSON.stringify([entry(mainApp), entry(otherApp)]),
        API_BASE: fake.api.origin,
      }),
      ...rates,
    },
    secrets: [...fake.secrets, otherApp.secret, otherApp.token, keyOf(otherApp)],
    maxBytes: 1024 * 1024,
    // An app belongs to the tenant that it hears of first.
    first: [false, true].map((isSealed) => postOf(bodyOf(`first-${isSealed}`), -2, sealing(isSealed))),
    post: postOf,
    seeds,
    vary: varyFeishu,
    damage: damageJson,
    help: bodyOf('last'),
    helped: () => answers() > 2,
    wrong: (body) => (/^\{(?:"challenge":.*)?\}$/s.test(body) ? null : `said ${body.slice(0, 100)}`),
    calls: () => fake.calls().length,
    close: fake.close,
  }
}
