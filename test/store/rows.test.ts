import fc from 'fast-check'
import { expect, test } from 'vitest'
import { actionById, addAction, pruneActions, type StoredAction, useActions } from '../../src/store/actions.ts'
import {
  type Approval,
  addApproval,
  addCard,
  approvalById,
  cardsOf,
  claimApproval,
  endApproval,
  openApprovals,
  pruneApprovals,
} from '../../src/store/approvals.ts'
import {
  addJob,
  changeJob,
  findJobs,
  type Job,
  type JobState,
  jobById,
  jobByKey,
  jobByPrompt,
  jobsOf,
  noteTold,
  openJobs,
  pruneJobs,
} from '../../src/store/jobs.ts'
import { contactOf, setContact } from '../../src/store/memo.ts'
import { address, testStore, undone } from '../kit/core.ts'

const job = (id: string, over: Partial<Job> = {}): Job => ({
  id,
  key: `key-${id}`,
  state: 'waiting',
  requester: 'fake:ann',
  asker: 'Ann',
  target: address({ thread: 't1', tenant: 'acme' }),
  template: 'portrait',
  inputs: { prompt: 'a “fox”' },
  approval: false,
  traceId: `trace-${id}`,
  createdAtMs: 10,
  ...over,
})

const approval = (id: string, over: Partial<Approval> = {}): Approval => ({
  id,
  state: 'pending',
  template: 'portrait',
  inputs: { prompt: 'fox' },
  expiresAtMs: 1000,
  createdAtMs: 10,
  ...over,
})

const defined = (value: object): object => JSON.parse(JSON.stringify(value))

test('a command repeated after a crash finds the job it had made', () => {
  const { db } = testStore()
  const first = addJob(db, job('a1', { key: 'event-1' }))
  const second = addJob(db, job('b2', { key: 'event-1', template: 'other' }))
  expect(second).toMatchObject({ id: 'a1', template: 'portrait' })
  expect(defined(second)).toEqual(defined(first))
  expect(openJobs(db)).toHaveLength(1)
})

test('two jobs whose short ids happen to be equal are both kept, and each is found by its own', () => {
  const { db } = testStore()
  const first = addJob(db, job('1a2b3c4d', { key: 'event-1', traceId: '1a2b3c4d-1111' }))
  const second = addJob(db, job('1a2b3c4d', { key: 'event-2', traceId: '1a2b3c4d-2222' }))
  expect(second.id).not.toBe(first.id)
  expect(jobByKey(db, 'event-1')?.id).toBe(first.id)
  expect(jobById(db, second.id)?.key).toBe('event-2')
})

test('a job comes back from disk as it was written, also by its prompt and its approval', () => {
  const { db } = testStore()
  const full = job('a1', {
    replyTo: 'm1',
    handle: { kind: 'inline', value: 'h', expiresAt: 7 },
    approval: true,
    tenant: 'acme',
    promptId: 'p-1',
    approvalId: 'apr_1',
    ackKey: 'ack',
    submittedAtMs: 12,
  })
  addJob(db, full)
  for (const found of [jobById(db, 'a1'), jobByPrompt(db, 'p-1')]) expect(defined(found ?? {})).toEqual(defined(full))
})

test('of two who change a job from the same state one wins', () => {
  const { db } = testStore()
  addJob(db, job('a1'))
  expect(changeJob(db, 'a1', { state: 'firing' }, ['waiting'])).toBe(true)
  expect(changeJob(db, 'a1', { state: 'cancelled' }, ['waiting', 'approval'])).toBe(false)
  expect(jobById(db, 'a1')?.state).toBe('firing')
})

test('what was told meanwhile is newer than what the first answer told', () => {
  const { db } = testStore()
  addJob(db, job('a1'))
  noteTold(db, 'a1', 'queued', 'ack:1')
  noteTold(db, 'a1', 'waiting', 'ack:2')
  expect(jobById(db, 'a1')).toMatchObject({ told: 'queued', ackKey: 'ack:1' })
})

