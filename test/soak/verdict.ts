import { type Verdict as Judged, judge } from '../crash/chaos-verdict.ts'
import type { Bubble } from '../crash/seen.ts'
import type { Delivery } from '../platforms/slack-hooks.ts'
import type { Holding } from './figures.ts'
import { type Spoken, seen } from './people.ts'
import type { Stage } from './stage.ts'

export interface Verdict extends Judged {
  /** What the platform itself never brought to anybody, or showed its person as failed. */
  readonly forfeited: number
  /** Brought over a line that worked as often as the platform does, and never confirmed. */
  readonly ignored: readonly string[]
}

const tsOf = ({ payload }: Delivery): string | null => {
  const { event } = payload as { readonly event?: { readonly ts?: string } }
  return event?.ts ?? null
}
const messageOf = (payload: string): string | null =>
  (JSON.parse(payload) as { event: { message?: { message_id?: string } } }).event.message?.message_id ?? null

/** What the platforms hold as taken over by us. */
const accepted = ({ slack, discord, feishu }: Stage): ((one: Spoken) => boolean) => {
  const confirmed = slack.socket.confirmed()
  const kept = new Set(confirmed.map(tsOf))
  const typed = confirmed.filter(({ kind }) => kind === 'slash_commands').map(({ payload }) => String(payload.text))
  const undelivered = new Set(slack.socket.givenUp().map(({ delivery }) => tsOf(delivery)))
  const missed = new Set(discord.gateway.missed().map((data) => (data as { readonly id?: string }).id))
  // Nobody answered in three seconds: the person was shown that it failed.
  const unanswered = [...discord.world.interactions.values()].filter(({ state }) => state === 'pending')
  for (const { id } of unanswered) missed.add(id)
  const dropped = new Set(feishu.sockets.givenUp().map(({ payload }) => messageOf(payload)))
  return ({ platform, how, ref, said: { word } }) => {
    if (platform === 'discord') return !missed.has(ref ?? '')
    if (platform === 'feishu') return !dropped.has(ref)
    // Slack tells whoever types a command at once that it came to nothing, and drops it.
    if (how === 'slash') return typed.some((text) => text.includes(word))
    return kept.has(ref) || !undelivered.has(ref)
  }
}

/** Answers given more than once without saying so. Each word is said once, so what bears it and reads the same is one. */
const twice = (bubbles: readonly Bubble[]): readonly string[] => {
  const known = new Set<string>()
  return bubbles.flatMap(({ chat, text, replyTo, repeated, edited }) => {
    const isOf = /\bw\d+q\b/.test(text) || replyTo !== null
    if (repeated || edited || text === '' || !isOf) return []
    const key = `${chat} ${replyTo} ${text}`
    if (known.has(key)) return [`said twice in ${chat}: ${text.slice(0, 100)}`]
    known.add(key)
    return []
  })
}

export const verdict = (stage: Stage, spoken: readonly Spoken[]): Verdict => {
  const isAccepted = accepted(stage)
  const said = spoken.map((one) => ({ ...one.said, accepted: isAccepted(one) }))
  const bubbles = seen(stage)
  const judged = judge({ simulator: stage.simulator, dir: stage.dir, seen: bubbles }, said)
  const ignored = [
    ...stage.slack.socket
      .givenUp()
      .map(({ delivery, ignored }) => [ignored, JSON.stringify(delivery.payload)] as const),
    ...stage.feishu.sockets.givenUp().map(({ payload, ignored }) => [ignored, payload] as const),
  ]
  return {
    ...judged,
    double: [...judged.double, ...twice(bubbles)],
    forfeited: said.filter((one) => !one.accepted).length,
    ignored: ignored.filter(([was]) => was).map(([, about]) => about.slice(0, 300)),
  }
}

/** How much more there may be of each after all those connections: what is kept open for the next call, caches, and a signal for each
 *  of Discord's interactions, whose tokens live for 15 minutes. */
const margins = { files: 6, sockets: 6, netSockets: 6, timers: 8, listeners: 12, signals: 250, emitters: 25 } as const
const mostHeapMiB = 16
const mostRssMiB = 96

/** What has grown, in words. Both moments are quiet ones. */
export const leaks = (start: Holding, end: Holding): readonly string[] => {
  const grown = Object.entries(margins).flatMap(([name, most]) => {
    const [from, to] = [start[name as keyof typeof margins], end[name as keyof typeof margins]]
    return from !== null && to !== null && to > from + most ? [`${name}: ${from} at the start, ${to} at the end`] : []
  })
  const fat = end.heapMiB > start.heapMiB + mostHeapMiB
  const broad = start.rssMiB !== null && end.rssMiB !== null && end.rssMiB > start.rssMiB + mostRssMiB
  return [
    ...grown,
    ...(fat ? [`heap: ${start.heapMiB} MiB at the start, ${end.heapMiB} at the end`] : []),
    ...(broad ? [`memory: ${start.rssMiB} MiB at the start, ${end.rssMiB} at the end`] : []),
    ...end.warnings.filter((text) => text.includes('MaxListenersExceeded')),
  ]
}
