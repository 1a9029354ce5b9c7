import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { migrations } from '../../src/store/migrations/index.ts'
import { lockState, openDb, StateError } from '../../src/store/open.ts'
import { tempDir } from '../kit/core.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const errorOf = (act: () => unknown): unknown => {
  try {
    act()
    return null
  } catch (error) {
    return error
  }
}

test('a new file gets the whole schema and its version; opening it again changes nothing', () => {
  const file = join(tempDir(), 'connector.db')
  const first = openDb(file)
  const schema = first.sql('SELECT sql FROM sqlite_schema ORDER BY name').all()
  expect(first.sql('PRAGMA user_version').get()?.user_version).toBe(migrations.length)
  first.close()
  const second = openDb(file)
  expect(second.sql('SELECT sql FROM sqlite_schema ORDER BY name').all()).toEqual(schema)
  second.close()
})

test('writes are flushed to the disk and logged ahead', () => {
  const db = openDb(join(tempDir(), 'connector.db'))
  expect(db.sql('PRAGMA journal_mode').get()?.journal_mode).toBe('wal')
  expect(db.sql('PRAGMA synchronous').get()?.synchronous).toBe(2)
  db.close()
})

test('a file written by a newer version is left alone, and both versions and the cure are named', () => {
  const file = join(tempDir(), 'connector.db')
  openDb(file).close()
  const raw = new DatabaseSync(file)
  raw.exec(`PRAGMA user_version = ${migrations.length + 4}`)
  raw.close()
  const before = readFileSync(file)
  const error = errorOf(() => openDb(file))
  expect(error).toBeInstanceOf(StateError)
  expect(String(error)).toContain(`schema ${migrations.length + 4}, this program knows ${migrations.length}`)
  expect(String(error)).toContain('restore a backup')
  expect(readFileSync(file).equals(before)).toBe(true)
})

test('the state directory is made for this user alone, also where it was open before', () => {
  const dir = tempDir()
  const lock = lockState(join(dir, 'deep', 'state'), 1)
  expect(statSync(join(dir, 'deep', 'state')).mode & 0o777).toBe(0o700)
  expect(statSync(join(dir, 'deep', 'state', 'daemon.pid')).mode & 0o777).toBe(0o600)
  lock.release()
})

test('a second daemon on one directory is refused, naming the first', () => {
  const dir = tempDir()
  const first = lockState(dir, 4711)
  const error = errorOf(() => lockState(dir, 4712))
  expect(error).toBeInstanceOf(StateError)
  expect(String(error)).toContain('(pid 4711)')
  expect(String(error)).toContain('OPENCLAW_CONNECTOR_STATE_DIR')
  expect(readFileSync(join(dir, 'daemon.pid'), 'utf8')).toBe('4711\n')
  first.release()
  const second = lockState(dir, 4712)
  expect(readFileSync(join(dir, 'daemon.pid'), 'utf8')).toBe('4712\n')
  second.release()
})

test('a lock held by another process is refused, and a kill -9 of that process frees it', async () => {
  const dir = tempDir()
  const child = spawn(process.execPath, [here('lock-child.ts'), dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  expect(String(errorOf(() => lockState(dir, 1)))).toContain(`(pid ${child.pid})`)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const lock = lockState(dir, 1)
  expect(readFileSync(join(dir, 'daemon.pid'), 'utf8')).toBe('1\n')
  lock.release()
})

test('a migration that fails half-way leaves the file at the version before', () => {
  const file = join(tempDir(), 'connector.db')
  const raw = new DatabaseSync(file)
  raw.exec('CREATE TABLE jobs (mine TEXT)')
  raw.close()
  expect(errorOf(() => openDb(file))).not.toBeNull()
  const after = new DatabaseSync(file)
  expect(after.prepare('PRAGMA user_version').get()?.user_version).toBe(0)
  expect(after.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'jobs' }])
  after.close()
})
