import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { keepEvent, settleEvent, waitingEvents } from '../../src/store/inbox.ts'
import { getMemo, memoFor, setMemo } from '../../src/store/memo.ts'
import type { Db, OpenDb } from '../../src/store/open.ts'
import { openDb } from '../../src/store/open.ts'
import { openStore, StoreError } from '../../src/store/store.ts'
import { event, makeClock, tempDir, testStore } from '../kit/core.ts'

/** Counts the commits that a database is asked for. */
const counting = (db: OpenDb): { db: OpenDb; commits: () => number } => {
  let commits = 0
  const exec = (text: string): void => {
    if (text === 'COMMIT') commits++
    db.exec(text)
  }
  return { db: { ...db, exec }, commits: () => commits }
}

const rows = (db: Db): number => Number(db.sql('SELECT count(*) AS n FROM memo').get()?.n)
const filler = 'x'.repeat(20_000)

/** From now on the file may not grow: the next larger write meets a full disk. */
const fill = (db: Db): void => {
  const pages = Number(db.sql('PRAGMA page_count').get()?.page_count)
  db.exec(`PRAGMA max_page_count = ${pages}`)
}
const makeRoom = (db: Db): void => db.exec('PRAGMA max_page_count = 1000000')

test('a thousand writers that come together share one commit, and each gets its own answer', async () => {
  const { db, commits } = counting(testStore().db)
  const store = openStore(db, Date.now)
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, i) =>
      store.write((inner) => {
        setMemo(inner, 'many', String(i), 'v')
        return i * 2
      }),
    ),
  )
  expect(answers).toEqual(Array.from({ length: 1000 }, (_, i) => i * 2))
  expect(commits()).toBe(1)
  expect(store.read(rows)).toBe(1000)
})

test('what was written is on disk when the write resolves, for another reader too', async () => {
  const { store, file } = testStore()
  await store.write((db) => keepEvent(db, event('e1'), 'lane', 'run', 1))
  const other = new DatabaseSync(file, { readOnly: true })
  expect(other.prepare('SELECT state FROM inbox').all()).toEqual([{ state: 'kept' }])
  other.close()
})

