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

  /** Reserves the next moment this chat may be called, so that two waiters never share one. A few calls may go at once
   *  (generic cell rate algorithm): `nextInChat` is when the whole burst is there again. */
  const chatMoment = (lane: string, kind: 'dm' | 'group'): number => {
    const distanceMs = kind === 'group' ? pace.perGroupMs : pace.perChatMs
    const full = nextInChat.get(lane) ?? 0
    const at = Math.max(now(), full - (pace.burst - 1) * distanceMs)
    nextInChat.delete(lane)
    nextInChat.set(lane, Math.max(full, at) + distanceMs)
    if (nextInChat.size > rememberedChats) nextInChat.delete(nextInChat.keys().next().value ?? '')
    return at
  }

  /** The same for the platform as a whole, asked only when the chat's own moment has come: chats don't wait for a slow one. */
  const callMoment = (): number => {
    const at = Math.max(now(), nextCallAtMs)
    nextCallAtMs = at + pace.everyMs
    return at
  }

  const until = async (atMs: number, signal: AbortSignal): Promise<void> => {
    if (atMs > now()) await sleep(atMs - now(), signal)
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
      await until(chatMoment(lane, kind), signal)
      await place(signal)
      if (signal.aborted) return false
      inFlight++
      await until(callMoment(), signal)
      if (!signal.aborted) return true
      inFlight--
      return false
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
