import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { type FakeSlack, startSlack } from '../platforms/slack.ts'
import { callOf, envelope, eventsPath, home, interactionsPath, signingSecret } from '../platforms/slack-hooks.ts'
import { dmOf, people } from '../platforms/slack-world.ts'
import { damageJson } from './damage.ts'
import { mutateForm } from './form.ts'
import type { Random } from './random.ts'
import { inSettings, type Target } from './target.ts'

const golden = new URL('../golden/slack/', import.meta.url)
const seeds = readdirSync(golden)
  .map((name) => JSON.parse(readFileSync(new URL(name, golden), 'utf8')) as { request?: { rawBody?: string } })
  .flatMap(({ request }) => (request?.rawBody ? [Buffer.from(request.rawBody)] : []))

const share = { proven: 0.88, elsewhere: 0.05, known: 0.5 }
const proof = 'X-Slack-Signature'
const isForm = (body: Buffer): boolean => /^[\w%.+-]*=/.test(body.toString('latin1', 0, 100))

const signatureOf = (body: Buffer, stamp: string, secret = signingSecret): string =>
  `v0=${createHmac('sha256', secret).update(`v0:${stamp}:`).update(body).digest('hex')}`

/** Headers that prove nothing, each nearly right. */
const unproven = (body: Buffer, stamp: string, random: Random): readonly [stamp: string, signature: string] => {
  const signed = (other: string): readonly [string, string] => [other, signatureOf(body, other)]
  const good = signatureOf(body, stamp)
  return random.pick([
    () => signed(String(Number(stamp) - 400)),
    () => signed(String(Number(stamp) + 400)),
    () =>
      signed(random.pick(['', 'NaN', '0', '-1', `${stamp}.5`, `+${stamp}`, '1e400', '9'.repeat(400), `0x${stamp}`])),
    () => [String(Number(stamp) - 1), good] as const,
    () => [stamp, good.toUpperCase()] as const,
    () => [stamp, good.slice(0, -1)] as const,
    () => [stamp, `v1${good.slice(2)}`] as const,
    () => [stamp, random.pick(['', 'v0', 'v0=', `v0=${'0'.repeat(64)}`, good.slice(3), good.repeat(100)])] as const,
    () => [stamp, signatureOf(body, stamp, 'fake-other-secret')] as const,
    () => [stamp, signatureOf(random.pick(seeds), stamp)] as const,
  ])()
}

/** People and channels, half of which Slack knows. Few, and with little to ask for: answers go out six a second. */
const chats = { all: 40, known: 20 }
export const rates = { RATE_LIMIT_USER_RPM: '5', RATE_LIMIT_CHANNEL_RPM: '5' }

/** Makes some of the chats known, and one one-time address of two. */
export const openChats = ({ world }: FakeSlack) => {
  const add = (id: string, user: string | null): void =>
    void world.channels.set(id, { id, team: home, user, joined: true, archived: false })
  for (let i = 0; i < chats.known; i++) {
    const nth = String(i).padStart(4, '0')
    add(`C0FUZZ${nth}`, null)
    add(`D0FUZZ${nth}`, `U0FUZZ${nth}`)
  }
  return (n: number, random: Random): string => {
    const key = `fuzz${n}`
    const until = Date.now() + 60_000
    if (random.chance(share.known))
      world.responses.set(key, { team: home, channel: 'C0FUZZ0001', user: people.ann, until, uses: 0 })
    return key
  }
}

/** Another person, another chat and another message, now. */
export const varySlack = (text: string, random: Random, n: number, origin: string, key: string): string => {
  const chat = random.below(chats.all).toString().padStart(4, '0')
  const who = `U0FUZZ${chat}`
  const nowS = Math.floor(Date.now() / 1000)
  let nth = 0
  return text
    .replaceAll(/\bU0FAKE(?:ALICE|BOB01)\b/g, who)
    .replaceAll(/\b([CD])0FAKE(?:CHAN1|DM001|DM002)\b/g, `$10FUZZ${chat}`)
    .replaceAll(/\bEv0FAKE\w+/g, () => `Ev0FUZZ${n}X${nth++}`)
    .replaceAll(/\b1767225\d{3}\.\d{6}\b/g, () => `${nowS}.${String(n % 1_000_000).padStart(6, '0')}`)
    .replaceAll(/("(?:event_time|minute_rate_limited)"):\d+/g, `$1:${nowS}`)
    .replaceAll(/(\d{4}\.\d{4})\.fakefake\w*/g, `$1.fuzz${n}`)
    .replaceAll(/https:\/\/hooks\.slack\.com\/(commands|actions)\/(\w+)\/(\d+)\/\w+/g, `${origin}/$1/$2/$3/${key}`)
}

/** Slack over HTTP, where what was signed reaches the decoder: events in JSON, commands and presses in forms. */
export const openSlack = async (): Promise<Target> => {
  const fake = await startSlack()
  const responseKey = openChats(fake)
  const said = { type: 'message', user: people.bob, channel: dmOf[people.bob], channel_type: 'im', text: '/help' }
  const ts = fake.world.nextTs()
  const help = envelope(home, { ...said, ts, event_ts: ts }, 'Ev0FUZZHELP', Date.now())
  return {
    name: 'slack',
    settings: { ...inSettings('SLACK', fake.settings), ...rates },
    secrets: fake.secrets,
    maxBytes: 1024 * 1024,
    post: (body, _n, random) => {
      const now = String(Math.floor(Date.now() / 1000))
      const [stamp, signature] = random.chance(1 - share.proven)
        ? unproven(body, now, random)
        : [now, signatureOf(body, now)]
      const form = isForm(body) !== random.chance(share.elsewhere)
      return {
        path: form !== random.chance(share.elsewhere) ? interactionsPath : eventsPath,
        headers: {
          'Content-Type': form ? 'application/x-www-form-urlencoded' : 'application/json',
          'X-Slack-Request-Timestamp': stamp,
          [proof]: signature,
        },
        body,
        proof,
      }
    },
    seeds,
    vary: (body, random, n) => {
      const key = responseKey(n, random)
      const text = body.toString('utf8')
      if (!isForm(body)) return Buffer.from(varySlack(text, random, n, fake.host.origin, key))
      const fields = [...new URLSearchParams(text)].map(([name, value]): [string, string] => [
        name,
        varySlack(value, random, n, fake.host.origin, key),
      ])
      return Buffer.from(new URLSearchParams(fields).toString())
    },
    damage: (body, random) => (isForm(body) ? mutateForm(body, random) : damageJson(body, random)),
    help: Buffer.from(String(callOf(help, Date.now()).body)),
    helped: () => fake.shown().some(({ place, text }) => place.chat === people.bob && text.includes('/help')),
    // Nothing, or the challenge of whoever knows the secret.
    wrong: (body) => (/^[\w.~+/=-]{0,500}$/.test(body) ? null : `said ${body.slice(0, 100)}`),
    calls: () => fake.calls().length,
    close: fake.close,
  }
}
