import type { KeptEvent } from '../store/inbox.ts'

export interface Lanes {
  readonly add: (event: KeptEvent) => void
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

const senderOf = (kept: KeptEvent): string => `${kept.event.where.platform}:${kept.event.from.id}`

/** What is kept waits here in memory as well: in order within a conversation, conversations side by side, and never
 *  more than `concurrent` at once. The rows on disk are the truth; this is only who is next. */
export const makeLanes = ({ concurrent, work }: LaneDeps): Lanes => {
  const lanes = new Map<string, KeptEvent[]>()
  const ready: string[] = []
  const perSender = new Map<string, number>()
  const running = new Set<Promise<void>>()
  let size = 0
  let closed = false

  const count = (kept: KeptEvent, by: 1 | -1): void => {
    const sender = senderOf(kept)
    const left = (perSender.get(sender) ?? 0) + by
    if (left > 0) perSender.set(sender, left)
    else perSender.delete(sender)
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
        count(next, -1)
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
    add: (kept) => {
      count(kept, 1)
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
