import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Backend } from '../../src/backend/client.ts'
import { looseWords } from '../../src/jobs/words.ts'
import { askCancel } from '../../src/store/cancels.ts'
import { openJobs } from '../../src/store/jobs.ts'
import { eventually, flush, textOf } from '../kit/core.ts'
import { failure, ok } from './backend-kit.ts'
import type { Mishap } from './comfy.ts'
import { jobsRig, templatesOf } from './jobs-kit.ts'

const minute = 60_000

/** Fails when a second submission or decision is begun before the first has ended. */
const singleFlight = (backend: Backend): { backend: Backend; most: () => number; begun: () => number } => {
  let going = 0
  let most = 0
  let begun = 0
  const alone =
    <A extends readonly unknown[], T>(call: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      begun++
      most = Math.max(most, ++going)
      await flush(3)
      const answer = await call(...args)
      going--
      return answer
    }
  return {
    backend: { ...backend, fire: alone(backend.fire), approve: alone(backend.approve), reject: alone(backend.reject) },
    most: () => most,
    begun: () => begun,
  }
}

test('what waits is submitted in order, and who waits for it learns when it is through', async () => {
  const { ask, run, submitter, comfy, told } = jobsRig()
  for (const id of ['a', 'b', 'c']) ask(id)
  void run()
  expect((await submitter.settled('c', 5000))?.state).toBe('queued')
  expect(comfy.everRun.map((job) => job.traceId)).toEqual(['trace-a', 'trace-b', 'trace-c'])
  expect(told).toEqual(['job a queued', 'job b queued', 'job c queued'])
})

test('never are two submissions or decisions under way at once', async () => {
  const first = jobsRig()
  const { backend, most, begun } = singleFlight(first.comfy.backend)
  const { ask, run, submitter, comfy } = jobsRig({ deps: { backend } })
  for (let i = 0; i < 20; i++) ask(`j${i}`)
  void run()
  const all = Array.from({ length: 20 }, (_, i) => submitter.settled(`j${i}`, 5000))
  expect((await Promise.all(all)).map((job) => job?.state)).toEqual(Array(20).fill('queued'))
  expect([most(), begun(), first.comfy.everRun.length, comfy.everRun.length]).toEqual([1, 20, 20, 0])
})

test('a job that is no longer being submitted keeps nobody waiting', async () => {
  const { ask, submitter } = jobsRig()
  ask('a', { state: 'queued', promptId: 'p' })
  expect((await submitter.settled('a', 60_000))?.state).toBe('queued')
  expect(await submitter.settled('nobody', 60_000)).toBeNull()
})

test('patience ends the waiting, not the submission', async () => {
  const { ask, submitter, run, comfy, clock, state } = jobsRig()
  ask('a')
  expect((await submitter.settled('a', 1))?.state).toBe('waiting')
  void run()
  await clock.advance(1)
  expect([state('a'), comfy.everRun.length]).toEqual(['queued', 1])
})

test('a backend that is away is told to who waits at once; the job is held and submitted on its return', async () => {
  const { ask, submitter, run, comfy, clock, state, setAway } = jobsRig()
  setAway(true)
  ask('a')
  void run()
  expect((await submitter.settled('a', 60_000))?.state).toBe('waiting')
  await clock.advance(minute)
  setAway(false)
  await clock.advance(2000)
  expect([state('a'), comfy.everRun.length]).toEqual(['queued', 1])
})

test('a job that could not be submitted for ten minutes is given up, and its requester is told', async () => {
  const { ask, run, comfy, clock, job, setAway, told } = jobsRig()
  setAway(true)
  ask('a', { createdAtMs: clock.now() - 9.5 * minute })
  void run()
  await clock.advance(minute)
  expect(job('a')).toMatchObject({ state: 'expired' })
  expect(told.at(-1)).toBe('job a expired')
  setAway(false)
  await clock.advance(minute)
  expect(comfy.everRun).toEqual([])
})

test('a submission in doubt is settled by looking, and holds up no other meanwhile', async () => {
  const { ask, run, comfy, clock, state } = jobsRig()
  ask('a')
  ask('b')
  comfy.plan('fire', 'lost')
  comfy.plan('approvals', 'cut', 'cut', 'cut')
  void run()
  await clock.advance(500)
  expect([state('a'), state('b')]).toEqual(['firing', 'queued'])
  await clock.advance(20_000)
  expect([state('a'), comfy.everRun.length]).toEqual(['queued', 2])
})

test('a submission that stays in doubt ends as unknown after ten minutes, and is never sent again', async () => {
  const { ask, run, comfy, clock, state, told } = jobsRig()
  ask('a')
  comfy.plan('fire', 'cut')
  comfy.plan('approvals', ...Array<Mishap>(2000).fill('cut'))
  void run()
  await clock.advance(11 * minute)
  expect([state('a'), told.at(-1)]).toEqual(['unknown', 'job a unknown'])
  expect(comfy.calls.filter((name) => name === 'fire')).toHaveLength(1)
})

