import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { startLine } from '../platforms/line.ts'
import { damageJson } from './damage.ts'
import { inSettings, type Target } from './target.ts'

const golden = new URL('../golden/line/', import.meta.url)
const seeds = readdirSync(golden)
  .filter((name) => !/^(?:api|resp)-|^cases|^bad-signature/.test(name))
  .map((name) => readFileSync(new URL(name, golden)))

const header = 'X-Line-Signature'
const share = { proven: 0.88, known: 0.5 }

/** LINE, where what was signed reaches the decoder. Answers go to a fake that checks them as LINE does. */
export const openLine = async (): Promise<Target> => {
  const fake = await startLine()
  fake.world.quota.type = 'none'
  const { ann } = fake.people
  const person = (n: number): string => `U${n.toString(16).padStart(32, '0')}`
  const signatureOf = (body: Buffer): string =>
    createHmac('sha256', String(fake.settings.CHANNEL_SECRET)).update(body).digest('base64')
  const help = {
    type: 'message',
    mode: 'active',
    webhookEventId: 'fuzz-help',
    timestamp: Date.now(),
    source: { type: 'user', userId: ann.id },
    message: { type: 'text', id: '1', text: '/help' },
  }
  return {
    name: 'line',
    settings: inSettings('LINE', fake.settings),
    secrets: fake.secrets,
    maxBytes: 1024 * 1024,
    post: (body, _n, random) => {
      const signed = random.chance(1 - share.proven) ? random.pick(seeds) : body
      const headers = { 'Content-Type': 'application/json; charset=utf-8', [header]: signatureOf(signed) }
      return { path: '/line/webhook', headers, proof: header, body }
    },
    seeds,
    vary: (body, random, n) => {
      const who = person(random.below(2000))
      const token = `fuzztoken${n}`
      const nowMs = Date.now()
      if (random.chance(share.known)) {
        fake.world.tokens.set(token, { chat: who, givenAt: nowMs, eventAt: nowMs, used: false })
      }
      let nth = 0
      return Buffer.from(
        body
          .toString('latin1')
          .replaceAll(/"userId":"U\w+"/g, `"userId":"${who}"`)
          .replaceAll(/"replyToken":"\w+"/g, `"replyToken":"${token}"`)
          .replaceAll(/"webhookEventId":"\w+"/g, () => `"webhookEventId":"fuzz-${n}-${nth++}"`)
          .replaceAll(/"timestamp":\d+/g, `"timestamp":${nowMs}`),
        'latin1',
      )
    },
    damage: damageJson,
    help: Buffer.from(JSON.stringify({ destination: fake.botId, events: [help] })),
    helped: () => fake.shown().some(({ place, text }) => place.chat === ann.id && text.includes('/help')),
    wrong: (body) => (body === '' ? null : `said ${body.slice(0, 100)}`),
    calls: () => fake.calls().length,
    close: fake.close,
  }
}
