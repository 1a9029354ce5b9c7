import type { Failure } from '../backend/http.ts'
import { type Outcome, outcomeOf } from '../backend/outcome.ts'
import type { Queue } from '../backend/wire-jobs.ts'
import { openApprovals } from '../store/approvals.ts'
import { changeJob, type Job, jobById, openJobs } from '../store/jobs.ts'
import type { Db } from '../store/open.ts'
import { jobs as say } from '../texts/jobs.ts'
import { isCancelOwed, makeCancelling } from './cancel.ts'
import { catchUp } from './catch-up.ts'
import { end, isForgotten, look } from './decide.ts'
import { type FinishDeps, finish } from './finish.ts'
import type { Live } from './live.ts'
import type { Progress } from './progress.ts'
import type { SubmitDeps } from './submit.ts'
import { post } from './tell.ts'

export interface WatchDeps extends FinishDeps, Omit<SubmitDeps, 'watch' | 'log' | 'store'> {
  readonly live: Live
  readonly progress: Progress
  /** After this long a job's requester is told once that it takes longer. */
  readonly slowMs: number
  readonly wakeSubmitter: () => void
}

export interface Watcher {
  /** Something may have changed: the queue, or what is to be watched. */
  readonly wake: () => void
  readonly run: (signal: AbortSignal) => Promise<void>
}

const settleMs = 10
const sweepMs = 5000
const firstAnswerMs = 5000
const missedAgainMs = 700
/** A damaged or endless answer may come from something between us and the backend, and pass. */
const unreadableMs = 10 * 60_000

/** Follows submissions from their rows until they end. The socket's `status` is a hint that wakes it, `/queue` and
 *  `/history` are the truth, and a slow sweep covers a silent socket (backend-contract, section 8). */
