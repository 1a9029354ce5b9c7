import { expect, test } from 'vitest'
import { fire, recover } from '../../src/jobs/fire.ts'
import { flush, makeClock } from '../kit/core.ts'
import { failure, ok } from './backend-kit.ts'
import { type Mishap, makeComfy } from './comfy.ts'
import { jobOf } from './jobs-kit.ts'

const live = new AbortController().signal
const hour = 60 * 60_000

const rig = () => {
  const clock = makeClock()
  const comfy = makeComfy(clock)
  const deps = { backend: comfy.backend, now: clock.now, sleep: clock.sleep }
  const job = (over = {}) => jobOf('a1', clock.now(), { submittedAtMs: clock.now(), ...over })
  /** With all the pauses it makes. */
  const patiently = async <T>(work: Promise<T>): Promise<T> => {
    await clock.advance(10_000)
    return work
  }
  return { clock, comfy, deps, job, patiently }
}

test('a submission that is accepted is queued under the backend’s id', async () => {
  const { comfy, deps, job } = rig()
  expect(await fire(job(), deps, live)).toEqual({ to: 'queued', promptId: 'prompt-1' })
  expect(comfy.everRun).toMatchObject([{ traceId: 'trace-a1', template: 'portrait', inputs: { prompt: 'a fox' } }])
})

test('a request that needs an approval waits for it, as long as the backend says', async () => {
  const { comfy, clock, deps, job } = rig()
  const expiresAtMs = clock.now() + hour
  expect(await fire(job({ approval: true }), deps, live)).toEqual({ to: 'approval', approvalId: 'apr_1', expiresAtMs })
  expect(comfy.everRun).toEqual([])
})

test.each<[string, Mishap, object]>([
  ['nobody took it', 'away', { to: 'again', fresh: false, afterMs: 2000 }],
  ['no answer came', 'cut', { to: 'unsure', afterMs: 1000 }],
  [
    'one submission at a time',
    failure('limited', { retryAfterMs: 700, code: 'budget_exceeded' }),
    { to: 'again', fresh: true, afterMs: 700 },
  ],
  ['a limit in front of it', failure('limited', { retryAfterMs: 700 }), { to: 'again', fresh: false, afterMs: 700 }],
  [
    'a crash behind the submission',
    failure('refused', { status: 500, effect: 'maybe' }),
    { to: 'unsure', afterMs: 1000 },
  ],
])('%s: %o', async (_name, mishap, fired) => {
  const { comfy, deps, job } = rig()
  comfy.plan('fire', mishap)
  expect(await fire(job(), deps, live)).toEqual(fired)
})

test.each<[string, Parameters<typeof failure>, RegExp]>([
  ['a template nobody knows', ['missing', { status: 404, said: 'Template not found' }], /no template called portrait/],
  ['a pack that did not load', ['unsupported', { code: 'route_missing' }], /node pack did not load/],
  ['a token that is refused', ['denied'], /OPENCLAW_CONNECTOR_ADMIN_TOKEN/],
  ['inputs that are too large', ['limited', { code: 'rendered_workflow_size' }], /too large/],
  ['a workflow ComfyUI refuses', ['refused', { said: 'Queue submission failed: 400' }], /refused this workflow/],
  ['whatever else it says', ['refused', { said: 'the moon is full' }], /the moon is full/],
  ['saying nothing at all', ['refused'], /without a reason/],
])('%s ends it with a reason a person can use', async (_name, how, words) => {
  const { comfy, deps, job } = rig()
  comfy.plan('fire', failure(...how))
  const fired = await fire(job(), deps, live)
  expect(fired.to).toBe('refused')
  expect(JSON.stringify(fired)).toMatch(words)
})

test('a trace id that is burnt is looked up, patiently, before anything is submitted anew', async () => {
  const { comfy, clock, deps, job, patiently } = rig()
  comfy.traces.set('trace-a1', null)
  const looking = fire(job(), deps, live)
  await clock.advance(1500)
  comfy.jobs().push({ promptId: 'late', traceId: 'trace-a1', template: 't', inputs: {}, state: 'pending', outputs: {} })
  expect(await patiently(looking)).toEqual({ to: 'queued', promptId: 'late' })
})

