import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Address } from '../../src/contract/index.ts'
import { laneOf } from '../../src/contract/index.ts'
import { mailbox, mailboxCount } from '../../src/store/mailbox.ts'
import { type OpenDb, openDb } from '../../src/store/open.ts'
import {
  addPart,
  blobNeeded,
  endLane,
  markAgain,
  markEnded,
  markSending,
  markSent,
  nextPart,
  openCount,
  openLanes,
  type PartState,
  partRow,
  pruneOutbox,
  recoverOutbox,
  withdraw,
} from '../../src/store/outbox.ts'
import { artifact } from '../delivery/plan-kit.ts'
import { address, part, testStore, undone } from '../kit/core.ts'

const chat = (n: number): Address => address({ chat: `c${n}` })
const lanes = [0, 1, 2].map((n) => laneOf(chat(n)))
const ends: readonly PartState[] = ['sent', 'skipped', 'dead', 'mailbox']

type Fate = 'sent' | 'again' | 'unknown' | 'mailbox' | 'dead' | 'skipped' | 'crash'
type Op =
  | { readonly do: 'add'; readonly key: number; readonly lane: number; readonly putOff: boolean }
  | { readonly do: 'send'; readonly lane: number; readonly fate: Fate }
  | { readonly do: 'wait' }
  | { readonly do: 'withdraw'; readonly key: number }
  | { readonly do: 'gone'; readonly lane: number }

const lane = fc.nat({ max: 2 })
const key = fc.nat({ max: 15 })
const fate = fc.constantFrom<Fate>('sent', 'sent', 'again', 'unknown', 'mailbox', 'dead', 'skipped', 'crash')
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('add' as const), key, lane, putOff: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('send' as const), lane, fate }) },
  { weight: 2, arbitrary: fc.constant({ do: 'wait' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('withdraw' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('gone' as const), lane }) },
)

const stepMs = 100

interface World {
  readonly db: OpenDb
  nowMs: number
  /** Keys in the order of adding, with the ones put off to a later time marked. */
  readonly added: Map<string, { readonly lane: number; readonly putOff: boolean }>
  readonly sent: string[]
  readonly ended: Map<string, PartState>
  /** How often each was begun to be sent. */
  readonly begun: Map<string, number>
}

const stateOf = (w: World, one: string): PartState => partRow(w.db, one)?.state ?? 'dead'

const settleAs = (w: World, one: string, how: Exclude<Fate, 'crash'>): void => {
  if (how === 'sent') {
    markSent(w.db, one, { message: `m-${one}`, via: 'push' }, w.nowMs)
    w.sent.push(one)
  } else if (how === 'dead' || how === 'skipped') markEnded(w.db, one, how, 'why', w.nowMs)
  else if (how === 'mailbox') markAgain(w.db, one, { state: 'mailbox', nextAtMs: 0, error: '' })
  else markAgain(w.db, one, { state: how === 'again' ? 'queued' : 'unknown', nextAtMs: w.nowMs + stepMs, error: '' })
}

const sendIn = (w: World, n: number, how: Fate): void => {
  const next = nextPart(w.db, lanes[n] ?? '', w.nowMs)
  const due = [...w.added].filter(([one, { lane }]) => {
    const row = partRow(w.db, one)
    return lane === n && row !== null && !ends.includes(row.state) && row.attempts === 0 && row.nextAtMs <= w.nowMs
  })
  const tried = [...w.added.keys()].find((one) => {
    const row = partRow(w.db, one)
    return w.added.get(one)?.lane === n && row !== null && !ends.includes(row.state) && row.attempts > 0
  })
  if (next === null || 'atMs' in next) {
    // Nothing goes only because one that was tried waits in front, never because of one that was put off.
    expect(due.length > 0 && tried === undefined).toBe(false)
    if (next) expect(next.atMs).toBeGreaterThan(w.nowMs)
    return
  }
  expect(ends).not.toContain(next.state)
  markSending(w.db, next.key)
  w.begun.set(next.key, (w.begun.get(next.key) ?? 0) + 1)
  if (how === 'crash') {
    recoverOutbox(w.db)
    expect(stateOf(w, next.key)).toBe('unknown')
  } else settleAs(w, next.key, how)
}

