import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addApproval, approvalById, claimApproval } from '../../src/store/approvals.ts'
import { changeJob } from '../../src/store/jobs.ts'
import { textOf } from '../kit/core.ts'
import { failure } from './backend-kit.ts'
import type { Mishap } from './comfy.ts'
import { type JobsRig, jobsRig } from './jobs-kit.ts'

const by = { id: 'fake:boss', name: 'Boss' }

/** A request that waits for an approver, on both sides. */
const requested = async (rig: JobsRig, id = 'a'): Promise<string> => {
  rig.ask(id, { approval: true, told: 'approval' })
  if (!rig.stop.signal.aborted && rig.told.length === 0) void rig.run()
  await rig.wake()
  await rig.clock.advance(10)
  rig.told.length = 0
  return rig.job(id).approvalId ?? ''
}

const claim = async (rig: JobsRig, apr: string, to: 'approving' | 'rejecting', reason?: string): Promise<void> => {
  expect(claimApproval(rig.db, apr, to, { ...by, ...(reason ? { reason } : {}) }, rig.clock.now())).toBe(true)
  await rig.wake()
}

const approval = (rig: JobsRig, apr: string) => approvalById(rig.db, apr)

test('an approved request runs at once, under its approval, and everybody concerned is told', async () => {
  const rig = jobsRig()
  const apr = await requested(rig)
  await claim(rig, apr, 'approving')
  expect(rig.job('a')).toMatchObject({ state: 'queued', promptId: 'prompt-2' })
  expect(approval(rig, apr)).toMatchObject({ state: 'approved', decider: 'fake:boss' })
  expect(rig.told).toEqual([`approval ${apr}`, 'job a queued'])
  expect(rig.comfy.approvals.get(apr)?.decidedBy).toBe('fake:boss')
})

test('an approval whose answer got lost is looked up, not pressed again', async () => {
  const rig = jobsRig()
  const apr = await requested(rig)
  rig.comfy.plan('approve', 'lost')
  await claim(rig, apr, 'approving')
  await rig.clock.advance(5000)
  expect(rig.job('a').state).toBe('queued')
  expect([rig.comfy.everRun.length, rig.comfy.calls.filter((name) => name === 'approve').length]).toEqual([1, 1])
})

test('an approval that never arrived is pressed again', async () => {
  const rig = jobsRig()
  const apr = await requested(rig)
  rig.comfy.plan('approve', 'cut', 'away')
  await claim(rig, apr, 'approving')
  await rig.clock.advance(10_000)
  expect([rig.job('a').state, rig.comfy.everRun.length]).toEqual(['queued', 1])
})

test('an approval that lost its slot can never run: it is submitted anew, once', async () => {
  const rig = jobsRig()
  const apr = await requested(rig)
  rig.comfy.setExecutes(false)
  await claim(rig, apr, 'approving')
  await rig.clock.advance(10_000)
  expect(approval(rig, apr)?.state).toBe('approved')
  expect(rig.job('a')).toMatchObject({ state: 'queued', approval: false })
  expect(rig.texts()).toContainEqual(expect.stringContaining('[Approved] portrait is on its way'))
  expect(rig.comfy.everRun.map((job) => job.traceId)).toEqual([rig.job('a').traceId])
  expect(rig.comfy.approvals.size).toBe(1)
})

test('an approval decided elsewhere and just being submitted there is waited for, not submitted a second time', async () => {
  const rig = jobsRig()
  const apr = await requested(rig)
  const record = rig.comfy.approvals.get(apr)
  Object.assign(record ?? {}, { status: 'approved', decidedBy: 'web' })
  await claim(rig, apr, 'approving')
  await rig.clock.advance(1000)
  expect(rig.job('a').state).toBe('approval')
  Object.assign(record ?? {}, { executedPromptId: 'prompt-web' })
  await rig.clock.advance(5000)
  expect(rig.job('a')).toMatchObject({ state: 'queued', promptId: 'prompt-web' })
  expect(rig.comfy.everRun).toEqual([])
})

