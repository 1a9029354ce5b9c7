import type { Item } from './queue.ts'
import { isObject } from './types.ts'

export type JobState = 'pending' | 'running' | 'success' | 'error' | 'interrupted' | 'removed' | 'lost'

/** A job this simulator has accepted at any time, whatever became of it. */
export interface AcceptedJob {
  readonly promptId: string
  readonly traceId: string | null
  readonly number: number
  readonly state: JobState
  readonly prompt: Item['prompt']
}

/** Outlives crashes: tests count here whether something ran twice. */
export interface Ledger {
  readonly add: (item: Item) => void
  /** The first job of that id that is not over changes its state; if all are, the last one. */
  readonly mark: (promptId: string, state: JobState) => void
  readonly all: () => readonly AcceptedJob[]
}

const maxJobs = 10_000

export function createLedger(): Ledger {
  const jobs: AcceptedJob[] = []
  return {
    add: ({ promptId, number, extra, prompt }) => {
      const openclaw = extra.openclaw
      const traceId = isObject(openclaw) && typeof openclaw.trace_id === 'string' ? openclaw.trace_id : null
      jobs.push({ promptId, traceId, number, state: 'pending', prompt })
      if (jobs.length > maxJobs) jobs.shift()
    },
    mark: (promptId, state) => {
      const open = jobs.findIndex((job) => job.promptId === promptId && /pending|running/.test(job.state))
      const at = open >= 0 ? open : jobs.findLastIndex((job) => job.promptId === promptId)
      const job = jobs[at]
      if (job !== undefined) jobs[at] = { ...job, state }
    },
    all: () => [...jobs],
  }
}
