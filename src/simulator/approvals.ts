import { admitAdmin, refuse, tenantOf } from './auth.ts'
import { isoTime } from './clock.ts'
import { type Answer, type Ask, json, looseBody, type Params, type Route } from './http.ts'
import { pageOf } from './page.ts'
import { submitTemplate } from './submit-template.ts'
import type { JsonObject } from './types.ts'
import { hexId, type World } from './world.ts'

export interface Approval {
  readonly approval_id: string
  readonly template_id: string
  readonly inputs: JsonObject
  readonly source: 'trigger'
  readonly trace_id: string
  readonly tenant_id: string
  readonly status: 'pending' | 'approved' | 'rejected' | 'expired'
  readonly requested_at: string
  readonly requested_by: null
  readonly expires_at: string
  readonly approved_at: string | null
  readonly rejected_at: string | null
  readonly decision_by: string | null
  readonly delivery: JsonObject | null
  readonly metadata: JsonObject
}

type Handle = (ask: Ask, params: Params, tenant: string) => Answer | Promise<Answer>

export function approvalRoutes(world: World): readonly Route[] {
  const guarded = (handle: Handle) => (ask: Ask, params: Params) => {
    const admitted = admitAdmin(world.settings, ask)
    if (!admitted.ok) return refuse('plain', admitted.why)
    const tenant = tenantOf(world.settings, ask)
    return tenant.ok ? handle(ask, params, tenant.id) : tenant.answer
  }
  const list: Handle = (ask, _params, tenant) => listApprovals(world, ask, tenant)
  const get: Handle = (_ask, { id = '' }, tenant) => {
    const approval = find(world, id, tenant)
    return approval === null ? json(404, { error: 'Approval not found' }) : json(200, { tenant_id: tenant, approval })
  }
  return [
    { method: 'GET', path: '/openclaw/approvals', handle: guarded(list) },
    { method: 'GET', path: '/openclaw/approvals/:id', handle: guarded(get) },
    {
      method: 'POST',
      path: '/openclaw/approvals/:id/approve',
      handle: guarded((ask, { id = '' }, tenant) => approve(world, ask, id, tenant)),
    },
    {
      method: 'POST',
      path: '/openclaw/approvals/:id/reject',
      handle: guarded((ask, { id = '' }, tenant) => reject(world, ask, id, tenant)),
    },
  ]
}

/** Jobs and approvals of triggers always belong to the default tenant, whatever the header said. */
export function createApproval(
  world: World,
  wish: {
    readonly templateId: string
    readonly inputs: JsonObject
    readonly traceId: string
    readonly delivery: JsonObject | null
  },
): Approval {
  const now = world.clock.now()
  const approval: Approval = {
    approval_id: `apr_${hexId(world).slice(0, 12)}`,
    template_id: wish.templateId,
    inputs: wish.inputs,
    source: 'trigger',
    trace_id: wish.traceId,
    tenant_id: 'default',
    status: 'pending',
    requested_at: isoTime(now),
    requested_by: null,
    expires_at: isoTime(now + world.settings.approvalTtlMs),
    approved_at: null,
    rejected_at: null,
    decision_by: null,
    delivery: wish.delivery,
    metadata: {},
  }
  world.approvals.set(approval.approval_id, approval)
  return approval
}

const find = (world: World, id: string, tenant: string): Approval | null => {
  const approval = world.approvals.get(id)
  return approval?.tenant_id === tenant ? approval : null
}

const isOverdue = (world: World, approval: Approval): boolean => Date.parse(approval.expires_at) <= world.clock.now()

/** The only call that turns overdue requests into expired ones. */
function listApprovals(world: World, ask: Ask, tenant: string): Answer {
  const status = ask.query.get('status')
  if (status !== null && !['pending', 'approved', 'rejected', 'expired'].includes(status)) {
    return json(400, { error: `Invalid status: ${status}` })
  }
  for (const [id, approval] of world.approvals) {
    if (approval.status === 'pending' && isOverdue(world, approval)) {
      world.approvals.set(id, { ...approval, status: 'expired' })
    }
  }
  const mine = [...world.approvals.values()].filter((approval) => approval.tenant_id === tenant).reverse()
  const fitting = mine.filter((approval) => status === null || approval.status === status)
  const page = pageOf(ask.query, { limit: 100, maxLimit: 500, maxOffset: 5000 })
  const approvals = fitting.slice(page.offset, page.offset + page.limit)
  return json(200, {
    tenant_id: tenant,
    approvals,
    count: approvals.length,
    pending_count: mine.filter((approval) => approval.status === 'pending').length,
    pagination: page,
    scan: { scanned: Math.min(fitting.length, page.offset + page.limit), skipped_malformed: 0, truncated: false },
  })
}

async function approve(world: World, ask: Ask, id: string, tenant: string): Promise<Answer> {
  const asked = find(world, id, tenant)
  if (asked === null) return json(400, { error: `Approval request not found: ${id}` })
  if (asked.status !== 'pending') return json(400, { error: `Cannot approve request in status: ${asked.status}` })
  if (isOverdue(world, asked)) return json(400, { error: `Approval request has expired: ${id}` })
  const body = looseBody(ask.body)
  const actor = typeof body.actor === 'string' ? body.actor : null
  const at = isoTime(world.clock.now())
  const approval: Approval = { ...asked, status: 'approved', approved_at: at, decision_by: actor }
  world.approvals.set(id, approval)
  const answer = { tenant_id: tenant, approved: true, approval }
  if (body.auto_execute === false) return json(200, { ...answer, executed: false })

  const { template_id, inputs, trace_id } = approval
  const done = await submitTemplate(world, { id: template_id, inputs, traceId: trace_id, key: id })
  // From here on nothing can run this approval any more, whether it ran or not.
  if (!done.ok) return json(200, { ...answer, executed: false, execution_error: done.reason })
  const executed = {
    executed_prompt_id: done.promptId,
    executed_trace_id: trace_id,
    executed_at: isoTime(world.clock.now()),
    ...(actor === null ? {} : { executed_by: actor }),
  }
  world.approvals.set(id, { ...approval, metadata: executed })
  return json(200, { ...answer, executed: true, prompt_id: done.promptId, trace_id })
}

/** An overdue request can still be rejected as long as nobody has listed. */
function reject(world: World, ask: Ask, id: string, tenant: string): Answer {
  const asked = find(world, id, tenant)
  if (asked === null) return json(400, { error: `Approval request not found: ${id}` })
  if (asked.status !== 'pending') return json(400, { error: `Cannot reject request in status: ${asked.status}` })
  const { actor } = looseBody(ask.body)
  const decision_by = typeof actor === 'string' ? actor : null
  const approval: Approval = { ...asked, status: 'rejected', rejected_at: isoTime(world.clock.now()), decision_by }
  world.approvals.set(id, approval)
  return json(200, { tenant_id: tenant, rejected: true, approval })
}