const play = (w: World, one: Op): void => {
  if (one.do === 'add') {
    const name = `p${one.key}`
    const notBeforeMs = one.putOff ? w.nowMs + 5 * stepMs : undefined
    const fresh = addPart(w.db, { part: part(name, { to: chat(one.lane) }), notBeforeMs }, w.nowMs)
    expect(fresh).toBe(!w.added.has(name))
    if (fresh) w.added.set(name, { lane: one.lane, putOff: one.putOff })
  } else if (one.do === 'send') sendIn(w, one.lane, one.fate)
  else if (one.do === 'wait') w.nowMs += stepMs
  else if (one.do === 'gone') endLane(w.db, lanes[one.lane] ?? '', 'gone', w.nowMs)
  else {
    const untried = partRow(w.db, `p${one.key}`)
    const could = untried?.state === 'queued' && untried.attempts === 0
    expect(withdraw(w.db, `p${one.key}`, w.nowMs)).toBe(could)
  }
  for (const name of w.added.keys()) {
    const now = stateOf(w, name)
    const before = w.ended.get(name)
    // What has ended stays as it ended, but for what is fetched from (or lost with) a mailbox.
    if (before && before !== 'mailbox') expect(now).toBe(before)
    if (ends.includes(now)) w.ended.set(name, now)
  }
}

const newWorld = (db: OpenDb): World => ({
  db,
  nowMs: 1000,
  added: new Map(),
  sent: [],
  ended: new Map(),
  begun: new Map(),
})

test('under any order of adding, sending, failing and crashing each part comes to exactly one end, in the order of its chat', () => {
  const { db } = testStore()
  fc.assert(
    fc.property(fc.array(op, { maxLength: 80 }), (ops) =>
      undone(db, () => {
        const w = newWorld(db)
        for (const one of ops) play(w, one)
        // Peace: everything that is left can be sent.
        for (let round = 0; round < 200 && openCount(db) > 0; round++) {
          for (const n of [0, 1, 2]) sendIn(w, n, 'sent')
          w.nowMs += stepMs
        }
        expect(openCount(db)).toBe(0)
        expect(openLanes(db)).toEqual([])
        for (const name of w.added.keys()) expect(ends).toContain(stateOf(w, name))
        expect(new Set(w.sent).size).toBe(w.sent.length)
        for (const n of [0, 1, 2]) {
          // What may have arrived twice already is repeated in its own time.
          const rare = (name: string): boolean => (partRow(db, name)?.maybes ?? 0) >= 2
          const inOrder = [...w.added]
            .filter(([name, one]) => one.lane === n && !one.putOff && !rare(name))
            .map(([name]) => name)
          const sent = w.sent.filter((name) => inOrder.includes(name))
          expect(sent).toEqual(inOrder.filter((name) => sent.includes(name)))
        }
        const waiting = [...w.added.keys()].filter((name) => stateOf(w, name) === 'mailbox').length
        expect(lanes.reduce((sum, one) => sum + mailboxCount(db, one), 0)).toBe(waiting)
      }),
    ),
    { numRuns: 150 },
  )
})

test('a crash while an answer is offered or being sent leaves it unknown, and the rest as it was', () => {
  const { db, file } = testStore()
  addPart(db, { part: part('offered'), state: 'offered' }, 1)
  addPart(db, { part: part('sending') }, 1)
  addPart(db, { part: part('queued'), notBeforeMs: 500 }, 1)
  addPart(db, { part: part('mail'), state: 'mailbox' }, 1)
  markSending(db, 'sending')
  const again = openDb(file)
  expect(recoverOutbox(again)).toBe(2)
  const states = ['offered', 'sending', 'queued', 'mail'].map((name) => partRow(again, name)?.state)
  expect(states).toEqual(['unknown', 'unknown', 'queued', 'mailbox'])
  expect(partRow(again, 'queued')?.nextAtMs).toBe(500)
  again.close()
})

