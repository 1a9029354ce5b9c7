import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { inspectConfig } from '../../src/config/read.ts'
import type { Edge } from '../../src/edge.ts'
import { createLog } from '../../src/log.ts'
import { openState } from '../../src/state.ts'
import { addPart, markSending, partRow } from '../../src/store/outbox.ts'
import { files } from '../config/kit.ts'
import { part, tempDir } from '../kit/core.ts'

const edgeWith = (lines: string[], pid = 7): Edge => ({
  fetch: globalThis.fetch,
  WebSocket: globalThis.WebSocket,
  now: () => 1_700_000_000_000,
  random: () => 0,
  sleep: async () => {},
  pid,
  version: '0.0.0',
  log: createLog({
    level: 'debug',
    format: 'json',
    destination: { write: (line) => lines.push(line) },
    secrets: [],
    now: () => 0,
  }),
  memory: { residentBytes: () => 0, release: () => {} },
  step: () => {},
})

const opening = (dir: string, pid?: number) => {
  const lines: string[] = []
  const env = {
    OPENCLAW_CONNECTOR_STATE_DIR: dir,
    OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: 'https://bot.example',
    OPENCLAW_CONNECTOR_ADMIN_TOKEN: 'one-token-of-one-operator',
  }
  const { config } = inspectConfig(env, [], { readFile: files(), isTty: false, homeDir: dir, platform: 'linux' })
  const open = async () => {
    const state = await openState(config, edgeWith(lines, pid))
    let closed = false
    const close = async (): Promise<void> => {
      if (!closed) await state.close()
      closed = true
    }
    onTestFinished(close)
    return { ...state, close }
  }
  return { open, lines }
}

test('everything on disk is made for this user alone', async () => {
  const dir = join(tempDir(), 'state')
  await opening(dir).open()
  expect(statSync(dir).mode & 0o777).toBe(0o700)
  expect(statSync(join(dir, 'media')).mode & 0o777).toBe(0o700)
  expect(statSync(join(dir, 'connector.db')).mode & 0o777).toBe(0o600)
})

test('one process at a time; closing lets the next one in', async () => {
  const dir = tempDir()
  const first = await opening(dir, 11).open()
  await expect(opening(dir, 12).open()).rejects.toThrow('(pid 11)')
  await first.close()
  await opening(dir, 12).open()
})

test('links to files hold over a restart, and nobody else’s do, not even with the same admin token', async () => {
  const dir = tempDir()
  const blob = 'ab'.repeat(16)
  const first = await opening(dir).open()
  const token = first.links.link(blob)?.split('/').at(-1) ?? ''
  await first.close()
  const again = await opening(dir).open()
  expect(again.links.check(token)?.blob).toBe(blob)
  // Whoever holds a link holds nothing to try admin tokens on: two daemons with the same one know no link of each other.
  const other = await opening(tempDir()).open()
  expect(other.links.check(token)).toBeNull()
})

test('what was being sent when the last run ended is in doubt, and the log says how much', async () => {
  const dir = tempDir()
  const first = await opening(dir).open()
  await first.store.write((db) => {
    addPart(db, { part: part('p1') }, 1)
    markSending(db, 'p1')
  })
  await first.close()
  const { open, lines } = opening(dir)
  const again = await open()
  expect(again.store.read((db) => partRow(db, 'p1')?.state)).toBe('unknown')
  expect(lines.join()).toMatch(/"parts":1.*under way when the last run ended/)
})

test('a state directory that can’t be used says so, with the cure', async () => {
  const dir = tempDir()
  const file = join(dir, 'daemon.pid')
  await (await opening(dir).open()).close()
  expect(existsSync(file)).toBe(true)
  await expect(opening(join(file, 'below')).open()).rejects.toThrow('OPENCLAW_CONNECTOR_STATE_DIR')
})
