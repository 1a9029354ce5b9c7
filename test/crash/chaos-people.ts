import type { Person, Place } from '../platforms/platform.ts'
import { openRoom } from '../platforms/telegram-world.ts'
import { emptyMailbox } from './flows.ts'
import { type Stage, tick } from './harness.ts'
import { backendApprovals } from './seen.ts'

/** Uniform in [0, 1), the same row of numbers for the same seed. */
export type Random = () => number

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

/** One command somebody gave. */
export interface Said {
  /** In the prompt of a run, and nowhere else in the world. */
  readonly word: string
  readonly kind: 'run' | 'look'
  readonly chat: string
  /** The platform's id of the message, where answers quote it. */
  readonly message: string | null
  /** The platform holds it as taken over by us: whatever happens now, it has to be answered. */
  accepted: boolean
}

export interface Crowd {
  /** Somebody does something. What needs the daemon goes on in the background. */
  readonly act: () => void
  readonly said: () => readonly Said[]
  /** Nobody is waiting for an answer over HTTP any more. */
  readonly quiet: () => Promise<void>
  /** The admin decides on everything that is open, and people fetch what waits for them. */
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
  const { telegram, kakao } = stage
  const said: Said[] = []
  let line: Promise<void> = Promise.resolve()
  const dora = { id: '501000555', name: 'Dora' }
  openRoom(telegram.world, Number(dora.id), 'private', dora.name)
  const { ann, bob } = telegram.people
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)]
  const chance = (of: number): boolean => random() < of

  const onTelegram = (kind: Said['kind'], from: Person, place: Place, text: string, word: string): void => {
    void telegram.say(from, place, text)
    const message = String(telegram.world.posts.at(-1)?.id ?? '')
    said.push({ word, kind, chat: place.chat, message, accepted: false })
  }

  /** One after another: the fake remembers only its last request for bringing it again. */
  const onKakao = (kind: Said['kind'], from: Person, text: string, word: string): void => {
    const one: Said = { word, kind, chat: from.id, message: null, accepted: false }
    said.push(one)
    const [callback, again, twin] = [chance(0.5), chance(0.7), chance(0.2)]
    line = line.then(async () => {
      kakao.offerCallbacks(callback)
      const failed = (): null => null
      const first = await kakao.say(from, { chat: from.id, kind: 'dm' }, text).catch(failed)
      one.accepted = first?.status === 200
      if (!one.accepted && again) {
        await tick(300)
        const second = await kakao.redeliver().catch(failed)
        one.accepted = second?.status === 200
      }
      if (twin) await kakao.redeliver().catch(failed)
    })
  }

  const run = (): void => {
    const word = `w${said.length}q`
    const text = (pick(templates) ?? templates[0])(word)
    const who = Math.floor(random() * 7)
    if (who === 0) onTelegram('run', ann, dm(ann), text, word)
    else if (who === 1) onTelegram('run', bob, dm(bob), text, word)
    else if (who === 2) onTelegram('run', dora, dm(dora), text, word)
    else if (who === 3) onTelegram('run', stage.carl, telegram.places.group, text, word)
    else if (who === 4) onKakao('run', kakao.people.ann, text, word)
    else if (who === 5) onKakao('run', kakao.people.bob, text, word)
    else onTelegram('run', stage.carl, dm(stage.carl), text, word)
  }

  const look = (): void => {
    const text = pick(looks) ?? '/help'
    if (chance(0.3)) onKakao('look', pick([kakao.people.ann, kakao.people.bob]) ?? kakao.people.ann, text, '')
    else {
      const from = pick([ann, bob, dora, stage.carl]) ?? ann
      onTelegram('look', from, dm(from), text, '')
    }
  }

  const decide = (): void => {
    const card = pick(telegram.shown().filter(({ place, buttons }) => place.chat === ann.id && buttons.length === 2))
    const approve = card?.buttons.find(({ label }) => label === 'Approve')
    const reject = card?.buttons.find(({ label }) => label === 'Reject')
    if (!approve || !reject) return
    void (chance(0.8) ? approve : reject).press()
    if (chance(0.3)) void (chance(0.5) ? approve : reject).press()
  }

  const cancel = (): void => {
    const from = pick([stage.carl, bob, dora]) ?? stage.carl
    onTelegram('look', from, dm(from), '/cancel', '')
  }

  /** Only what was confirmed can come again: before that, it has not come once. */
  const again = (): void => {
    if (telegram.updates.waiting() === 0) void telegram.redeliver()
  }

  const deeds: readonly (readonly [weight: number, deed: () => void])[] = [
    [10, run],
    [3, look],
    [4, decide],
    [1, cancel],
    [1, again],
    [1, () => onKakao('look', pick([kakao.people.ann, kakao.people.bob]) ?? kakao.people.ann, '/inbox', '')],
  ]
  const total = deeds.reduce((sum, [weight]) => sum + weight, 0)

  return {
    act: () => {
      let left = random() * total
      for (const [weight, deed] of deeds) {
        left -= weight
        if (left < 0) return deed()
      }
    },
    said: () => said,
    quiet: () => line,
    clear: async () => {
      await line
      for (const { id, status } of await backendApprovals(stage)) {
        if (status === 'pending') await telegram.say(ann, dm(ann), `/approve ${id}`)
      }
      for (const person of [kakao.people.ann, kakao.people.bob]) await emptyMailbox(stage, person, 2)
    },
  }
}

const dm = (person: Person): Place => ({ chat: person.id, kind: 'dm' })

/** Something in the world goes wrong, or gets well again. */
export const disturb = async (stage: Stage, random: Random): Promise<void> => {
  const { telegram, kakao, simulator } = stage
  const { control } = simulator
  const deeds: readonly (readonly [chance: number, deed: () => void])[] = [
    [0.08, () => telegram.failNext({ kind: 'answer_lost' })],
    [0.06, () => telegram.failNext({ kind: 'rate_limited', retryAfterMs: 300 })],
    [0.06, () => telegram.failNext({ kind: 'unavailable' })],
    [0.08, () => kakao.failNext({ kind: 'answer_lost' })],
    [0.05, () => kakao.failNext({ kind: 'unavailable' })],
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
