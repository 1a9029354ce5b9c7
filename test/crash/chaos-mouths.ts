import type { FakePlatform, Person, Place, RawReply } from '../platforms/platform.ts'
import { openRoom } from '../platforms/telegram-world.ts'
import { slashOnDiscord } from './flows.ts'
import { type Stage, tick } from './harness.ts'

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

/** Uniform in [0, 1), the same row of numbers for the same seed. */
export type Random = () => number

/** How people speak on one platform, and how that platform brings it to us while we die. */
export interface Mouth {
  /** Who speaks, and where. */
  readonly speakers: readonly (readonly [from: Person, place: Place])[]
  readonly say: (one: Pick<Said, 'kind' | 'word'>, from: Person, place: Place, text: string) => void
  /** Everything said so far was brought, or given up. */
  readonly quiet: () => boolean
}

export const dm = (person: Person): Place => ({ chat: person.id, kind: 'dm' })

/** It keeps what was said until it is fetched. */
export const telegramMouth = (stage: Stage, said: Said[]): Mouth => {
  const { telegram, carl } = stage
  const { ann, bob } = telegram.people
  const dora = { id: '501000555', name: 'Dora' }
  openRoom(telegram.world, Number(dora.id), 'private', dora.name)
  return {
    speakers: [...[ann, bob, dora, carl].map((one) => [one, dm(one)] as const), [carl, telegram.places.group]],
    say: (one, from, place, text) => {
      void telegram.say(from, place, text)
      const message = String(telegram.world.posts.at(-1)?.id ?? '')
      said.push({ ...one, chat: place.chat, message, accepted: true })
    },
    quiet: () => telegram.updates.waiting() === 0,
  }
}

type Deed = () => Promise<RawReply | null>
type Bring = (say: Deed, again: Deed) => Promise<boolean>

const failed = (): null => null

/** One after another: the fakes remember only their last request for bringing it again. */
const mouthOf = (
  platform: FakePlatform,
  said: Said[],
  random: Random,
  way: {
    readonly bring: (random: Random) => Bring
    /** Of the message that was just said. */
    readonly message?: () => string | null
  },
): Mouth => {
  const { ann, bob } = platform.people
  let line: Promise<void> = Promise.resolve()
  let unsaid = 0
  return {
    speakers: [ann, bob].map((one) => [one, dm(one)] as const),
    say: (about, from, place, text) => {
      const [bring, twin] = [way.bring(random), random() < 0.2]
      unsaid += 1
      line = line.then(async () => {
        const one: { -readonly [K in keyof Said]: Said[K] } = {
          ...about,
          chat: from.id,
          message: null,
          accepted: false,
        }
        said.push(one)
        const again: Deed = () => platform.redeliver().catch(failed)
        const first: Deed = () => {
          const saying = platform.say(from, place, text).catch(failed)
          one.message = way.message?.() ?? null
          return saying
        }
        one.accepted = await bring(first, again)
        if (twin) await again()
        unsaid -= 1
      })
    },
    quiet: () => unsaid === 0,
  }
}

/** Whoever stands before the skill brings a request once more where it was not answered, or does not. */
export const kakaoMouth = ({ kakao }: Stage, said: Said[], random: Random): Mouth =>
  mouthOf(kakao, said, random, {
    bring: (random) => {
      const [callback, patient] = [random() < 0.5, random() < 0.7]
      return async (say, again) => {
        kakao.offerCallbacks(callback)
        if ((await say())?.status === 200) return true
        if (!patient) return false
        await tick(300)
        return (await again())?.status === 200
      }
    },
  })

const mostTries = 8

/** Brought again as the same event until it is answered with 2xx, or so many times. */
const untilTaken: Bring = async (say, again) => {
  let reply = await say()
  for (let tries = 1; reply?.status !== 200 && tries < mostTries; tries++) {
    await tick(300)
    reply = await again()
  }
  return reply?.status === 200
}

export const lineMouth = ({ line }: Stage, said: Said[], random: Random): Mouth =>
  mouthOf(line, said, random, {
    bring: () => untilTaken,
    message: () => line.world.posts.findLast(({ by }) => by !== null)?.quoteToken ?? null,
  })

export const whatsappMouth = ({ whatsapp }: Stage, said: Said[], random: Random): Mouth =>
  mouthOf(whatsapp, said, random, { bring: () => untilTaken, message: whatsapp.lastId })

/** By webhook it gives up at last; over a connection it brings everything until it is confirmed. */
export const slackMouth = ({ slack, swapped }: Stage, said: Said[], random: Random): Mouth => {
  const mouth = mouthOf(slack, said, random, { bring: () => (swapped ? pushed : untilTaken) })
  return { ...mouth, quiet: () => mouth.quiet() && slack.socket.idle() }
}

export const feishuMouth = ({ feishu, swapped }: Stage, said: Said[], random: Random): Mouth => {
  const bring = swapped ? untilTaken : pushed
  const mouth = mouthOf(feishu, said, random, { bring: () => bring, message: feishu.lastId })
  return { ...mouth, quiet: () => mouth.quiet() && feishu.sockets.idle() }
}

/** Over a connection of ours: it is held until it is confirmed, however often we die. */
const pushed: Bring = async (say) => {
  await say()
  return true
}

/** Everything that happens is kept for the session and comes again behind the sequence it is resumed at. With a lost
 *  session it is gone, which is the platform's loss. Some type a slash command. */
export const discordMouth = ({ discord }: Stage, said: Said[], random: Random): Mouth => {
  const { gateway, people, places } = discord
  const happened = new Map<string, Said>()
  gateway.onLost((events) => {
    for (const event of events) {
      const one = happened.get((event as { readonly id?: string } | null)?.id ?? '')
      if (one) one.accepted = false
    }
  })
  return {
    speakers: [...[people.ann, people.bob].map((one) => [one, dm(one)] as const), [people.ann, places.group]],
    say: (about, from, place, text) => {
      const one: Said = { ...about, chat: place.chat, message: null, accepted: true }
      if (random() < 0.4) happened.set(slashOnDiscord({ discord }, from, place, text), one)
      else {
        void discord.say(from, place, text)
        const message = discord.world.posts.findLast(({ by }) => by !== null)?.id ?? ''
        happened.set(message, one)
        Object.assign(one, { message })
      }
      said.push(one)
      if (random() < 0.1) gateway.again('MESSAGE_CREATE')
    },
    quiet: gateway.settled,
  }
}

/** Delivered up to three times by itself. */
export const wechatMouth = ({ wechat }: Stage, said: Said[], random: Random): Mouth =>
  mouthOf(wechat, said, random, { bring: () => async (say) => (await say())?.status === 200 })