test('a part that may have arrived twice waits for its own time beside its lane, which goes on in order', () => {
  const { db } = testStore()
  const here = laneOf(address())
  const fail = (nextAtMs: number): void => {
    markSending(db, 'rare')
    markAgain(db, 'rare', { state: 'unknown', nextAtMs, error: 'no answer' })
  }
  for (const name of ['rare', 'a', 'b']) addPart(db, { part: part(name) }, 1)
  const keyAt = (nowMs: number) => {
    const next = nextPart(db, here, nowMs)
    return next && ('key' in next ? next.key : next.atMs)
  }
  fail(1000)
  // Once it may have arrived, and soon it goes again: the others wait behind it.
  expect([keyAt(999), keyAt(1000)]).toEqual([1000, 'rare'])
  fail(61_000)
  for (const name of ['a', 'b']) {
    expect(keyAt(1001)).toBe(name)
    markSending(db, name)
    // One that is retried soon holds its place among the others, whatever the rare one does.
    markAgain(db, name, { state: 'queued', nextAtMs: 2000, error: 'busy' })
    expect([keyAt(1999), keyAt(2000)]).toEqual([2000, name])
    markSent(db, name, { via: 'push' }, 2000)
  }
  expect(keyAt(3000)).toBe(61_000)
  addPart(db, { part: part('c') }, 3000)
  expect([keyAt(3000), keyAt(61_000)]).toEqual(['c', 'rare'])
  // However long it goes on, there is always a next time, and never one that is not the lane's own.
  for (let maybes = 2; maybes < 20; maybes++) {
    fail(100_000 * maybes)
    expect(keyAt(3000)).toBe('c')
  }
  markSent(db, 'c', { via: 'push' }, 3000)
  expect(keyAt(3000)).toBe(1_900_000)
})

test('an answer handed to an open request is not sent a second way meanwhile', () => {
  const { db } = testStore()
  addPart(db, { part: part('first'), state: 'offered' }, 1)
  expect(nextPart(db, laneOf(address()), 10)).toBeNull()
  addPart(db, { part: part('second') }, 1)
  expect(nextPart(db, laneOf(address()), 10)).toMatchObject({ key: 'second' })
})

test('the mailbox gives the oldest first, and a part keeps what it was given', () => {
  const { db } = testStore()
  const full = part('a', {
    items: [{ kind: 'media', media: artifact({ blob: 'b7' }), as: 'photo', caption: 'x' }],
    replyTo: 'm1',
    handle: { kind: 'token', value: 't', expiresAt: 5 },
    interim: true,
  })
  addPart(db, { part: full, state: 'mailbox' }, 1)
  addPart(db, { part: part('b'), state: 'mailbox' }, 1)
  expect(mailbox(db, laneOf(address()), 1).map((row) => row.part)).toEqual([full])
})

test('a file is needed as long as one part that can still be delivered shows it, and a while after, for the links', () => {
  const { db } = testStore()
  const withFile = (name: string) =>
    part(name, { items: [{ kind: 'media', media: artifact({ blob: 'b1' }), as: 'photo' }] })
  addPart(db, { part: withFile('a') }, 1)
  addPart(db, { part: withFile('b'), state: 'mailbox' }, 1)
  expect(blobNeeded(db, 'b1', 2)).toBe(true)
  markSent(db, 'a', { via: 'push' }, 2)
  expect(blobNeeded(db, 'b1', 2)).toBe(true)
  markSent(db, 'b', { via: 'inline' }, 2)
  expect(blobNeeded(db, 'b1', 1)).toBe(true)
  expect(blobNeeded(db, 'b1', 2)).toBe(false)
  expect(blobNeeded(db, 'b2', 1)).toBe(false)
})

test('pruning forgets what ended long ago with its files, keeps what is owed, and is bounded', () => {
  const { db } = testStore()
  const row = fc.record({
    state: fc.constantFrom<PartState>('queued', 'unknown', 'mailbox', 'sent', 'dead'),
    old: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(row, { maxLength: 40 }), fc.integer({ min: 1, max: 6 }), (wanted, limit) =>
      undone(db, () => {
        const inTime = [...wanted.filter(({ old }) => old), ...wanted.filter(({ old }) => !old)]
        inTime.forEach(({ state, old }, i) => {
          const item = { kind: 'media', media: artifact({ blob: `b${i}` }), as: 'photo' } as const
          addPart(db, { part: part(`p${i}`, { items: [item] }), state }, old ? 10 : 100)
        })
        for (let removed = 1; removed > 0; ) {
          removed = pruneOutbox(db, 50, limit)
          expect(removed).toBeLessThanOrEqual(limit + 1)
        }
        const kept = inTime.flatMap(({ state, old }, i) =>
          !old || state === 'queued' || state === 'unknown' ? [i] : [],
        )
        const keys = db.sql('SELECT key FROM outbox ORDER BY seq').all()
        expect(keys.map((one) => one.key)).toEqual(kept.map((i) => `p${i}`))
        expect(Number(db.sql('SELECT count(*) AS n FROM part_media').get()?.n)).toBe(kept.length)
      }),
    ),
    { numRuns: 150 },
  )
})
