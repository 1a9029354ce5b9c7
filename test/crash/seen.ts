import type { FakePlatform, Person, Shown } from '../platforms/platform.ts'
import { adminToken, type Stage } from './harness.ts'

/** What the product puts before something that may be there already. */
export const repeatMark = '(You may have got this already.)'

/** A message as a person sees it. */
export interface Bubble {
  readonly chat: string
  readonly text: string
  readonly repeated: boolean
  readonly replyTo: string | null
  /** Its words changed since it was sent. */
  readonly edited: boolean
}

/** Direct chats bear their person's name here, whatever the platform calls them. */
const namesOf = ({ people, places }: FakePlatform): ReadonlyMap<string, string> => {
  const { ann, bob } = people
  const { chat } = places.dm
  return new Map([
    [chat, ann.id],
    [chat.slice(0, -4) + bob.id.slice(-4), bob.id],
  ])
}

/** Here the mark is the first line of the message. */
export const bubblesOf = (platform: FakePlatform, names: ReadonlyMap<string, string> = new Map()): Bubble[] =>
  platform.shown().map(({ place, text, edits, replyTo = null }) => ({
    chat: names.get(place.chat) ?? place.chat,
    text: text.startsWith(repeatMark) ? text.slice(repeatMark.length).trim() : text,
    repeated: text.startsWith(repeatMark),
    replyTo,
    edited: edits > 0,
  }))

/** Here the mark is a bubble of its own or stands in one of them, and speaks of all that came with it. */
const kakaoBubbles = ({ kakao }: Stage): Bubble[] => {
  const answerOf = ({ id }: Shown): string => id.split('.')[0] ?? ''
  const shown = kakao.shown()
  const marked = new Set(shown.filter(({ text }) => text.startsWith(repeatMark)).map(answerOf))
  return shown
    .filter(({ text }) => text !== repeatMark)
    .map((one) => ({
      chat: one.place.chat,
      text: one.text.startsWith(repeatMark) ? one.text.slice(repeatMark.length).trim() : one.text,
      repeated: marked.has(answerOf(one)),
      replyTo: null,
      edited: false,
    }))
}

export const bubbles = (stage: Stage): readonly Bubble[] => [
  ...bubblesOf(stage.telegram),
  ...kakaoBubbles(stage),
  ...bubblesOf(stage.line),
  ...bubblesOf(stage.wechat),
  ...bubblesOf(stage.whatsapp, namesOf(stage.whatsapp)),
  ...bubblesOf(stage.slack),
  ...bubblesOf(stage.discord),
  ...bubblesOf(stage.feishu, namesOf(stage.feishu)),
]

/** What came out of the job with this word in its prompt, as its requester sees it. */
export const resultsFor = (stage: Stage, requester: Person, word: string): readonly Bubble[] =>
  bubbles(stage).filter(({ chat, text }) => chat === requester.id && text.includes(word) && text.startsWith('portrait'))

/** Messages that say the same in the same chat, though neither says that it may be a repeat. */
export const unmarkedRepeats = (all: readonly Bubble[]): readonly string[] => {
  const seen = new Set<string>()
  return all.flatMap(({ chat, text, repeated, edited }) => {
    // Only what speaks of one certain thing can be a repeat of itself.
    if (repeated || edited || !/\bID: /.test(text)) return []
    const key = `${chat} ${text}`
    if (seen.has(key)) return [text]
    seen.add(key)
    return []
  })
}

/** How often the backend took a job with this word. */
export const submissionsOf = ({ simulator }: Stage, word: string): number =>
  simulator.control.jobs().filter(({ prompt }) => JSON.stringify(prompt).includes(`"${word}"`)).length

export interface BackendApproval {
  readonly id: string
  readonly status: string
  readonly word: string
}

export const backendApprovals = async ({
  simulator,
}: Pick<Stage, 'simulator'>): Promise<readonly BackendApproval[]> => {
  const found: BackendApproval[] = []
  for (let offset = 0; ; offset += 500) {
    const response = await fetch(`${simulator.url}/openclaw/approvals?limit=500&offset=${offset}`, {
      headers: { 'x-openclaw-admin-token': adminToken },
    })
    const { approvals } = (await response.json()) as {
      approvals: readonly { approval_id: string; status: string; inputs: { prompt?: string } }[]
    }
    found.push(
      ...approvals.map(({ approval_id, status, inputs }) => ({ id: approval_id, status, word: inputs.prompt ?? '' })),
    )
    if (approvals.length < 500) return found
  }
}