export const makeWatcher = (deps: WatchDeps): Watcher => {
  const { store, now } = deps
  let wakeUp = (): void => {}
  let woken = false
  let announceAtMs = 0
  const missing = new Map<string, number>()
  const unread = new Map<string, number>()
  const finishing = new Map<string, Promise<void>>()
  const cancelling = makeCancelling(deps)

  const watched = (): Job[] =>
    store
      .read(openJobs)
      .filter(
        (job) => job.promptId && (job.state === 'queued' || job.state === 'running' || job.state === 'collecting'),
      )

  const finishOnce = (job: Job, outcome: Outcome, signal: AbortSignal): void => {
    if (finishing.has(job.id)) return
    const turn = finish(job, outcome, deps, signal)
      .catch((error: unknown) => {
        if (!signal.aborted)
          deps.log.error({ job: job.id, error: String(error) }, 'result not settled yet, will try again')
      })
      .finally(() => finishing.delete(job.id))
    finishing.set(job.id, turn)
  }

  const vanished = async (job: Job, signal: AbortSignal): Promise<void> => {
    const health = await deps.backend.health({ signal })
    // The queue answered; where the pack does not, it did not load after a restart.
    if (!health.ok && (health.kind === 'down' || health.kind === 'unanswered')) return
    const restarted =
      !health.ok || (health.value.uptimeSec ?? Number.POSITIVE_INFINITY) * 1000 < now() - (job.submittedAtMs ?? now())
    await endWithout(job, (db) => {
      // A job cancelled before its turn leaves no trace in the history: it went because we asked, if we could.
      const { cancelBy, cancelPassed } = jobById(db, job.id) ?? job
      return cancelPassed || (cancelBy && !restarted)
        ? { state: 'cancelled' }
        : { state: 'vanished', detail: restarted ? 'restart' : 'queue' }
    })
  }

  /** Ends a job of which there is nothing to bring. */
  const endWithout = async (job: Job, ending: (db: Db) => Pick<Job, 'state'> & Partial<Job>): Promise<void> => {
    deps.progress.leave(job.id)
    const changed = await store.write((db) =>
      changeJob(db, job.id, { ...ending(db), finishedAtMs: now() }, ['queued', 'running']),
    )
    missing.delete(job.id)
    unread.delete(job.id)
    if (!changed) return
    // An edit under way must not paint over the end.
    if (job.ackKey) await deps.endLive(job.ackKey)
    await deps.tellJob(job.id)
  }

  /** The backend has a record of the job. Some will never be read, and nobody shall wait for those for ever. */
  const recordUnread = async (job: Job, { kind, detail }: Failure): Promise<boolean> => {
    if (kind !== 'malformed' && kind !== 'too_large') return true
    const sinceMs = unread.get(job.id) ?? now()
    unread.set(job.id, sinceMs)
    if (now() - sinceMs < unreadableMs) return false
    deps.log.error({ job: job.id, prompt: job.promptId, about: detail }, 'the record of a finished job can not be read')
    await endWithout(job, () => ({ state: 'unknown', detail: 'unreadable' }))
    return false
  }

  /** Resolves to whether to look again soon. */
  const check = async (job: Job, queue: Queue, signal: AbortSignal): Promise<boolean> => {
    const position = queue.pending.findIndex((entry) => entry.promptId === job.promptId)
    const running = queue.running.find((entry) => entry.promptId === job.promptId)
    if (position >= 0 || running) {
      missing.delete(job.id)
      if (running && job.state === 'queued')
        await store.write((db) => changeJob(db, job.id, { state: 'running' }, ['queued']))
      if (running) deps.progress.follow(job, running, signal)
      else showPlace(job, position + queue.running.length, signal)
      if (isCancelOwed(job)) await cancelling.pass(job, signal)
      await tellSlow(job)
      return false
    }
    const entry = await deps.backend.history(job.promptId ?? '', { signal })
    if (!entry.ok) return recordUnread(job, entry)
    if (entry.value) {
      // A very quick job may be done before its command or its approval has been answered: first things first.
      const unanswered = !job.told || job.told === 'approval'
      if (unanswered && now() - (job.submittedAtMs ?? job.createdAtMs) < firstAnswerMs) return true
      missing.delete(job.id)
      unread.delete(job.id)
      deps.progress.leave(job.id)
      finishOnce(job, outcomeOf(entry.value), signal)
      return false
    }
    // It may be between queue and history: only what is missing twice, some time apart, is gone.
    const sinceMs = missing.get(job.id) ?? now()
    missing.set(job.id, sinceMs)
    if (now() - sinceMs < missedAgainMs) return true
    await vanished(job, signal)
    return false
  }

  const showPlace = (job: Job, ahead: number, signal: AbortSignal): void => {
    if (!job.ackKey || !job.told) return
    const [text, first] = [say.waiting, say.submitted].map((words) => words(job.template, job.promptId ?? '', ahead))
    deps.live.show(job.ackKey, text ?? '', signal, first)
  }

  const tellSlow = async (job: Job): Promise<void> => {
    if (now() - (job.submittedAtMs ?? job.createdAtMs) < deps.slowMs || job.detail) return
    const text = say.slow(job.template, job.promptId ?? '', deps.slowMs)
    await post(
      deps,
      [
        {
          to: job.target,
          key: `job:${job.id}:slow`,
          replyTo: job.replyTo,
          reply: { text, audience: 'everyone', interim: true },
        },
      ],
      (db) => {
        changeJob(db, job.id, { detail: 'slow' })
      },
    )
  }

  /** Decisions made elsewhere (the web page) are not announced by the backend; listing also expires what is overdue. */
  const checkApprovals = async (signal: AbortSignal): Promise<void> => {
    const open = store.read(openApprovals).filter((approval) => approval.state === 'pending')
    if (open.length === 0) return
    const list = await deps.backend.approvals('pending', { signal })
    const listed = list.ok
      ? list.value.approvals.filter((one) => (one.expiresAtMs ?? Number.POSITIVE_INFINITY) > now())
      : []
    const pending = new Set(listed.map((one) => one.approvalId))
    const gone = open.filter((one) => (list.ok ? !pending.has(one.id) : isForgotten(one, now())))
    for (const approval of gone.slice(0, 50)) {
      const told = await look(approval, deps, signal)
      const silent = !told || told.is === 'later' || told.is === 'denied'
      if (signal.aborted || (silent && !isForgotten(approval, now()))) continue
      const seen = silent ? ({ is: 'unconfirmed' } as const) : told
      await store.write((db) => end(db, approval, seen, deps))
      deps.wakeSubmitter()
      await deps.tellApproval(approval.id)
      if (approval.job) await deps.tellJob(approval.job)
      woken = true
    }
  }

  const announce = async (): Promise<void> => {
    if (now() < announceAtMs) return
    const first = announceAtMs === 0
    announceAtMs = now() + sweepMs
    await catchUp(deps, first)
  }

  const turn = async (signal: AbortSignal): Promise<number> => {
    await announce()
    const jobs = watched().filter((job) => !finishing.has(job.id))
    cancelling.keepOnly(new Set(jobs.map((job) => job.id)))
    let again = false
    for (const job of jobs) if (job.outcome) finishOnce(job, JSON.parse(job.outcome) as Outcome, signal)
    if (jobs.some((job) => job.state !== 'collecting')) {
      const queue = await deps.backend.queue({ signal })
      if (queue.ok)
        for (const job of jobs.filter((one) => one.state !== 'collecting'))
          again = (await check(job, queue.value, signal)) || again
    }
    await checkApprovals(signal)
    return again ? missedAgainMs + 50 : sweepMs
  }

  const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
    if (!woken) {
      const cut = new AbortController()
      await Promise.race([
        new Promise<void>((resolve) => {
          wakeUp = resolve
        }),
        deps.sleep(ms, AbortSignal.any([signal, cut.signal])),
      ])
      cut.abort()
    }
    // Several `status` arrive together: one look serves them all.
    if (woken) await deps.sleep(settleMs, signal)
  }

  return {
    wake: () => {
      woken = true
      wakeUp()
    },
    run: async (signal) => {
      while (!signal.aborted) {
        woken = false
        let waitMs = sweepMs
        try {
          waitMs = await turn(signal)
        } catch (error) {
          if (signal.aborted) break
          deps.log.error({ error: String(error) }, 'watching interrupted')
          waitMs = 1000
        }
        await pause(waitMs, signal)
      }
      await Promise.all(finishing.values())
    },
  }
}
