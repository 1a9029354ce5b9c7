import type { Answer, CallOptions, Failure, Http } from './http.ts'
import { isOpaqueId, isRecord, isTemplateId } from './wire.ts'
import {
  type Approval,
  type ApprovalStatus,
  type Approvals,
  type Approved,
  type Fired,
  readApprovals,
  readApproved,
  readFired,
  readOneApproval,
  readOneSchedule,
  readRejected,
  readSchedules,
  type Schedule,
} from './wire-decide.ts'
import { failed } from './wire-failure.ts'

export interface Trigger {
  readonly templateId: string
  readonly inputs: Readonly<Record<string, unknown>>
  /** Ours; names the attempt. Same id again within an hour: same answer, nothing runs twice. */
  readonly traceId: string
  /** Left out unless forced: saying `false` overrides the operator's own default. `false` is for what an approver has
   *  agreed to already, and the backend can't run under that approval any more. */
  readonly requireApproval?: boolean
}

/** Approvals with full inputs (32 kB each), 500 of them. */
const bulkyBytes = 32 * 1024 * 1024

const fireCall = {
  method: 'POST',
  route: '/openclaw/triggers/fire',
  path: '/openclaw/triggers/fire',
  changes: true,
  tenantless: true,
} as const

function judgeFire(failure: Failure, json: unknown): Failure {
  const detail = isRecord(json) && typeof json.detail === 'string' ? json.detail : ''
  // Two things share one code: "one submit at a time" passes in a second, "workflow over 512 kB" never does.
  if (failure.code === 'budget_exceeded' && detail.includes('rendered_workflow_size')) {
    return { ...failure, kind: 'refused', code: 'rendered_workflow_size', retryAfterMs: null }
  }
  // ComfyUI looked at the workflow and said no, so nothing is queued; other crashes may lie behind the submission.
  if (failure.status === 500 && /^Queue submission failed: 4\d\d$/.test(failure.said ?? '')) {
    return { ...failure, effect: 'none', code: 'workflow_refused' }
  }
  return failure
}

/** The backend says with 400 and a sentence why an approval can't be decided (any more). */
function judgeDecision(failure: Failure): Failure {
  if (failure.status !== 400) return failure
  const said = failure.said ?? ''
  const state = /in status: (approved|rejected|expired)\b/i.exec(said)?.[1]?.toLowerCase()
  if (state !== undefined) return { ...failure, code: state === 'expired' ? 'expired' : `already_${state}` }
  if (/has expired/i.test(said)) return { ...failure, code: 'expired' }
  return /not found/i.test(said) ? { ...failure, kind: 'missing' } : failure
}

export function decideCalls(http: Http) {
  const approvalPath = (id: string): string => `/openclaw/approvals/${encodeURIComponent(id)}`
  const schedulePath = (id: string): string => `/openclaw/schedules/${encodeURIComponent(id)}`

  return {
    /** Submits a job, or a request for approval. The backend takes one submit at a time, approvals included: the
     *  caller queues them. After an answered failure use a new trace id, after an unanswered one the same. */
    fire: async (trigger: Trigger, options: CallOptions = {}): Promise<Answer<Fired>> => {
      if (!isTemplateId(trigger.templateId)) return failed(fireCall, 'missing', 'not asked, this is no template id')
      const json = {
        template_id: trigger.templateId,
        inputs: trigger.inputs,
        trace_id: trigger.traceId,
        ...(trigger.requireApproval === undefined ? {} : { require_approval: trigger.requireApproval }),
      }
      return http.call({ ...fireCall, json }, readFired, options, judgeFire)
    },

    /** Newest first, at most 500. Listing is also what makes the backend expire overdue requests. */
    approvals: (status?: ApprovalStatus, options: CallOptions = {}): Promise<Answer<Approvals>> => {
      const route = '/openclaw/approvals'
      const call = {
        method: 'GET',
        route,
        path: route,
        changes: false,
        tenantless: true,
        maxBytes: bulkyBytes,
      } as const
      return http.call({ ...call, query: { status, limit: 500 } }, readApprovals, options)
    },

    approval: async (id: string, options: CallOptions = {}): Promise<Answer<Approval>> => {
      const call = { method: 'GET', route: '/openclaw/approvals/{id}', changes: false, tenantless: true } as const
      if (!isOpaqueId(id)) return failed(call, 'missing', 'not asked, this is no approval id')
      return http.call({ ...call, path: approvalPath(id) }, readOneApproval, options)
    },

    /** Approves and runs. `actor` (a qualified id) is the backend's only record of who decided. Code
     *  `already_approved`, `already_rejected` or `expired` when it was too late. */
    approve: async (
      id: string,
      { actor }: { readonly actor: string },
      options: CallOptions = {},
    ): Promise<Answer<Approved>> => {
      const call = {
        method: 'POST',
        route: '/openclaw/approvals/{id}/approve',
        changes: true,
        tenantless: true,
      } as const
      if (!isOpaqueId(id)) return failed(call, 'missing', 'not asked, this is no approval id')
      const json = { actor, auto_execute: true }
      return http.call({ ...call, path: `${approvalPath(id)}/approve`, json }, readApproved, options, judgeDecision)
    },

    reject: async (
      id: string,
      { actor }: { readonly actor: string },
      options: CallOptions = {},
    ): Promise<Answer<{ readonly approval: Approval | null }>> => {
      const call = {
        method: 'POST',
        route: '/openclaw/approvals/{id}/reject',
        changes: true,
        tenantless: true,
      } as const
      if (!isOpaqueId(id)) return failed(call, 'missing', 'not asked, this is no approval id')
      return http.call(
        { ...call, path: `${approvalPath(id)}/reject`, json: { actor } },
        readRejected,
        options,
        judgeDecision,
      )
    },

    schedules: (options: CallOptions = {}): Promise<Answer<readonly Schedule[]>> => {
      const route = '/openclaw/schedules'
      const call = { method: 'GET', route, path: route, changes: false, maxBytes: bulkyBytes } as const
      return http.call(call, readSchedules, options)
    },

    /** To run a schedule by hand, fire its template with its inputs: the backend's own way freezes it for 30 s and
     *  reports nothing. There is deliberately no call for that here. */
    schedule: async (id: string, options: CallOptions = {}): Promise<Answer<Schedule>> => {
      const call = { method: 'GET', route: '/openclaw/schedules/{id}', changes: false } as const
      if (!isOpaqueId(id)) return failed(call, 'missing', 'not asked, this is no schedule id')
      return http.call({ ...call, path: schedulePath(id) }, readOneSchedule, options)
    },

    /** Sets the switch (idempotent; the backend's toggle is not). */
    setScheduleEnabled: async (id: string, enabled: boolean, options: CallOptions = {}): Promise<Answer<Schedule>> => {
      const call = { method: 'PUT', route: '/openclaw/schedules/{id}', changes: true } as const
      if (!isOpaqueId(id)) return failed(call, 'missing', 'not asked, this is no schedule id')
      return http.call({ ...call, path: schedulePath(id), json: { enabled } }, readOneSchedule, options)
    },
  }
}
