import type { Address, Memo } from '../contract/index.ts'
import type { Db } from './open.ts'
import type { Store } from './store.ts'

export const getMemo = (db: Db, scope: string, key: string): string | null => {
  const row = db.sql('SELECT value FROM memo WHERE scope = ? AND key = ?').get(scope, key)
  return row ? String(row.value) : null
}

export const setMemo = (db: Db, scope: string, key: string, value: string): void => {
  db.sql(
    'INSERT INTO memo (scope, key, value) VALUES (?, ?, ?) ON CONFLICT (scope, key) DO UPDATE SET value = excluded.value',
  ).run(scope, key, value)
}

export const dropMemo = (db: Db, scope: string, key: string): void => {
  db.sql('DELETE FROM memo WHERE scope = ? AND key = ?').run(scope, key)
}

/** An adapter's own corner of the store. */
export const memoFor = (store: Store, scope: string): Memo => ({
  get: (key) => store.read((db) => getMemo(db, scope, key)),
  set: (key, value) => store.write((db) => setMemo(db, scope, key, value)),
})

/** Where a person can be reached: their latest direct conversation with us. */
export const setContact = (db: Db, person: string, target: Address, nowMs: number): void => {
  db.sql(
    `INSERT INTO contacts (person, target, seen_at) VALUES (?, ?, ?)
     ON CONFLICT (person) DO UPDATE SET target = excluded.target, seen_at = excluded.seen_at`,
  ).run(person, JSON.stringify(target), nowMs)
}

export const contactOf = (db: Db, person: string): Address | null => {
  const row = db.sql('SELECT target FROM contacts WHERE person = ?').get(person)
  return row ? (JSON.parse(String(row.target)) as Address) : null
}
