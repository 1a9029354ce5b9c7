import { expect, test } from 'vitest'
import { listen, openStage, pick } from './kit.ts'

test('a crash loses queue, history and sockets, refuses connections, and uptime begins again', async () => {
  let now = 1_000_000
  await using stage = await openStage({ now: () => now })
  const { control } = stage.sim
  const done = await stage.run('story')
  control.pause()
  await stage.fire('note')
  const ear = await listen(stage.sim)
  now += 60_000
  const uptime = async () => pick((await stage.call('GET', '/openclaw/health')).body, 'uptime_sec')
  expect(await uptime()).toBe(60)

  await control.crash()
  expect(await ear.closed).toBe(1006)
  await expect(stage.call('GET', '/prompt')).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  await control.restart()
  expect(await uptime()).toBe(0)
  expect((await stage.call('GET', `/history/${done}`)).body).toEqual({})
  expect((await stage.call('GET', '/queue')).body).toEqual({ queue_running: [], queue_pending: [] })
  expect(control.jobs().map((job) => job.state)).toEqual(['success', 'lost'])
})

test('a crash in the middle of a job loses it, and the next life runs jobs again', async () => {
  await using stage = await openStage({ stepMs: 5 })
  await stage.fire('slow')
  await stage.sim.control.busy()
  await stage.sim.control.restart()
  const id = await stage.run('story')
  expect(pick((await stage.call('GET', `/history/${id}`)).body, `${id}.status.completed`)).toBe(true)
  expect(stage.sim.control.jobs().map((job) => job.state)).toEqual(['lost', 'success'])
  expect(stage.sim.control.faults()).toEqual([])
})

test('while only the network is down jobs go on', async () => {
  await using stage = await openStage()
  stage.sim.control.pause()
  const id = await stage.fire('story')
  await stage.sim.control.setDown(true)
  await expect(stage.call('GET', '/prompt')).rejects.toThrow()
  stage.sim.control.resume()
  await stage.sim.control.idle()
  await stage.sim.control.setDown(false)
  expect(pick((await stage.call('GET', `/history/${id}`)).body, `${id}.status.completed`)).toBe(true)
})

test('a frozen process takes connections and answers them all when it thaws', async () => {
  await using stage = await openStage()
  await using ear = await listen(stage.sim)
  const thawed = stage.sim.control.freeze(60)
  let open = false
  const before = performance.now()
  const answer = stage.call('GET', '/prompt').then((got) => ({ got, open }))
  await thawed.then(() => {
    open = true
  })
  expect((await answer).open).toBe(true)
  expect(performance.now() - before).toBeGreaterThan(50)
  await stage.run('story')
  await ear.hear(() => ear.heard.length === 4)
})

test('a hanging request is answered late, others are not held up', async () => {
  await using stage = await openStage()
  stage.sim.control.hangNext('/history', 50)
  const order: string[] = []
  const slow = stage.call('GET', '/history/x').then(() => order.push('history'))
  await stage.call('GET', '/prompt').then(() => order.push('prompt'))
  await slow
  expect(order).toEqual(['prompt', 'history'])
})

test('an answer can get lost after the work, and a request before it', async () => {
  await using stage = await openStage()
  const fire = () => stage.call('POST', '/openclaw/triggers/fire', { template_id: 'story' })
  stage.sim.control.dropAnswerOnce('/openclaw/triggers')
  await expect(fire()).rejects.toThrow()
  expect(stage.sim.control.jobs()).toHaveLength(1)
  stage.sim.control.cutOnce('POST /openclaw/triggers/fire')
  await expect(fire()).rejects.toThrow()
  expect(stage.sim.control.jobs()).toHaveLength(1)
  expect((await fire()).status).toBe(200)
})

test('a lost job is in neither queue nor history, whether it waited, ran or was done', async () => {
  await using stage = await openStage()
  const { control } = stage.sim
  const done = await stage.run('story')
  const running = await stage.fire('slow')
  await control.busy()
  control.pause()
  const waiting = await stage.fire('note')
  for (const id of [done, running, waiting]) control.loseJob(id)
  control.resume()
  await control.idle()
  expect((await stage.call('GET', '/history')).body).toEqual({})
  expect(control.jobs().map((job) => job.state)).toEqual(['lost', 'lost', 'lost'])
})

test('every request is on record with its answer, and tokens are not', async () => {
  await using stage = await openStage()
  await stage.call('POST', '/api/openclaw/triggers/fire', { template_id: 'nope' })
  await (await listen(stage.sim, 'me')).close()
  const [fire, socket] = stage.sim.control.requests()
  expect(fire).toMatchObject({
    method: 'POST',
    path: '/api/openclaw/triggers/fire',
    body: { template_id: 'nope' },
    status: 404,
  })
  expect(fire?.headers['x-openclaw-admin-token']).toBe('***')
  expect(socket).toMatchObject({ path: '/ws?clientId=me', status: 101 })
})

test('templates can be changed while it runs', async () => {
  await using stage = await openStage()
  stage.sim.control.setTemplates([{ id: 'only', workflow: {} }])
  const { body } = await stage.call('GET', '/openclaw/templates')
  expect(body).toEqual({ ok: true, count: 1, templates: [{ id: 'only', allowed_inputs: [], defaults: {} }] })
})

test('closing leaves nothing open, even with a stream, a hanging request and a running job', async () => {
  const stage = await openStage({ stepMs: 50 })
  await stage.fire('slow')
  const ear = await listen(stage.sim)
  stage.sim.control.hangNext('/prompt', 60_000)
  const hanging = stage.call('GET', '/prompt').catch(() => 'cut')
  const stream = await fetch(`${stage.sim.url}/openclaw/events/stream`)
  const reading = stream.text().catch(() => 'cut')
  await stage.close()
  expect(await Promise.all([hanging, reading, ear.closed])).toEqual(['cut', 'cut', 1006])
  expect(stage.sim.control.faults()).toEqual([])
})
