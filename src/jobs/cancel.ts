import type { Backend } from '../backend/client.ts'
import type { Log } from '../contract/index.ts'
import { claimApproval } from '../store/approvals.ts'
import { noteCancelPassed } from '../store/cancels.ts'
import { changeJob, type Job } from '../store/jobs.ts'
import type { Db } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import { texts } from '../texts/index.ts'

/** Ends a job that the backend does not run: one that waits to be submitted, or for an approver. Its request is turned
 *  down as well, so that nobody can approve what nobody wants any more. */
export const cancelUnsubmitted = (
  db: Db,
  job: Job,
  by: { readonly id: string; readonly name: string },
  nowMs: number,
): boolean => {
  const ended = changeJob(db, job.id, { state: 'cancelled', finishedAtMs: nowMs }, ['waiting', 'approval'])
  if (ended && job.approvalId)
    claimApproval(db, job.approvalId, 'rejecting', { ...by, reason: texts.approvals.cancelledReason }, nowMs)
  return ended
}

export interface CancelDeps {
  readonly backend: Backend
  readonly store: Store
  readonly now: () => number
  readonly log: Log
}

/** Whether somebody wants a submitted job stopped and the backend does not know it yet. */
export const isCancelOwed = (job: Job): boolean =>
  job.cancelBy !== undefined &&
  !job.cancelPassed &&
  job.promptId !== undefined &&
  (job.state === 'queued' || job.state === 'running')

/** Tells the backend once. False: it has not taken it, so the wish is still owed. */
export const passCancel = async (job: Job, deps: CancelDeps, signal: AbortSignal): Promise<boolean> => {
  if (!job.promptId) return false
  const answer = await deps.backend.cancel([job.promptId], { signal, ...(job.tenant ? { tenant: job.tenant } : {}) })
  if (answer.ok) await deps.store.write((db) => noteCancelPassed(db, job.id))
  else deps.log.warn({ job: job.id, about: answer.detail }, 'cancellation not taken yet, will try again')
  return answer.ok
}

const firstAgainMs = 2500
const mostAgainMs = 60_000

/** Keeps passing on what is owed, ever more rarely, as long as the job is open. */
export const makeCancelling = (deps: CancelDeps) => {
  const failed = new Map<string, { readonly times: number; readonly nextAtMs: number }>()
  return {
    pass: async (job: Job, signal: AbortSignal): Promise<void> => {
      const before = failed.get(job.id)
      if (before && deps.now() < before.nextAtMs) return
      if (await passCancel(job, deps, signal)) {
        failed.delete(job.id)
        return
      }
      const times = (before?.times ?? 0) + 1
      failed.set(job.id, { times, nextAtMs: deps.now() + Math.min(mostAgainMs, firstAgainMs * 2 ** times) })
    },
    /** Forgets all jobs but these. */
    keepOnly: (open: ReadonlySet<string>): void => {
      for (const id of failed.keys()) if (!open.has(id)) failed.delete(id)
    },
  }
}
