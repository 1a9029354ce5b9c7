import type { Edge } from './edge.ts'
import { keepSlim } from './ops/slim.ts'
import { keepProbing, keepSweeping, type SweepDeps } from './ops/sweep.ts'
import type { State } from './state.ts'

export interface BackgroundDeps
  extends Pick<Edge, 'now' | 'sleep' | 'log' | 'memory'>,
    Pick<SweepDeps, 'retentionMs' | 'mediaMs' | 'replayMs' | 'regain'> {
  readonly state: State
  /** Nothing is kept, worked on or sent. */
  readonly idle: () => boolean
  /** Follows jobs and the backend. */
  readonly follow: (signal: AbortSignal) => Promise<void>
}

/** What goes on beside the flow, until the signal aborts. Each resolves when it has ended. */
export const startBackground = (deps: BackgroundDeps, signal: AbortSignal): readonly Promise<void>[] => {
  const { store, blobs } = deps.state
  return [
    keepProbing({ store, sleep: deps.sleep, log: deps.log }, signal),
    deps.follow(signal),
    keepSweeping({ ...deps, store, blobs }, signal),
    keepSlim(deps, signal),
  ]
}