test('a backend that burns every trace id gets no more than three', async () => {
  const { ask, run, comfy, clock, job } = jobsRig()
  ask('a')
  void run()
  const backend = comfy.backend as { fire: Backend['fire'] }
  let fired = 0
  backend.fire = async () => {
    fired++
    return ok({ kind: 'burnt' as const })
  }
  await clock.advance(minute)
  expect(fired).toBe(3)
  expect(job('a')).toMatchObject({ state: 'refused' })
})

test('a slot that is taken by somebody else is waited for, under a fresh trace id each time', async () => {
  const { ask, run, comfy, clock, job } = jobsRig()
  ask('a')
  const taken = failure('limited', { retryAfterMs: 1000, code: 'budget_exceeded' })
  comfy.plan('fire', taken, taken)
  void run()
  await clock.advance(5000)
  expect(job('a').state).toBe('queued')
  expect(comfy.everRun).toHaveLength(1)
  expect(comfy.everRun[0]?.traceId).toBe(job('a').traceId)
  expect(job('a').traceId).not.toBe('trace-a')
})

test('a refusal ends it, with the reason', async () => {
  const { ask, run, comfy, clock, job, told } = jobsRig()
  ask('a')
  comfy.plan('fire', failure('refused', { said: 'unknown input' }))
  void run()
  await clock.advance(1)
  expect(job('a')).toMatchObject({ state: 'refused', detail: expect.stringContaining('unknown input') })
  expect(told).toEqual(['job a refused'])
})

test('a request for approval is kept with all an approver needs, and approvers and requester are told', async () => {
  const { ask, run, clock, job, told, db } = jobsRig()
  ask('a', { approval: true })
  void run()
  await clock.advance(1)
  expect(job('a')).toMatchObject({ state: 'approval', approvalId: 'apr_1' })
  expect(db.sql('SELECT state, job, requester, template, inputs FROM approvals').all()).toEqual([
    { state: 'pending', job: 'a', requester: 'fake:ann', template: 'portrait', inputs: '{"prompt":"a fox"}' },
  ])
  expect(told).toEqual(['approval apr_1', 'job a approval'])
})

test('who stops a job while it is being submitted has it stopped as soon as it is known what there is to stop', async () => {
  const { ask, run, comfy, clock, db, state } = jobsRig()
  ask('a')
  ask('b', { approval: true })
  ask('c')
  comfy.plan('fire', 'lost')
  const fire = comfy.backend.fire
  const backend = comfy.backend as { fire: Backend['fire'] }
  backend.fire = async (...args) => {
    for (const id of ['a', 'b', 'c']) askCancel(db, id, 'fake:ann')
    return fire(...args)
  }
  comfy.plan('approvals', 'cut')
  void run()
  await clock.advance(30_000)
  expect(comfy.calls).toContain('cancel')
  expect(comfy.jobs()).toEqual([])
  expect(state('b')).toBe('cancelled')
  expect([...comfy.approvals.values()].map((one) => one.status)).toEqual(['rejected'])
})

test('loose words find their input before the job is submitted', async () => {
  const templates = templatesOf([{ id: 'portrait', allowedInputs: ['text', 'seed'], defaults: {} }])
  const { ask, run, comfy, clock } = jobsRig({ deps: { templates } })
  ask('a', { inputs: { [looseWords]: 'a red fox', seed: '7' } })
  void run()
  await clock.advance(1)
  expect(comfy.everRun.map((job) => job.inputs)).toEqual([{ text: 'a red fox', seed: '7' }])
})

test('while the store refuses nothing is submitted, and all goes on when it takes notes again', async () => {
  const { ask, run, comfy, clock, state, db } = jobsRig()
  ask('a')
  db.exec('PRAGMA query_only = 1')
  void run()
  await clock.advance(5000)
  expect(comfy.everRun).toEqual([])
  db.exec('PRAGMA query_only = 0')
  await clock.advance(2000)
  expect([state('a'), comfy.everRun.length]).toEqual(['queued', 1])
})

test('a note that fails after the submission is made up for by looking: it does not run twice', async () => {
  const { ask, run, comfy, clock, state, db } = jobsRig({
    deps: { step: (name) => name === 'submit:fired' && fail() },
  })
  let fail = (): void => {
    db.exec('PRAGMA query_only = 1')
    fail = () => {}
  }
  ask('a')
  void run()
  await clock.advance(500)
  expect([state('a'), comfy.everRun.length]).toEqual(['firing', 1])
  db.exec('PRAGMA query_only = 0')
  await clock.advance(3000)
  expect([state('a'), comfy.everRun.length]).toEqual(['queued', 1])
})

