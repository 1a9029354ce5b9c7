import { BotError } from './telegram-world.ts'

interface Waiting {
  readonly update_id: number
  readonly [kind: string]: unknown
}

interface Poll {
  readonly offset: number | null
  readonly limit: number
  readonly timeoutMs: number
  /** Fires when the caller hung up. */
  readonly gone: AbortSignal
}

const dayMs = 24 * 60 * 60 * 1000

/** The update queue of one bot, after the Bot API server: confirming by offset, one poller at a time, 24 h. */
export function updateQueue(firstId: number) {
  let next = firstId
  let waiting: { readonly update: Waiting; readonly bornMs: number }[] = []
  let pending: { readonly refuse: (error: BotError) => void; readonly wake: () => void } | null = null
  let last = { offset: null as number | null, startedMs: 0, endedMs: 0 }
  /** An update that is handed out once more though it was confirmed. */
  let again: Waiting | null = null
  let newest: Waiting | null = null
  const watchers: (() => void)[] = []

  const push = (fields: object, bornMs = Date.now()): number => {
    const update: Waiting = { update_id: next++, ...fields }
    waiting.push({ update, bornMs })
    newest = update
    pending?.wake()
    return update.update_id
  }

  /** As it is, own id included: fixtures. */
  const pushRaw = (update: Waiting): void => {
    next = Math.max(next, update.update_id + 1)
    waiting.push({ update, bornMs: Date.now() })
    newest = update
    pending?.wake()
  }

  const take = (offset: number | null, limit: number): Waiting[] => {
    const nowMs = Date.now()
    waiting = waiting.filter(({ bornMs }) => nowMs - bornMs < dayMs)
    // An offset beyond everything we handed out is unknown here and means the head of the queue.
    if (offset !== null && offset <= next) waiting = waiting.filter(({ update }) => update.update_id >= offset)
    const updates = waiting.slice(0, limit).map(({ update }) => update)
    if (again === null) return updates
    const first = again
    again = null
    return [first, ...updates.filter(({ update_id }) => update_id !== first.update_id)]
  }

  const poll = async (ask: Poll): Promise<Waiting[]> => {
    pending?.refuse(
      new BotError(
        409,
        'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
      ),
    )
    const startedMs = Date.now()
    const same = ask.offset === last.offset
    // The server slows down callers that ask the same again: a short poll waits, a hasty one gets a single update.
    const timeoutMs = same && startedMs - last.startedMs < 3000 ? Math.max(ask.timeoutMs, 3000) : ask.timeoutMs
    const limit = same && startedMs - last.endedMs < 500 ? 1 : ask.limit
    last = { offset: ask.offset, startedMs, endedMs: last.endedMs }
    const ready = take(ask.offset, limit)
    const result = ready.length > 0 || timeoutMs === 0 ? ready : await wait(ask, limit, timeoutMs)
    last = { ...last, endedMs: Date.now() }
    return result
  }

  const wait = (ask: Poll, limit: number, timeoutMs: number): Promise<Waiting[]> =>
    new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer)
        if (pending === own) pending = null
        settle()
      }
      const timer = setTimeout(() => end(() => resolve([])), timeoutMs)
      const own = {
        refuse: (error: BotError) => end(() => reject(error)),
        wake: () => end(() => resolve(take(ask.offset, limit))),
      }
      pending = own
      ask.gone.addEventListener('abort', () => end(() => resolve([])), { once: true })
      for (const tell of watchers.splice(0)) tell()
    })

  return {
    push,
    pushRaw,
    poll,
    /** Hands the newest update out again, as a server restored from an older copy would. */
    redeliver: (): void => {
      again = newest
      pending?.wake()
    },
    waiting: () => waiting.length,
    /** Resolves when a long poll is open. */
    polled: (): Promise<void> => (pending ? Promise.resolve() : new Promise((resolve) => watchers.push(resolve))),
    refuse: (error: BotError): void => pending?.refuse(error),
  }
}