test('jobs are found by the beginning of either id, newest first, and only among one person’s when asked so', () => {
  const { db } = testStore()
  addJob(db, job('abcd1111', { promptId: 'ffff0000' }))
  addJob(db, job('abcd2222', { requester: 'fake:bob' }))
  addJob(db, job('eeee3333', { promptId: 'abcd4444' }))
  const ids = (prefix: string, who: string | null = null) => findJobs(db, prefix, who).map(({ id }) => id)
  expect(ids('abcd')).toEqual(['eeee3333', 'abcd2222', 'abcd1111'])
  expect(ids('abcd', 'fake:ann')).toEqual(['eeee3333', 'abcd1111'])
  expect(ids('abcd2222', 'fake:ann')).toEqual([])
  expect(ids('ffff')).toEqual(['abcd1111'])
  expect(ids('ABCD1111')).toEqual(['abcd1111'])
  for (const odd of ['%%%%', '____', 'ab%d', "a'b;", 'abcd\\']) expect(ids(odd)).toEqual([])
})

test('jobs are found by every id that people were shown of them', () => {
  const { db } = testStore()
  addJob(db, job('abcd1111', { approvalId: 'apr_0011', traceId: 'trace-77' }))
  addJob(db, job('abcd2222', { approvalId: 'apr_0022', traceId: 'trace-88', requester: 'fake:bob' }))
  for (const shown of ['abcd1111', 'apr_0011', 'trace-77', 'Apr_0011']) {
    expect(findJobs(db, shown, 'fake:ann').map(({ id }) => id)).toEqual(['abcd1111'])
  }
  for (const other of ['apr_0022', 'trace-88']) expect(findJobs(db, other, 'fake:ann')).toEqual([])
})

test('finding never shows another’s job, whatever is typed', () => {
  const { db } = testStore()
  addJob(db, job('abcd2222', { requester: 'fake:bob', promptId: 'abcdffff', approvalId: 'apr_1' }))
  fc.assert(fc.property(fc.string(), (typed) => findJobs(db, typed, 'fake:ann').length === 0))
})

test('a person’s jobs come newest first and bounded', () => {
  const { db } = testStore()
  for (const id of ['a', 'b', 'c']) addJob(db, job(id))
  addJob(db, job('d', { requester: 'fake:bob' }))
  expect(jobsOf(db, 'fake:ann', 2).map(({ id }) => id)).toEqual(['c', 'b'])
})

test('pruning forgets jobs that ended long ago, never open ones, a bounded number at a time', () => {
  const { db } = testStore()
  const row = fc.record({ open: fc.boolean(), old: fc.boolean() })
  fc.assert(
    fc.property(fc.array(row, { maxLength: 40 }), fc.integer({ min: 1, max: 6 }), (wanted, limit) =>
      undone(db, () => {
        const inTime = [...wanted.filter(({ old }) => old), ...wanted.filter(({ old }) => !old)]
        inTime.forEach(({ open, old }, i) => {
          addJob(db, job(`j${i}`))
          if (!open) changeJob(db, `j${i}`, { state: 'done', finishedAtMs: old ? 10 : 100 })
        })
        for (let removed = 1; removed > 0; ) {
          removed = pruneJobs(db, 50, limit)
          expect(removed).toBeLessThanOrEqual(limit + 1)
        }
        const left = db.sql('SELECT id FROM jobs ORDER BY seq').all()
        expect(left.map(({ id }) => id)).toEqual(inTime.flatMap(({ open, old }, i) => (open || !old ? [`j${i}`] : [])))
      }),
    ),
    { numRuns: 100 },
  )
})

test('of several who decide on an approval one does, and it ends once', () => {
  const { db } = testStore()
  addApproval(db, approval('apr_1'))
  expect(addApproval(db, approval('apr_1', { template: 'other' }))).toBe(false)
  expect(claimApproval(db, 'apr_1', 'approving', { id: 'fake:bob', name: 'Bob' }, 5)).toBe(true)
  expect(claimApproval(db, 'apr_1', 'rejecting', { id: 'fake:eve', name: 'Eve', reason: 'no' }, 6)).toBe(false)
  expect(endApproval(db, 'apr_1', 'approved', 20)).toBe(true)
  expect(endApproval(db, 'apr_1', 'expired', 30, { id: 'x', name: 'X' })).toBe(false)
  expect(approvalById(db, 'apr_1')).toMatchObject({ state: 'approved', deciderName: 'Bob', decidedAtMs: 20 })
  expect(openApprovals(db)).toEqual([])
})

