import type { Random, Said } from '../crash/chaos-mouths.ts'
import { dm } from '../crash/chaos-mouths.ts'
import { type Deed, oneOf } from '../crash/chaos-people.ts'
import { type Bubble, backendApprovals, bubblesOf } from '../crash/seen.ts'
import type { FakePlatform, Person, Place } from '../platforms/platform.ts'
import type { Stage } from './stage.ts'

/** A command, and by what its platform knows it. */
export interface Spoken {
  readonly platform: 'slack' | 'discord' | 'feishu'
  readonly how: 'message' | 'slash'
  /** Id of the message, or of the interaction; null for what Slack brings but once. */
  readonly ref: string | null
  readonly said: Said
}

export interface Crowd {
  readonly act: () => void
  readonly spoken: () => readonly Spoken[]
  /** Decides on what is still open. */
  readonly clear: () => Promise<void>
}

const templates = [
  (word: string) => `/run portrait prompt=${word} steps=2 width=64 height=64`,
  (word: string) => `/run note prompt=${word}`,
  (word: string) => `/run broken prompt=${word} width=64 height=64`,
] as const

export const gather = (stage: Stage, random: Random): Crowd => {
  const { slack, discord, feishu } = stage
  const spoken: Spoken[] = []
  let words = 0
  const pick = <T>(list: readonly [T, ...T[]]): T => list[Math.floor(random() * list.length)] ?? list[0]
  const pickAny = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)]
  const next = (): string => `w${words++}q`

  const whoWhere = ({ people: { ann, bob }, places: { group } }: FakePlatform): [Person, Place] =>
    pick([
      [ann, dm(ann)],
      [bob, dm(bob)],
      [ann, group],
    ])

  /** The id under which the platform keeps what was just written. */
  const lastWritten = {
    slack: () => slack.world.messages.findLast(({ ours }) => !ours)?.ts ?? null,
    discord: () => discord.world.posts.findLast(({ by }) => by !== null)?.id ?? null,
    feishu: () => feishu.written().at(-1) ?? null,
  }

  const write = (platform: Spoken['platform'], kind: Said['kind'], word: string, text: string): void => {
    const fake = stage[platform]
    const [from, place] = whoWhere(fake)
    void fake.say(from, place, text)
    const ref = lastWritten[platform]()
    // In Slack's direct chats nothing is quoted; a run is found by its word, also where its end is told without a quote.
    const quoted = kind === 'look' && word === '' && !(platform === 'slack' && place.kind === 'dm')
    const chat = platform === 'feishu' && place.kind === 'dm' ? directOf(from) : place.chat
    const said = { word, kind, chat, message: quoted ? ref : null, accepted: true }
    spoken.push({ platform, how: 'message', ref, said })
  }

  const slash = (): void => {
    const word = next()
    if (random() < 0.5) {
      const { ann } = slack.people
      const place = pick([slack.places.dm, slack.places.group])
      void slack.command(ann, place, '/openclaw', `run portrait prompt=${word} steps=2 width=64 height=64`)
      const said: Said = { word, kind: 'run', chat: place.chat, message: null, accepted: false }
      spoken.push({ platform: 'slack', how: 'slash', ref: null, said })
      return
    }
    const { ann } = discord.people
    const place = pick([dm(ann), discord.places.group])
    const option = (name: string, value: string): object => ({ name, type: 3, value })
    const runs = random() < 0.6
    const { id } = runs
      ? discord.command(ann, place, 'run', [option('template', 'portrait'), option('prompt', word)])
      : discord.command(ann, place, 'help')
    const [kind, own] = runs ? (['run', word] as const) : (['look', ''] as const)
    const said: Said = { word: own, kind, chat: place.chat, message: runs ? null : id, accepted: true }
    spoken.push({ platform: 'discord', how: 'slash', ref: id, said })
  }

  const decide = (): void => {
    const fake = pick<FakePlatform>([slack, discord, feishu])
    const button = pickAny(
      fake.shown().flatMap(({ buttons }) => buttons.filter(({ label }) => /^(approve|reject)/i.test(label))),
    )
    void button?.press()
    if (random() < 0.3) void button?.press()
  }

  const platforms = ['slack', 'discord', 'feishu'] as const
  const deeds: readonly Deed[] = [
    [
      8,
      () => {
        const word = next()
        write(pick(platforms), 'run', word, pick(templates)(word))
      },
    ],
    [
      4,
      () => {
        // No command of ours: the answer names it, so that each answer is known to its question.
        const word = next()
        write(pick(platforms), 'look', word, `/${word}`)
      },
    ],
    [2, () => write(pick(platforms), 'look', '', '/help')],
    [3, slash],
    [4, decide],
  ]
  return {
    act: () => oneOf(deeds, random),
    spoken: () => spoken,
    clear: async () => {
      const { ann } = slack.people
      for (const { id, status } of await backendApprovals(stage))
        if (status === 'pending') await slack.say(ann, dm(ann), `/approve ${id}`)
    },
  }
}

const directOf = ({ id }: Person): string => `oc_fa4e0000000000000000000000d${id.slice(-4)}`

/** All that people see, each message with what it answers. */
export const seen = ({ slack, discord, feishu }: Stage): readonly Bubble[] => {
  const bySlash = new Map([...discord.world.interactions.values()].map(({ original, id }) => [original?.id, id]))
  const [inThread, posts] = [slack.shown(), discord.shown()]
  return [
    // A thread hangs on the message that was answered.
    ...bubblesOf(slack).map((one, i) => ({ ...one, replyTo: inThread[i]?.place.thread ?? null })),
    ...bubblesOf(discord).map((one, i) => ({
      ...one,
      replyTo: one.replyTo ?? bySlash.get(posts[i]?.id) ?? null,
    })),
    // A direct chat has two names.
    ...bubblesOf(feishu).map((one) => ({
      ...one,
      chat: one.chat.startsWith('ou_') ? directOf({ id: one.chat, name: '' }) : one.chat,
    })),
  ]
}
