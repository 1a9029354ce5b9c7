import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { startWhatsapp } from '../platforms/whatsapp.ts'
import { appSecret, contactOf, hook, messageOf, metaJson, numberValue } from '../platforms/whatsapp-hooks.ts'
import { damageJson } from './damage.ts'
import { inSettings, type Target } from './target.ts'

const golden = new URL('../golden/whatsapp/', import.meta.url)
const seeds = readdirSync(golden)
  .map((name) => JSON.parse(readFileSync(new URL(name, golden), 'utf8')) as { request?: { rawBody?: string } })
  .flatMap(({ request }) => (request?.rawBody ? [Buffer.from(request.rawBody)] : []))

const header = 'X-Hub-Signature-256'
const share = { proven: 0.88, ann: 0.2 }
const writer = { userId: 'US.90000000000000000001', number: '15550100111', name: 'Ann' }

const signatureOf = (body: Buffer): string => `sha256=${createHmac('sha256', appSecret).update(body).digest('hex')}`

/** WhatsApp, where what was signed reaches the decoder. To most people nothing can be sent, as they are made up. */
export const openWhatsapp = async (): Promise<Target> => {
  const fake = await startWhatsapp()
  const messages = [messageOf(writer, 'wamid.FUZZHELP', Date.now(), { type: 'text', text: { body: '/help' } })]
  return {
    name: 'whatsapp',
    settings: inSettings('WHATSAPP', fake.settings),
    secrets: fake.secrets,
    maxBytes: 3 * 1024 * 1024,
    post: (body, _n, random) => {
      const signed = random.chance(1 - share.proven) ? random.pick(seeds) : body
      const headers = { 'Content-Type': 'application/json', [header]: signatureOf(signed) }
      return { path: '/whatsapp/webhook', headers, proof: header, body }
    },
    seeds,
    vary: (body, random, n) => {
      const who = random.chance(share.ann) ? writer.number : String(15_550_200_000 + random.below(2000))
      let nth = 0
      return Buffer.from(
        body
          .toString('latin1')
          .replaceAll(/"(from|wa_id)":"1555\d+"/g, `"$1":"${who}"`)
          .replaceAll(/"id":"wamid\.\w+"/g, () => `"id":"wamid.FUZZ${n}x${nth++}"`)
          .replaceAll(/"timestamp":"\d+"/g, `"timestamp":"${Math.floor(Date.now() / 1000)}"`),
        'latin1',
      )
    },
    damage: damageJson,
    help: Buffer.from(metaJson(hook('messages', numberValue({ contacts: [contactOf(writer)], messages })))),
    // Ann is among those who are given at random: only the last answer may be hers.
    helped: () => fake.shown().some(({ text }) => text.includes('/help')),
    wrong: (body) => (body === 'OK' ? null : `said ${body.slice(0, 100)}`),
    calls: () => fake.calls().length,
    close: fake.close,
  }
}
