import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDiscord } from '../platforms/discord.ts'
import { startDaemon } from './daemon.ts'
import { leastBytes } from './least.ts'
import { MB, type Measure } from './row.ts'

const targetBytes = 16e6
const warmUp = 20_000
const atOnce = 2000
/** One in so many speaks to us. */
const addressed = 100
/** Answers wait for their turn all the time, so it is never quiet: what is free goes back once a minute. */
const samples = 70
/** Between heartbeats, which tell what was taken. */
const heartbeatMs = 500

const recorded = (
  JSON.parse(readFileSync(new URL('../golden/discord/message-create.guild.json', import.meta.url), 'utf8')) as {
    readonly payload: { readonly d: Readonly<Record<string, unknown>> }
  }
).payload.d

/** (m) What remains in memory of people who talked in a server where our bot listens. */
export const measureMembers: Measure = async ({ quick, dir, backend, say }) => {
  const fake = await startDiscord()
  fake.gateway.limits.heartbeatMs = heartbeatMs
  const settings = Object.fromEntries(Object.entries(fake.settings).map(([name, value]) => [`DISCORD_${name}`, value]))
  const daemon = await startDaemon({ dir: join(dir, 'daemon'), backend, settings })
  let seen = 0
  const talk = async (total: number): Promise<void> => {
    for (const end = seen + total; seen < end; ) {
      for (const until = Math.min(end, seen + atOnce); seen < until; seen++) {
        const message = {
          ...recorded,
          id: String(1_300_000_000_000_000_000n + BigInt(seen)),
          channel_id: fake.places.group.chat,
          author: { ...(recorded.author as object), id: String(400_000_000_000_000_000n + BigInt(seen)) },
          content: seen % addressed === 0 ? '/help' : `what a lovely fox, says number ${seen}`,
          timestamp: new Date().toISOString(),
        }
        fake.gateway.dispatch('MESSAGE_CREATE', () => message)
      }
      while (!fake.gateway.settled()) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const members = quick ? 10_000 : 100_000
  await talk(warmUp)
  const before = await leastBytes(daemon, samples)
  say(`  after ${warmUp} members: RSS ${MB(before)}`)
  await talk(members)
  const after = await leastBytes(daemon, samples)
  say(`  after ${members} further: RSS ${MB(after)}`)
  await daemon.stop()
  const answered = fake.world.posts.filter(({ by }) => by === null).length
  await fake.close()
  if (answered === 0) throw new Error('nobody was answered')
  return [
    {
      name: `m  memory growth over ${members.toLocaleString('en')} members of a Discord server seen`,
      figure: `RSS ${MB(after - before)} (${MB(before)} → ${MB(after)})`,
      target: `≤ ${MB(targetBytes)}`,
      pass: after - before <= targetBytes,
    },
  ]
}