test('one bad change fails alone: its neighbours are kept, before and after it, and it leaves nothing behind', async () => {
  const { store } = testStore()
  const results = await Promise.allSettled([
    store.write((db) => setMemo(db, 's', 'before', '1')),
    store.write((db) => {
      setMemo(db, 's', 'half', '1')
      throw new Error('mistake')
    }),
    store.write((db) => db.exec('not sql')),
    store.write((db) => setMemo(db, 's', 'after', '1')),
  ])
  expect(results.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
  expect(store.read((db) => ['before', 'half', 'after'].map((key) => getMemo(db, 's', key)))).toEqual(['1', null, '1'])
  expect(store.trouble()).toBeNull()
})

test('a mistake in a change is told as it is, not as trouble with the disk', async () => {
  const { store } = testStore()
  await expect(
    store.write((db) => {
      db.sql('INSERT INTO inbox (id) VALUES (?)').run('x')
    }),
  ).rejects.not.toBeInstanceOf(StoreError)
  expect(store.trouble()).toBeNull()
})

test('a full disk: the write is refused with the reason, since when is known, and room ends the trouble', async () => {
  const clock = makeClock(5000)
  const { store, db } = testStore(clock.now)
  await store.write((inner) => setMemo(inner, 's', 'first', '1'))
  fill(db)
  const refused = await store.write((inner) => setMemo(inner, 's', 'large', filler)).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(StoreError)
  expect(String(refused)).toContain('the disk is full')
  expect(store.trouble()).toEqual({ why: 'the disk is full', sinceMs: 5000 })

  clock.set(9000)
  await expect(store.write((inner) => setMemo(inner, 's', 'large', filler))).rejects.toBeInstanceOf(StoreError)
  expect(store.trouble()?.sinceMs).toBe(5000)
  expect(store.read((inner) => getMemo(inner, 's', 'large'))).toBeNull()

  makeRoom(db)
  await store.write((inner) => setMemo(inner, 's', 'large', filler))
  expect(await store.probe()).toBe(true)
  expect(store.trouble()).toBeNull()
  expect(store.read((inner) => getMemo(inner, 's', 'first'))).toBe('1')
})

test('on a full disk what still fits is kept beside what does not', async () => {
  const { store, db } = testStore()
  await store.write((inner) => setMemo(inner, 's', 'small', '1'))
  fill(db)
  const [large, small] = await Promise.allSettled([
    store.write((inner) => setMemo(inner, 's', 'large', filler)),
    store.write((inner) => setMemo(inner, 's', 'small', '2')),
  ])
  expect([large?.status, small?.status]).toEqual(['rejected', 'fulfilled'])
  expect(store.read((inner) => getMemo(inner, 's', 'small'))).toBe('2')
})

test('a read-only database refuses writes, serves reads, and is told apart from a full one', async () => {
  const { store, db } = testStore(() => 77)
  await store.write((inner) => setMemo(inner, 's', 'k', 'v'))
  db.exec('PRAGMA query_only = 1')
  const refused = await store.write((inner) => setMemo(inner, 's', 'k', 'w')).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(StoreError)
  expect(store.trouble()).toEqual({ why: 'the state directory is read-only', sinceMs: 77 })
  expect(store.read((inner) => getMemo(inner, 's', 'k'))).toBe('v')
  db.exec('PRAGMA query_only = 0')
  await store.write((inner) => setMemo(inner, 's', 'k', 'w'))
  expect(await store.probe()).toBe(true)
  expect(store.trouble()).toBeNull()
})

test('trouble that already shows when the transaction begins is told like any other', async () => {
  const { db } = testStore()
  let ill = true
  const begin = Object.assign(new Error('disk I/O error'), { errcode: 4874 })
  const store = openStore(
    {
      ...db,
      exec: (text) => {
        if (ill && text === 'BEGIN IMMEDIATE') throw begin
        db.exec(text)
      },
    },
    () => 3,
  )
  await expect(store.write(() => 1)).rejects.toBeInstanceOf(StoreError)
  expect(store.trouble()).toEqual({ why: 'the disk reports errors', sinceMs: 3 })
  ill = false
  expect(await store.write(() => 1)).toBe(1)
  expect(await store.probe()).toBe(true)
  expect(store.trouble()).toBeNull()
})

test('another program that holds the file is trouble too, and passes', async () => {
  const { store, file, db } = testStore()
  db.exec('PRAGMA busy_timeout = 0')
  const other = new DatabaseSync(file)
  other.exec('BEGIN IMMEDIATE')
  await expect(store.write((inner) => setMemo(inner, 's', 'k', 'v'))).rejects.toBeInstanceOf(StoreError)
  expect(store.trouble()?.why).toContain('another program')
  other.exec('ROLLBACK')
  other.close()
  await store.write((inner) => setMemo(inner, 's', 'k', 'v'))
  expect(await store.probe()).toBe(true)
  expect(store.trouble()).toBeNull()
})

test('closing writes down what still waits, and refuses what comes later', async () => {
  const dir = tempDir()
  const store = openStore(openDb(join(dir, 'connector.db')), Date.now)
  const last = store.write((db) => setMemo(db, 's', 'last', '1'))
  await store.close()
  await last
  await expect(store.write(() => 1)).rejects.toBeInstanceOf(StoreError)
  const again = openDb(join(dir, 'connector.db'))
  expect(getMemo(again, 's', 'last')).toBe('1')
  again.close()
})

test('an adapter keeps its memo in a corner of its own, over a restart', async () => {
  const { store, file } = testStore()
  await memoFor(store, 'adapter:a').set('cursor', '41')
  await memoFor(store, 'adapter:a').set('cursor', '42')
  await memoFor(store, 'adapter:b').set('cursor', '7')
  await store.close()
  const again = openDb(file)
  expect(getMemo(again, 'adapter:a', 'cursor')).toBe('42')
  expect(getMemo(again, 'adapter:b', 'cursor')).toBe('7')
  again.close()
})

test('database, write-ahead log and shared memory belong to this user alone', async () => {
  const { store, file } = testStore()
  await store.write((db) => setMemo(db, 's', 'k', 'v'))
  for (const name of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(name).mode & 0o777).toBe(0o600)
})

test('a settled event keeps its id and loses its payload', async () => {
  const { store } = testStore()
  const kept = await store.write((db) => keepEvent(db, event('e1', 'a secret wish'), 'lane', 'run', 1))
  await store.write((db) => settleEvent(db, kept?.seq ?? 0, { outcome: '/run', answer: 'e1#0' }, 2))
  expect(store.read((db) => db.sql('SELECT id, event, answer FROM inbox').all())).toEqual([
    { id: 'e1', event: null, answer: 'e1#0' },
  ])
  expect(store.read(waitingEvents)).toEqual([])
})