test('a rejected request ends with its reason', async () => {
  const rig = jobsRig()
  const apr = await requested(rig)
  await claim(rig, apr, 'rejecting', 'too many steps')
  expect(rig.job('a')).toMatchObject({ state: 'rejected', detail: 'too many steps' })
  expect(approval(rig, apr)).toMatchObject({ state: 'rejected', deciderName: 'Boss' })
  expect([rig.comfy.approvals.get(apr)?.status, rig.told.at(-1)]).toEqual(['rejected', 'job a rejected'])
})

test.each(['approving', 'rejecting'] as const)(
  'a request that expired before the decision (%s) came through is told as expired',
  async (to) => {
    const rig = jobsRig()
    const apr = await requested(rig)
    Object.assign(rig.comfy.approvals.get(apr) ?? {}, { expiresAtMs: rig.clock.now() + 20_000 })
    rig.comfy.setAway(true)
    await claim(rig, apr, to)
    await rig.clock.advance(30_000)
    expect(rig.job('a').state).toBe('approval')
    rig.comfy.setAway(false)
    await rig.clock.advance(10_000)
    expect([rig.job('a').state, approval(rig, apr)?.state]).toEqual(['expired', 'expired'])
    expect(rig.comfy.everRun).toEqual([])
  },
)

test('a decision the other side made first is what counts', async () => {
  const rig = jobsRig()
  const apr = await requested(rig)
  Object.assign(rig.comfy.approvals.get(apr) ?? {}, { status: 'rejected', decidedBy: 'web' })
  await claim(rig, apr, 'approving')
  await rig.clock.advance(1000)
  expect([rig.job('a').state, approval(rig, apr)?.state]).toEqual(['rejected', 'rejected'])
})

test('a request the backend does not know any more has expired', async () => {
  const rig = jobsRig()
  const apr = await requested(rig)
  rig.comfy.approvals.clear()
  await claim(rig, apr, 'approving')
  expect([rig.job('a').state, approval(rig, apr)?.state]).toEqual(['expired', 'expired'])
})

test('where the backend does not let us decide the claim is given back, for somebody who may', async () => {
  for (const to of ['approving', 'rejecting'] as const) {
    const rig = jobsRig()
    const apr = await requested(rig)
    rig.comfy.plan(to === 'approving' ? 'approve' : 'reject', failure('denied'))
    await claim(rig, apr, to, 'because')
    expect(approval(rig, apr)).toMatchObject({ state: 'pending', decider: undefined, reason: undefined })
    expect(rig.job('a').state).toBe('approval')
  }
})

test('a decision that can’t be passed on waits for the backend, and who decided is told so', async () => {
  const rig = jobsRig()
  const apr = await requested(rig)
  rig.comfy.setAway(true)
  expect(claimApproval(rig.db, apr, 'approving', by, rig.clock.now())).toBe(true)
  expect((await rig.submitter.decided(apr, 60_000))?.state).toBe('approving')
  rig.comfy.setAway(false)
  await rig.clock.advance(5000)
  expect(rig.job('a').state).toBe('queued')
})

test('a decision the backend never answers holds up no other decision and no submission', async () => {
  const rig = jobsRig()
  const first = await requested(rig, 'a')
  const second = await requested(rig, 'b')
  rig.comfy.plan('approval', ...Array<Mishap>(500).fill(failure('refused', { status: 500 })))
  await claim(rig, first, 'approving')
  await claim(rig, second, 'rejecting')
  rig.ask('c')
  await rig.wake()
  await rig.clock.advance(10_000)
  expect([rig.job('a').state, rig.job('b').state, rig.job('c').state]).toEqual(['approval', 'rejected', 'queued'])
})

test('a request that did not come through us is decided as well', async () => {
  const rig = jobsRig()
  const apr = await requested(rig)
  rig.comfy.approvals.set('apr_web', { ...rig.comfy.approvals.get(apr)!, approvalId: 'apr_web', traceId: 'trace-web' })
  addApproval(rig.db, { ...approvalById(rig.db, apr)!, id: 'apr_web', job: undefined, requester: undefined })
  await claim(rig, 'apr_web', 'approving')
  expect(approval(rig, 'apr_web')?.state).toBe('approved')
  expect(rig.comfy.everRun).toHaveLength(1)
})

