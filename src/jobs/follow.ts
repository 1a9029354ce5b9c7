import { randomUUID } from 'node:crypto'
import type { BackendLink } from '../backend/connect.ts'
import { watchSocket } from '../backend/socket.ts'
import type { Config } from '../config/config.ts'
import type { Worker } from '../delivery/worker.ts'
import type { Edge } from '../edge.ts'
import type { Platforms } from '../intake/platforms.ts'
import type { State } from '../state.ts'
import { makeLive } from './live.ts'
import { makeFollower } from './progress.ts'
import { makeSubmitter, type Submitter } from './submit.ts'
import { type TellDeps, tellApproval, tellJob } from './tell.ts'
import { makeWatcher } from './watch.ts'

export interface FollowDeps {
  readonly config: Config
  readonly edge: Edge
  readonly state: State
  readonly link: BackendLink
  readonly platforms: Platforms
  readonly worker: Worker
  readonly telling: TellDeps
  readonly step: (name: string) => void
}

/** Everything that happens to a job after its command: submitted, followed, shown, told. */
export interface Follow {
  readonly submitter: Submitter
  readonly tellJob: (id: string) => Promise<void>
  readonly run: (signal: AbortSignal) => Promise<void>
}

export const makeFollow = ({ config, edge, state, link, platforms, worker, telling, step }: FollowDeps): Follow => {
  const { now, sleep, random, log } = edge
  const { store, blobs } = state
  const { backend, templates } = link
  const late = (what: object) => (error: unknown) =>
    log.error({ ...what, error: String(error) }, 'news not written yet')
  const tellJobNow = (id: string): Promise<void> =>
    tellJob(id, telling)
      .catch(late({ job: id }))
      .then(() => watcher.wake())
  const submitting = {
    backend,
    templates,
    now,
    sleep,
    store,
    newTrace: randomUUID,
    tellJob: tellJobNow,
    tellApproval: (id: string) => tellApproval(id, telling).catch(late({ approval: id })),
    log,
    step,
  }
  const socket = { url: config.backend.url, WebSocket: edge.WebSocket, now, sleep, random }
  const live = makeLive({ store, now, outlet: platforms.outlet, gateOf: worker.gateOf })
  const progress = makeFollower(
    (clientId, onMessage, signal) => watchSocket({ ...socket, clientId: () => clientId, onMessage })(signal),
    live,
  )
  const submitter = makeSubmitter({ ...submitting, watch: () => watcher.wake() })
  const watcher = makeWatcher({
    ...telling,
    ...submitting,
    blobs,
    collected: new Map(),
    maxImages: config.delivery.maxFiles,
    maxImageBytes: config.delivery.maxBytes,
    slowMs: config.delivery.timeoutMs,
    endLive: live.end,
    live,
    progress,
    wakeSubmitter: submitter.wake,
  })
  const onUp = (): void => {
    watcher.wake()
    submitter.wake()
  }
  return {
    submitter,
    tellJob: tellJobNow,
    run: async (signal) => {
      const status = watchSocket({ ...socket, clientId: randomUUID, onStatus: watcher.wake, onUp })
      await Promise.all([submitter.run(signal), watcher.run(signal), status(signal)])
    },
  }
}
