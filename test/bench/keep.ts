import { join } from 'node:path'
import { capabilities } from '../../adapters/telegram/limits.ts'
import { commands } from '../../src/commands/index.ts'
import type { InboundEvent } from '../../src/contract/index.ts'
import { eventId, laneOf } from '../../src/contract/index.ts'
import { makeLanes } from '../../src/intake/lanes.ts'
import { keep } from '../../src/keep.ts'
import type { Ports } from '../../src/pipeline.ts'
import { type OpenDb, openDb } from '../../src/store/open.ts'
import { openStore } from '../../src/store/store.ts'
import { keepingLog } from '../kit/deps.ts'
import { type Measure, perSecond, type Row, times } from './row.ts'
import { inTurns, median, ratioOf } from './stats.ts'

const target = 0.5
/** As many as one getUpdates brings. */
const batchSize = 100
/** Single events under way at the same time. */
const callers = 32

/** (b) The way into the inbox, as a multiple of nothing but the same rows inserted in the same groups. */
export const measureKeep: Measure = async ({ quick, dir, say }) => {
  const total = quick ? 4000 : 20_000
  const rounds = { warmUp: 1, rounds: quick ? 3 : 7 }
  const keeper = openKeeper(join(dir, 'keep.db'))
  const raw = openRaw(join(dir, 'raw.db'))
  const shapes = [
    { name: `batches of ${batchSize}`, groups: batchSize, atOnce: 1 },
    { name: `${callers} single events at once`, groups: 1, atOnce: callers },
  ]
  const rows: Row[] = []
  for (const { name, groups, atOnce } of shapes) {
    const timed = async (who: string, put: (events: readonly InboundEvent[]) => Promise<void>): Promise<number> => {
      const all = grouped(messages(total), groups)
      const perSec = await rateOf(all, atOnce, put)
      say(`  ${who}, ${name}: ${perSecond(perSec)}`)
      return perSec
    }
    const rate = await inTurns(
      () => timed('raw', raw.put),
      () => timed('keep', keeper.put),
      rounds,
    )
    const ratio = ratioOf(rate)
    rows.push({
      name: `b  keep, ${name}`,
      figure: `${perSecond(median(rate.b))} of ${perSecond(median(rate.a))} raw, events`,
      ratio: times(ratio),
      target: `≥ ${times(target)}`,
      pass: ratio >= target,
    })
  }
  await keeper.close()
  raw.close()
  return rows
}

let made = 0

/** Commands of many people in their direct chats, as the adapter decodes them. */
const messages = (count: number): readonly InboundEvent[] =>
  Array.from({ length: count }, () => {
    const n = made++
    const person = String(500_000_000 + (n % 1000))
    return {
      id: eventId('telegram', '7000000001', 'message', person, String(n)),
      at: Date.now(),
      from: { id: person, name: 'Ann', self: false, bot: false },
      proof: 'tls',
      where: { platform: 'telegram', account: '7000000001', chat: person, kind: 'dm' },
      body: { kind: 'text', text: `/run portrait prompt="a red fox number ${n}" steps=20`, addressed: true },
      media: [],
      message: String(n),
    }
  })

const grouped = (events: readonly InboundEvent[], size: number): readonly (readonly InboundEvent[])[] =>
  Array.from({ length: Math.ceil(events.length / size) }, (_, i) => events.slice(i * size, (i + 1) * size))

/** Events per second, with so many groups under way at a time. */
const rateOf = async (
  groups: readonly (readonly InboundEvent[])[],
  atOnce: number,
  put: (events: readonly InboundEvent[]) => Promise<void>,
): Promise<number> => {
  const startMs = performance.now()
  let next = 0
  const caller = async (): Promise<void> => {
    for (let group = groups[next++]; group; group = groups[next++]) await put(group)
  }
  await Promise.all(Array.from({ length: atOnce }, caller))
  return groups.reduce((sum, group) => sum + group.length, 0) / ((performance.now() - startMs) / 1000)
}

/** The real first half of the pipeline on a real store; what comes after it is switched off. */
const openKeeper = (file: string) => {
  const store = openStore(openDb(file), Date.now)
  const lanes = makeLanes({ concurrent: 32, work: async () => {} })
  // `keep` reads these and nothing else; the second half has no part in this.
  const ports: Partial<Ports> = {
    store,
    now: Date.now,
    log: keepingLog(),
    step: () => {},
    commands: () => commands,
    lanes: () => lanes,
    tenancy: null,
    maxPending: 100_000,
    maxPendingPerSender: 1000,
  }
  return {
    put: async (events: readonly InboundEvent[]) => void (await keep(events, capabilities, ports as Ports)),
    close: () => store.close(),
  }
}

/** Group commit as bare as it can be: what waits is written in one transaction at the end of the turn. */
const openRaw = (file: string) => {
  const db: OpenDb = openDb(file)
  const insert = db.sql(
    `INSERT INTO inbox (id, lane, state, verdict, kept_at, event) VALUES (?, ?, 'kept', 'run', ?, ?) ON CONFLICT (id) DO NOTHING`,
  )
  let waiting: { readonly events: readonly InboundEvent[]; readonly done: () => void }[] = []
  const flush = (): void => {
    const group = waiting
    waiting = []
    db.exec('BEGIN IMMEDIATE')
    for (const { events } of group)
      for (const event of events) insert.run(event.id, laneOf(event.where), Date.now(), JSON.stringify(event))
    db.exec('COMMIT')
    for (const { done } of group) done()
  }
  return {
    put: (events: readonly InboundEvent[]): Promise<void> =>
      new Promise((done) => {
        if (waiting.push({ events, done }) === 1) setImmediate(flush)
      }),
    close: () => db.close(),
  }
}
