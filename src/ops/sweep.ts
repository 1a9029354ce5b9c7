import type { Log } from '../contract/index.ts'
import type { Blobs } from '../media/blobs.ts'
import { pruneActions } from '../store/actions.ts'
import { pruneApprovals } from '../store/approvals.ts'
import { endForgotten, pruneContacts } from '../store/forget.ts'
import { pruneInbox } from '../store/inbox.ts'
import { pruneJobs } from '../store/jobs.ts'
import { blobNeeded, pruneOutbox } from '../store/outbox.ts'
import { pruneSentMedia } from '../store/sent-media.ts'
import type { Store } from '../store/store.ts'

export interface SweepDeps {
  readonly store: Store
  readonly blobs: Blobs
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly log: Log
  readonly retentionMs: number
  /** Delivered files stay at least this long: links to them may still be open. */
  readonly mediaMs: number
  /** Replay keys stay at least as long as any platform may bring an event again. */
  readonly replayMs: number
  /** Looks whether what waits for a sending quota can go out. */
  readonly regain: (signal: AbortSignal) => Promise<void>
}

const everyMs = 10 * 60_000
const day = 24 * 60 * 60_000
const batch = 500
/** Who may decide and wrote to us in the last year stays reachable, with some weeks of grace. */
const contactMs = 400 * day

/** Keeps the disk bounded: what is settled and old goes, a little at a time, so that nobody waits for it. */
export const sweep = async (deps: SweepDeps, signal: AbortSignal): Promise<void> => {
  const nowMs = deps.now()
  const replayBeforeMs = nowMs - Math.max(day, deps.replayMs, Math.min(deps.retentionMs, 7 * day))
  const oldMs = nowMs - deps.retentionMs
  for (const prune of [
    () => deps.store.write((db) => pruneInbox(db, replayBeforeMs, batch)),
    () => deps.store.write((db) => endForgotten(db, oldMs, nowMs, batch)),
    () => deps.store.write((db) => pruneOutbox(db, oldMs, batch)),
    () => deps.store.write((db) => pruneJobs(db, oldMs, batch)),
    () => deps.store.write((db) => pruneActions(db, nowMs - day, batch)),
    () => deps.store.write((db) => pruneApprovals(db, oldMs, batch)),
    () => deps.store.write((db) => pruneContacts(db, nowMs - contactMs, batch)),
    () => deps.store.write((db) => pruneSentMedia(db, nowMs - day, batch)),
  ]) {
    while (!signal.aborted && (await prune()) > 0) await deps.sleep(20, signal)
  }
  await sweepFiles(deps)
  await deps.regain(signal)
}

const sweepFiles = async ({ store, blobs, now, mediaMs }: SweepDeps): Promise<void> => {
  const deliveredSinceMs = now() - mediaMs
  const keep = (blob: string): boolean => store.read((db) => blobNeeded(db, blob, deliveredSinceMs))
  await blobs.sweep({ keep, olderThanMs: mediaMs })
}

/** Files at once, as no link to them works any more; rows only when the start is over. */
export const keepSweeping = async (deps: SweepDeps, signal: AbortSignal): Promise<void> => {
  const attempt = (work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => deps.log.warn({ error: String(error) }, 'clean-up interrupted, will try again'))
  await attempt(sweepFiles(deps))
  while (!signal.aborted) {
    await deps.sleep(everyMs, signal)
    if (!signal.aborted) await attempt(sweep(deps, signal))
  }
}

const probeEveryMs = 1000

/** While nothing can be kept, looks every second whether it can again: nobody has to restart us when space returns. */
export const keepProbing = async (
  { store, sleep, log }: Pick<SweepDeps, 'store' | 'sleep' | 'log'>,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    await sleep(probeEveryMs, signal)
    const trouble = store.trouble()
    if (!trouble || signal.aborted) continue
    if (await store.probe()) log.info({ was: trouble.why }, 'events can be kept again')
  }
}
