import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { openBlobs } from '../../src/media/blobs.ts'
import { keepProbing, keepSweeping, type SweepDeps, sweep } from '../../src/ops/sweep.ts'
import { addApproval, approvalById, endApproval } from '../../src/store/approvals.ts'
import { keepEvent, settleEvent } from '../../src/store/inbox.ts'
import { addJob, changeJob, type Job, jobById } from '../../src/store/jobs.ts'
import { setContact } from '../../src/store/memo.ts'
import type { Db } from '../../src/store/open.ts'
import { addPart, markSent } from '../../src/store/outbox.ts'
import { artifact } from '../delivery/plan-kit.ts'
import { address, event, eventually, flush, makeClock, part, tempDir, testStore } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'
import { kept } from '../media/media-kit.ts'

const day = 24 * 60 * 60_000
const live = new AbortController().signal

const rig = async (over: Partial<SweepDeps> = {}) => {
  const clock = makeClock(100 * day)
  const { store, db } = testStore(clock.now)
  const log = keepingLog()
  const newId = () => randomBytes(16).toString('hex')
  const blobs = await openBlobs({ dir: tempDir(), maxTotalBytes: 1e6, now: clock.now, newId, log })
  const slept: number[] = []
  const deps: SweepDeps = {
    store,
    blobs,
    now: clock.now,
    sleep: async (ms) => void slept.push(ms),
    log,
    retentionMs: 30 * day,
    mediaMs: day,
    replayMs: 3 * day,
    regain: async () => {},
    ...over,
  }
  return { clock, store, db, blobs, log, deps, slept }
}

const ids = (db: Db, table: string, column = 'id'): unknown[] =>
  db
    .sql(`SELECT ${column} AS id FROM ${table} ORDER BY 1`)
    .all()
    .map((row) => row.id)

const keepAt = (db: Db, id: string, atMs: number, settled = true): void => {
  const one = keepEvent(db, event(id), 'lane', 'run', atMs)
  if (settled) settleEvent(db, one?.seq ?? 0, { outcome: 'done', answer: null }, atMs)
}

const job = (id: string): Job => ({
  id,
  key: id,
  state: 'queued',
  requester: 'fake:ann',
  asker: 'Ann',
  target: address(),
  template: 't',
  inputs: {},
  approval: false,
  traceId: id,
  createdAtMs: 0,
})

test('replay keys live at least a day, at least the platforms’ redelivery span, at most a week of the retention', async () => {
  const cases = [
    { retentionMs: 30 * day, replayMs: 0, keptDays: 7 },
    { retentionMs: 30 * day, replayMs: 20 * day, keptDays: 20 },
    { retentionMs: 2 * day, replayMs: 0, keptDays: 2 },
    { retentionMs: 1000, replayMs: 0, keptDays: 1 },
  ]
  for (const { keptDays, ...over } of cases) {
    const { db, deps, clock } = await rig(over)
    keepAt(db, 'old', clock.now() - keptDays * day - 1)
    keepAt(db, 'young', clock.now() - keptDays * day + 1)
    await sweep(deps, live)
    expect(ids(db, 'inbox')).toEqual(['young'])
  }
})

test('what is older than the retention goes, what is still to be done stays', async () => {
  const { db, deps, clock } = await rig()
  const old = clock.now() - 31 * day
  const young = clock.now() - 29 * day
  keepAt(db, 'waiting', old, false)
  for (const [age, atMs] of [
    ['old', old],
    ['young', young],
  ] as const) {
    addPart(db, { part: part(`sent-${age}`) }, atMs)
    markSent(db, `sent-${age}`, { via: 'push' }, atMs)
    addPart(db, { part: part(`mail-${age}`), state: 'mailbox' }, atMs)
    addPart(db, { part: part(`queued-${age}`) }, atMs)
    addJob(db, job(`done-${age}`))
    changeJob(db, `done-${age}`, { state: 'done', finishedAtMs: atMs })
    addApproval(db, {
      id: `apr_${age}`,
      state: 'pending',
      template: 't',
      inputs: {},
      expiresAtMs: atMs,
      createdAtMs: old,
    })
    endApproval(db, `apr_${age}`, 'expired', atMs)
  }
  addJob(db, job('open'))
  addApproval(db, { id: 'apr_open', state: 'pending', template: 't', inputs: {}, expiresAtMs: old, createdAtMs: old })
  await sweep(deps, live)
  expect(ids(db, 'inbox')).toEqual(['waiting'])
  expect(ids(db, 'outbox', 'key')).toEqual(['mail-young', 'queued-young', 'sent-young'])
  expect([jobById(db, 'done-old'), jobById(db, 'done-young')?.id, jobById(db, 'open')?.id]).toEqual([
    null,
    'done-young',
    'open',
  ])
  expect(['old', 'young', 'open'].map((id) => approvalById(db, `apr_${id}`) !== null)).toEqual([false, true, true])
})

