import * as v from 'valibot'
import { anything, clipped, finite, isOpaqueId, isoTime, isPromptId, isRecord, orNull, take, takeEach } from './wire.ts'
import { safeLine } from './wire-text.ts'

/**
 * What a trigger became. `burnt`: this trace id belongs to an attempt that failed or is still being made; nothing runs
 * by this answer, and the same trace id will never run anything any more.
 */
export type Fired =
  | { readonly kind: 'queued'; readonly promptId: string; readonly deduped: boolean }
  | { readonly kind: 'burnt' }
  | { readonly kind: 'approval'; readonly approvalId: string; readonly expiresAtMs: number | null }

const promptId = v.pipe(v.string(), v.check(isPromptId))
const opaqueId = v.pipe(v.string(), v.check(isOpaqueId))

const queued = v.object({
  triggered: v.literal(true),
  prompt_id: v.nullish(promptId),
  deduped: v.fallback(v.boolean(), false),
})
const held = v.object({ pending: v.literal(true), approval_id: opaqueId, expires_at: orNull(isoTime) })

export function readFired(json: unknown): Fired | null {
  const approval = take(held, json)
  if (approval) return { kind: 'approval', approvalId: approval.approval_id, expiresAtMs: approval.expires_at }
  const job = take(queued, json)
  if (job === null) return null
  if (job.prompt_id) return { kind: 'queued', promptId: job.prompt_id, deduped: job.deduped }
  return job.deduped ? { kind: 'burnt' } : null
}

const approvalStatuses = ['pending', 'approved', 'rejected', 'expired'] as const
export type ApprovalStatus = (typeof approvalStatuses)[number]

export interface Approval {
  readonly approvalId: string
  readonly templateId: string | null
  readonly inputs: Readonly<Record<string, unknown>>
  /** Overdue requests still read `pending` until the backend lists them: compare `expiresAtMs`. */
  readonly status: ApprovalStatus
  readonly source: string | null
  readonly traceId: string | null
  readonly tenantId: string | null
  readonly requestedAtMs: number | null
  readonly expiresAtMs: number | null
  readonly decidedAtMs: number | null
  readonly decidedBy: string | null
  /** The job it became. Never filled in the answer to the approval itself. */
  readonly executedPromptId: string | null
}

const word = orNull(clipped(256))
const time = orNull(isoTime)
const values = v.fallback(v.custom<Record<string, unknown>>(isRecord), {})

const approval = v.object({
  approval_id: opaqueId,
  template_id: word,
  inputs: values,
  source: word,
  trace_id: word,
  tenant_id: word,
  status: v.picklist(approvalStatuses),
  requested_at: time,
  expires_at: time,
  approved_at: time,
  rejected_at: time,
  decision_by: word,
  prompt_id: orNull(promptId),
  metadata: orNull(v.object({ executed_prompt_id: orNull(promptId), prompt_id: orNull(promptId) })),
})

function readApproval(json: unknown): Approval | null {
  const body = take(approval, json)
  if (body === null) return null
  return {
    approvalId: body.approval_id,
    templateId: body.template_id,
    inputs: body.inputs,
    status: body.status,
    source: body.source,
    traceId: body.trace_id,
    tenantId: body.tenant_id,
    requestedAtMs: body.requested_at,
    expiresAtMs: body.expires_at,
    decidedAtMs: body.approved_at ?? body.rejected_at,
    decidedBy: body.decision_by,
    executedPromptId: body.metadata?.executed_prompt_id ?? body.metadata?.prompt_id ?? body.prompt_id,
  }
}

export const readOneApproval = (json: unknown): Approval | null => (isRecord(json) ? readApproval(json.approval) : null)

export interface Approvals {
  /** Newest first. */
  readonly approvals: readonly Approval[]
  /** All that wait, also those beyond this page. */
  readonly pendingCount: number
}

export function readApprovals(json: unknown): Approvals | null {
  const approvals = isRecord(json) ? takeEach(json.approvals, readApproval, 500) : null
  if (approvals === null || !isRecord(json)) return null
  const waiting = approvals.filter((entry) => entry.status === 'pending').length
  const told = take(v.pipe(v.number(), v.integer(), v.minValue(0)), json.pending_count)
  return { approvals, pendingCount: told ?? waiting }
}

/** An approval that was not executed can never be executed any more: it needs a new trigger. */
export interface Approved {
  readonly executed: boolean
  readonly promptId: string | null
  readonly executionError: string | null
  readonly approval: Approval | null
}

const approved = v.object({
  approved: v.literal(true),
  executed: v.fallback(v.boolean(), false),
  prompt_id: orNull(promptId),
  execution_error: orNull(v.string()),
  approval: anything,
})

export function readApproved(json: unknown): Approved | null {
  const body = take(approved, json)
  if (body === null) return null
  return {
    executed: body.executed,
    promptId: body.prompt_id,
    executionError: body.execution_error === null ? null : safeLine(body.execution_error, 300),
    approval: readApproval(body.approval),
  }
}

export const readRejected = (json: unknown): { readonly approval: Approval | null } | null =>
  isRecord(json) && json.rejected === true ? { approval: readApproval(json.approval) } : null

export interface Schedule {
  readonly scheduleId: string
  readonly name: string | null
  readonly templateId: string | null
  readonly inputs: Readonly<Record<string, unknown>>
  readonly cron: string | null
  readonly intervalSec: number | null
  readonly timezone: string | null
  readonly enabled: boolean
}

const schedule = v.object({
  schedule_id: opaqueId,
  name: word,
  template_id: word,
  inputs: values,
  cron_expr: word,
  interval_sec: orNull(finite),
  timezone: word,
  enabled: v.boolean(),
})

function readSchedule(json: unknown): Schedule | null {
  const body = take(schedule, json)
  if (body === null) return null
  return {
    scheduleId: body.schedule_id,
    name: body.name,
    templateId: body.template_id,
    inputs: body.inputs,
    cron: body.cron_expr,
    intervalSec: body.interval_sec,
    timezone: body.timezone,
    enabled: body.enabled,
  }
}

export const readOneSchedule = (json: unknown): Schedule | null => (isRecord(json) ? readSchedule(json.schedule) : null)

/** The backend holds at most 200. */
export const readSchedules = (json: unknown): readonly Schedule[] | null =>
  isRecord(json) ? takeEach(json.schedules, readSchedule, 1000) : null
