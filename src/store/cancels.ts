import type { Db } from './open.ts'

/** Notes the wish before anything is done about it: a crash or a submission under way can't lose it. `by`: qualified id
 *  of whoever has it; the first who had it stays. */
export const askCancel = (db: Db, id: string, by: string): void => {
  db.sql('UPDATE jobs SET cancel_by = coalesce(cancel_by, ?) WHERE id = ?').run(by, id)
}

/** The backend has taken the wish: it is not sent again. */
export const noteCancelPassed = (db: Db, id: string): void => {
  db.sql('UPDATE jobs SET cancel_passed = 1 WHERE id = ?').run(id)
}
