import { defaultTenant, tenantOf } from '../contract/index.ts'
import { approvalById } from '../store/approvals.ts'
import { type Job, jobById, jobByPrompt, jobByTrace, openJobs } from '../store/jobs.ts'
import type { Db } from '../store/open.ts'
import type { Call, CommandDeps } from './command.ts'

/** Whether a job (null: it did not come through us) belongs to this tenant. What comes from elsewhere belongs to the
 *  default one, where the backend files it (backend-contract, 0.10). */
export const maySee = (job: Job | null, tenant: string): boolean => (job ? tenantOf(job) : defaultTenant) === tenant

/** The same for a prompt by its id, where none of the tenant's own jobs has it. */
export const maySeeForeign = (promptId: string, { tenant }: Call, { store }: CommandDeps): boolean =>
  maySee(
    store.read((db) => jobByPrompt(db, promptId)),
    tenant,
  )

/** The job that waits for an approval; by its trace where the two have not met yet. */
export const jobOfApproval = (db: Db, approvalId: string, traceId: string | null): Job | null => {
  const known = approvalById(db, approvalId)
  if (known?.job) return jobById(db, known.job)
  return traceId === null ? null : jobByTrace(db, traceId)
}

/** Nobody but this tenant has anything open here. */
export const isAlone = ({ tenant }: Call, { store }: CommandDeps): boolean =>
  tenant === defaultTenant && store.read(openJobs).every((job) => tenantOf(job) === tenant)
