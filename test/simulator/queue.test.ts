import { expect, test } from 'vitest'
import { openStage, pick, type Stage } from './kit.ts'

const running = async (stage: Stage, template = 'slow') => {
  const id = await stage.fire(template)
  await stage.sim.control.busy()
  stage.sim.control.pause()
  return id
}
const finish = async (stage: Stage) => {
  stage.sim.control.resume()
  await stage.sim.control.idle()
}
const lastMessage = async (stage: Stage, id: string) => {
  const { body } = await stage.call('GET', `/history/${id}`)
  const messages = pick(body, `${id}.status.messages`) as [string, unknown][] | undefined
  return messages?.at(-1)?.[0]
}
const numbers = (body: unknown) => (pick(body, 'queue_pending') as unknown[]).map((item) => pick(item, '0'))

test('jobs run one at a time, in the order of their numbers', async () => {
  await using stage = await openStage()
  stage.sim.control.pause()
  const ids = [await stage.fire('story'), await stage.fire('note'), await stage.fire('clip')]
  const front = await stage.queue(
    { '1': { class_type: 'SimulatorNote', inputs: { text: 'me first' } } },
    { front: true },
  )
  expect(pick((await stage.call('GET', '/prompt')).body, 'exec_info.queue_remaining')).toBe(4)
  await finish(stage)
  const { body } = await stage.call('GET', '/history')
  expect(Object.keys(body as object)).toEqual([front, ...ids])
})

test('pending jobs are shown as a bare heap: only the first is sure to be next', async () => {
  await using stage = await openStage()
  stage.sim.control.pause()
  const note = { '1': { class_type: 'SimulatorNote', inputs: { text: 'x' } } }
  for (const number of [5, 3, 8, 1, 9, 2]) await stage.queue(note, { number })
  const shown = numbers((await stage.call('GET', '/queue')).body)
  // What Python's heapq makes of it.
  expect(shown).toEqual([1, 3, 2, 5, 9, 8])
})

test('a job removed from the queue leaves no trace anywhere', async () => {
  await using stage = await openStage()
  const first = await running(stage)
  const second = await stage.fire('story')
  await stage.call('POST', '/queue', { delete: [second, first] })
  await finish(stage)
  expect((await stage.call('GET', `/history/${second}`)).body).toEqual({})
  expect((await stage.call('GET', `/api/jobs/${second}`)).status).toBe(404)
  expect(await lastMessage(stage, first)).toBe('execution_success')
})

test('an interrupt that names a job stops only that one, and only while it runs', async () => {
  await using stage = await openStage()
  const first = await running(stage)
  const second = await stage.fire('story')
  await stage.call('POST', '/interrupt', { prompt_id: second })
  await finish(stage)
  expect([await lastMessage(stage, first), await lastMessage(stage, second)]).toEqual([
    'execution_success',
    'execution_success',
  ])
  const third = await running(stage)
  await stage.call('POST', '/interrupt', { prompt_id: third })
  await stage.sim.control.idle()
  expect(await lastMessage(stage, third)).toBe('execution_interrupted')
})

test('an interrupt without a name stops whatever runs', async () => {
  await using stage = await openStage()
  const id = await running(stage)
  expect((await stage.call('POST', '/interrupt')).status).toBe(200)
  await stage.sim.control.idle()
  const { body } = await stage.call('GET', `/history/${id}`)
  expect(pick(body, `${id}.status`)).toMatchObject({ status_str: 'error', completed: false })
})

test('the jobs routes cancel pending and running jobs, and say whether they did', async () => {
  await using stage = await openStage()
  const first = await running(stage)
  const second = await stage.fire('story')
  const cancelled = async (id: string) =>
    pick((await stage.call('POST', `/api/jobs/${id}/cancel`, {})).body, 'cancelled')
  expect([await cancelled(second), await cancelled(first)]).toEqual([true, true])
  await stage.sim.control.idle()
  expect([await cancelled(second), await cancelled(first)]).toEqual([false, false])
  expect(pick((await stage.call('GET', `/api/jobs/${first}`)).body, 'status')).toBe('cancelled')
})

