import type { Db } from './open.ts'
import { columns, type OutboxRow, toRow } from './outbox.ts'

/** Takes an answer out of the mailbox: later news made it pointless, or it went along with another. */
export const dropFromMailbox = (db: Db, key: string, why: string, nowMs: number): void => {
  db.sql(`UPDATE outbox SET state = 'skipped', error = ?, done_at = ? WHERE key = ? AND state = 'mailbox'`).run(
    why,
    nowMs,
    key,
  )
}

/** Sends what waits in the mailbox of a conversation, oldest first; how many. Its age counts anew: after days of waiting
 *  the first trouble must not be its end. */
export const queueMailbox = (db: Db, lane: string, limit: number, nowMs: number): number =>
  Number(
    db
      .sql(
        `UPDATE outbox SET state = 'queued', next_at = ?, created_at = ? WHERE seq IN
           (SELECT seq FROM outbox WHERE lane = ? AND state = 'mailbox' ORDER BY seq LIMIT ?)`,
      )
      .run(nowMs, nowMs, lane, limit).changes,
  )

/** Conversations of a platform in which something waits. */
export const lanesWithMail = (db: Db, platform: string): string[] =>
  db
    .sql(`SELECT DISTINCT lane FROM outbox WHERE state = 'mailbox' AND lane >= ? AND lane < ?`)
    // A lane begins with its platform and a space; `!` is what comes behind a space.
    .all(`${platform} `, `${platform}!`)
    .map((row) => String(row.lane))

/** What waits in the mailbox of a conversation, oldest first. */
export const mailbox = (db: Db, lane: string, limit: number): OutboxRow[] =>
  db
    .sql(`SELECT ${columns} FROM outbox WHERE lane = ? AND state = 'mailbox' ORDER BY seq LIMIT ?`)
    .all(lane, limit)
    .map(toRow)

export const mailboxCount = (db: Db, lane: string): number =>
  Number(db.sql(`SELECT count(*) AS n FROM outbox WHERE lane = ? AND state = 'mailbox'`).get(lane)?.n ?? 0)
