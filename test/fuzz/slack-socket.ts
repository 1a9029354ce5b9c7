import { readdirSync, readFileSync } from 'node:fs'
import { startSlack } from '../platforms/slack.ts'
import { people } from '../platforms/slack-world.ts'
import { damageJson } from './damage.ts'
import { openChats, rates, varySlack } from './slack.ts'
import type { StreamTarget } from './stream.ts'
import { inSettings } from './target.ts'
import { messageOf, textFrame } from './ws.ts'

interface Recorded {
  readonly request?: { readonly path: string }
  readonly payload?: object
}

const golden = new URL('../golden/slack/', import.meta.url)
const read = (name: string): Recorded => JSON.parse(readFileSync(new URL(name, golden), 'utf8')) as Recorded

/** Envelopes as they were recorded, and around what came by HTTP. Without the one that switches Socket Mode off: after
 *  it the daemon stops, and is right. */
const seeds = readdirSync(golden)
  .filter((name) => /^(?:events|interactive|socket)\./.test(name) && name !== 'socket.disconnect-disabled.json')
  .flatMap((name) => {
    const { payload } = read(name)
    if (payload === undefined) return []
    if (name.startsWith('socket.')) return [payload]
    const type = name.startsWith('events.') ? 'events_api' : 'interactive'
    return [{ envelope_id: '11111111-aaaa-4bbb-8ccc-000000000001', payload, type, accepts_response_payload: false }]
  })
  .map((envelope) => JSON.stringify(envelope))

const refresh = textFrame(JSON.stringify({ type: 'disconnect', reason: 'refresh_requested', debug_info: {} }))

/** Slack over Socket Mode. */
export const openSlackSocket = async (): Promise<StreamTarget> => {
  const fake = await startSlack({ mode: 'socket' })
  const responseKey = openChats(fake)
  let renewals = 0
  return {
    name: 'slack-socket',
    settings: { ...inSettings('SLACK', fake.settings), ...rates },
    secrets: fake.secrets,
    server: fake.host.server,
    damage: (n, random) => {
      const fresh = varySlack(random.pick(seeds), random, n, fake.host.origin, responseKey(n, random))
      const id = `${n.toString(16).padStart(8, '0')}-aaaa-4bbb-8ccc-000000000001`
      const body = damageJson(Buffer.from(fresh.replace(/[\w-]+(?=-aaaa-4bbb)[\w-]+/, id)), random)
      const isRenewal = body.includes('"disconnect"')
      if (isRenewal) renewals += 1
      return { kind: isRenewal ? 'asks for a new connection' : 'damaged', messages: [messageOf(body, random)] }
    },
    mark: (n) => textFrame(JSON.stringify({ envelope_id: `mark-${n}`, type: 'events_api', payload: {} })),
    marked: (n) => fake.socket.acks().includes(`mark-${n}`),
    endings: [
      { name: 'a wish for another connection', act: (write) => write(refresh) },
      { name: 'the line is cut', act: () => fake.socket.cut() },
      {
        name: 'wishes for another connection, as soon as there is one',
        connections: 8,
        act: async (write) => {
          for (const endMs = Date.now() + 3000; Date.now() < endMs; await new Promise((next) => setTimeout(next, 5)))
            write(refresh)
        },
      },
    ],
    renewals: () => renewals,
    ask: () => void fake.say(fake.people.ann, fake.places.dm, '/help'),
    answers: () => fake.shown().filter(({ place, text }) => place.chat === people.ann && text.includes('/help')).length,
    calls: () => fake.calls().length,
    close: fake.close,
  }
}
