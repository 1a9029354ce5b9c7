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

const mostRemembered = 5000

/** An adapter's own corner of the store. Nobody else writes there, so what was read or written once is known. */
export const memoFor = (store: Store, scope: string): Memo => {
  const known = new Map<string, string | null>()
  const remember = (key: string, value: string | null): void => {
    known.delete(key)
    known.set(key, value)
    if (known.size > mostRemembered) known.delete(known.keys().next().value ?? '')
  }
  return {
    get: (key) => {
      const value = known.get(key)
      if (value !== undefined) return value
      const stored = store.read((db) => getMemo(db, scope, key))
      remember(key, stored)
      return stored
    },
    set: async (key, value) => {
      await store.write((db) => setMemo(db, scope, key, value))
      remember(key, value)
    },
  }
}

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
