import type { Answer, CallOptions, Failure, Http } from './http.ts'
import { isPromptId } from './wire.ts'
import { failed } from './wire-failure.ts'
import {
  type HistoryEntry,
  type JobsPage,
  type jobStatuses,
  type Queue,
  readHistory,
  readJobs,
  readQueue,
} from './wire-jobs.ts'

export interface JobsQuery {
  readonly status?: (typeof jobStatuses)[number]
  readonly workflowId?: string
  readonly sortBy?: 'created_at' | 'execution_duration'
  readonly sortOrder?: 'asc' | 'desc'
  /** 1 to 200. */
  readonly limit?: number
  readonly offset?: number
}

/** Which cancelling routes this ComfyUI has: `jobs` (since about 0.26) or only `classic` (queue and interrupt). */
export type HostKind = 'jobs' | 'classic'

export interface CancelReport {
  readonly host: HostKind
  readonly asked: readonly string[]
  /** Whether the host says it cancelled something; a classic host never says. Look at queue and history to know. */
  readonly cancelled: boolean | null
}

/** Queue items and history entries carry whole workflows, errors even printed tensors. */
const bulkyBytes = 32 * 1024 * 1024
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const cancelOne = { method: 'POST', route: '/api/jobs/{id}/cancel', changes: true } as const
const cancelMany = { method: 'POST', route: '/api/jobs/cancel', path: '/api/jobs/cancel', changes: true } as const
const queueDelete = { method: 'POST', route: '/queue', path: '/queue', changes: true } as const
const interrupt = { method: 'POST', route: '/api/interrupt', path: '/api/interrupt', changes: true } as const

const done = () => true as const
const cancelledIn = (json: unknown): { cancelled: boolean } | null =>
  typeof json === 'object' && json !== null && 'cancelled' in json && typeof json.cancelled === 'boolean'
    ? { cancelled: json.cancelled }
    : null

/** The jobs routes answer 404 for nothing else than being absent; other hosts say it in words. */
const lacksRoute = (failure: Failure): boolean =>
  failure.status === 404 ||
  failure.status === 405 ||
  failure.status === 501 ||
  /method not allowed|unsupported|not implemented/i.test(failure.said ?? '')

export function jobCalls(http: Http) {
  // What the host last turned out to be. A jobs host is asked anew each time, so a downgrade is noticed; a classic
  // one is not asked again, because the classic calls work on every host.
  let host: HostKind | null = null

  const cancelClassic = async (ids: readonly string[], options: CallOptions): Promise<Answer<CancelReport>> => {
    // In this order a job that starts in between is still caught. Both are silent where they don't apply.
    const removed = await http.call({ ...queueDelete, json: { delete: ids } }, done, options)
    const rest = await Promise.all(
      ids.map((promptId) => http.call({ ...interrupt, json: { prompt_id: promptId } }, done, options)),
    )
    const trouble = [removed, ...rest].find((answer): answer is Failure => !answer.ok && !lacksRoute(answer))
    const worked = [removed, ...rest].find((answer) => answer.ok)
    if (trouble !== undefined) return worked === undefined ? trouble : { ...trouble, effect: 'maybe' }
    if (worked === undefined) return removed.ok ? failed(queueDelete, 'unsupported', 'no way to cancel') : removed
    return { ok: true, status: 200, value: { host: 'classic', asked: ids, cancelled: null } }
  }

  /** Null: this host has no jobs routes. */
  const cancelModern = async (ids: readonly string[], options: CallOptions): Promise<Answer<CancelReport> | null> => {
    // The batch route refuses the whole batch when one id is no UUID.
    const together = ids.length > 1 && ids.every((id) => uuid.test(id))
    const answers = together
      ? [await http.call({ ...cancelMany, json: { job_ids: ids } }, cancelledIn, options)]
      : await Promise.all(
          ids.map((id) =>
            http.call(
              { ...cancelOne, path: `/api/jobs/${encodeURIComponent(id)}/cancel`, json: {} },
              cancelledIn,
              options,
            ),
          ),
        )
    const failures = answers.filter((answer) => !answer.ok)
    if (failures.some(lacksRoute)) return null
    const first = failures[0]
    if (first !== undefined) return failures.length === answers.length ? first : { ...first, effect: 'maybe' }
    const cancelled = answers.some((answer) => answer.ok && answer.value.cancelled)
    return { ok: true, status: 200, value: { host: 'jobs', asked: ids, cancelled } }
  }

  return {
    queue: (options: CallOptions = {}): Promise<Answer<Queue>> =>
      http.call(
        { method: 'GET', route: '/queue', path: '/queue', changes: false, maxBytes: bulkyBytes },
        readQueue,
        options,
      ),

    /** Null: not finished, unknown, taken out of the queue, or forgotten by a restart. */
    history: async (promptId: string, options: CallOptions = {}): Promise<Answer<HistoryEntry | null>> => {
      const call = { method: 'GET', route: '/history/{id}', changes: false, maxBytes: bulkyBytes } as const
      if (!isPromptId(promptId)) return failed(call, 'missing', 'not asked, this is no prompt id')
      const path = `/history/${encodeURIComponent(promptId)}`
      const answer = await http.call({ ...call, path }, readHistory, options)
      if (!answer.ok) return answer
      return { ...answer, value: answer.value.find((entry) => entry.promptId === promptId) ?? null }
    },

    /** The last `max` finished jobs, oldest first: to find a job by its trace id. */
    historyRecent: (max: number, options: CallOptions = {}): Promise<Answer<readonly HistoryEntry[]>> =>
      http.call(
        {
          method: 'GET',
          route: '/history',
          path: '/history',
          query: { max_items: max },
          changes: false,
          maxBytes: bulkyBytes,
        },
        readHistory,
        options,
      ),

    /** Counts against the 20 a minute. `unsupported` on hosts without the jobs view: use `queue` there. */
    jobs: (query: JobsQuery = {}, options: CallOptions = {}): Promise<Answer<JobsPage>> => {
      const { status, workflowId, sortBy, sortOrder, limit, offset } = query
      const named = { status, workflow_id: workflowId, sort_by: sortBy, sort_order: sortOrder, limit, offset }
      const route = '/openclaw/jobs'
      return http.call({ method: 'GET', route, path: route, query: named, changes: false }, readJobs, options)
    },

    /** Stops whatever runs, whoever started it. */
    interruptAll: (options: CallOptions = {}): Promise<Answer<true>> => http.call(interrupt, done, options),

    /** Asks the host to cancel these jobs, waiting or running; unknown and finished ones are passed over. Idempotent.
     *  Never falls back to stopping everything. */
    cancel: async (promptIds: readonly string[], options: CallOptions = {}): Promise<Answer<CancelReport>> => {
      const ids = [...new Set(promptIds)]
      if (ids.length === 0 || !ids.every(isPromptId)) return failed(cancelMany, 'missing', 'not asked, no prompt ids')
      const modern = host === 'classic' ? null : await cancelModern(ids, options)
      if (modern === null) host = 'classic'
      else if (modern.ok) host = 'jobs'
      return modern ?? cancelClassic(ids, options)
    },
  }
}