test('idle, paused or stopped it leaves neither timers nor listeners behind', async () => {
  const { ask, run, wake, clock, stop, comfy } = jobsRig()
  const running = run()
  for (let i = 0; i < 50; i++) {
    ask(`j${i}`)
    await wake()
  }
  await clock.advance(3 * minute)
  expect(comfy.everRun).toHaveLength(50)
  expect(getEventListeners(stop.signal, 'abort').length).toBeLessThan(5)
  expect(clock.sleepers()).toBeLessThanOrEqual(1)
  stop.abort()
  await running
  expect(clock.sleepers()).toBe(0)
})

test('stopping in the middle of a submission leaves it for the next start to find out', async () => {
  const { ask, run, stop, comfy, state, clock, submitting, db } = jobsRig()
  ask('a')
  const backend = comfy.backend as { fire: Backend['fire'] }
  const fire = backend.fire
  backend.fire = async (...args) => {
    const answer = await fire(...args)
    stop.abort()
    return answer
  }
  await run()
  expect([state('a'), comfy.everRun.length]).toEqual(['firing', 1])
  backend.fire = fire
  const again = jobsRig({ deps: { backend: submitting.backend } })
  expect(openJobs(db)).toHaveLength(1)
  again.ask('a', { state: 'firing', submittedAtMs: clock.now() })
  void again.run()
  await eventually(() => again.state('a') === 'queued')
  expect(comfy.everRun).toHaveLength(1)
})

test('under any mishaps of the backend each request runs at most once, and its end is known', async () => {
  const mishap = fc.constantFrom<Mishap | null>(
    null,
    null,
    'away',
    'lost',
    'cut',
    failure('limited', { retryAfterMs: 300 }),
  )
  const plan = fc.array(mishap, { maxLength: 6 })
  const one = fc.record({ fire: plan, approvals: plan, queue: plan, approval: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 4 }), async (all) => {
      const rig = jobsRig()
      const { ask, run, comfy, clock, job, stop } = rig
      for (const [i, how] of all.entries()) {
        ask(`j${i}`, { approval: how.approval })
        for (const name of ['fire', 'approvals', 'queue'] as const)
          comfy.plan(name, ...how[name].filter((mishap) => mishap !== null))
      }
      const running = run()
      const open = () => [...all.keys()].some((i) => ['waiting', 'firing'].includes(job(`j${i}`).state))
      for (let i = 0; i < 25 && open(); i++) await clock.advance(minute / 2)
      stop.abort()
      await running
      for (const i of all.keys()) {
        const { state, promptId } = job(`j${i}`)
        expect(['queued', 'approval', 'expired', 'unknown', 'refused']).toContain(state)
        if (state === 'queued') expect(comfy.everRun.map((ran) => ran.promptId)).toContain(promptId)
      }
      const prompts = openJobs(rig.db).flatMap((open) => open.promptId ?? [])
      expect(new Set(prompts).size).toBe(prompts.length)
      expect(comfy.everRun.length).toBeLessThanOrEqual(all.length)
      expect(comfy.approvals.size).toBeLessThanOrEqual(all.filter((how) => how.approval).length)
    }),
    { numRuns: 30 },
  )
})

test('what an earlier attempt submitted was submitted then: a restart since is seen to have lost it', async () => {
  const { ask, run, db, comfy, clock } = jobsRig()
  comfy.plan('fire', 'lost')
  ask('a', { traceId: 'trace-a' })
  const fromMs = clock.now()
  void run()
  await eventually(() => comfy.everRun.length === 1)
  comfy.setAway(true)
  await clock.advance(minute)
  comfy.restart()
  comfy.setAway(false)
  await clock.advance(minute)
  const [job] = openJobs(db)
  expect(job).toMatchObject({ state: 'queued', promptId: 'prompt-1' })
  expect((job?.submittedAtMs ?? 0) - fromMs).toBeLessThan(1000)
  expect(comfy.everRun.length).toBe(1)
})

test('a job the backend was too busy for is given up after ten minutes, and not because it could not be reached', async () => {
  const { ask, run, db, comfy, clock, messages } = jobsRig()
  for (let i = 0; i < 700; i++) comfy.plan('fire', failure('limited', { retryAfterMs: 1000, code: 'budget_exceeded' }))
  ask('a', { told: 'waiting' })
  void run()
  for (let i = 0; i < 11; i++) await clock.advance(minute)
  await eventually(() => openJobs(db).length === 0)
  expect(messages().map(({ part }) => textOf(part))).toEqual([
    'Not run: ComfyUI could not take it for 10 minutes, so I gave up on portrait. Send /run again later.',
  ])
})
