import { readdirSync, readFileSync } from 'node:fs'
import { startDiscord } from '../platforms/discord.ts'
import { openInteraction } from '../platforms/discord-interactions.ts'
import { damageJson } from './damage.ts'
import type { Random } from './random.ts'
import type { StreamTarget } from './stream.ts'
import { inSettings } from './target.ts'
import { messageOf, textFrame } from './ws.ts'

const golden = new URL('../golden/discord/', import.meta.url)
const seeds = readdirSync(golden)
  .map((name) => JSON.parse(readFileSync(new URL(name, golden), 'utf8')) as { payload?: { op?: number } })
  .flatMap(({ payload }) => (payload?.op === undefined ? [] : [JSON.stringify(payload)]))

/** Answers go out at our own pace, so there are few people, and little to ask for. */
const people = 40
const rates = { RATE_LIMIT_USER_RPM: '5', RATE_LIMIT_CHANNEL_RPM: '5' }

/** Command, press, completion. */
const interactionTypes = [2, 3, 4] as const

/** What ends a connection or a session: to come again, an invalid session, a second hello, another READY. */
const isFinal = (bytes: Buffer): boolean => {
  try {
    const { op, t } = JSON.parse(bytes.toString('utf8')) as { op?: unknown; t?: unknown }
    return op === 7 || op === 9 || op === 10 || t === 'READY'
  } catch {
    return false
  }
}

const frame = (op: number, d: unknown, more: object = {}): Buffer => textFrame(JSON.stringify({ op, d, ...more }))

/** The gateway of Discord. */
export const openDiscord = async (): Promise<StreamTarget> => {
  const fake = await startDiscord()
  const { ann } = fake.people
  const { world, gateway } = fake
  Object.assign(world.limits, { perSecond: 1e6, perChannel: { count: 1e6, windowMs: 1000 } })
  const channel = world.channels.get(fake.places.group.chat)!
  let beats = 0

  const fresh = (random: Random, n: number): Buffer => {
    const who = `3000000000000010${String(random.below(people)).padStart(2, '0')}`
    const by = { id: who, name: 'Fuzz' }
    const seed = random.pick(seeds)
    const type = interactionTypes.find((one) => seed.includes(`"type":${one},"token":`))
    // One interaction of two is one that Discord knows.
    const known = type !== undefined && random.chance(0.5) ? openInteraction(world, { type, by, channel }) : null
    let nth = 0
    return Buffer.from(
      seed
        .replaceAll(/3000000000000000\d\d/g, who)
        .replaceAll(/\b121\d{16}\b/g, () => `121${String(n).padStart(13, '0')}${String(nth++).padStart(3, '0')}`)
        .replaceAll(/\b124\d{16}\b/g, known?.id ?? `124${String(n).padStart(16, '0')}`)
        .replaceAll(/FAKE_INTERACTION_TOKEN_\d+/g, known?.token ?? `FAKE_INTERACTION_TOKEN_${n}`)
        .replaceAll(/1200000000000000500/g, `12000000000000005${String(random.below(people)).padStart(2, '0')}`)
        .replaceAll(/"timestamp":"[^"]*"/g, `"timestamp":"${new Date().toISOString()}"`)
        .replaceAll(/wss?:\/\/[\w.-]*discord\.gg/g, gateway.url)
        .replaceAll(/https:\/\/(?:cdn|media)\.discordapp\.(?:com|net)/g, fake.base)
        // Not ahead of what the session holds, or it could not be resumed.
        .replaceAll(/"s":\d+/g, '"s":1'),
    )
  }

  return {
    name: 'discord',
    settings: { ...inSettings('DISCORD', fake.settings), ...rates },
    secrets: fake.secrets,
    server: fake.server,
    damage: (n, random) => {
      let body = damageJson(fresh(random, n), random)
      while (isFinal(body)) body = damageJson(fresh(random, n), random)
      const message = messageOf(body, random)
      return { kind: message.isBinary ? 'binary, packed or no text' : 'damaged', messages: [message] }
    },
    // A heartbeat that the gateway asks for is answered at once, and in order.
    mark: () => {
      beats = gateway.stats.heartbeats
      return frame(1, null)
    },
    marked: () => gateway.stats.heartbeats > beats,
    endings: [
      { name: 'asked to come again', act: (write) => write(frame(7, null)) },
      { name: 'a session that is none any more', connections: 2, act: () => gateway.invalidate(false) },
      { name: 'a second hello', act: (write) => write(frame(10, { heartbeat_interval: 41_250 })) },
      { name: 'READY in no form', act: (write) => write(frame(0, { user: [] }, { t: 'READY', s: 1 })) },
      {
        name: 'READY of another session',
        // Resumed in vain, then begun anew, which may be a moment too early for the gateway.
        connections: 3,
        act: async (write) => {
          const user = { id: world.bot.id, username: world.bot.username }
          const d = { session_id: 'fuzz', resume_gateway_url: gateway.url, user, guilds: [] }
          write(frame(0, d, { t: 'READY', s: 1 }))
          await new Promise((resolve) => setTimeout(resolve, 50))
          gateway.cut()
        },
      },
      {
        name: 'a sequence far ahead',
        connections: 3,
        act: async (write) => {
          write(frame(0, {}, { t: 'TYPING_START', s: Number.MAX_SAFE_INTEGER }))
          await new Promise((resolve) => setTimeout(resolve, 50))
          gateway.cut()
        },
      },
      { name: 'closed with an unknown code', act: () => gateway.close(4000) },
    ],
    renewals: () => 0,
    ask: () => void fake.say(ann, fake.places.dm, '/help'),
    answers: () => fake.shown().filter(({ place, text }) => place.chat === ann.id && text.includes('/help')).length,
    calls: () => fake.calls().length,
    close: fake.close,
  }
}
