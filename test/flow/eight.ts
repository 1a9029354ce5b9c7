import { startDiscord } from '../platforms/discord.ts'
import { startFeishu } from '../platforms/feishu.ts'
import { startFakeKakao } from '../platforms/kakao.ts'
import { startLine } from '../platforms/line.ts'
import type { FakePlatform, Shown } from '../platforms/platform.ts'
import { startSlack } from '../platforms/slack.ts'
import { startTelegram } from '../platforms/telegram.ts'
import { startFakeWechat } from '../platforms/wechat.ts'
import { startWhatsapp } from '../platforms/whatsapp.ts'
import type { House, OnEnd } from './harness.ts'
import { freePort, until } from './process.ts'
import { type Relay, startRelay } from './relay.ts'
import { hasMedia, openWebhooks, type Readyz, readyz, type Webhooks } from './webhooks.ts'

/** One platform that can be killed and revived while the daemon runs. */
export interface Member {
  readonly id: string
  readonly fake: FakePlatform
  readonly relay: Relay
  /** Ann wants a picture; resolves when the platform has handed it over. */
  readonly wish: (word: string) => Promise<void>
  /** Messages of the bot that show the picture made of this word. */
  readonly pictures: (word: string) => readonly Shown[]
}

export interface Eight {
  readonly house: Webhooks
  readonly members: readonly Member[]
}

/** A platform whose API is only reached through a relay. */
const behind = async (fake: FakePlatform, origin: string, port: number): Promise<readonly [FakePlatform, Relay]> => {
  const relay = await startRelay(origin, port)
  const base = fake.settings.API_BASE?.replace(origin, relay.origin) ?? relay.origin
  return [{ ...fake, settings: { ...fake.settings, API_BASE: base } }, relay]
}

const originOf = ({ settings }: FakePlatform): string => new URL(settings.API_BASE ?? '').origin

/** One daemon that speaks all eight platforms: three by connections of its own, five by webhooks behind one port. */
export const openEight = async (onEnd: OnEnd): Promise<Eight> => {
  const [telegram, discord, feishu, slack, line, whatsapp, wechat, kakao] = await Promise.all([
    startTelegram(),
    startDiscord(),
    startFeishu({ mode: 'websocket' }),
    startSlack({ mode: 'events' }),
    startLine(),
    startWhatsapp(),
    startFakeWechat(),
    startFakeKakao(),
  ])
  const all: readonly FakePlatform[] = [telegram, discord, feishu, slack, line, whatsapp, wechat, kakao]
  const ports = await Promise.all(all.map(() => freePort()))
  const pairs = await Promise.all(all.map((fake, i) => behind(fake, originOf(fake), ports[i]?.port ?? 0)))
  const relayOf = (fake: FakePlatform): Relay => {
    const found = pairs[all.indexOf(fake)]?.[1]
    if (!found) throw new Error(`no relay for ${fake.id}`)
    return found
  }
  // Addresses that a platform names by itself lead through its relay too.
  discord.gateway.url = relayOf(discord).origin.replace('http', 'ws')
  discord.world.cdn = relayOf(discord).origin
  slack.host.lieAboutFiles(relayOf(slack).origin)
  line.world.quota.type = 'none'
  kakao.offerCallbacks(true)
  const named = (body: string | Uint8Array): string => String(body).replaceAll(kakao.origin, relayOf(kakao).origin)

  const ends: (() => Promise<void>)[] = []
  onEnd(async () => {
    for (const end of ends) await end()
    for (const [, relay] of pairs) await relay.close()
    for (const { release } of ports) await release()
  })
  const house = await openWebhooks(
    (end) => ends.push(end),
    pairs.map(([fake]) => fake),
    {
      port: 'common',
      env: { OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: 'https://connector.example' },
      wire: (to, id) => (call, signal) => to(id === 'kakao' ? { ...call, body: named(call.body) } : call, signal),
    },
  )
  const members = pairs.map(
    ([fake, relay]): Member => ({
      id: fake.id,
      fake,
      relay,
      wish: async (word) => void (await fake.say(fake.people.ann, fake.places.dm, `/run portrait ${word}`)),
      pictures: (word) => picturesOf(fake, word),
    }),
  )
  await until(
    'all eight are up',
    async () => Object.values((await readyz(house)).platforms).every(({ state }) => state === 'up'),
    () => house.daemon().tail(),
    20_000,
  )
  return { house, members }
}

/** The words may be the picture's caption or a message right before it. */
const picturesOf = (fake: FakePlatform, word: string): readonly Shown[] => {
  const shown = fake.shown()
  return shown.filter((one, i) => {
    const before = shown[i - 1]
    const words = one.text.includes('prompt:') || !before || hasMedia(before) ? one.text : before.text
    return hasMedia(one) && words.includes(`prompt: ${word}`)
  })
}

/** Waits for a state of /readyz; whatever it says, it has to be 200. */
export const readyWhen = (
  house: House,
  what: string,
  fits: (platforms: Readyz['platforms']) => boolean,
): Promise<Readyz['platforms']> => {
  let last: unknown = null
  return until(
    what,
    async () => {
      const response = await fetch(`${house.adminUrl}/readyz`)
      const body = (await response.json()) as Readyz
      last = body
      if (response.status !== 200 || !body.ready) throw new Error(`not ready: ${JSON.stringify(body)}`)
      return fits(body.platforms) ? body.platforms : null
    },
    () => last,
    20_000,
  )
}
