import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eventState, keepEvent, pruneInbox, settleEvent, waitingEvents } from '../../src/store/inbox.ts'
import { type OpenDb, openDb } from '../../src/store/open.ts'
import { event, tempDir, testStore, undone } from '../kit/core.ts'

type Op =
  | { readonly do: 'keep'; readonly id: number }
  | { readonly do: 'settle'; readonly nth: number }
  | { readonly do: 'half'; readonly nth: number }
  | { readonly do: 'crash' }

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('keep' as const), id: fc.nat({ max: 12 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('settle' as const), nth: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('half' as const), nth: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
)

const settleNth = (db: OpenDb, nth: number): string | null => {
  const waiting = waitingEvents(db)
  const one = waiting[nth % Math.max(1, waiting.length)]
  if (!one) return null
  settleEvent(db, one.seq, { outcome: 'done', answer: `${one.event.id}#0` }, 1)
  return one.event.id
}

test('whatever comes twice, and wherever it crashes: each event is kept once, settled once, and none is lost', () => {
  const dir = tempDir()
  let run = 0
  fc.assert(
    fc.property(fc.array(op, { maxLength: 40 }), (ops) => {
      const file = join(dir, `inbox-${run++}.db`)
      let db = openDb(file)
      const waiting: string[] = []
      const settled = new Set<string>()
      for (const one of ops) {
        if (one.do === 'keep') {
          const id = `e${one.id}`
          const kept = keepEvent(db, event(id), 'lane', 'run', 1)
          expect(kept === null).toBe(waiting.includes(id) || settled.has(id))
          if (kept) waiting.push(id)
        } else if (one.do === 'settle') {
          const id = settleNth(db, one.nth)
          expect(id !== null && settled.has(id)).toBe(false)
          if (id) settled.add(id)
          if (id) waiting.splice(waiting.indexOf(id), 1)
        } else {
          // A settling that was begun and never committed has not happened.
          if (one.do === 'half') {
            db.exec('BEGIN IMMEDIATE')
            settleNth(db, one.nth)
          }
          db.close()
          db = openDb(file)
        }
        expect(waitingEvents(db).map((kept) => kept.event.id)).toEqual(waiting)
      }
      for (const id of settled) expect(eventState(db, id)).toEqual({ state: 'settled', answer: `${id}#0` })
      for (const id of waiting) expect(eventState(db, id)).toEqual({ state: 'kept', answer: null })
      db.close()
    }),
    { numRuns: 25 },
  )
})

test('an event comes back from disk as it was kept, with its lane and verdict', () => {
  const db = openDb(join(tempDir(), 'connector.db'))
  const strange = event('e1', 'a “fox” \u0000 🦊 ', {
    handle: { kind: 'inline', value: 'h', expiresAt: 9 },
    media: [{ kind: 'image', ref: 'r' }],
  })
  keepEvent(db, strange, 'fake bot  c1', 'stale', 5)
  expect(waitingEvents(db)).toEqual([
    { seq: 1, lane: 'fake bot  c1', verdict: 'stale', event: strange, recovered: true },
  ])
  db.close()
})

test('pruning takes what is settled and old, a bounded number at a time, and goes past what still waits', () => {
  const { db } = testStore()
  const rows = fc.array(fc.record({ open: fc.boolean(), old: fc.boolean() }), { maxLength: 60 })
  const prune = (wanted: readonly { readonly open: boolean; readonly old: boolean }[], limit: number): void => {
    // Rows are written in the order of time: old ones first.
    const inTime = [...wanted.filter((row) => row.old), ...wanted.filter((row) => !row.old)]
    inTime.forEach(({ open, old }, i) => {
      const kept = keepEvent(db, event(`e${i}`), 'lane', 'run', old ? 10 : 100)
      if (!open) settleEvent(db, kept?.seq ?? 0, { outcome: 'done', answer: null }, 100)
    })
    for (let removed = 1; removed > 0; ) {
      removed = pruneInbox(db, 50, limit)
      expect(removed).toBeLessThanOrEqual(limit + 1)
    }
    const left = db.sql('SELECT id FROM inbox ORDER BY seq').all()
    expect(left.map((row) => row.id)).toEqual(inTime.flatMap(({ open, old }, i) => (open || !old ? [`e${i}`] : [])))
  }
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 7 }), (wanted, limit) => undone(db, () => prune(wanted, limit))),
    { numRuns: 150 },
  )
})
