import { setMemo } from './memo.ts'
import type { Db, OpenDb } from './open.ts'

/** Why nothing can be written at the moment. The inbox then refuses, so that platforms bring events again. */
export interface StoreTrouble {
  readonly why: string
  readonly sinceMs: number
}

export class StoreError extends Error {
  override readonly name = 'StoreError'
}

export interface Store {
  readonly read: <T>(query: (db: Db) => T) => T
  /** Runs in a transaction shared with whatever else waits (group commit); resolves once it is on disk. The function
   *  may run twice (after a neighbour's failure the batch is repeated one by one), so it touches the database only. */
  readonly write: <T>(change: (db: Db) => T) => Promise<T>
  /** Like `write` for what nobody waits for: it goes along with the next transaction, or soon in one of its own. */
  readonly note: <T>(change: (db: Db) => T) => Promise<T>
  readonly trouble: () => StoreTrouble | null
  /** Writes a little to see whether trouble is over; only this ends it. Resolves to whether all is well. */
  readonly probe: () => Promise<boolean>
  readonly close: () => Promise<void>
}

interface Waiting {
  readonly change: (db: Db) => unknown
  readonly done: (value: never) => void
  readonly failed: (error: unknown) => void
}

/** SQLite primary result codes (sqlite.org/rescode.html) that mean "not now, not my statement's fault". */
const troubles = new Map([
  [5, 'another program holds the database'],
  [8, 'the state directory is read-only'],
  [10, 'the disk reports errors'],
  [13, 'the disk is full'],
  [11, 'the database is damaged: restore a backup'],
  [14, 'the database file can not be opened'],
  [26, 'the database file is not a database: restore a backup'],
])

const troubleOf = (error: unknown): string | null => {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? (troubles.get(code & 0xff) ?? null) : null
}

/** So long a note may wait for company. What a crash loses of it is only known less well afterwards. */
const noteMs = 25
/** While each turn of the event loop brings more to write, the transaction waits for it: one fsync for all of them. */
const mostTurns = 8

export const openStore = (db: OpenDb, now: () => number): Store => {
  let waiting: Waiting[] = []
  let scheduled = false
  let later: NodeJS.Timeout | null = null
  let trouble: StoreTrouble | null = null
  let closed = false

  const transaction = (changes: readonly Waiting[]): unknown[] => {
    try {
      db.exec('BEGIN IMMEDIATE')
      const values = changes.map((one) => one.change(db))
      db.exec('COMMIT')
      return values
    } catch (error) {
      rollback(db)
      const why = troubleOf(error)
      if (why) trouble ??= { why, sinceMs: now() }
      throw why ? new StoreError(`nothing was kept: ${why}`, { cause: error }) : error
    }
  }

  const settle = (one: Waiting): void => {
    try {
      one.done(transaction([one])[0] as never)
    } catch (error) {
      one.failed(error)
    }
  }

  const flush = (): void => {
    scheduled = false
    if (later) clearTimeout(later)
    later = null
    const batch = waiting
    waiting = []
    try {
      const values = transaction(batch)
      batch.forEach((one, i) => {
        one.done(values[i] as never)
      })
    } catch (error) {
      // One bad change spoils the batch: repeat one by one, so that only its owner learns of it.
      if (batch.length === 1) batch[0]?.failed(error)
      else for (const one of batch) settle(one)
    }
  }

  const enter = <T>(change: (db: Db) => T, schedule: () => void): Promise<T> =>
    new Promise((done, failed) => {
      if (closed) return failed(new StoreError('the store is closed'))
      waiting.push({ change, done: done as (value: never) => void, failed })
      if (!scheduled) schedule()
    })

  const soon = (): void => {
    scheduled = true
    let seen = 0
    let turns = 0
    const look = (): void => {
      if (waiting.length > seen && turns++ < mostTurns) {
        seen = waiting.length
        setImmediate(look)
      } else flush()
    }
    setImmediate(look)
  }

  const write: Store['write'] = (change) => enter(change, soon)

  return {
    read: (query) => query(db),
    write,
    note: (change) =>
      enter(change, () => {
        later ??= setTimeout(flush, noteMs)
      }),
    trouble: () => trouble,
    probe: async () => {
      try {
        await write((db) => setMemo(db, 'core', 'probe', String(now())))
        trouble = null
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
      }
      return trouble === null
    },
    close: async () => {
      closed = true
      if (waiting.length > 0) flush()
      db.close()
    },
  }
}

const rollback = (db: Db): void => {
  try {
    db.exec('ROLLBACK')
  } catch {
    // It never began, or SQLite has rolled back by itself after FULL or IOERR (sqlite.org/lang_transaction.html, 3).
  }
}
