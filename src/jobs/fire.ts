import type { Backend } from '../backend/client.ts'
import type { Failure } from '../backend/http.ts'
import type { Job } from '../store/jobs.ts'
import { jobs as say } from '../texts/jobs.ts'

/** What came of one attempt to submit. `again`: certainly nothing happened, try later (`fresh`: under a new trace id,
 *  the old one is burnt). `unsure`: it may have happened; the next attempt finds out first. */
export type Fired =
  /** `before`: an earlier attempt made it; the backend may have been restarted, and have lost it, since. */
  | { readonly to: 'queued'; readonly promptId: string; readonly before?: true }
  | { readonly to: 'approval'; readonly approvalId: string; readonly expiresAtMs: number }
  | { readonly to: 'refused'; readonly why: string }
  | { readonly to: 'unknown' }
  | { readonly to: 'again'; readonly fresh: boolean; readonly afterMs: number }
  | { readonly to: 'unsure'; readonly afterMs: number }

export interface FireDeps {
  readonly backend: Backend
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/** The backend forgets trace ids after an hour (backend-contract, section 4): with this margin we still trust it. */
const dedupeMs = 50 * 60_000
/** Approvals live an hour unless the backend says otherwise. */
const approvalMs = 60 * 60_000
/** Entries carry whole workflows: more would pass the size limit of an answer. */
const recent = 50
/** A daily cap answers with hours: ask again sooner, the operator may have lifted it. */
const longestWaitMs = 30_000
const lookAgainMs = 1000
const looks = 3

/** Submits a job for the first time under its trace id. */
export const fire = async (job: Job, deps: FireDeps, signal: AbortSignal): Promise<Fired> => {
  const answer = await deps.backend.fire(
    {
      templateId: job.template,
      inputs: job.inputs,
      traceId: job.traceId,
      ...consentOf(job),
    },
    { signal, ...(job.tenant ? { tenant: job.tenant } : {}) },
  )
  if (!answer.ok) return afterFailure(job, answer)
  if (answer.value.kind === 'queued') {
    const { promptId, deduped } = answer.value
    return { to: 'queued', promptId, ...(deduped ? { before: true } : {}) }
  }
  if (answer.value.kind === 'approval') {
    return {
      to: 'approval',
      approvalId: answer.value.approvalId,
      expiresAtMs: answer.value.expiresAtMs ?? deps.now() + approvalMs,
    }
  }
  return find(job, deps, signal)
}

/** A job that has an approval and comes here again was approved and could not be started: asking a second time, where
 *  that is the operator's default, would make an approver repeat themselves. */
const consentOf = ({ approval, approvalId }: Job): { readonly requireApproval?: boolean } => {
  if (approval) return { requireApproval: true }
  return approvalId === undefined ? {} : { requireApproval: false }
}

/** Finds out what became of a submission whose answer never reached us (backend-contract, section 8). */
export const recover = async (job: Job, deps: FireDeps, signal: AbortSignal): Promise<Fired> => {
  // An approval is not deduplicated by trace id, and the operator's default may have made one: look there first.
  const waiting = await deps.backend.approvals(undefined, { signal })
  // Who may not list may not fire either; any other silence leaves open what there is.
  if (!waiting.ok && waiting.kind !== 'denied' && waiting.kind !== 'missing') {
    return { to: 'unsure', afterMs: waiting.retryAfterMs ?? 2000 }
  }
  const made = waiting.ok ? waiting.value.approvals.find((one) => one.traceId === job.traceId) : undefined
  if (made) {
    return made.executedPromptId
      ? { to: 'queued', promptId: made.executedPromptId }
      : { to: 'approval', approvalId: made.approvalId, expiresAtMs: made.expiresAtMs ?? deps.now() + approvalMs }
  }
  if (deps.now() - (job.submittedAtMs ?? 0) < dedupeMs) {
    const fired = await fire(job, deps, signal)
    // Still nobody home: the first attempt stays in doubt until somebody answers.
    return fired.to === 'again' && !fired.fresh ? { to: 'unsure', afterMs: fired.afterMs } : fired
  }
  const found = await search(job.traceId, deps, signal)
  if (found === 'unreachable') return { to: 'unsure', afterMs: 2000 }
  return found ? { to: 'queued', promptId: found } : { to: 'unknown' }
}

/** The trace id is taken, but no prompt is named: the first attempt failed, or it is still being submitted. */
const find = async (job: Job, deps: FireDeps, signal: AbortSignal): Promise<Fired> => {
  for (let look = 0; look < looks; look++) {
    if (look > 0) await deps.sleep(lookAgainMs, signal)
    const found = await search(job.traceId, deps, signal)
    if (found === 'unreachable') return { to: 'unsure', afterMs: 2000 }
    if (found) return { to: 'queued', promptId: found }
  }
  return { to: 'again', fresh: true, afterMs: 0 }
}

/** Queue first, then history: a job moves in this direction, so it can't slip between the two looks. */
export const search = async (
  traceId: string,
  { backend }: FireDeps,
  signal: AbortSignal,
): Promise<string | null | 'unreachable'> => {
  const queue = await backend.queue({ signal })
  if (!queue.ok) return 'unreachable'
  const queued = [...queue.value.running, ...queue.value.pending].find((entry) => entry.traceId === traceId)
  if (queued) return queued.promptId
  const history = await backend.historyRecent(recent, { signal })
  if (!history.ok) return 'unreachable'
  return history.value.find((entry) => entry.traceId === traceId)?.promptId ?? null
}

const afterFailure = (job: Job, failure: Failure): Fired => {
  if (failure.effect === 'maybe') return { to: 'unsure', afterMs: 1000 }
  if (failure.kind === 'down') return { to: 'again', fresh: false, afterMs: 2000 }
  if (failure.kind === 'limited' && failure.code !== 'rendered_workflow_size') {
    // The backend's own budget burns the id (backend-contract, 0.2). A limit in front of it never looked at the id, so
    // an earlier attempt under it may have arrived: the same id finds out.
    return {
      to: 'again',
      fresh: failure.code === 'budget_exceeded',
      afterMs: Math.min(failure.retryAfterMs ?? 1000, longestWaitMs),
    }
  }
  return { to: 'refused', why: reasonOf(job, failure) }
}

const reasonOf = (job: Job, failure: Failure): string => {
  const why = say.refusedWhy
  if (failure.kind === 'denied') return why.denied
  if (failure.code === 'route_missing') return why.packMissing
  if (failure.kind === 'missing')
    return /template/i.test(failure.said ?? '') ? why.template(job.template) : why.packMissing
  if (failure.code === 'rendered_workflow_size' || failure.status === 413) return why.tooLarge
  if (failure.kind === 'refused' && /submission failed/i.test(failure.said ?? '')) return why.workflow
  return why.other(failure.said)
}
