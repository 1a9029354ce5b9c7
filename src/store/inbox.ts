import type { InboundEvent } from '../contract/index.ts'
import type { Db } from './open.ts'

/** `busy` and `stale` events are kept as well: they are answered with a notice instead of being run. */
export type Verdict = 'run' | 'busy' | 'stale'

export interface KeptEvent {
  readonly seq: number
  readonly lane: string
  readonly verdict: Verdict
  readonly event: InboundEvent
  /** Kept by an earlier process: some of its work may have been done. */
  readonly recovered?: boolean
}

/** Keeps an event; null when its id was seen before (a redelivery or twin). */
export const keepEvent = (
  db: Db,
  event: InboundEvent,
  lane: string,
  verdict: Verdict,
  nowMs: number,
): KeptEvent | null => {
  const result = db
    .sql(
      `INSERT INTO inbox (id, lane, state, verdict, kept_at, event) VALUES (?, ?, 'kept', ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    )
    .run(event.id, lane, verdict, nowMs, JSON.stringify(event))
  return result.changes === 0 ? null : { seq: Number(result.lastInsertRowid), lane, verdict, event }
}

/** Keeps an event that is settled in the same transaction; false when its id was seen before. */
export const keepSettled = (
  db: Db,
  event: InboundEvent,
  lane: string,
  { outcome, answer }: { readonly outcome: string; readonly answer: string | null },
  nowMs: number,
): boolean =>
  db
    .sql(
      `INSERT INTO inbox (id, lane, state, verdict, kept_at, settled_at, outcome, answer) VALUES (?, ?, 'settled', 'run', ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    )
    .run(event.id, lane, nowMs, nowMs, outcome, answer).changes > 0

/** Marks it done, together with whatever else its transaction writes. The payload goes: the replay key stays, and
 *  under which key its first answer was written, for those who ask again. */
export const settleEvent = (
  db: Db,
  seq: number,
  { outcome, answer }: { readonly outcome: string; readonly answer: string | null },
  nowMs: number,
): void => {
  db.sql(`UPDATE inbox SET state = 'settled', outcome = ?, answer = ?, settled_at = ?, event = NULL WHERE seq = ?`).run(
    outcome,
    answer,
    nowMs,
    seq,
  )
}

export const eventState = (
  db: Db,
  id: string,
): { readonly state: 'kept' | 'settled'; readonly answer: string | null } | null => {
  const row = db.sql('SELECT state, answer FROM inbox WHERE id = ?').get(id)
  if (!row) return null
  return { state: row.state as 'kept' | 'settled', answer: row.answer === null ? null : String(row.answer) }
}

/** What a crash left undone, in order. */
export const waitingEvents = (db: Db): KeptEvent[] =>
  db
    .sql(`SELECT seq, lane, verdict, event FROM inbox WHERE state = 'kept' ORDER BY seq`)
    .all()
    .map((row) => ({
      seq: Number(row.seq),
      lane: String(row.lane),
      verdict: row.verdict as Verdict,
      event: JSON.parse(String(row.event)) as InboundEvent,
      recovered: true,
    }))

/** Removes old replay keys, oldest first, a bounded number at a time (a large DELETE blocks the loop). It begins at the
 *  first settled one: what waits (for a platform that is switched off) may be older and must not stand in the way. */
export const pruneInbox = (db: Db, keptBeforeMs: number, limit: number): number =>
  Number(
    db
      .sql(
        `DELETE FROM inbox WHERE seq IN (SELECT seq FROM inbox WHERE seq <= (SELECT seq + ? FROM inbox WHERE state = 'settled' ORDER BY seq LIMIT 1)
           AND kept_at < ? AND state = 'settled')`,
      )
      .run(limit, keptBeforeMs).changes,
  )
