import type { Part, Receipt } from '../contract/index.ts'
import { laneOf } from '../contract/index.ts'
import type { Db } from './open.ts'

/** `offered`: handed to an open request, which has not been written yet. */
export type PartState = 'queued' | 'offered' | 'sending' | 'unknown' | 'mailbox' | 'sent' | 'skipped' | 'dead'

export interface Edits {
  readonly key: string
  readonly otherwise: 'send' | 'skip'
}

export interface OutboxRow {
  readonly key: string
  readonly lane: string
  readonly state: PartState
  readonly attempts: number
  /** How many of them may have arrived. */
  readonly maybes: number
  readonly nextAtMs: number
  readonly part: Part
  readonly edits: Edits | null
  readonly message: string | null
  /** How it was delivered, once it was. */
  readonly via: string | null
  readonly createdAtMs: number
}

export interface NewPart {
  readonly part: Part
  readonly state?: PartState
  readonly edits?: Edits | undefined
  readonly notBeforeMs?: number
}

/** Writes a part once: a second settling of the same event or job (after a crash) finds its key taken. */
export const addPart = (db: Db, { part, state, edits, notBeforeMs }: NewPart, nowMs: number): boolean => {
  const added = db
    .sql(
      `INSERT INTO outbox (key, lane, state, next_at, part, edits, otherwise, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (key) DO NOTHING`,
    )
    .run(
      part.key,
      laneOf(part.to),
      state ?? 'queued',
      notBeforeMs ?? nowMs,
      JSON.stringify(part),
      edits?.key ?? null,
      edits?.otherwise ?? null,
      nowMs,
    )
  if (added.changes === 0) return false
  for (const item of part.items) {
    if (item.kind !== 'media') continue
    linkMedia(db, item.media.blob, part.key)
    if (item.media.preview) linkMedia(db, item.media.preview.blob, part.key)
  }
  return true
}

const linkMedia = (db: Db, blob: string, key: string): void => {
  db.sql('INSERT INTO part_media (blob, key) VALUES (?, ?) ON CONFLICT DO NOTHING').run(blob, key)
}

export const columns = 'key, lane, state, attempts, maybes, next_at, part, edits, otherwise, message, via, created_at'

export const toRow = (row: Record<string, unknown>): OutboxRow => ({
  key: String(row.key),
  lane: String(row.lane),
  state: row.state as PartState,
  attempts: Number(row.attempts),
  maybes: Number(row.maybes),
  nextAtMs: Number(row.next_at),
  part: JSON.parse(String(row.part)) as Part,
  edits: row.edits === null ? null : { key: String(row.edits), otherwise: row.otherwise as Edits['otherwise'] },
  message: row.message === null ? null : String(row.message),
  via: row.via === null ? null : String(row.via),
  createdAtMs: Number(row.created_at),
})

export const partRow = (db: Db, key: string): OutboxRow | null => {
  const row = db.sql(`SELECT ${columns} FROM outbox WHERE key = ?`).get(key)
  return row ? toRow(row) : null
}

/** The part that was delivered under this id of the platform's. */
export const partByMessage = (db: Db, platform: string, message: string): OutboxRow | null =>
  db
    .sql(`SELECT ${columns} FROM outbox WHERE message = ? ORDER BY seq DESC LIMIT 5`)
    .all(message)
    .map(toRow)
    .find((row) => row.part.to.platform === platform) ?? null

/** What the delivery has to look after. What is offered to an open request is in other hands until that ends. */
const open = `state IN ('queued', 'sending', 'unknown')`

/** Once at the start: what a crash caught under way may or may not have arrived. */
export const recoverOutbox = (db: Db): number => {
  const wasUnderWay = (which: string): number =>
    Number(
      db.sql(`UPDATE outbox SET state = 'unknown', next_at = 0, attempts = min(attempts, 1) WHERE ${which}`).run()
        .changes,
    )
  // Two statements, as each of them has an index of its own. That we died is no sign that the platform is in trouble:
  // the next failure is waited for briefly again.
  return wasUnderWay(`seq > 0 AND state = 'offered'`) + wasUnderWay(`${open} AND state = 'sending'`)
}

/** Every conversation with something to send. Its parts are read as they are needed. */
export const openLanes = (db: Db): string[] =>
  db
    .sql(`SELECT DISTINCT lane FROM outbox WHERE ${open}`)
    .all()
    .map((row) => String(row.lane))

/** The part to send next in a conversation: the oldest that is due, so that order is kept. A part put off to a set time
 *  (never tried) does not hold up those behind it, and neither does one that may have arrived more than once already:
 *  it is repeated ever more rarely. Otherwise when to look again. */
export const nextPart = (db: Db, lane: string, nowMs: number): OutboxRow | { readonly atMs: number } | null => {
  const row = db
    .sql(
      `SELECT ${columns} FROM outbox WHERE lane = ? AND ${open} AND (attempts > 0 AND maybes < 2 OR next_at <= ?)
       ORDER BY seq LIMIT 1`,
    )
    .get(lane, nowMs)
  if (row) return Number(row.next_at) <= nowMs ? toRow(row) : { atMs: Number(row.next_at) }
  const later = db.sql(`SELECT min(next_at) AS at FROM outbox WHERE lane = ? AND ${open}`).get(lane)
  return later?.at == null ? null : { atMs: Number(later.at) }
}

