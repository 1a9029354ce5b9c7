import { expect, test } from 'vitest'
import { openStage, pick, type Stage } from './kit.ts'

const ask = async (stage: Stage, template_id = 'story') => {
  const body = { template_id, inputs: { prompt: 'x' }, require_approval: true }
  return String(pick((await stage.call('POST', '/openclaw/triggers/fire', body)).body, 'approval_id'))
}
const approve = (stage: Stage, id: string, body: object = {}) =>
  stage.call('POST', `/openclaw/approvals/${id}/approve`, body)
const get = (stage: Stage, id: string) => stage.call('GET', `/openclaw/approvals/${id}`)

test('of several approvals decided at once one runs; the others are approved and can never run', async () => {
  await using stage = await openStage({ submitMs: 20 })
  const ids = [await ask(stage), await ask(stage), await ask(stage)]
  const answers = await Promise.all(ids.map((id) => approve(stage, id)))
  expect(answers.map((one) => one.status)).toEqual([200, 200, 200])
  expect(answers.map((one) => pick(one.body, 'approved'))).toEqual([true, true, true])
  expect(answers.map((one) => pick(one.body, 'executed')).toSorted()).toEqual([false, false, true])
  const again = await Promise.all(ids.map((id) => approve(stage, id)))
  expect(again.map((one) => one.body)).toEqual(ids.map(() => ({ error: 'Cannot approve request in status: approved' })))
  expect(stage.sim.control.jobs()).toHaveLength(1)
})

test('an approval whose submit fails is approved, not executed, and stays so', async () => {
  await using stage = await openStage()
  const id = await ask(stage, 'invalid')
  const answer = await approve(stage, id)
  expect(answer.body).toMatchObject({ executed: false, execution_error: 'Queue submission failed: 400' })
  expect((await get(stage, id)).body).toMatchObject({ approval: { status: 'approved', metadata: {} } })
})

test('the answer to an approval holds the copy from before it ran', async () => {
  await using stage = await openStage()
  const id = await ask(stage)
  const answer = await approve(stage, id, { actor: 'chat:7' })
  expect(pick(answer.body, 'approval.metadata')).toEqual({})
  expect(pick((await get(stage, id)).body, 'approval.metadata')).toMatchObject({
    executed_prompt_id: pick(answer.body, 'prompt_id'),
    executed_by: 'chat:7',
  })
})

test('an overdue request reads as pending until somebody lists, and can be rejected until then', async () => {
  await using stage = await openStage({ approvalTtlMs: 60_000 })
  const [seen, rejected] = [await ask(stage), await ask(stage)]
  stage.sim.control.advance(60_000)
  expect(pick((await get(stage, seen)).body, 'approval.status')).toBe('pending')
  expect((await approve(stage, seen)).body).toEqual({ error: `Approval request has expired: ${seen}` })
  const late = await stage.call('POST', `/openclaw/approvals/${rejected}/reject`, { reason: 'no' })
  expect(pick(late.body, 'approval.status')).toBe('rejected')
  const list = await stage.call('GET', '/openclaw/approvals?status=pending')
  expect(list.body).toMatchObject({ count: 0, pending_count: 0 })
  expect(pick((await get(stage, seen)).body, 'approval.status')).toBe('expired')
})

test('lists are newest first, paged, and out-of-range numbers are moved into range with a warning', async () => {
  await using stage = await openStage()
  const ids = [await ask(stage), await ask(stage), await ask(stage)]
  const { body } = await stage.call('GET', '/openclaw/approvals?limit=9999&offset=abc')
  expect((pick(body, 'approvals') as unknown[]).map((one) => pick(one, 'approval_id'))).toEqual(ids.toReversed())
  expect(pick(body, 'pagination')).toEqual({
    limit: 500,
    offset: 0,
    warnings: [
      { code: 'R95_LIMIT_CLAMPED', field: 'limit', raw: '9999', normalized: 500 },
      { code: 'R95_INVALID_OFFSET', field: 'offset', raw: 'abc', normalized: 0 },
    ],
  })
})

test('approvals outlive the process', async () => {
  await using stage = await openStage()
  const id = await ask(stage)
  await stage.sim.control.restart()
  expect((await approve(stage, id)).body).toMatchObject({ executed: true })
})

test('a request of the default tenant does not exist for another one', async () => {
  await using stage = await openStage({ multiTenant: true })
  const id = await ask(stage)
  const acme = { 'X-OpenClaw-Admin-Token': 'test-admin-token', 'X-OpenClaw-Tenant-Id': 'acme' }
  expect((await stage.call('GET', `/openclaw/approvals/${id}`, undefined, acme)).status).toBe(404)
  expect((await stage.call('POST', `/openclaw/approvals/${id}/approve`, {}, acme)).status).toBe(400)
})
