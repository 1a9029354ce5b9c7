import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bridgePartOf } from '../../src/delivery/settle.ts'
import { tellApproval, tellJob } from '../../src/jobs/tell.ts'
import { addApproval, addCard, approvalById, cardsOf, claimApproval, endApproval } from '../../src/store/approvals.ts'
import { changeJob, type Job, type JobState } from '../../src/store/jobs.ts'
import { setContact } from '../../src/store/memo.ts'
import { addPart, partRow } from '../../src/store/outbox.ts'
import { address, part, textOf } from '../kit/core.ts'
import { type JobsRig, jobsRig, mute } from './jobs-kit.ts'

/** A job whose command was answered when it stood as `told`, and which has gone on since. */
const moved = (rig: JobsRig, told: JobState, state: JobState, over: Partial<Job> = {}): Promise<void> => {
  rig.ask('a', { promptId: 'p1', ...over, told, ackKey: 'ackKey' in over ? over.ackKey : 'ack:1' })
  changeJob(rig.db, 'a', { state, ...(over.detail ? { detail: over.detail } : {}) })
  return tellJob('a', rig.telling)
}

const request = (rig: JobsRig, over = {}) =>
  addApproval(rig.db, {
    id: 'apr_1',
    state: 'pending',
    job: 'a',
    requester: 'fake:ann',
    template: 'portrait',
    inputs: { prompt: 'fox' },
    expiresAtMs: rig.clock.now() + 60_000,
    createdAtMs: rig.clock.now(),
    ...over,
  })

