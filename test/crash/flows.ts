import type { FakePlatform, Person, Place } from '../platforms/platform.ts'
import { type Crash, type Other, type Stage, tick, until } from './harness.ts'
import { resultsFor } from './seen.ts'
import { openRows } from './state.ts'

/** What people do from the wish to its result, whatever happens to the daemon meanwhile. */
export interface Flow {
  readonly name: string
  readonly requester: (stage: Stage) => Person
  readonly approved: boolean
  /** On a stage with these platforms too. */
  readonly with?: readonly Other[]
  /** The platform takes the same only once, so that nothing is repeated. */
  readonly deduplicated?: true
  readonly act: (stage: Stage, word: string) => Promise<void>
  /** Where the daemon comes by on this way. */
  readonly crashes: readonly Crash[]
}

const small = 'steps=2 width=64 height=64'
export const wish = (word: string): string => `/run portrait prompt=${word} ${small}`

const times = (at: string, ...nths: readonly number[]): readonly Crash[] => nths.map((nth) => ({ at, nth }))

/** Said in a direct chat; the platform keeps it until it is fetched. */
export const sayOnTelegram = async ({ telegram }: Stage, from: Person, text: string): Promise<void> => {
  await telegram.say(from, { chat: from.id, kind: 'dm' }, text)
}

/** An answer may wait for what is said before it; a port that was free may be taken by a neighbour for a while. */
const patienceMs = 60_000

/** Said until it is answered: while nobody takes it, the platform (or what stands before us) brings the same again. */
export const sayUntilTaken = async (
  stage: Stage,
  platform: FakePlatform,
  from: Person,
  text: string,
): Promise<void> => {
  await stage.up()
  const failed = (): null => null
  let reply = await platform.say(from, { chat: from.id, kind: 'dm' }, text).catch(failed)
  const endMs = Date.now() + patienceMs
  while (reply?.status !== 200) {
    if (Date.now() > endMs)
      throw new Error(`no answer to ${text}, but ${reply?.status}:\n${stage.life()?.said().slice(-20).join('\n')}`)
    await tick(30)
    await stage.up()
    reply = await platform.redeliver().catch(failed)
  }
}

export const sayOnKakao = (stage: Stage, from: Person, text: string): Promise<void> =>
  sayUntilTaken(stage, stage.kakao, from, text)

/** The same words as a slash command, as the client sends it; the id of the interaction. */
export const slashOnDiscord = (
  { discord }: Pick<Stage, 'discord'>,
  from: Person,
  place: Place,
  text: string,
): string => {
  const [, name = '', rest = ''] = /^\/(\w+) ?(.*)$/.exec(text) ?? []
  const [template = '', ...inputs] = rest.split(' ')
  const option = (name: string, value: string): object => ({ name, type: 3, value })
  const run = [option('template', template), option('inputs', inputs.join(' '))]
  const options = name === 'run' ? run : rest === '' ? [] : [option('arguments', rest)]
  return discord.command(from, place, name, options).id
}

/** Sends /inbox until everything that waits has been fetched, or so many times. */
export const emptyMailbox = async (stage: Stage, platform: FakePlatform, from: Person, most = 50): Promise<void> => {
  for (let i = 0; i < most; i++) {
    await sayUntilTaken(stage, platform, from, '/inbox')
    if (openRows(stage.dir)?.mailbox === 0) return
  }
}

const hasResult = (stage: Stage, requester: Person, word: string) => () => resultsFor(stage, requester, word).length > 0

/** The admin presses the button as soon as the card is there. */
export const press = async (stage: Stage, word: string, label: string): Promise<void> => {
  const { telegram } = stage
  const { ann } = telegram.people
  const button = await until(`a card for ${word}`, () =>
    telegram
      .shown()
      .find(({ place, text }) => place.chat === ann.id && text.includes(word))
      ?.buttons.find((one) => one.label === label),
  )
  await button.press()
}

const common: readonly Crash[] = [
  'keep:taken',
  'keep:kept',
  'run:row',
  'submit:marked',
  'submit:fired',
  'submit:noted',
  'work:ran',
  'work:settled',
  'finish:marked',
  'finish:collected',
  'finish:noted',
].map((at) => ({ at, nth: 1 }))

/** Ann says it in her direct chat, and the result comes there by itself. */
const resultOf = (
  name: string,
  platform: 'slack' | 'discord' | 'feishu',
  {
    say,
    ...how
  }: Pick<Flow, 'crashes' | 'deduplicated'> & {
    readonly say: (stage: Stage, ann: Person, text: string) => Promise<unknown>
  },
): Flow => ({
  name,
  requester: (stage) => stage[platform].people.ann,
  approved: false,
  with: [platform],
  ...how,
  act: async (stage, word) => {
    const { ann } = stage[platform].people
    await say(stage, ann, wish(word))
    await until(`the result of ${word}`, hasResult(stage, ann, word))
  },
})

