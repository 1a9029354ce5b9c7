import { onTestFinished } from 'vitest'
import { type Capabilities, laneOf, type Part, SendError } from '../../src/contract/index.ts'
import { downgrade } from '../../src/delivery/downgrade.ts'
import { startWorker, type WorkerDeps } from '../../src/delivery/worker.ts'
import { addPart, type NewPart, type OutboxRow, partRow } from '../../src/store/outbox.ts'
import { address, type Behaviour, flush, makeClock, part, type StandIn, standIn, testStore } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'
import { texts } from './plan-kit.ts'

export const told = (
  code: SendError['code'],
  delivered: 'no' | 'maybe' = 'no',
  retryAfterMs: number | null = null,
): SendError => new SendError(code, code, { delivered, retryAfterMs })

export const rateLimited = (retryAfterMs: number): SendError => told('rate_limited', 'no', retryAfterMs)

/** A part of its own for each name: the chat before the slash, a name behind it. */
export const named = (name: string, over: Partial<Part> = {}): Part => {
  const [chat = 'c1'] = name.split('/')
  return part(name, { to: address({ chat }), ...over })
}

interface Options {
  readonly caps?: Partial<Capabilities>
  /** Further platforms by id. */
  readonly also?: Readonly<Record<string, Partial<Capabilities>>>
  readonly deps?: Partial<WorkerDeps>
}

/** A worker over a real outbox and platforms that behave as told. */
export const workerRig = ({ caps = {}, also = {}, deps = {} }: Options = {}) => {
  const clock = makeClock()
  const stored = testStore(clock.now)
  const { store, db } = stored
  const log = keepingLog()
  const observed: string[] = []
  const platforms = new Map<string, StandIn>([['fake', standIn(clock, { pace: free, ...caps })]])
  for (const [id, other] of Object.entries(also)) platforms.set(id, standIn(clock, { pace: free, ...other }))
  const workerDeps: WorkerDeps = {
    store,
    now: clock.now,
    random: () => 0,
    sleep: clock.sleep,
    log,
    outlet: (id) => platforms.get(id) ?? null,
    lower: (one, capabilities, why) => downgrade(one, capabilities, { canLink: false, texts, why }),
    observe: (id, outcome) => void observed.push(`${id} ${outcome}`),
    step: () => {},
    ...deps,
  }
  const start = () => {
    const worker = startWorker(workerDeps)
    onTestFinished(() => worker.close(0))
    return worker
  }
  let worker = start()
  const fake = platforms.get('fake') as StandIn

  return {
    clock,
    ...stored,
    log,
    observed,
    platforms,
    fake,
    worker: () => worker,
    /** Behaviour of the next calls to `fake`. */
    next: (...behaviours: Behaviour[]) => fake.next(...behaviours),
    add: async (...parts: readonly (Part | NewPart)[]): Promise<void> => {
      const all = parts.map((one): NewPart => ('part' in one ? one : { part: one }))
      await store.write((inner) => {
        for (const one of all) addPart(inner, one, clock.now())
      })
      worker.wake(new Set(all.map((one) => laneOf(one.part.to))))
      await flush()
    },
    row: (key: string): OutboxRow => {
      const row = partRow(db, key)
      if (!row) throw new Error(`no part ${key}`)
      return row
    },
    states: (...keys: string[]) => keys.map((key) => partRow(db, key)?.state ?? null),
    restart: async (): Promise<void> => {
      await worker.close(0)
      worker = start()
      await flush()
    },
  }
}

const free: Capabilities['pace'] = { concurrent: 100, everyMs: 0, perChatMs: 0, perGroupMs: 0, burst: 1 }
