import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import type { Capabilities } from '../../src/contract/index.ts'
import type { Live } from '../../src/jobs/live.ts'
import type { Progress } from '../../src/jobs/progress.ts'
import { makeWatcher, type WatchDeps } from '../../src/jobs/watch.ts'
import { openBlobs } from '../../src/media/blobs.ts'
import type { Job } from '../../src/store/jobs.ts'
import { tempDir } from '../kit/core.ts'
import { ok } from './backend-kit.ts'
import { jobsRig } from './jobs-kit.ts'

export const minute = 60_000
export const output = { '9': { images: [{ filename: 'fox.png', subfolder: '', type: 'output' }] } }

/** A watcher on a backend in memory, with everything it writes. */
export const watching = async (over: Partial<WatchDeps> = {}, caps: Partial<Capabilities> = {}) => {
  const rig = jobsRig({ caps })
  const { clock, comfy } = rig
  const newId = () => randomBytes(16).toString('hex')
  const blobs = await openBlobs({ dir: tempDir(), maxTotalBytes: 1e6, now: clock.now, newId, log: rig.log })
  const shown: string[] = []
  const live: Live = {
    show: (key, text) => void shown.push(`${key}: ${text.split('\n')[0]}`),
    end: async (key) => void shown.push(`${key} ends`),
  }
  const followed: string[] = []
  const progress: Progress = {
    follow: (job) => void followed.push(`follow ${job.id}`),
    leave: (id) => void followed.push(`leave ${id}`),
  }
  let woken = 0
  const backend = { ...comfy.backend, view: async () => ok(new Response('bytes of a fox')) }
  const watcher = makeWatcher({
    ...rig.telling,
    ...rig.submitting,
    backend,
    blobs,
    collected: new Map(),
    maxImages: 4,
    maxImageBytes: 1000,
    slowMs: 10 * minute,
    endLive: live.end,
    live,
    progress,
    wakeSubmitter: () => {
      woken++
    },
    ...over,
  })
  /** A job that the backend has, and whose requester was told so. */
  const queued = async (id: string, more: Partial<Job> = {}): Promise<string> => {
    const answer = await comfy.backend.fire({ templateId: 'portrait', inputs: {}, traceId: `trace-${id}` })
    const promptId = answer.ok && answer.value.kind === 'queued' ? answer.value.promptId : ''
    rig.ask(id, { state: 'queued', promptId, submittedAtMs: clock.now(), told: 'queued', ackKey: `ack:${id}`, ...more })
    return promptId
  }
  const run = (): Promise<void> => {
    const running = watcher.run(rig.stop.signal)
    onTestFinished(async () => {
      rig.stop.abort()
      await running
    })
    return running
  }
  const news = () => rig.messages().filter((row) => row.edits === null)
  return { ...rig, backend, blobs, watcher, shown, followed, queued, run, news, woken: () => woken }
}