export const flows: readonly Flow[] = [
  {
    name: 'Telegram, run by a trusted user',
    requester: ({ carl }) => carl,
    approved: false,
    act: async (stage, word) => {
      await sayOnTelegram(stage, stage.carl, wish(word))
      await until(`the result of ${word}`, hasResult(stage, stage.carl, word))
    },
    crashes: [...common, ...times('send:marked', 1, 2, 3), ...times('send:sent', 1, 2, 3)],
  },
  {
    name: 'Telegram, a stranger’s run that the admin approves by button',
    requester: ({ telegram }) => telegram.people.bob,
    approved: true,
    act: async (stage, word) => {
      const { bob } = stage.telegram.people
      await sayOnTelegram(stage, bob, wish(word))
      await press(stage, word, 'Approve')
      await until(`the result of ${word}`, hasResult(stage, bob, word))
    },
    crashes: [
      ...common,
      ...times('keep:taken', 2),
      ...times('keep:kept', 2),
      ...times('decide:claimed', 1),
      ...times('decide:told', 1),
      ...times('decide:noted', 1),
      ...times('work:ran', 2),
      ...times('work:settled', 2),
      ...times('send:marked', 1, 2, 3, 4),
      ...times('send:sent', 1, 2, 3, 4),
    ],
  },
  {
    name: 'KakaoTalk, result from the mailbox',
    requester: ({ kakao }) => kakao.people.ann,
    approved: false,
    act: async (stage, word) => {
      const { ann } = stage.kakao.people
      await sayOnKakao(stage, ann, wish(word))
      await until('something in the mailbox', () => (openRows(stage.dir)?.mailbox ?? 0) > 0)
      await emptyMailbox(stage, stage.kakao, ann)
      while (!hasResult(stage, ann, word)()) await emptyMailbox(stage, stage.kakao, ann)
    },
    crashes: [
      ...common,
      ...times('inline:written', 1, 2),
      ...times('keep:taken', 2),
      ...times('keep:kept', 2),
      ...times('work:ran', 2),
      ...times('work:settled', 2),
    ],
  },
  {
    name: 'KakaoTalk, result by callback',
    requester: ({ kakao }) => kakao.people.ann,
    approved: false,
    act: async (stage, word) => {
      const { ann } = stage.kakao.people
      stage.kakao.offerCallbacks(true)
      await sayOnKakao(stage, ann, wish(word))
      stage.kakao.offerCallbacks(false)
      await until('the result, here or in the mailbox', () => {
        const { mailbox = 0, jobs = 1, events = 1, parts = 1 } = openRows(stage.dir) ?? {}
        return hasResult(stage, ann, word)() || (mailbox > 0 && jobs + events + parts === 0)
      })
    },
    crashes: [...common, ...times('inline:written', 1), ...times('send:marked', 1), ...times('send:sent', 1)],
  },
  {
    name: 'LINE, answered by reply token, result by push',
    requester: ({ line }) => line.people.ann,
    approved: false,
    with: ['line'],
    deduplicated: true,
    act: async (stage, word) => {
      const { line } = stage
      const { ann } = line.people
      await sayUntilTaken(stage, line, ann, wish(word))
      await until(`the result of ${word}`, hasResult(stage, ann, word))
    },
    // What all platforms have in common died above. The first send is the reply.
    crashes: [...times('keep:kept', 1), ...times('send:marked', 1, 2), ...times('send:sent', 1, 2)],
  },
  {
    name: 'WeChat, answered in the open request, result by push',
    requester: ({ wechat }) => wechat.people.ann,
    approved: false,
    with: ['wechat'],
    act: async (stage, word) => {
      const { wechat } = stage
      const { ann } = wechat.people
      await sayUntilTaken(stage, wechat, ann, wish(word))
      await until(`the result of ${word}`, hasResult(stage, ann, word))
    },
    crashes: [
      ...times('keep:kept', 1),
      ...times('inline:written', 1),
      ...times('send:marked', 1, 2),
      ...times('send:sent', 1),
    ],
  },
  resultOf('Slack, brought until it is confirmed, result as a file', 'slack', {
    say: (stage, ann, text) => sayUntilTaken(stage, stage.slack, ann, text),
    crashes: [...times('keep:taken', 1), ...times('keep:kept', 1), ...times('send:sent', 1, 2)],
  }),
  resultOf('Discord, said in a direct chat, brought again behind the sequence that was kept', 'discord', {
    deduplicated: true,
    say: (stage, ann, text) => stage.discord.say(ann, { chat: ann.id, kind: 'dm' }, text),
    crashes: [...times('keep:taken', 1), ...times('keep:kept', 1), ...times('send:sent', 1, 2)],
  }),
  resultOf('Discord, a slash command answered by the token of its interaction', 'discord', {
    deduplicated: true,
    say: async (stage, ann, text) => void slashOnDiscord(stage, ann, { chat: ann.id, kind: 'dm' }, text),
    crashes: [...times('keep:kept', 1), ...times('send:marked', 1), ...times('send:sent', 1, 2)],
  }),
  resultOf('Feishu, over a connection, brought until it is acknowledged', 'feishu', {
    deduplicated: true,
    say: (stage, ann, text) => stage.feishu.say(ann, { chat: ann.id, kind: 'dm' }, text),
    crashes: [...times('keep:taken', 1), ...times('keep:kept', 1), ...times('send:sent', 1, 2)],
  }),
]

/** Every step the daemon can be made to die at. */
export const steps: readonly string[] = [
  ...new Set([...flows.flatMap(({ crashes }) => crashes.map(({ at }) => at)), 'cancel:noted']),
]

/** Everybody is content: nothing under way, and each asker has got at least the acknowledgement or the result. */
export const settled = async (stage: Stage, mailboxOf: Person | null): Promise<void> => {
  let looks = 0
  // Several looks: what has just ended may have news that are about to be written.
  const nothingOpen = (): boolean => {
    const rows = openRows(stage.dir)
    looks = rows !== null && rows.events + rows.parts + rows.jobs + rows.approvals === 0 ? looks + 1 : 0
    return looks > 8
  }
  await until('nothing open', nothingOpen)
  if (mailboxOf && (openRows(stage.dir)?.mailbox ?? 0) > 0) await emptyMailbox(stage, stage.kakao, mailboxOf)
  await until('nothing open', nothingOpen)
}
