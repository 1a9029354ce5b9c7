import type { Failure } from '../backend/http.ts'
import { type Approval, endApproval, unclaimApproval } from '../store/approvals.ts'
import { askCancel } from '../store/cancels.ts'
import { changeJob, type Job, jobById } from '../store/jobs.ts'
import type { Db } from '../store/open.ts'
import { type FireDeps, search } from './fire.ts'
import type { SubmitDeps } from './submit.ts'

/** How the backend sees a request we passed a decision on. */
type Seen =
  | { readonly is: 'approved'; readonly promptId: string | null; readonly by: string | null }
  | { readonly is: 'rejected'; readonly by: string | null }
  | { readonly is: 'expired' }
  | { readonly is: 'gone' }
  /** The backend does not let us decide: the claim is given back. */
  | { readonly is: 'denied' }
  /** Asked for too long: what became of it can't be known. */
  | { readonly is: 'unconfirmed' }
  /** `away`: nobody is there at all. */
  | { readonly is: 'later'; readonly afterMs: number; readonly away?: boolean }

/** The backend takes no decision on an overdue request, so what it has not confirmed by then it never will. */
const confirmMs = 2 * 60_000
/** One that is away may come back and tell how it stands. */
const awayMs = 24 * 60 * 60_000

/** Overdue for so long that nobody will say any more what became of it. */
export const isForgotten = (approval: Approval, nowMs: number): boolean => nowMs > approval.expiresAtMs + awayMs

/** A submission takes 5 to 20 ms (backend-contract, section 4). */
const submissionMs = 3000

/** Passes a claimed decision on; returns how long to wait before trying again (0: it is through). */
export const passOn = async (approval: Approval, deps: SubmitDeps, signal: AbortSignal): Promise<number> => {
  const told = await (approval.state === 'approving' ? approve(approval, deps, signal) : reject(approval, deps, signal))
  deps.step('decide:told')
  if (signal.aborted) return 0
  // Once we may have pressed, only the backend knows how it ended: the clock ends it as unconfirmed, never as anything else.
  const hopeless = told.is === 'later' && deps.now() > approval.expiresAtMs + (told.away ? awayMs : confirmMs)
  const seen = hopeless ? await lastLook(approval, deps, signal) : told
  if (signal.aborted) return 0
  if (seen.is === 'later') return seen.afterMs
  await deps.store.write((db) => end(db, approval, seen, deps))
  deps.step('decide:noted')
  deps.log.info({ approval: approval.id, is: seen.is }, 'decision')
  deps.watch()
  await deps.tellApproval(approval.id)
  if (approval.job) await deps.tellJob(approval.job)
  return 0
}

/** The approvals may be broken over there while the queue still tells that the job is on its way. */
const lastLook = async (approval: Approval, deps: SubmitDeps, signal: AbortSignal): Promise<Seen> => {
  const found = approval.traceId ? await search(approval.traceId, deps, signal) : null
  return found && found !== 'unreachable' ? { is: 'approved', promptId: found, by: null } : { is: 'unconfirmed' }
}

const later = (failure: Failure, afterMs: number): Seen => ({
  is: 'later',
  afterMs: failure.retryAfterMs ?? afterMs,
  away: failure.kind === 'down',
})

const approve = async (approval: Approval, deps: SubmitDeps, signal: AbortSignal): Promise<Seen> => {
  // A crash or a lost answer may lie between our claim and now: look before pressing again.
  const before = await look(approval, deps, signal)
  if (before) return before
  const answer = await deps.backend.approve(approval.id, { actor: approval.decider ?? 'connector' }, { signal })
  if (answer.ok && answer.value.promptId) return { is: 'approved', promptId: answer.value.promptId, by: null }
  if (answer.ok) return approvedWithoutJob(approval, null, deps, signal)
  if (answer.effect === 'maybe' || answer.kind === 'down' || answer.kind === 'limited') {
    return later(answer, 1000)
  }
  if (answer.kind === 'denied') return { is: 'denied' }
  return (await look(approval, deps, signal)) ?? { is: 'gone' }
}

