import { expect, test } from 'vitest'
import { cronFires, isCron } from '../../src/simulator/cron.ts'
import { openStage, pick, type Stage } from './kit.ts'

const plan = async (stage: Stage, more: object = {}) => {
  const body = { name: 'hourly', template_id: 'story', interval_sec: 3600, ...more }
  return String(pick((await stage.call('POST', '/openclaw/schedules', body)).body, 'schedule.schedule_id'))
}
const runs = async (stage: Stage, id: string) => (await stage.call('GET', `/openclaw/schedules/${id}/runs`)).body

test('running a schedule by hand freezes the whole server, reports success, records an error, and runs anyway', async () => {
  await using stage = await openStage({ scheduleFreezeMs: 60 })
  const id = await plan(stage)
  const order: string[] = []
  const run = stage.call('POST', `/openclaw/schedules/${id}/run`).then((answer) => {
    order.push('run')
    return answer
  })
  while (stage.sim.control.requests().length < 2) await new Promise((resolve) => setImmediate(resolve))
  const started = performance.now()
  await stage.call('GET', '/prompt')
  expect(performance.now() - started).toBeGreaterThan(40)
  expect((await run).body).toEqual({ triggered: true, schedule_id: id, template_id: 'story' })
  await stage.sim.control.idle()
  const record = pick(await runs(stage, id), 'runs.0')
  expect(record).toMatchObject({ status: 'error', prompt_id: null, error_summary: null })
  expect(stage.sim.control.jobs().map((job) => job.traceId)).toEqual([pick(record, 'trace_id')])
})

test('a second run in the same minute is skipped without a word', async () => {
  await using stage = await openStage({ scheduleFreezeMs: 1, now: () => 1_000_000 })
  const id = await plan(stage)
  await stage.call('POST', `/openclaw/schedules/${id}/run`)
  const again = await stage.call('POST', `/openclaw/schedules/${id}/run`)
  expect(pick(again.body, 'triggered')).toBe(true)
  expect(pick(await runs(stage, id), 'total')).toBe(1)
})

test('a new interval is due at once, then again when its time has passed', async () => {
  await using stage = await openStage()
  const id = await plan(stage)
  await stage.sim.control.tick()
  await stage.sim.control.tick()
  expect(await runs(stage, id)).toMatchObject({
    total: 1,
    runs: [{ status: 'completed', prompt_id: expect.any(String) }],
  })
  stage.sim.control.advance(3_600_000)
  await stage.sim.control.tick()
  expect(pick(await runs(stage, id), 'total')).toBe(2)
  await stage.call('PUT', `/openclaw/schedules/${id}`, { enabled: false })
  stage.sim.control.advance(3_600_000)
  await stage.sim.control.tick()
  expect(pick(await runs(stage, id), 'total')).toBe(2)
})

test('a timed run whose submit fails says why', async () => {
  await using stage = await openStage()
  const id = await plan(stage, { template_id: 'invalid' })
  await stage.sim.control.tick()
  expect(await runs(stage, id)).toMatchObject({
    runs: [{ status: 'error', prompt_id: null, error_summary: 'Queue submission failed: 400' }],
  })
})

test('schedules and runs outlive the process, and due ones start by themselves', async () => {
  await using stage = await openStage({ scheduleTickMs: 10 })
  const id = await plan(stage)
  await stage.sim.control.restart()
  await stage.sim.control.busy()
  await stage.sim.control.idle()
  expect(pick(await runs(stage, id), 'total')).toBe(1)
})

test('cron fields are lists, ranges and steps of digits', () => {
  const at = new Date(2026, 7, 3, 9, 30).getTime()
  expect(new Date(at).getDay()).toBe(1)
  for (const fits of [
    '* * * * *',
    '30 9 * * 1-5',
    '*/15 9 3 8 *',
    '0,30 * * * 1',
    '30 9 * * 0-6',
    '10-40/20 9 * * *',
  ]) {
    expect([fits, cronFires(fits, at)]).toEqual([fits, true])
  }
  for (const not of ['31 9 * * *', '30 9 * * 6,7', '*/20 * * * *', '30 9 4 * *']) {
    expect([not, cronFires(not, at)]).toEqual([not, false])
  }
  expect(cronFires('0 0 * * 7', new Date(2026, 7, 2).getTime())).toBe(true)
  expect([isCron('@daily'), isCron('* * * *'), isCron('0 9 * * mon'), isCron(null)]).toEqual([
    false,
    false,
    false,
    false,
  ])
})
