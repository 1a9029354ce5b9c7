import { claimApproval } from '../store/approvals.ts'
import { changeJob, type Job } from '../store/jobs.ts'
import type { Db } from '../store/open.ts'
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
    claimApproval(db, job.approvalId, 'rejecting', { ...by, reason: texts.approvals.cancelledReason })
  return ended
}
