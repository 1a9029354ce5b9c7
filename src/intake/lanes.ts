import { type InboundEvent, laneOf, qualified } from '../contract/index.ts'
import type { KeptEvent } from '../store/inbox.ts'

export interface Lanes {
  /** Counts an event that is about to be kept. True when nothing else is under way in its conversation. */
  readonly hold: (event: InboundEvent) => boolean
  /** It was not kept, or is settled already. */
  readonly drop: (event: InboundEvent) => void
  /** It was held and is kept: its turn will come. */
  readonly add: (event: KeptEvent) => void
  /** How many are held or wait or are worked on. */
  readonly size: () => number
  readonly waitingOf: (sender: string) => number
  readonly idle: () => boolean
  /** Takes no further event up; resolves when those being worked on are done. */
  readonly close: () => Promise<void>
}

export interface LaneDeps {
  readonly concurrent: number
  /** Must not throw. */
  readonly work: (event: KeptEvent) => Promise<void>
}

const senderOf = (event: InboundEvent): string => qualified(event.where.platform, event.from.id)

/** What is kept waits here in memory as well: in order within a conversation, conversations side by side, and never
 *  more than `concurrent` at once. The rows on disk are the truth; this is only who is next. */
export const makeLanes = ({ concurrent, work }: LaneDeps): Lanes => {
  const lanes = new Map<string, KeptEvent[]>()
  const ready: string[] = []
  const perSender = new Map<string, number>()
  const perLane = new Map<string, number>()
  const running = new Set<Promise<void>>()
  let size = 0
  let closed = false

  const count = (event: InboundEvent, by: 1 | -1): void => {
    bump(perSender, senderOf(event), by)
    bump(perLane, laneOf(event.where), by)
    size += by
  }

  const pump = (): void => {
    while (!closed && running.size < concurrent) {
      const lane = ready.shift()
      if (lane === undefined) return
      const next = lanes.get(lane)?.[0]
      if (!next) continue
      const turn: Promise<void> = work(next).finally(() => {
        running.delete(turn)
        count(next.event, -1)
        const rest = lanes.get(lane)
        rest?.shift()
        if (rest && rest.length > 0) ready.push(lane)
        else lanes.delete(lane)
        pump()
      })
      running.add(turn)
    }
  }

  return {
    hold: (event) => {
      const free = !perLane.has(laneOf(event.where))
      count(event, 1)
      return free
    },
    drop: (event) => count(event, -1),
    add: (kept) => {
      const lane = lanes.get(kept.lane)
      if (lane) {
        lane.push(kept)
        return
      }
      lanes.set(kept.lane, [kept])
      ready.push(kept.lane)
      pump()
    },
    size: () => size,
    waitingOf: (sender) => perSender.get(sender) ?? 0,
    idle: () => size === 0,
    close: async () => {
      closed = true
      await Promise.all(running)
    },
  }
}

const bump = (counts: Map<string, number>, key: string, by: 1 | -1): void => {
  const left = (counts.get(key) ?? 0) + by
  if (left > 0) counts.set(key, left)
  else counts.delete(key)
}
