import { type Answer, json } from './http.ts'
import { submitPrompt } from './submit.ts'
import { renderTemplate } from './templates.ts'
import { isObject, type JsonObject, type TemplateSpec } from './types.ts'
import { log, type World } from './world.ts'

const maxWorkflowBytes = 524_288
/** How long a submission is remembered. */
export const dedupeMs = 3_600_000

/** `manifest` counts because its file lies beside the others. */
export const isTemplate = (world: World, id: string): boolean =>
  id === 'manifest' || world.templates().some((spec) => spec.id === id)

export type TemplateSubmitted =
  | { readonly ok: true; readonly promptId: string }
  /** `reason` is the sentence approvals report. */
  | { readonly ok: false; readonly reason: string; readonly answer: Answer }

/** Renders and submits, one at a time: who comes while the slot is taken is turned away, and its key is burnt. */
export async function submitTemplate(
  world: World,
  wish: { readonly id: string; readonly inputs: unknown; readonly traceId: string; readonly key: string },
): Promise<TemplateSubmitted> {
  const life = world.life()
  const { slot } = life
  world.submissions.set(wish.key, { at: world.clock.now(), promptId: null })
  forgetOld(world)
  if (slot.busy) return overBudget('source_concurrency budget exceeded for trigger (limit=1, retry_after=1s)', 1)
  if (!isObject(wish.inputs)) {
    return failed('dictionary update sequence element #0 has length 1; 2 is required')
  }
  const spec = world.templates().find((one) => one.id === wish.id)
  const rendered = spec === undefined ? null : renderTemplate(spec, wish.inputs as JsonObject)
  if (JSON.stringify(rendered).length > maxWorkflowBytes) {
    return overBudget(`rendered_workflow_size budget exceeded (limit=${maxWorkflowBytes}, retry_after=5s)`, 5)
  }
  slot.busy = true
  try {
    await world.settings.sleep(world.settings.submitMs, world.closing)
    if (world.life() !== life) return failed('the process died before it could submit')
    return queueRendered(world, wish, spec, rendered)
  } finally {
    slot.busy = false
  }
}

function queueRendered(
  world: World,
  wish: { readonly traceId: string; readonly key: string },
  spec: TemplateSpec | undefined,
  prompt: JsonObject | null,
): TemplateSubmitted {
  const fault = world.submitFaults.shift() ?? (spec === undefined ? 500 : null)
  if (fault !== null) return failed(`Queue submission failed: ${fault}`)
  const extra = {
    openclaw: { trace_id: wish.traceId, source: 'automation', tenant_id: 'default' },
    moltbot: { trace_id: wish.traceId, source: 'automation' },
    comfy_usage_source: 'comfyui-openclaw',
  }
  const submitted = submitPrompt(world, { prompt, client_id: world.settings.id(), extra_data: extra })
  if (!submitted.ok) {
    log(world, `[openclaw.QueueSubmit] ERROR: prompt refused for trace_id=${wish.traceId}: ${submitted.answer.body}`)
    return failed(`Queue submission failed: ${submitted.answer.status}`)
  }
  const { promptId } = submitted.item
  world.submissions.set(wish.key, { at: world.clock.now(), promptId })
  log(world, `[openclaw.QueueSubmit] INFO: queued prompt_id=${promptId} trace_id=${wish.traceId}`)
  return { ok: true, promptId }
}

const failed = (reason: string): TemplateSubmitted => ({ ok: false, reason, answer: json(500, { error: reason }) })

const overBudget = (reason: string, retryAfterSec: number): TemplateSubmitted => ({
  ok: false,
  reason,
  answer: json(429, { error: 'budget_exceeded', detail: reason }, { 'Retry-After': String(retryAfterSec) }),
})

function forgetOld(world: World): void {
  for (const [key, { at }] of world.submissions) {
    if (world.clock.now() - at < dedupeMs) return
    world.submissions.delete(key)
  }
}