test('pruning approvals keeps the open ones, and takes the cards of those that go', () => {
  const { db } = testStore()
  const states = ['pending', 'approving', 'rejecting', 'approved', 'rejected', 'expired'] as const
  for (const state of states) {
    addApproval(db, approval(`apr_${state}`, { state: 'pending' }))
    addCard(db, `apr_${state}`, `card-${state}`, address())
    if (state === 'approving' || state === 'rejecting')
      claimApproval(db, `apr_${state}`, state, { id: 'x', name: 'X' }, 5)
    else if (state !== 'pending') endApproval(db, `apr_${state}`, state, 50)
  }
  addApproval(db, approval('apr_young'))
  addCard(db, 'apr_young', 'card-young', address())
  endApproval(db, 'apr_young', 'rejected', 500)
  expect([pruneApprovals(db, 100, 2), pruneApprovals(db, 100, 2), pruneApprovals(db, 100, 2)]).toEqual([2, 1, 0])
  const left = states.filter((state) => approvalById(db, `apr_${state}`) !== null)
  expect(left).toEqual(['pending', 'approving', 'rejecting'])
  expect(states.filter((state) => cardsOf(db, `apr_${state}`).length > 0)).toEqual(left)
  expect(cardsOf(db, 'apr_young')).toEqual([{ key: 'card-young', target: address() }])
})

const action = (id: string, over: Partial<StoredAction> = {}): StoredAction => ({
  id,
  say: '/approve apr_1',
  only: null,
  once: null,
  tenant: 'default',
  platform: 'fake',
  workspace: null,
  chat: 'c1',
  expiresAtMs: 100,
  ...over,
})

test('buttons of one group are used up together, and remember who used them first', () => {
  const { db } = testStore()
  addAction(db, action('yes', { once: 'approval:1' }))
  addAction(db, action('no', { once: 'approval:1', only: 'fake:bob' }))
  addAction(db, action('other', { once: 'approval:2' }))
  useActions(db, 'approval:1', { by: 'fake:bob', event: 'e1' }, 50)
  useActions(db, 'approval:1', { by: 'fake:eve', event: 'e2' }, 60)
  const used = { by: 'fake:bob', event: 'e1' }
  expect(['yes', 'no', 'other'].map((id) => actionById(db, id)?.used)).toEqual([used, used, undefined])
  expect(actionById(db, 'no')).toMatchObject({ only: 'fake:bob', say: '/approve apr_1', chat: 'c1' })
  expect(actionById(db, 'never')).toBeNull()
})

test('expired buttons are forgotten a bounded number at a time', () => {
  const { db } = testStore()
  for (let i = 0; i < 5; i++) addAction(db, action(`old${i}`, { expiresAtMs: i }))
  addAction(db, action('young', { expiresAtMs: 900 }))
  expect([pruneActions(db, 100, 3), pruneActions(db, 100, 3), pruneActions(db, 100, 3)]).toEqual([3, 2, 0])
  expect(actionById(db, 'young')).not.toBeNull()
})

test('a person is reached where they wrote last', () => {
  const { db } = testStore()
  setContact(db, 'fake:ann', address({ chat: 'old' }), 1)
  setContact(db, 'fake:ann', address({ chat: 'new' }), 2)
  expect(contactOf(db, 'fake:ann')).toEqual(address({ chat: 'new' }))
  expect(contactOf(db, 'fake:bob')).toBeNull()
})

test('every state a job can be in is one the database takes', () => {
  const { db } = testStore()
  const states: readonly JobState[] = [
    ...(['waiting', 'firing', 'approval', 'queued', 'running', 'collecting', 'done', 'failed'] as const),
    ...(['cancelled', 'vanished', 'expired', 'rejected', 'refused', 'unknown'] as const),
  ]
  addJob(db, job('a1'))
  for (const state of states) expect(changeJob(db, 'a1', { state })).toBe(true)
})