test('an approval that comes for a job that was cancelled meanwhile runs over there: it is followed, to be stopped', async () => {
  const rig = jobsRig()
  const apr = await requested(rig)
  changeJob(rig.db, 'a', { state: 'cancelled', told: 'cancelled' })
  await claim(rig, apr, 'approving')
  expect(rig.job('a')).toMatchObject({ state: 'queued', promptId: 'prompt-2', cancelBy: 'fake:ann' })
  expect(approval(rig, apr)?.state).toBe('approved')
  expect(rig.texts().filter((text) => text.includes('on its way'))).toEqual([])
})

const broken = Array<Mishap>(3000).fill(failure('refused', { status: 500, effect: 'maybe' }))

test('a decision the backend never confirms is given up a little after it expired, and both sides are told what is known', async () => {
  for (const to of ['approving', 'rejecting'] as const) {
    const rig = jobsRig()
    const apr = await requested(rig)
    for (const name of ['approve', 'reject', 'approval']) rig.comfy.plan(name, ...broken)
    await claim(rig, apr, to)
    await rig.clock.advance(59 * 60_000)
    expect([rig.state('a'), approval(rig, apr)?.state]).toEqual(['approval', to])
    await rig.clock.advance(4 * 60_000)
    expect([rig.state('a'), approval(rig, apr)?.state]).toEqual(['unknown', 'failed'])
    expect(rig.texts()).toContainEqual(expect.stringMatching(/^\[Not Confirmed\] Your request for portrait .+ Trace: /))
    const boss = rig.messages().filter((row) => row.part.to.chat === 'boss')
    expect(boss.map((row) => row.edits?.key ?? null)).toEqual([null, `approval:${apr}:fake:boss`, null])
    expect(textOf(boss.at(-1)!.part)).toContain(`never confirmed the decision on ${apr}`)
    // Asked ever more rarely: an hour of every second would be thousands.
    expect(rig.comfy.calls.filter((name) => name === 'approval' || name === 'reject').length).toBeLessThan(200)
    const asked = rig.comfy.calls.length
    await rig.clock.advance(60 * 60_000)
    expect(rig.comfy.calls.length).toBe(asked)
    rig.stop.abort()
  }
})

test('where only the approvals are broken over there, the queue tells that it runs', async () => {
  const rig = jobsRig()
  const apr = await requested(rig)
  rig.comfy.plan('approval', ...broken)
  await claim(rig, apr, 'approving')
  await rig.clock.advance(50 * 60_000)
  await rig.comfy.backend.fire({ templateId: 'portrait', inputs: {}, traceId: 'trace-a' })
  await rig.clock.advance(20 * 60_000)
  expect([rig.state('a'), approval(rig, apr)?.state]).toEqual(['queued', 'approved'])
})

test('a backend that is away for hours can still tell how a decision stands', async () => {
  const rig = jobsRig()
  const apr = await requested(rig)
  rig.comfy.setAway(true)
  await claim(rig, apr, 'approving')
  await rig.clock.advance(10 * 60 * 60_000)
  expect(approval(rig, apr)?.state).toBe('approving')
  rig.comfy.setAway(false)
  await rig.clock.advance(60_000)
  expect([rig.state('a'), approval(rig, apr)?.state]).toEqual(['expired', 'expired'])
})

test('under any mishaps an approved request runs exactly once, a rejected one never', async () => {
  const mishap = fc.constantFrom<Mishap>('away', 'lost', 'cut', failure('limited', { retryAfterMs: 400 }))
  const plan = fc.array(mishap, { maxLength: 4 })
  const plans = fc.record({ approve: plan, reject: plan, approval: plan, fire: plan, queue: plan })
  await fc.assert(
    fc.asyncProperty(plans, fc.boolean(), fc.boolean(), async (how, executes, approve) => {
      const rig = jobsRig()
      const apr = await requested(rig)
      rig.comfy.setExecutes(executes)
      for (const [name, list] of Object.entries(how)) rig.comfy.plan(name, ...list)
      await claim(rig, apr, approve ? 'approving' : 'rejecting')
      for (let i = 0; i < 20 && rig.state('a') === 'approval'; i++) await rig.clock.advance(15_000)
      await rig.clock.advance(15_000)
      expect(rig.job('a').state).toBe(approve ? 'queued' : 'rejected')
      expect(rig.comfy.everRun).toHaveLength(approve ? 1 : 0)
      rig.stop.abort()
    }),
    { numRuns: 30 },
  )
})
