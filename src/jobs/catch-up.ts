import { uncardedApprovals, unclosedCards } from '../store/approvals.ts'
import { untoldJobs } from '../store/jobs.ts'
import type { Store } from '../store/store.ts'

export interface CatchUpDeps {
  readonly store: Store
  readonly now: () => number
  /** Both write under stable keys, so telling twice is telling once. */
  readonly tellJob: (id: string) => Promise<void>
  readonly tellApproval: (id: string) => Promise<void>
}

const mostAtOnce = 200
/** Cards of decisions older than this are left as they are: pressing them still answers who decided. */
const closedWithinMs = 24 * 60 * 60_000

/** News that could not be written when they happened: the process ended between a change and its announcement, or the
 *  disk refused. `first`: since the start, so a process before this one may have left cards open. */
export const catchUp = async (deps: CatchUpDeps, first: boolean): Promise<void> => {
  const { store, now } = deps
  for (const id of store.read((db) => untoldJobs(db, mostAtOnce))) await deps.tellJob(id)
  for (const id of store.read((db) => uncardedApprovals(db, mostAtOnce))) await deps.tellApproval(id)
  if (!first) return
  const sinceMs = now() - closedWithinMs
  for (const id of store.read((db) => unclosedCards(db, sinceMs, mostAtOnce))) await deps.tellApproval(id)
}
