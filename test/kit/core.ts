import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import {
  type Adapter,
  type Address,
  type Capabilities,
  type InboundEvent,
  type Part,
  type Receipt,
  SendError,
} from '../../src/contract/index.ts'
import { type OpenDb, openDb } from '../../src/store/open.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { capabilities } from '../delivery/plan-kit.ts'

/** Lets everything that can go on without time passing go on: promises, group commits, events. */
export const flush = async (turns = 12): Promise<void> => {
  for (let i = 0; i < turns; i++) await nextTurn()
}

/** Waits for something to come true by itself (real sockets, real timers); fails after two seconds. */
export const eventually = async (what: () => boolean, about = String(what)): Promise<void> => {
  const until = performance.now() + 2000
  while (!what()) {
    if (performance.now() > until) throw new Error(`never came true: ${about}`)
    await nextTurn()
  }
}

export interface Clock {
  readonly now: () => number
  /** Resolves when the clock was moved that far, or when the signal aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Moves on step by step, so that sleepers wake in order and may sleep again on the way. */
  readonly advance: (ms: number) => Promise<void>
  readonly set: (ms: number) => void
  /** How many sleep at the moment. */
  readonly sleepers: () => number
}

export const makeClock = (startMs = 1_700_000_000_000): Clock => {
  let nowMs = startMs
  const sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>()
  const sleep: Clock['sleep'] = (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const wake = (): void => {
        sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper = { atMs: nowMs + ms, wake }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', wake, { once: true })
    })
  const advance = async (ms: number): Promise<void> => {
    const until = nowMs + ms
    await flush(50)
    for (;;) {
      const due = [...sleepers].filter(({ atMs }) => atMs <= until).sort((a, b) => a.atMs - b.atMs)[0]
      if (!due) break
      nowMs = Math.max(nowMs, due.atMs)
      due.wake()
      await flush(25)
    }
    nowMs = until
    await flush()
  }
  return {
    now: () => nowMs,
    sleep,
    advance,
    set: (ms) => {
      nowMs = ms
    },
    sleepers: () => sleepers.size,
  }
}

/** A folder of this test's own. */
export const tempDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'connector-core-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export interface TestStore {
  readonly dir: string
  readonly file: string
  readonly db: OpenDb
  readonly store: Store
  /** Every statement that was prepared so far. */
  readonly statements: () => ReadonlySet<string>
}

/** A real database in a folder of its own. */
export const testStore = (now: () => number = Date.now, dir = tempDir()): TestStore => {
  const file = join(dir, 'connector.db')
  const real = openDb(file)
  const seen = new Set<string>()
  const db: OpenDb = {
    ...real,
    sql: (text) => {
      seen.add(text)
      return real.sql(text)
    },
  }
  const store = openStore(db, now)
  onTestFinished(() => store.close().catch(() => {}))
  return { dir, file, db, store, statements: () => seen }
}

/** Runs it and takes back all it wrote: a fresh database for each run of a property, without the disk. */
export const undone = <T>(db: OpenDb, act: () => T): T => {
  db.exec('BEGIN')
  try {
    return act()
  } finally {
    db.exec('ROLLBACK')
  }
}

export const address = (over: Partial<Address> = {}): Address => ({
  platform: 'fake',
  account: 'bot',
  chat: 'c1',
  kind: 'dm',
  ...over,
})

export const event = (id: string, text = '/status', over: Partial<InboundEvent> = {}): InboundEvent => ({
  id,
  at: 1_700_000_000_000,
  from: { id: 'ann', name: 'Ann', self: false, bot: false },
  proof: 'tls',
  where: address(),
  body: { kind: 'text', text, addressed: true },
  media: [],
  message: `msg-${id}`,
  ...over,
})

export const part = (key: string, over: Partial<Part> = {}): Part => ({
  key,
  to: address(),
  audience: 'everyone',
  items: [{ kind: 'text', text: `text of ${key}` }],
  buttons: [],
  ...over,
})

export const textOf = (one: Part): string =>
  one.items.map((item) => (item.kind === 'text' ? item.text : (item.caption ?? ''))).join('\n')

/** What the platform does with one call: answers, refuses, or (`hang`) never says anything until the call is cut. */
export type Behaviour = Receipt | SendError | Error | 'hang' | 'hang before leaving'

export interface StandInCall {
  readonly how: 'send' | 'edit'
  readonly part: Part
  /** The message that was edited. */
  readonly message: string | null
  readonly atMs: number
}

export interface StandIn {
  readonly adapter: Adapter
  readonly capabilities: Capabilities
  readonly calls: StandInCall[]
  /** How the next calls go, in order; afterwards all is well again. */
  readonly next: (...behaviours: Behaviour[]) => void
  /** What is decided by the part itself, before `next` is looked at. */
  readonly decide: (choose: ((call: StandInCall) => Behaviour | null) | null) => void
  readonly sent: () => string[]
  readonly inFlight: () => number
  readonly mostInFlight: () => number
}

const cutOff = (delivered: 'no' | 'maybe'): SendError => new SendError('unavailable', 'cut off', { delivered })

/** An adapter without a platform: it records each call and behaves as told. */
export const standIn = (clock: Pick<Clock, 'now'>, over: Partial<Capabilities> = {}): StandIn => {
  const caps = capabilities(over)
  const calls: StandInCall[] = []
  const planned: Behaviour[] = []
  let choose: ((call: StandInCall) => Behaviour | null) | null = null
  let inFlight = 0
  let most = 0

  const perform = async (call: StandInCall, signal: AbortSignal): Promise<Receipt> => {
    calls.push(call)
    inFlight++
    most = Math.max(most, inFlight)
    try {
      await Promise.resolve()
      const how = choose?.(call) ?? planned.shift() ?? null
      if (how === null)
        return { message: call.message ?? `m${calls.length}`, via: call.how === 'edit' ? 'edit' : 'push' }
      if (how === 'hang' || how === 'hang before leaving') {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
        throw cutOff(how === 'hang' ? 'maybe' : 'no')
      }
      if (how instanceof Error) throw how
      return how
    } finally {
      inFlight--
    }
  }

  const adapter: Adapter = {
    account: 'bot',
    intakes: [],
    send: (one, signal) => perform({ how: 'send', part: one, message: null, atMs: clock.now() }, signal),
    edit: caps.edit
      ? (message, one, signal) => perform({ how: 'edit', part: one, message, atMs: clock.now() }, signal)
      : null,
    typing: null,
    pushes: null,
    quota: null,
    inline: null,
    download: null,
    probe: async () => [],
  }
  return {
    adapter,
    capabilities: caps,
    calls,
    next: (...behaviours) => void planned.push(...behaviours),
    decide: (by) => {
      choose = by
    },
    sent: () => calls.map((call) => textOf(call.part)),
    inFlight: () => inFlight,
    mostInFlight: () => most,
  }
}
