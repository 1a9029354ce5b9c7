import {
  discordMouth,
  dm,
  feishuMouth,
  kakaoMouth,
  lineMouth,
  type Mouth,
  type Random,
  type Said,
  slackMouth,
  telegramMouth,
  wechatMouth,
  whatsappMouth,
} from './chaos-mouths.ts'
import { emptyMailbox } from './flows.ts'
import type { Stage } from './harness.ts'
import { backendApprovals } from './seen.ts'

/** mulberry32 */
export const randomFrom = (seed: number): Random => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Something to do, and how often of all. */
export type Deed = readonly [weight: number, deed: () => void]

/** Does one of them by chance. */
export const oneOf = (deeds: readonly Deed[], random: Random): void => {
  let left = random() * deeds.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, deed] of deeds) {
    left -= weight
    if (left >= 0) continue
    deed()
    return
  }
}

export interface Crowd {
  /** Somebody does something. What needs the daemon goes on in the background. */
  readonly act: () => void
  readonly said: () => readonly Said[]
  /** The platforms that hold something we have not heard yet. */
  readonly unheard: () => readonly string[]
  /** The admin decides on everything that is open, and people fetch what waits for them: only when all was heard, as
   *  who is asked to say /inbox must not be in the middle of something else. */
  readonly clear: () => Promise<void>
}

const templates = [
  (word: string) => `/run portrait prompt=${word} steps=2 width=64 height=64`,
  (word: string) => `/run slow prompt=${word} width=64 height=64 wait=40`,
  (word: string) => `/run note prompt=${word}`,
  (word: string) => `/run broken prompt=${word} width=64 height=64`,
] as const

const looks = ['/jobs', '/status', '/help', '/whoami', '/templates', '/history'] as const

export const gather = (stage: Stage, random: Random): Crowd => {
  const { telegram, kakao, wechat } = stage
  const said: Said[] = []
  const { ann } = telegram.people
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)]
  const chance = (of: number): boolean => random() < of
  const makers = [
    ...[telegramMouth, kakaoMouth, lineMouth, wechatMouth],
    ...[whatsappMouth, slackMouth, discordMouth, feishuMouth],
  ]
  const mouths = makers.map((make) => make(stage, said, random))
  const [own, ...others] = mouths as [Mouth, ...Mouth[]]

  const speak = (mouth: Mouth, kind: Said['kind'], text: string, word = ''): void => {
    const [from, place] = pick(mouth.speakers) ?? []
    if (from && place) mouth.say({ kind, word }, from, place, text)
  }
  let words = 0

  const run = (): void => {
    const word = `w${words++}q`
    const text = (pick(templates) ?? templates[0])(word)
    speak(chance(0.25) ? own : (pick(others) ?? own), 'run', text, word)
  }

  const look = (): void => speak(chance(0.3) ? own : (pick(others) ?? own), 'look', pick(looks) ?? '/help')

  const decide = (): void => {
    const card = pick(telegram.shown().filter(({ place, buttons }) => place.chat === ann.id && buttons.length === 2))
    const approve = card?.buttons.find(({ label }) => label === 'Approve')
    const reject = card?.buttons.find(({ label }) => label === 'Reject')
    if (!approve || !reject) return
    void (chance(0.8) ? approve : reject).press()
    if (chance(0.3)) void (chance(0.5) ? approve : reject).press()
  }

  const cancel = (): void => speak(own, 'look', '/cancel')

  /** Only what was confirmed can come again: before that, it has not come once. */
  const again = (): void => {
    if (telegram.updates.waiting() === 0) void telegram.redeliver()
  }

  const deeds: readonly Deed[] = [
    [10, run],
    [3, look],
    [4, decide],
    [1, cancel],
    [1, again],
    [1, () => speak(pick(others) ?? own, 'look', '/inbox')],
  ]
  return {
    act: () => oneOf(deeds, random),
    said: () => said,
    unheard: () => makers.filter((_, i) => !mouths[i]?.quiet()).map(({ name }) => name.replace('Mouth', '')),
    clear: async () => {
      for (const { id, status } of await backendApprovals(stage)) {
        if (status === 'pending') await telegram.say(ann, dm(ann), `/approve ${id}`)
      }
      for (const platform of [kakao, wechat]) {
        for (const person of [platform.people.ann, platform.people.bob]) await emptyMailbox(stage, platform, person, 2)
      }
    },
  }
}

/** Something in the world goes wrong, or gets well again. */
export const disturb = async (stage: Stage, random: Random): Promise<void> => {
  const { telegram, kakao, line, wechat, whatsapp, slack, discord, feishu, simulator } = stage
  const { control } = simulator
  const deeds: readonly (readonly [chance: number, deed: () => void])[] = [
    [0.08, () => telegram.failNext({ kind: 'answer_lost' })],
    [0.06, () => telegram.failNext({ kind: 'rate_limited', retryAfterMs: 300 })],
    [0.06, () => telegram.failNext({ kind: 'unavailable' })],
    [0.08, () => kakao.failNext({ kind: 'answer_lost' })],
    [0.05, () => kakao.failNext({ kind: 'unavailable' })],
    [0.08, () => line.failNext({ kind: 'answer_lost' })],
    [0.05, () => line.failNext({ kind: 'unavailable' })],
    [0.05, () => line.failNext({ kind: 'rate_limited', retryAfterMs: 300 })],
    [0.08, () => wechat.failNext({ kind: 'answer_lost' })],
    [0.05, () => wechat.failNext({ kind: 'unavailable' })],
    [0.03, () => wechat.api.expireTokens()],
    [0.08, () => whatsapp.failNext({ kind: 'answer_lost' })],
    [0.05, () => whatsapp.failNext({ kind: 'unavailable' })],
    [0.08, () => slack.failNext({ kind: 'answer_lost' })],
    [0.05, () => slack.failNext({ kind: 'unavailable' })],
    [0.04, () => slack.socket.cut()],
    [0.08, () => discord.failNext({ kind: 'answer_lost' })],
    [0.05, () => discord.failNext({ kind: 'unavailable' })],
    [0.04, () => discord.gateway.cut()],
    [0.03, () => discord.gateway.askReconnect()],
    [0.02, () => discord.gateway.invalidate(false)],
    [0.08, () => feishu.failNext({ kind: 'answer_lost' })],
    [0.05, () => feishu.failNext({ kind: 'unavailable' })],
    [0.03, () => feishu.api.expireTokens()],
    [0.04, () => feishu.sockets.drop('hard')],
    [0.1, () => control.dropAnswerOnce('POST /openclaw/triggers/fire')],
    [0.05, () => control.cutOnce('POST /openclaw/triggers/fire')],
    [0.06, () => control.dropAnswerOnce('POST /openclaw/approvals')],
    [0.05, () => control.failNextSubmit(random() < 0.5 ? 500 : 503)],
    [0.05, () => control.hangNext('GET /history', 200)],
    [0.04, () => control.hangNext('GET /queue', 200)],
    [0.03, () => void control.freeze(250)],
  ]
  for (const [chance, deed] of deeds) if (random() < chance) deed()
  await control.setDown(random() < 0.04)
  if (random() < 0.01) await control.restart()
}