test.each<[JobState, JobState, RegExp | null]>([
  ['waiting', 'queued', /ComfyUI is back: portrait/],
  ['waiting', 'running', /ComfyUI is back/],
  ['waiting', 'approval', /\[Approval Requested\]/],
  ['firing', 'queued', null],
  ['approval', 'queued', /\[Approved\] portrait is on its way/],
  ['approval', 'refused', /approved, but could not be started/],
  ['approval', 'rejected', /\[Rejected\] Your request for portrait/],
  ['queued', 'running', null],
  ['waiting', 'refused', /\[Submission Failed\]/],
  ['waiting', 'expired', /could not take it for 10 minutes/],
  ['firing', 'unknown', /can't tell whether portrait ran/],
  ['queued', 'cancelled', /Cancelled: portrait/],
  ['running', 'vanished', /taken out of ComfyUI's queue/],
  ['queued', 'firing', null],
  ['queued', 'collecting', null],
])('told %s, now %s: %o', async (told, state, words) => {
  const rig = jobsRig()
  await moved(rig, told, state, { approvalId: state === 'approval' ? 'apr_1' : undefined })
  const texts = rig
    .messages()
    .filter((row) => row.edits === null)
    .map((row) => textOf(row.part))
  if (words === null) expect(texts).toEqual([])
  else expect(texts).toEqual([expect.stringMatching(words)])
  expect(texts.join()).not.toMatch(/undefined|null|NaN/)
})

test('that a job is on its way is told once, however often it is looked at', async () => {
  const rig = jobsRig()
  await moved(rig, 'approval', 'queued')
  await tellJob('a', rig.telling)
  changeJob(rig.db, 'a', { told: 'approval' })
  await Promise.all([tellJob('a', rig.telling), tellJob('a', rig.telling)])
  expect(rig.messages().map((row) => row.key)).toEqual(['job:a:queued'])
  expect(rig.job('a')).toMatchObject({ told: 'queued', ackKey: 'job:a:queued' })
})

test('before the command that made the job is answered nothing is said', async () => {
  const rig = jobsRig()
  rig.ask('a', { state: 'queued' })
  await tellJob('a', rig.telling)
  expect([rig.messages(), rig.job('a').told]).toEqual([[], undefined])
})

test('news of an approval can be edited also where the job runs before they are written', async () => {
  const rig = jobsRig()
  await moved(rig, 'approval', 'running', { approvalId: 'apr_1', promptId: 'p-1' })
  expect(rig.texts().join()).toContain('[Approved]')
  expect(rig.job('a').ackKey).toBe('job:a:queued')
})

test('a restart of ComfyUI, a late decision and a request nobody decided on are told as what they are', async () => {
  const restart = jobsRig()
  await moved(restart, 'queued', 'vanished', { detail: 'restart' })
  expect(restart.texts().join()).toContain('ComfyUI was restarted')
  const nobody = jobsRig()
  request(nobody)
  endApproval(nobody.db, 'apr_1', 'expired', 1)
  await moved(nobody, 'approval', 'expired', { approvalId: 'apr_1' })
  expect(nobody.texts().join()).toContain('Nobody decided on portrait')
  const late = jobsRig()
  request(late)
  claimApproval(late.db, 'apr_1', 'approving', { id: 'fake:boss', name: 'Boss' }, 1)
  endApproval(late.db, 'apr_1', 'expired', 1)
  await moved(late, 'approval', 'expired', { approvalId: 'apr_1' })
  expect(late.texts().join()).toContain('could not be told in time')
})

test('an end also changes the message that showed the job, and an answer that still waits to be fetched is dropped', async () => {
  const rig = jobsRig()
  addPart(rig.db, { part: part('ack:1'), state: 'mailbox' }, 1)
  await moved(rig, 'queued', 'cancelled')
  const edit = rig.messages().find((row) => row.edits)
  expect(edit?.edits).toEqual({ key: 'ack:1', otherwise: 'skip' })
  expect(textOf(edit?.part ?? part('none'))).toBe('Cancelled: portrait\nID: p1')
  expect(partRow(rig.db, 'ack:1')?.state).toBe('skipped')
})

test('the end takes the one-time answer, and the bridge that was to hold it open is no longer needed', async () => {
  const rig = jobsRig({ caps: mute })
  const handle = { kind: 'token' as const, value: 't', expiresAt: rig.clock.now() + 30_000 }
  const bridge = { part: part(bridgePartOf('event-a'), { handle }), notBeforeMs: rig.clock.now() + 20_000 }
  addPart(rig.db, bridge, rig.clock.now())
  await moved(rig, 'queued', 'vanished', { handle })
  expect(partRow(rig.db, bridgePartOf('event-a'))?.state).toBe('skipped')
  expect(partRow(rig.db, 'job:a:vanished#0')).toMatchObject({ state: 'queued', part: { handle } })
})

test('a one-time answer that has died is not used any more: the end waits in the mailbox', async () => {
  const rig = jobsRig({ caps: mute })
  await moved(rig, 'queued', 'vanished', { handle: { kind: 'token', value: 't', expiresAt: rig.clock.now() - 1 } })
  expect(partRow(rig.db, 'job:a:vanished#0')).toMatchObject({ state: 'mailbox' })
})

test('news that can’t be written now can be written later, and the job knows it is still owed', async () => {
  const rig = jobsRig()
  await moved(rig, 'queued', 'queued')
  changeJob(rig.db, 'a', { state: 'cancelled' })
  rig.db.exec('PRAGMA query_only = 1')
  await expect(tellJob('a', rig.telling)).rejects.toThrow('nothing was kept')
  rig.db.exec('PRAGMA query_only = 0')
  expect(rig.job('a').told).toBe('queued')
  await tellJob('a', rig.telling)
  expect([rig.job('a').told, rig.texts().length]).toEqual(['cancelled', 2])
})

const editing = { edit: { everyMs: 1000, withinMs: null } }

test('being held is said in the message of the job, and undone there when the backend is back', async () => {
  const rig = jobsRig({ caps: editing })
  rig.setAway(true)
  await moved(rig, 'firing', 'waiting')
  rig.setAway(false)
  changeJob(rig.db, 'a', { state: 'queued', promptId: 'p1' })
  await tellJob('a', rig.telling)
  const [held, over, back, ...more] = rig.messages()
  expect(held).toMatchObject({ edits: { key: 'ack:1', otherwise: 'send' }, part: { buttons: [{ label: 'Cancel' }] } })
  expect(textOf(held!.part)).toContain('I keep your job')
  expect(over).toMatchObject({ edits: { key: 'ack:1', otherwise: 'skip' }, part: { buttons: [] } })
  expect(textOf(over!.part)).toBe('portrait waited for ComfyUI to come back; it has been submitted.\nID: p1')
  expect(back).toMatchObject({ key: 'job:a:queued', edits: null, part: { buttons: [{ say: '/cancel a' }] } })
  expect([more, rig.job('a').ackKey]).toEqual([[], 'job:a:queued'])
})

test('a request is shown to every approver who can be reached, with buttons that die together, not to its requester', async () => {
  const rig = jobsRig({ approvers: ['fake:boss', 'fake:ann', 'other:carl', 'fake:dora'] })
  rig.ask('a')
  request(rig)
  setContact(rig.db, 'fake:dora', address({ chat: 'dora-dm' }), 1)
  await tellApproval('apr_1', rig.telling)
  const cards = rig.messages()
  expect(cards.map((row) => row.part.to.chat).sort()).toEqual(['boss', 'dora-dm'])
  for (const { part } of cards) {
    expect(textOf(part)).toMatch(/by Ann[\s\S]*Template: portrait[\s\S]*prompt: fox[\s\S]*apr_1/)
    expect(part.buttons.map(({ say }) => say)).toEqual(['/approve apr_1', '/reject apr_1'])
  }
  const groups = rig.db.sql('SELECT DISTINCT once, only_for FROM actions').all()
  expect(groups).toEqual([{ once: 'approval:apr_1', only_for: null }])
  expect(cardsOf(rig.db, 'apr_1')).toHaveLength(2)
  await tellApproval('apr_1', rig.telling)
  expect(rig.messages()).toHaveLength(2)
})

test('approvers are told the id of who asked where the platform tells no names', async () => {
  const rig = jobsRig()
  rig.ask('a', { requester: 'fake:ou_1', asker: 'somebody' })
  request(rig, { requester: 'fake:ou_1' })
  await tellApproval('apr_1', rig.telling)
  expect(rig.texts().join()).toContain('[Approval Requested] by fake:ou_1\n')
})

test('a decision changes every message that showed the request, once, and never makes a new one', async () => {
  const rig = jobsRig({ approvers: ['fake:boss', 'fake:dora'] })
  rig.ask('a')
  request(rig)
  addCard(rig.db, 'apr_1', 'ack:group', address({ chat: 'group', kind: 'group' }))
  await tellApproval('apr_1', rig.telling)
  claimApproval(rig.db, 'apr_1', 'approving', { id: 'fake:boss', name: 'Boss' }, 1)
  endApproval(rig.db, 'apr_1', 'approved', 5)
  await tellApproval('apr_1', rig.telling)
  await tellApproval('apr_1', rig.telling)
  const edits = rig.messages().filter((row) => row.edits)
  expect(edits.map((row) => row.edits)).toEqual(
    ['ack:group', 'approval:apr_1:fake:boss', 'approval:apr_1:fake:dora'].map((key) => ({ key, otherwise: 'skip' })),
  )
  for (const row of edits) expect(textOf(row.part)).toContain('[Approved] by Boss')
  for (const row of edits) expect(row.part.buttons).toEqual([])
})

test('a request nobody knows is nobody’s news', async () => {
  const rig = jobsRig()
  await Promise.all([tellApproval('apr_none', rig.telling), tellJob('none', rig.telling)])
  expect([rig.messages(), approvalById(rig.db, 'apr_none')]).toEqual([[], null])
})

test('through any course of states each is told at most once, in order, and the last one is told', async () => {
  const state = fc.constantFrom<JobState>('waiting', 'firing', 'approval', 'queued', 'running', 'collecting')
  const last = fc.constantFrom<JobState>('refused', 'rejected', 'expired', 'unknown', 'cancelled', 'vanished')
  const rig = jobsRig()
  await fc.assert(
    fc.asyncProperty(fc.array(state, { maxLength: 8 }), last, async (course, end) => {
      for (const table of ['jobs', 'outbox']) rig.db.exec(`DELETE FROM ${table}`)
      rig.ask('a', { told: 'waiting', ackKey: 'ack:1' })
      for (const one of [...course, end]) {
        changeJob(rig.db, 'a', { state: one })
        await Promise.all([tellJob('a', rig.telling), tellJob('a', rig.telling)])
      }
      const keys = rig.messages().map((row) => row.key)
      expect(new Set(keys).size).toBe(keys.length)
      expect(rig.job('a').told).toBe(end)
      const sent = rig.messages().filter((row) => row.edits === null)
      expect(sent.at(-1)?.key).toBe(`job:a:${end}#0`)
    }),
    { numRuns: 30 },
  )
})
