import type { Capabilities } from '../contract/index.ts'

/** Keeps a platform's sending bounds: calls in flight, distance between calls, distance within one chat. */
export interface Gate {
  /** Waits for a place; resolves to false when the signal aborts first. Each true needs a `leave`. */
  readonly enter: (lane: string, kind: 'dm' | 'group', signal: AbortSignal) => Promise<boolean>
  /** Takes a place only if nobody would have to wait for it: for calls that may as well not be made. */
  readonly tryEnter: (lane: string, kind: 'dm' | 'group') => boolean
  readonly leave: () => void
  /** No call enters for this long (the platform refused our credentials). */
  readonly pause: (ms: number) => void
}

interface Waiter {
  readonly signal: AbortSignal
  readonly go: (mayEnter: boolean) => void
}

interface GateDeps {
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

const rememberedChats = 2000

export const makeGate = (pace: Capabilities['pace'], deps: GateDeps): Gate => {
  const { sleep } = deps
  const now = steady(deps.now)
  let inFlight = 0
  let nextCallAtMs = 0
  let pausedUntilMs = 0
  const nextInChat = new Map<string, number>()
  let queue: Waiter[] = []
  const watched = new WeakSet<AbortSignal>()

  const distanceOf = (kind: 'dm' | 'group'): number => (kind === 'group' ? pace.perGroupMs : pace.perChatMs)
  const chatFreeAt = (lane: string, kind: 'dm' | 'group'): number =>
    (nextInChat.get(lane) ?? 0) - (pace.burst - 1) * distanceOf(kind)

  /** Reserves the next moment this chat may be called, so that two waiters never share one. A few calls may go at once
   *  (generic cell rate algorithm): `nextInChat` is when the whole burst is there again. */
  const chatMoment = (lane: string, kind: 'dm' | 'group'): number => {
    const at = Math.max(now(), chatFreeAt(lane, kind))
    const full = nextInChat.get(lane) ?? 0
    nextInChat.delete(lane)
    nextInChat.set(lane, Math.max(full, at) + distanceOf(kind))
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

  /** A place is handed over, never put down and raced for. */
  const place = (signal: AbortSignal): Promise<boolean> => {
    if (signal.aborted) return Promise.resolve(false)
    if (inFlight < pace.concurrent) {
      inFlight++
      return Promise.resolve(true)
    }
    watch(signal)
    return new Promise((resolve) => queue.push({ signal, go: resolve }))
  }

  /** One listener for all who wait: thousands on one signal would each be compared with all others. */
  const watch = (signal: AbortSignal): void => {
    if (watched.has(signal)) return
    watched.add(signal)
    const gone = (): void => {
      const leaving = queue.filter((one) => one.signal === signal)
      queue = queue.filter((one) => one.signal !== signal)
      for (const { go } of leaving) go(false)
    }
    signal.addEventListener('abort', gone, { once: true })
  }

  const leave = (): void => {
    const next = queue.shift()
    if (next) next.go(true)
    else inFlight--
  }

  return {
    enter: async (lane, kind, signal) => {
      await until(chatMoment(lane, kind), signal)
      if (!(await place(signal))) return false
      // A pause may begin while a moment is waited for: then it is no good any more.
      do await until(callMoment(), signal)
      while (pausedUntilMs > now() && !signal.aborted)
      if (!signal.aborted) return true
      leave()
      return false
    },
    tryEnter: (lane, kind) => {
      const busy = inFlight >= pace.concurrent || nextCallAtMs > now() || chatFreeAt(lane, kind) > now()
      if (busy) return false
      chatMoment(lane, kind)
      callMoment()
      inFlight++
      return true
    },
    leave,
    pause: (ms) => {
      pausedUntilMs = Math.max(pausedUntilMs, now() + ms)
      nextCallAtMs = Math.max(nextCallAtMs, pausedUntilMs)
    },
  }
}

/** A clock that never goes back: distances are kept between calls, not between times of day. */
const steady = (wall: () => number): (() => number) => {
  let lastMs = wall()
  let aheadMs = 0
  return () => {
    const nowMs = wall() + aheadMs
    if (nowMs < lastMs) aheadMs += lastMs - nowMs
    lastMs = Math.max(lastMs, nowMs)
    return lastMs
  }
}
