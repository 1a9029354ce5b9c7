import type { Capabilities } from '../contract/index.ts'

/** Keeps a platform's sending bounds: calls in flight, distance between calls, distance within one chat. */
export interface Gate {
  /** Waits for a place; resolves to false when the signal aborts first. Each true needs a `leave`. */
  readonly enter: (lane: string, kind: 'dm' | 'group', signal: AbortSignal) => Promise<boolean>
  readonly leave: () => void
  /** No call enters for this long (the platform refused our credentials). */
  readonly pause: (ms: number) => void
}

interface GateDeps {
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

const rememberedChats = 2000

export const makeGate = (pace: Capabilities['pace'], { now, sleep }: GateDeps): Gate => {
  let inFlight = 0
  let nextCallAtMs = 0
  const nextInChat = new Map<string, number>()
  const queue: (() => void)[] = []

  /** Reserves the next moment this chat and this platform may be called, so that two waiters never share one. */
  const reserve = (lane: string, kind: 'dm' | 'group'): number => {
    const at = Math.max(now(), nextCallAtMs, nextInChat.get(lane) ?? 0)
    nextCallAtMs = at + pace.everyMs
    nextInChat.delete(lane)
    nextInChat.set(lane, at + (kind === 'group' ? pace.perGroupMs : pace.perChatMs))
    if (nextInChat.size > rememberedChats) nextInChat.delete(nextInChat.keys().next().value ?? '')
    return at
  }

  const place = async (signal: AbortSignal): Promise<void> => {
    if (inFlight < pace.concurrent) return
    await new Promise<void>((resolve) => {
      const go = (): void => {
        signal.removeEventListener('abort', go)
        resolve()
      }
      queue.push(go)
      signal.addEventListener('abort', go, { once: true })
    })
  }

  return {
    enter: async (lane, kind, signal) => {
      // First the moment, then the place: a chat that has to wait holds no place others could use.
      const waitMs = reserve(lane, kind) - now()
      if (waitMs > 0) await sleep(waitMs, signal)
      await place(signal)
      if (signal.aborted) return false
      inFlight++
      return true
    },
    leave: () => {
      inFlight--
      queue.shift()?.()
    },
    pause: (ms) => {
      nextCallAtMs = Math.max(nextCallAtMs, now() + ms)
    },
  }
}
