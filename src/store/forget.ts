import type { Db } from './open.ts'

/** Gives up on answers that could not even be tried for so long (their platform was switched off and stayed so): they
 *  would all arrive on the day it comes back. A bounded number at a time. */
export const endForgotten = (db: Db, createdBeforeMs: number, nowMs: number, limit: number): number =>
  Number(
    db
      .sql(
        `UPDATE outbox SET state = 'dead', error = 'never sent', done_at = ? WHERE seq IN (
           SELECT seq FROM outbox WHERE state IN ('queued', 'sending', 'unknown') AND state <> 'sending'
             AND created_at < ? LIMIT ?)`,
      )
      .run(nowMs, createdBeforeMs, limit).changes,
  )

/** Removes where people could be reached who have not been seen for so long, a bounded number at a time. */
export const pruneContacts = (db: Db, seenBeforeMs: number, limit: number): number =>
  Number(
    db
      .sql('DELETE FROM contacts WHERE person IN (SELECT person FROM contacts WHERE seen_at < ? LIMIT ?)')
      .run(seenBeforeMs, limit).changes,
  )