test('an old host has no jobs routes, and the queue calls do the same work', async () => {
  await using stage = await openStage({ host: 'old' })
  const id = await running(stage)
  expect((await stage.call('POST', `/api/jobs/${id}/cancel`, {})).status).toBe(405)
  expect((await stage.call('GET', '/openclaw/jobs')).status).toBe(501)
  await stage.call('POST', '/queue', { delete: [id] })
  await stage.call('POST', '/interrupt', { prompt_id: id })
  await stage.sim.control.idle()
  expect(await lastMessage(stage, id)).toBe('execution_interrupted')
})

test('a failing job reports where, what and a traceback full of paths', async () => {
  await using stage = await openStage()
  const id = await stage.run('broken', { message: 'no more red' })
  const { body } = await stage.call('GET', `/history/${id}`)
  const [event, detail] = (pick(body, `${id}.status.messages`) as [string, unknown][]).at(-1) ?? []
  expect(event).toBe('execution_error')
  expect(detail).toMatchObject({
    node_type: 'SimulatorFail',
    exception_type: 'RuntimeError',
    exception_message: 'no more red\n',
  })
  expect(JSON.stringify(pick(detail, 'traceback'))).toContain('/comfy/execution.py')
})

test('an unchanged workflow is not run again: the same files are listed', async () => {
  await using stage = await openStage()
  const outputs = async (id: string) => pick((await stage.call('GET', `/history/${id}`)).body, `${id}.outputs`)
  const [first, second] = [await stage.run('portrait'), await stage.run('portrait')]
  expect(await outputs(second)).toEqual(await outputs(first))
  const other = await stage.run('portrait', { seed: '8' })
  expect(await outputs(other)).not.toEqual(await outputs(first))
})

test('the same prompt id runs as often as it is sent', async () => {
  await using stage = await openStage()
  const note = { '1': { class_type: 'SimulatorNote', inputs: { text: 'x' } } }
  const prompt_id = '3973a35c-ab3d-419d-8af2-b5e41d2b992f'
  stage.sim.control.pause()
  await stage.queue(note, { prompt_id })
  await stage.queue(note, { prompt_id })
  await finish(stage)
  expect(stage.sim.control.jobs().map((job) => job.state)).toEqual(['success', 'success'])
  expect(Object.keys((await stage.call('GET', '/history')).body as object)).toEqual([prompt_id])
})

test('history pages from the end, and forgets what it is told to', async () => {
  await using stage = await openStage()
  const ids = [await stage.run('story'), await stage.run('note'), await stage.run('clip')]
  const keys = async (query: string) => Object.keys((await stage.call('GET', `/history${query}`)).body as object)
  expect(await keys('?max_items=2')).toEqual(ids.slice(1))
  expect(await keys('?max_items=1&offset=0')).toEqual(ids.slice(0, 1))
  await stage.call('POST', '/history', { delete: [ids[0]] })
  expect(await keys('')).toEqual(ids.slice(1))
  await stage.call('POST', '/history', { clear: true })
  expect(await keys('')).toEqual([])
})

test('numbers given as text become numbers, unless they are too long for one', async () => {
  await using stage = await openStage()
  await stage.fire('portrait', { seed: '18446744073709551615', steps: '3', width: '64' })
  const prompt = stage.sim.control.jobs()[0]?.prompt
  expect(prompt?.['3']?.inputs).toMatchObject({ seed: '18446744073709551615', steps: 3 })
  expect(prompt?.['5']?.inputs).toMatchObject({ width: 64 })
})

test('where one of two outputs is valid the job runs, and the answer names the errors', async () => {
  await using stage = await openStage()
  const prompt = {
    '1': { class_type: 'SimulatorNote', inputs: { text: 'fine' } },
    '2': { class_type: 'LoadImage', inputs: { image: 'missing.png' } },
    '3': { class_type: 'PreviewImage', inputs: { images: ['2', 0] } },
  }
  const answer = await stage.call('POST', '/prompt', { prompt })
  expect(answer.status).toBe(200)
  expect(pick(answer.body, 'node_errors.2.dependent_outputs')).toEqual(['3'])
  await stage.sim.control.idle()
  const id = String(pick(answer.body, 'prompt_id'))
  expect(Object.keys(pick((await stage.call('GET', `/history/${id}`)).body, `${id}.outputs`) as object)).toEqual(['1'])
})
