import { createApproval } from './approvals.ts'
import { admitAdmin, refuse } from './auth.ts'
import { type Answer, type Ask, crashed, json, parseJson, type Route } from './http.ts'
import { dedupeMs, isTemplate, submitTemplate } from './submit-template.ts'
import { isObject, type JsonObject } from './types.ts'
import { hexId, type World } from './world.ts'

const maxInputs = 32_768

export const triggerRoutes = (world: World): readonly Route[] => [
  { method: 'POST', path: '/openclaw/triggers/fire', handle: (ask) => fire(world, ask) },
]

async function fire(world: World, ask: Ask): Promise<Answer> {
  const admitted = admitAdmin(world.settings, ask)
  if (!admitted.ok) return refuse('plain', admitted.why)
  const parsed = parseJson(ask.body)
  if (!parsed.ok) return json(400, { error: 'Invalid JSON' })
  const body = parsed.value
  if (!isObject(body)) return crashed()
  const { template_id: id, inputs = {}, trace_id: given } = body
  if (typeof id !== 'string' || id === '') return json(400, { error: 'template_id is required' })
  if (JSON.stringify(inputs).length > maxInputs) return json(400, { error: 'inputs too large (max 32KB)' })
  if (!isTemplate(world, id)) return json(404, { error: `template_id '${id}' not found` })
  if (given !== undefined && given !== null && typeof given !== 'string') return crashed()
  const traceId = given === undefined || given === null || given === '' ? hexId(world) : given

  const wanted = body.require_approval
  if (typeof wanted === 'boolean' ? wanted : world.settings.approvalByDefault) {
    const delivery = isObject(body.callback) ? (body.callback as JsonObject) : null
    const asked = isObject(inputs) ? (inputs as JsonObject) : {}
    const approval = createApproval(world, { templateId: id, inputs: asked, traceId, delivery })
    const { approval_id, expires_at } = approval
    return json(202, { pending: true, approval_id, trace_id: traceId, expires_at })
  }

  const before = world.submissions.get(traceId)
  if (before !== undefined && world.clock.now() - before.at < dedupeMs) {
    return json(200, { triggered: true, prompt_id: before.promptId, trace_id: traceId, deduped: true })
  }
  const done = await submitTemplate(world, { id, inputs, traceId, key: traceId })
  if (done.ok) return json(200, { triggered: true, prompt_id: done.promptId, trace_id: traceId, deduped: false })
  return done.answer
}