test('where somebody could be reached is forgotten after more than a year without a word, a few at a time', async () => {
  const { db, deps, slept } = await rig({ now: () => 1000 * day })
  for (let i = 0; i < 1200; i++) setContact(db, `fake:${i}`, address(), 599 * day)
  setContact(db, 'fake:ann', address(), 601 * day)
  await sweep(deps, live)
  expect(ids(db, 'contacts', 'person')).toEqual(['fake:ann'])
  expect(slept.length).toBeGreaterThanOrEqual(3)
})

test('an answer for a platform that stays switched off is given up with the retention, and its file goes', async () => {
  const { db, deps, clock, blobs } = await rig()
  const blob = await kept(blobs, 'a')
  const items = [{ kind: 'media', media: artifact({ blob }), as: 'photo' }] as const
  addPart(db, { part: part('for-nobody', { items }) }, clock.now())
  clock.set(clock.now() + 29 * day)
  await sweep(deps, live)
  expect([ids(db, 'outbox', 'key'), blobs.usage().files]).toEqual([['for-nobody'], 1])
  clock.set(clock.now() + 2 * day)
  await sweep(deps, live)
  expect([ids(db, 'outbox', 'key'), ids(db, 'part_media', 'key'), blobs.usage().files]).toEqual([[], [], 0])
})

test('a great many old rows go a few at a time, with pauses in which others can write', async () => {
  const { db, deps, clock, slept } = await rig()
  db.exec('BEGIN')
  for (let i = 0; i < 2600; i++) keepAt(db, `e${i}`, clock.now() - 50 * day)
  db.exec('COMMIT')
  await sweep(deps, live)
  expect(ids(db, 'inbox')).toEqual([])
  expect(slept.length).toBeGreaterThanOrEqual(5)
})

test('a file goes when its time is over and nothing that can still be delivered shows it', async () => {
  const { db, deps, clock, blobs } = await rig()
  const [owed, delivered, loose] = [await kept(blobs, 'a'), await kept(blobs, 'b'), await kept(blobs, 'c')]
  const showing = (key: string, blob: string) =>
    part(key, { items: [{ kind: 'media', media: artifact({ blob }), as: 'photo' }] })
  addPart(db, { part: showing('owed', owed) }, clock.now())
  addPart(db, { part: showing('delivered', delivered) }, clock.now())
  markSent(db, 'delivered', { via: 'push' }, clock.now())
  await sweep(deps, live)
  expect(blobs.usage().files).toBe(3)
  clock.set(clock.now() + day + 1)
  await sweep(deps, live)
  expect([blobs.stat(owed) !== null, blobs.stat(delivered), blobs.stat(loose)]).toEqual([true, null, null])
})

test('files whose time is over go at the start, not minutes later', async () => {
  const stop = new AbortController()
  const { clock, deps, blobs } = await rig()
  const old = await kept(blobs, 'a')
  clock.set(clock.now() + day + 1)
  const young = await kept(blobs, 'b')
  const ended = keepSweeping({ ...deps, sleep: clock.sleep }, stop.signal)
  await eventually(() => blobs.stat(old) === null)
  expect(blobs.stat(young)).not.toBeNull()
  stop.abort()
  await ended
})

test('sweeping goes on after trouble, at its pace, and ends with the signal', async () => {
  const stop = new AbortController()
  const { clock, store, db, deps, log } = await rig()
  let failing = true
  const write: typeof store.write = (change) =>
    failing ? Promise.reject(new Error('the disk is full')) : store.write(change)
  keepAt(db, 'old', clock.now() - 50 * day)
  const ended = keepSweeping({ ...deps, sleep: clock.sleep, store: { ...store, write } }, stop.signal)
  await clock.advance(10 * 60_000)
  expect(log.lines.join()).toContain('clean-up interrupted')
  failing = false
  await clock.advance(10 * 60_000 + 1000)
  expect(ids(db, 'inbox')).toEqual([])
  stop.abort()
  await ended
  await flush()
  expect(clock.sleepers()).toBe(0)
})

test('trouble with the disk ends by itself within a second or two of there being room again', async () => {
  const stop = new AbortController()
  const { clock, store, db, log } = await rig()
  const ended = keepProbing({ store, sleep: clock.sleep, log }, stop.signal)
  await clock.advance(5000)
  db.exec('PRAGMA query_only = 1')
  await store.write((inner) => keepAt(inner, 'e1', 1)).catch(() => {})
  await clock.advance(5000)
  expect(store.trouble()?.why).toBe('the state directory is read-only')
  db.exec('PRAGMA query_only = 0')
  await clock.advance(1000)
  expect(store.trouble()).toBeNull()
  expect(log.lines.join()).toContain('events can be kept again')
  stop.abort()
  await ended
  expect(clock.sleepers()).toBe(0)
})
