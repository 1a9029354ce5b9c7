import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { migrations } from './migrations/index.ts'

/** Prepared statements by their text. All access is synchronous: a transaction can't be interleaved. */
export interface Db {
  readonly sql: (text: string) => StatementSync
  readonly exec: (text: string) => void
}

/** The state directory can't be used: what is wrong, and the cure. */
export class StateError extends Error {
  override readonly name = 'StateError'
}

export interface OpenDb extends Db {
  readonly close: () => void
}

const open = (path: string): DatabaseSync => new DatabaseSync(path, { timeout: 0 })

/** Creates the directory (0700) and holds its lock until closed or the process dies: one writer per directory. */
export const lockState = (dir: string, pid: number): { readonly release: () => void } => {
  const pidFile = join(dir, 'daemon.pid')
  const lock = usable(dir, () => {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    chmodSync(dir, 0o700)
    return open(join(dir, 'lock.db'))
  })
  try {
    // A lock the operating system drops with the process: a kill -9 leaves nothing stale behind.
    lock.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    if ((cause as { errcode?: number }).errcode !== busy) throw unusable(dir, cause)
    throw new StateError(
      `${dir} is in use by another daemon (pid ${readPid(pidFile)}). Stop that one, or give this one its own OPENCLAW_CONNECTOR_STATE_DIR.`,
      { cause },
    )
  }
  writeFileSync(pidFile, `${pid}\n`, { mode: 0o600 })
  return { release: () => lock.close() }
}

/** SQLITE_BUSY: somebody else holds it. */
const busy = 5

const unusable = (dir: string, cause: unknown): StateError =>
  new StateError(
    `${dir} can't be used: ${cause instanceof Error ? cause.message : String(cause)}. Give OPENCLAW_CONNECTOR_STATE_DIR a folder this user can write, on a disk with room.`,
    { cause },
  )

const usable = <T>(dir: string, attempt: () => T): T => {
  try {
    return attempt()
  } catch (cause) {
    throw unusable(dir, cause)
  }
}

const readPid = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return 'unknown'
  }
}

/** Opens the database and brings its schema up to date. Throws StateError when the file is newer than this program. */
export const openDb = (file: string): OpenDb => {
  const raw = usable(file, () => open(file))
  chmodSync(file, 0o600)
  try {
    // Copying the log back stops everything for some milliseconds: four times as rarely as by default, at up to 16 MB.
    raw.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 100; PRAGMA cache_size = -4000; PRAGMA wal_autocheckpoint = 4000',
    )
    migrate(raw, file)
  } catch (error) {
    raw.close()
    throw error instanceof StateError ? error : unusable(file, error)
  }
  return withStatements(raw)
}

/** Only for reading, also beside a running daemon. Null: there is none yet, or it is not of this version. */
export const peekDb = (file: string): OpenDb | null => {
  if (!existsSync(file)) return null
  const raw = usable(file, () => new DatabaseSync(file, { readOnly: true }))
  const db = withStatements(raw)
  if (usable(file, () => versionOf(raw)) === migrations.length) return db
  raw.close()
  return null
}

const withStatements = (raw: DatabaseSync): OpenDb => {
  const statements = new Map<string, StatementSync>()
  return {
    sql: (text) => {
      const known = statements.get(text)
      if (known) return known
      const fresh = raw.prepare(text)
      statements.set(text, fresh)
      return fresh
    },
    exec: (text) => raw.exec(text),
    close: () => raw.close(),
  }
}

const versionOf = (raw: DatabaseSync): number => Number(raw.prepare('PRAGMA user_version').get()?.user_version ?? 0)

const migrate = (raw: DatabaseSync, file: string): void => {
  const version = versionOf(raw)
  if (version > migrations.length) {
    throw new StateError(
      `${file} was written by a newer version (schema ${version}, this program knows ${migrations.length}). Install that version again, or restore a backup made before the upgrade.`,
    )
  }
  for (let next = version; next < migrations.length; next++) {
    raw.exec('BEGIN IMMEDIATE')
    raw.exec(migrations[next] ?? '')
    raw.exec(`PRAGMA user_version = ${next + 1}; COMMIT`)
  }
}
