import { expect, test } from 'vitest'
import { openStage, pick, type Stage } from './kit.ts'

const fire = (stage: Stage, trace_id: string, more: object = {}) =>
  stage.call('POST', '/openclaw/triggers/fire', { template_id: 'story', trace_id, ...more })

test('of several triggers at the same moment one is queued and the others are turned away', async () => {
  await using stage = await openStage({ submitMs: 20 })
  const answers = await Promise.all(['a', 'b', 'c'].map((id) => fire(stage, id)))
  expect(answers.map((one) => one.status).toSorted()).toEqual([200, 429, 429])
  const refused = answers.find((one) => one.status === 429)
  expect(refused?.headers.get('retry-after')).toBe('1')
  expect(refused?.body).toEqual({
    error: 'budget_exceeded',
    detail: 'source_concurrency budget exceeded for trigger (limit=1, retry_after=1s)',
  })
  expect(stage.sim.control.jobs()).toHaveLength(1)
})

test('a trace id that met a full slot is burnt: it reads as triggered, and nothing runs', async () => {
  await using stage = await openStage({ submitMs: 20 })
  await Promise.all([fire(stage, 'first'), fire(stage, 'second')])
  const again = await fire(stage, 'second')
  expect(again.status).toBe(200)
  expect(again.body).toEqual({ triggered: true, prompt_id: null, trace_id: 'second', deduped: true })
  expect(stage.sim.control.jobs().map((job) => job.traceId)).toEqual(['first'])
})

test('a trace id whose submit failed is burnt for an hour and works again afterwards', async () => {
  await using stage = await openStage()
  stage.sim.control.failNextSubmit()
  expect(await fire(stage, 't')).toMatchObject({ status: 500, body: { error: 'Queue submission failed: 500' } })
  expect((await fire(stage, 't')).body).toMatchObject({ prompt_id: null, deduped: true })
  stage.sim.control.advance(3_600_000)
  expect((await fire(stage, 't')).body).toMatchObject({ prompt_id: expect.any(String), deduped: false })
})

test('the same trace id again gives the first prompt id, over a restart too', async () => {
  await using stage = await openStage()
  const first = await fire(stage, 't')
  await stage.sim.control.restart()
  const second = await fire(stage, 't')
  expect(second.body).toMatchObject({ prompt_id: pick(first.body, 'prompt_id'), deduped: true })
  expect(stage.sim.control.jobs()).toHaveLength(1)
})

test('the same trace id while the first is still in flight gives no prompt id and runs once', async () => {
  await using stage = await openStage({ submitMs: 20 })
  const answers = await Promise.all([fire(stage, 't'), fire(stage, 't')])
  const deduped = answers.map((one) => [pick(one.body, 'deduped'), pick(one.body, 'prompt_id') === null])
  expect(deduped.toSorted()).toEqual([
    [false, false],
    [true, true],
  ])
  expect(stage.sim.control.jobs()).toHaveLength(1)
})

test('an unanswered trigger can be found again by firing with its trace id', async () => {
  await using stage = await openStage()
  stage.sim.control.dropAnswerOnce('POST /openclaw/triggers/fire')
  await expect(fire(stage, 't')).rejects.toThrow()
  const again = await fire(stage, 't')
  const [job] = stage.sim.control.jobs()
  expect(again.body).toMatchObject({ deduped: true, prompt_id: job?.promptId })
  expect(stage.sim.control.jobs()).toHaveLength(1)
})

test('asking for approval is not deduplicated by trace id', async () => {
  await using stage = await openStage()
  const asked = [await fire(stage, 't', { require_approval: true }), await fire(stage, 't', { require_approval: true })]
  expect(asked.map((one) => one.status)).toEqual([202, 202])
  expect(pick(asked[0]?.body, 'approval_id')).not.toBe(pick(asked[1]?.body, 'approval_id'))
  expect(stage.sim.control.jobs()).toHaveLength(0)
})

test('what the operator set decides about approval unless the caller says so explicitly', async () => {
  await using stage = await openStage({ approvalByDefault: true })
  expect((await fire(stage, 'a')).status).toBe(202)
  expect((await fire(stage, 'b', { require_approval: false })).status).toBe(200)
})

test('inputs above 32 KB and workflows above 512 KB are refused, the latter as a budget that never frees', async () => {
  const fields = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, '{{text}}']))
  const workflow = { '1': { class_type: 'SimulatorStory', inputs: { text: 'x', seed: 1, ...fields } } }
  await using stage = await openStage({ templates: [{ id: 'wide', workflow }] })
  const send = (length: number) =>
    stage.call('POST', '/openclaw/triggers/fire', { template_id: 'wide', inputs: { text: 'x'.repeat(length) } })
  expect(await send(33_000)).toMatchObject({ status: 400, body: { error: 'inputs too large (max 32KB)' } })
  const wide = await send(30_000)
  expect(wide.status).toBe(429)
  expect(wide.headers.get('retry-after')).toBe('5')
  expect(pick(wide.body, 'detail')).toMatch(/rendered_workflow_size/)
  expect((await send(10)).status).toBe(200)
})

test('only values that are exactly a placeholder are replaced, and any key is taken', async () => {
  const inputs = { text: '{{prompt}}', seed: '{{unset_number}}' }
  const workflow = { '1': { class_type: 'SimulatorNote', inputs: { text: 'about {{prompt}}', more: inputs } } }
  await using stage = await openStage({ templates: [{ id: 'note', workflow }] })
  await stage.fire('note', { prompt: 'a fox', whatever: 1 })
  expect(stage.sim.control.jobs()[0]?.prompt['1']?.inputs).toEqual({
    text: 'about {{prompt}}',
    more: { text: 'a fox', seed: '{{unset_number}}' },
  })
})

test('the jobs of triggers carry the trace id and a client id of their own', async () => {
  await using stage = await openStage()
  stage.sim.control.pause()
  await stage.fire('story', {}, { trace_id: 'mine' })
  await stage.fire('story', {}, { trace_id: 'yours' })
  const { body } = await stage.call('GET', '/queue')
  const extras = [pick(body, 'queue_pending.0.3'), pick(body, 'queue_pending.1.3')]
  expect(extras.map((extra) => pick(extra, 'openclaw.trace_id'))).toEqual(['mine', 'yours'])
  const clients = extras.map((extra) => pick(extra, 'client_id'))
  expect(new Set(clients).size).toBe(2)
})