/** Noted before the call leaves: after a crash the part is known to have been under way. False when it was withdrawn
 *  or ended while it waited for its turn. */
export const markSending = (db: Db, key: string): boolean =>
  Number(
    db
      .sql(
        `UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE key = ? AND state IN ('queued', 'sending', 'unknown')`,
      )
      .run(key).changes,
  ) > 0

export const markSent = (db: Db, key: string, receipt: Receipt, nowMs: number): void => {
  db.sql(`UPDATE outbox SET state = 'sent', message = ?, via = ?, error = NULL, done_at = ? WHERE key = ?`).run(
    receipt.message ?? null,
    receipt.via,
    nowMs,
    key,
  )
}

/** Reports come in any order: what was read has been delivered. */
export const markReported = (db: Db, key: string, how: 'delivered' | 'read'): void => {
  db.sql(`UPDATE outbox SET reported = ? WHERE key = ? AND reported IS NOT 'read'`).run(how, key)
}

/** Ends a part that will not be sent: `skipped` on purpose, `dead` because it can't be. */
export const markEnded = (db: Db, key: string, state: 'skipped' | 'dead', error: string, nowMs: number): void => {
  db.sql('UPDATE outbox SET state = ?, error = ?, done_at = ? WHERE key = ?').run(state, error, nowMs, key)
}

export const markAgain = (
  db: Db,
  key: string,
  how: {
    readonly state: 'queued' | 'unknown' | 'mailbox' | 'offered'
    readonly nextAtMs: number
    readonly error: string
    readonly part?: Part
    /** Its age counts from here. */
    readonly fromMs?: number
  },
): void => {
  db.sql(
    `UPDATE outbox SET state = ?, next_at = ?, error = ?, part = coalesce(?, part), maybes = maybes + ?,
       created_at = coalesce(?, created_at) WHERE key = ?`,
  ).run(
    how.state,
    how.nextAtMs,
    how.error,
    how.part ? JSON.stringify(how.part) : null,
    how.state === 'unknown' ? 1 : 0,
    how.fromMs ?? null,
    key,
  )
}

/** The chat is gone: nothing that waits for it can arrive. */
export const endLane = (db: Db, lane: string, error: string, nowMs: number): void => {
  // Two statements, as each of them has an index of its own.
  for (const which of [open, `state = 'mailbox'`]) {
    db.sql(`UPDATE outbox SET state = 'dead', error = ?, done_at = ? WHERE lane = ? AND ${which}`).run(
      error,
      nowMs,
      lane,
    )
  }
}

/** Takes back a part that has not been tried yet (a bridge that is no longer needed). */
export const withdraw = (db: Db, key: string, nowMs: number): boolean =>
  Number(
    db
      .sql(
        `UPDATE outbox SET state = 'skipped', error = 'no longer needed', done_at = ? WHERE key = ? AND state = 'queued' AND attempts = 0`,
      )
      .run(nowMs, key).changes,
  ) > 0

export const openCount = (db: Db): number =>
  Number(db.sql(`SELECT count(*) AS n FROM outbox WHERE ${open}`).get()?.n ?? 0)

/** How many parts of a conversation are on their way, those put off to a set time aside. */
export const underWayCount = (db: Db, lane: string, nowMs: number): number =>
  Number(
    db
      .sql(`SELECT count(*) AS n FROM outbox WHERE lane = ? AND ${open} AND (attempts > 0 OR next_at <= ?)`)
      .get(lane, nowMs)?.n ?? 0,
  )

/** Whether a blob is still needed by a part that has to be sent (or fetched from a mailbox). */
export const blobNeeded = (db: Db, blob: string, deliveredSinceMs: number): boolean =>
  db
    .sql(
      `SELECT 1 FROM part_media m JOIN outbox o ON o.key = m.key WHERE m.blob = ? AND (o.state IN ('queued', 'offered', 'sending', 'unknown', 'mailbox') OR o.done_at > ?) LIMIT 1`,
    )
    .get(blob, deliveredSinceMs) !== undefined

const ended = `+state IN ('sent', 'skipped', 'dead', 'mailbox')`

/** Removes what ended (or lay in a mailbox) long ago, oldest first, a bounded number at a time. */
export const pruneOutbox = (db: Db, createdBeforeMs: number, limit: number): number => {
  const old = db
    .sql(
      `SELECT key FROM outbox WHERE seq <= (SELECT seq + ? FROM outbox WHERE ${ended} ORDER BY seq LIMIT 1) AND created_at < ? AND ${ended}`,
    )
    .all(limit, createdBeforeMs)
  for (const row of old) {
    db.sql('DELETE FROM part_media WHERE key = ?').run(String(row.key))
    db.sql('DELETE FROM outbox WHERE key = ?').run(String(row.key))
  }
  return old.length
}