const reject = async (approval: Approval, deps: SubmitDeps, signal: AbortSignal): Promise<Seen> => {
  const answer = await deps.backend.reject(approval.id, { actor: approval.decider ?? 'connector' }, { signal })
  if (answer.ok) return { is: 'rejected', by: null }
  if (answer.effect === 'maybe' || answer.kind === 'down' || answer.kind === 'limited') {
    return later(answer, 1000)
  }
  if (answer.kind === 'denied') return { is: 'denied' }
  return (await look(approval, deps, signal)) ?? { is: 'gone' }
}

/** What the backend has on record; null while it is still pending there. */
export const look = async (approval: Approval, deps: FireDeps, signal: AbortSignal): Promise<Seen | null> => {
  const answer = await deps.backend.approval(approval.id, { signal })
  if (!answer.ok) {
    if (answer.kind === 'missing') return { is: 'gone' }
    return answer.kind === 'denied' ? { is: 'denied' } : later(answer, 2000)
  }
  const record = answer.value
  if (record.status === 'rejected') return { is: 'rejected', by: record.decidedBy }
  if (record.status === 'expired') return { is: 'expired' }
  if (record.status === 'pending')
    return (record.expiresAtMs ?? approval.expiresAtMs) <= deps.now() ? { is: 'expired' } : null
  if (record.executedPromptId) return { is: 'approved', promptId: record.executedPromptId, by: record.decidedBy }
  return approvedWithoutJob(approval, record.decidedBy, deps, signal)
}

/** On record as approved, but no job is named: it is being submitted this very moment, or it never will be. Submitting
 *  it ourselves too early would run it twice, so look a second time after longer than any submission takes. */
const approvedWithoutJob = async (
  approval: Approval,
  by: string | null,
  deps: FireDeps,
  signal: AbortSignal,
): Promise<Seen> => {
  await deps.sleep(submissionMs, signal)
  const again = await deps.backend.approval(approval.id, { signal })
  if (!again.ok) return later(again, 2000)
  const found =
    again.value.executedPromptId ?? (again.value.traceId ? await search(again.value.traceId, deps, signal) : null)
  if (found === 'unreachable') return { is: 'later', afterMs: 2000 }
  return { is: 'approved', promptId: found, by }
}

/** Writes the end of an approval and what it means for its job, in one transaction. */
export const end = (
  db: Db,
  approval: Approval,
  seen: Exclude<Seen, { is: 'later' }>,
  deps: Pick<SubmitDeps, 'now' | 'newTrace'>,
): void => {
  const nowMs = deps.now()
  const by = 'by' in seen && seen.by && !approval.decider ? { id: seen.by, name: '' } : undefined
  const job = approval.job ? jobById(db, approval.job) : null
  if (seen.is === 'denied') {
    unclaimApproval(db, approval.id)
    return
  }
  if (seen.is === 'approved') {
    if (!endApproval(db, approval.id, 'approved', nowMs, by)) return
    approved(db, job, seen.promptId, deps)
    return
  }
  if (seen.is === 'unconfirmed') {
    endApproval(db, approval.id, approval.state === 'pending' ? 'expired' : 'failed', nowMs)
    if (job) changeJob(db, job.id, { state: 'unknown', finishedAtMs: nowMs }, ['approval'])
    return
  }
  const state = seen.is === 'rejected' ? 'rejected' : 'expired'
  endApproval(db, approval.id, state, nowMs, by)
  if (job) {
    changeJob(db, job.id, { state, ...(approval.reason ? { detail: approval.reason } : {}), finishedAtMs: nowMs }, [
      'approval',
    ])
  }
}

const approved = (
  db: Db,
  job: Job | null,
  promptId: string | null,
  deps: Pick<SubmitDeps, 'now' | 'newTrace'>,
): void => {
  const nowMs = deps.now()
  if (promptId) {
    if (!job) return
    // Approved elsewhere while its requester cancelled it: it runs, so it is followed and stopped like any other.
    if (job.state === 'cancelled') askCancel(db, job.id, job.requester)
    changeJob(db, job.id, { state: 'queued', promptId, submittedAtMs: nowMs }, ['approval', 'cancelled'])
    return
  }
  // Approved, but the backend could not start it and never will (backend-contract, 0.1): submit it anew. The approval
  // is spent, so this happens once; the job's own row guards the submission as always.
  if (job) {
    db.sql(
      `UPDATE jobs SET approval = 0, state = 'waiting', trace_id = ?, created_at = ? WHERE id = ? AND state = 'approval'`,
    ).run(deps.newTrace(), nowMs, job.id)
  }
}
