import { foldProgress, startProgress } from '../backend/progress.ts'
import type { QueueEntry } from '../backend/wire-jobs.ts'
import type { Job } from '../store/jobs.ts'
import { jobs as say } from '../texts/jobs.ts'
import type { Live } from './live.ts'

/** Listens to the running job's own messages. */
export type Listen = (
  clientId: string,
  onMessage: (type: string, data: Readonly<Record<string, unknown>>) => void,
  signal: AbortSignal,
) => Promise<void>

export interface Progress {
  readonly follow: (job: Job, entry: QueueEntry, signal: AbortSignal) => void
  readonly leave: (jobId: string) => void
}

/** Adopts the client id of a running job to hear its steps. Only of jobs whose trace id is ours: a second socket with
 *  a browser's id would make that browser deaf (backend-contract, sections 0.5 and 7). */
export const makeFollower = (listen: Listen, live: Live): Progress => {
  const followed = new Map<string, AbortController>()
  return {
    follow: (job, entry, signal) => {
      if (followed.has(job.id) || !job.ackKey || !job.told) return
      const id = job.promptId ?? job.id
      const ackKey = job.ackKey
      live.show(ackKey, say.running(job.template, id, null), signal)
      if (!entry.clientId || entry.traceId !== job.traceId) return
      const stop = new AbortController()
      followed.set(job.id, stop)
      let state = startProgress(job.promptId ?? '', entry.nodeCount)
      void listen(
        entry.clientId,
        (type, data) => {
          state = foldProgress(state, type, data)
          const step = state.shown
          if (step)
            live.show(
              ackKey,
              say.running(job.template, id, {
                value: step.step,
                max: step.of,
                percent: step.of > 1 ? Math.floor((100 * step.step) / step.of) : step.percent,
              }),
              signal,
            )
        },
        AbortSignal.any([signal, stop.signal]),
      )
    },
    leave: (jobId) => {
      followed.get(jobId)?.abort()
      followed.delete(jobId)
    },
  }
}