test('a burnt trace id that nobody can find needs a fresh one; one that nobody can look up stays in doubt', async () => {
  const { comfy, deps, job, patiently } = rig()
  comfy.traces.set('trace-a1', null)
  expect(await patiently(fire(job(), deps, live))).toEqual({ to: 'again', fresh: true, afterMs: 0 })
  comfy.plan('queue', 'away')
  expect(await patiently(fire(job(), deps, live))).toMatchObject({ to: 'unsure' })
})

test('what was accepted before the answer got lost is found again, and nothing runs twice', async () => {
  const { comfy, deps, job } = rig()
  comfy.plan('fire', 'lost')
  expect((await fire(job(), deps, live)).to).toBe('unsure')
  expect(await recover(job(), deps, live)).toEqual({ to: 'queued', promptId: 'prompt-1', before: true })
  expect(comfy.everRun).toHaveLength(1)
})

test('what never arrived is submitted by the recovery', async () => {
  const { comfy, deps, job } = rig()
  expect(await recover(job(), deps, live)).toEqual({ to: 'queued', promptId: 'prompt-1' })
  expect(comfy.everRun).toHaveLength(1)
})

test('a request for approval whose answer got lost is found by its trace id, and not made a second time', async () => {
  const { comfy, deps, job } = rig()
  const wanted = job({ approval: true })
  comfy.plan('fire', 'lost')
  await fire(wanted, deps, live)
  expect(await recover(wanted, deps, live)).toMatchObject({ to: 'approval', approvalId: 'apr_1' })
  expect(comfy.approvals.size).toBe(1)
})

test('an approval that the operator’s default made, and that somebody decided meanwhile, is its job', async () => {
  const { comfy, deps, job } = rig()
  comfy.setApprovalByDefault(true)
  comfy.plan('fire', 'lost')
  await fire(job(), deps, live)
  await comfy.backend.approve('apr_1', { actor: 'web' })
  expect(await recover(job(), deps, live)).toEqual({ to: 'queued', promptId: 'prompt-2' })
  expect(comfy.everRun).toHaveLength(1)
})

test.each<Mishap>([
  'away',
  'cut',
  failure('limited', { retryAfterMs: 9000 }),
  failure('malformed'),
  failure('refused'),
])('while the approvals can’t be listed (%o) nothing is submitted: there might be one already', async (mishap) => {
  const { comfy, deps, job } = rig()
  comfy.plan('approvals', mishap)
  expect((await recover(job({ approval: true }), deps, live)).to).toBe('unsure')
  expect(comfy.calls).toEqual(['approvals'])
})

test('who may not list approvals can’t have made one: the recovery goes on', async () => {
  const { comfy, deps, job } = rig()
  comfy.plan('approvals', failure('denied'))
  expect((await recover(job(), deps, live)).to).toBe('queued')
})

test('a backend that is still away leaves the first attempt in doubt', async () => {
  const { comfy, deps, job } = rig()
  comfy.plan('fire', 'away')
  expect((await recover(job(), deps, live)).to).toBe('unsure')
})

test('when the backend has forgotten its trace ids nothing is submitted any more, only looked for', async () => {
  const { comfy, clock, deps, job } = rig()
  const old = job({ submittedAtMs: clock.now() - hour })
  expect(await recover(old, deps, live)).toEqual({ to: 'unknown' })
  comfy.plan('fire', 'lost')
  await fire(job(), deps, live)
  comfy.forgetTraces()
  expect(await recover(old, deps, live)).toEqual({ to: 'queued', promptId: 'prompt-1' })
  comfy.end(0, 'done')
  expect(await recover(old, deps, live)).toEqual({ to: 'queued', promptId: 'prompt-1' })
  comfy.plan('historyRecent', 'away')
  comfy.restart()
  expect((await recover(old, deps, live)).to).toBe('unsure')
  expect(comfy.everRun).toHaveLength(1)
})

test('a tenant is named, and an approval is only asked for where it is wanted', async () => {
  const { deps, job } = rig()
  const seen: unknown[] = []
  const backend = {
    ...deps.backend,
    fire: async (...args: unknown[]) => {
      seen.push(args)
      return ok({ kind: 'queued' as const, promptId: 'p', deduped: false })
    },
  }
  await fire(job({ tenant: 'acme' }), { ...deps, backend }, live)
  await fire(job({ approval: true }), { ...deps, backend }, live)
  expect(seen).toMatchObject([
    [{ traceId: 'trace-a1' }, { tenant: 'acme' }],
    [{ requireApproval: true }, {}],
  ])
  expect(JSON.stringify(seen[0])).not.toContain('requireApproval')
  await flush()
})
