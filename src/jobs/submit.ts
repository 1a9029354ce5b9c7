import type { Log } from '../contract/index.ts'
import { type Approval, addApproval, approvalById, claimedApprovals } from '../store/approvals.ts'
import { changeJob, type Job, jobById, jobsToSubmit, overdueJobs } from '../store/jobs.ts'
import type { Db } from '../store/open.ts'
import { texts } from '../texts/index.ts'
import { cancelUnsubmitted, isCancelOwed, passCancel } from './cancel.ts'
import { passOn } from './decide.ts'
import { type FireDeps, type Fired, fire, recover } from './fire.ts'
import { settleWords, type WordsDeps } from './words.ts'

/** A job waits this long for an unreachable backend, then it is given up and said so. */
export const holdMs = 10 * 60_000

const mostRounds = 3
const lookedAt = 50
/** Overdue jobs are looked for at least this often. */
const idleMs = 30_000
const wordsAgainMs = 2000

export interface SubmitDeps extends FireDeps, WordsDeps {
  readonly newTrace: () => string
  /** Tells the people concerned what became of a job or an approval. Never rejects. */
  readonly tellJob: (id: string) => Promise<void>
  readonly tellApproval: (id: string) => Promise<void>
  /** There is a new job to watch. */
  readonly watch: () => void
  readonly log: Log
  readonly step: (name: string) => void
}

export interface Submitter {
  readonly wake: () => void
  /** The job as it is once it left the submission, or once `patienceMs` passed, or once the backend proved to be away. */
  readonly settled: (jobId: string, patienceMs: number) => Promise<Job | null>
  readonly decided: (approvalId: string, patienceMs: number) => Promise<Approval | null>
  readonly run: (signal: AbortSignal) => Promise<void>
}

type Item = { readonly kind: 'job'; readonly job: Job } | { readonly kind: 'approval'; readonly approval: Approval }

const idOf = (item: Item): string => (item.kind === 'job' ? item.job.id : item.approval.id)

/** Passes submissions and decisions to the backend strictly one after another: it takes one in flight, and punishes
 *  a second one with a burnt trace id or an approval that can never run (backend-contract, 0.1 and 0.2). */
export const makeSubmitter = (deps: SubmitDeps): Submitter => {
  const { store, now } = deps
  const waiters = new Map<string, Set<() => void>>()
  const failedRounds = new Map<string, number>()
  const passedRounds = new Map<string, number>()
  let wakeUp = (): void => {}
  let woken = false
  const notBefore = new Map<string, number>()

  const wake = (): void => {
    woken = true
    wakeUp()
  }

  const attempted = (id: string): void => {
    const set = waiters.get(id)
    waiters.delete(id)
    for (const go of set ?? []) go()
  }

  const wait = (id: string, patienceMs: number): Promise<void> =>
    new Promise((resolve) => {
      const set = waiters.get(id) ?? new Set()
      waiters.set(id, set)
      const timer = setTimeout(go, patienceMs)
      function go(): void {
        clearTimeout(timer)
        set.delete(go)
        if (set.size === 0 && waiters.get(id) === set) waiters.delete(id)
        resolve()
      }
      set.add(go)
    })

  const submit = async (wanted: Job, signal: AbortSignal): Promise<number> => {
    const again = wanted.state === 'firing'
    const job = again ? wanted : await settleWords(wanted, deps, signal)
    if (!job) {
      attempted(wanted.id)
      return wordsAgainMs
    }
    if (!again) {
      const claimed = await store.write((db) =>
        changeJob(db, job.id, { state: 'firing', submittedAtMs: now() }, ['waiting']),
      )
      if (!claimed) return 0
      deps.step('submit:marked')
    }
    const fired = bounded(job, await (again ? recover(job, deps, signal) : fire(job, deps, signal)))
    deps.step('submit:fired')
    if (signal.aborted) return 0
    await store.write((db) => note(db, job, fired))
    deps.step('submit:noted')
    if (fired.to !== 'again' && fired.to !== 'unsure') failedRounds.delete(job.id)
    await honourCancel(job.id, signal)
    deps.log.info({ job: job.id, to: fired.to }, 'submission')
    if (fired.to === 'queued') deps.watch()
    if (fired.to === 'approval') await deps.tellApproval(fired.approvalId)
    await deps.tellJob(job.id)
    attempted(job.id)
    return fired.to === 'again' || fired.to === 'unsure' ? fired.afterMs : 0
  }

  /** Somebody wanted it stopped while it was being submitted: now it is known what there is to stop. Where the backend
   *  does not take it, the watcher goes on trying. */
  const honourCancel = async (id: string, signal: AbortSignal): Promise<void> => {
    const job = store.read((db) => jobById(db, id))
    if (!job?.cancelBy) return
    if (isCancelOwed(job)) await passCancel(job, deps, signal)
    else await store.write((db) => cancelUnsubmitted(db, job, { id: job.requester, name: job.asker }, now()))
  }

  /** A backend that fails a submission over and over, or never says what became of it, gets an end too. */
  const bounded = (job: Job, fired: Fired): Fired => {
    if (fired.to === 'unsure' && now() - (job.submittedAtMs ?? now()) > holdMs) return { to: 'unknown' }
    if (fired.to !== 'again' || !fired.fresh || fired.afterMs > 0) return fired
    const rounds = (failedRounds.get(job.id) ?? 0) + 1
    failedRounds.set(job.id, rounds)
    if (rounds < mostRounds) return fired
    failedRounds.delete(job.id)
    return { to: 'refused', why: texts.jobs.refusedWhy.other(null) }
  }

  const note = (db: Db, job: Job, fired: Fired): void => {
    const nowMs = now()
    if (fired.to === 'queued') {
      const submittedAtMs = fired.before ? job.submittedAtMs : nowMs
      changeJob(db, job.id, { state: 'queued', promptId: fired.promptId, submittedAtMs }, ['firing'])
    }
    if (fired.to === 'refused')
      changeJob(db, job.id, { state: 'refused', detail: fired.why, finishedAtMs: nowMs }, ['firing'])
    if (fired.to === 'unknown') changeJob(db, job.id, { state: 'unknown', finishedAtMs: nowMs }, ['firing'])
    if (fired.to === 'again') {
      changeJob(db, job.id, { state: 'waiting', ...(fired.fresh ? { traceId: deps.newTrace() } : {}) }, ['firing'])
    }
    if (fired.to !== 'approval') return
    changeJob(db, job.id, { state: 'approval', approvalId: fired.approvalId }, ['firing'])
    addApproval(db, {
      id: fired.approvalId,
      state: 'pending',
      job: job.id,
      requester: job.requester,
      template: job.template,
      inputs: job.inputs,
      traceId: job.traceId,
      expiresAtMs: fired.expiresAtMs,
      createdAtMs: nowMs,
    })
  }

  /** What the backend can't answer it is asked ever more rarely. */
  const decide = async (approval: Approval, signal: AbortSignal): Promise<number> => {
    const { id } = approval
    const afterMs = await passOn(approval, deps, signal)
    attempted(id)
    const rounds = passedRounds.get(id) ?? 0
    if (afterMs === 0) passedRounds.delete(id)
    else passedRounds.set(id, rounds + 1)
    return afterMs === 0 ? 0 : Math.max(afterMs, Math.min(idleMs, 500 * 2 ** Math.min(rounds, 10)))
  }

  const expire = async (): Promise<void> => {
    for (const id of store.read((db) => overdueJobs(db, now() - holdMs, 100))) {
      await store.write((db) => changeJob(db, id, { state: 'expired', finishedAtMs: now() }, ['waiting']))
      await deps.tellJob(id)
      attempted(id)
    }
  }

  /** The first whose time has come: one in doubt must not hold up all others. Otherwise how long to wait. */
  const next = (): Item | number => {
    const items = store.read((db): Item[] => {
      const decisions = claimedApprovals(db, lookedAt).map((approval): Item => ({ kind: 'approval', approval }))
      return [...decisions, ...jobsToSubmit(db, lookedAt).map((job): Item => ({ kind: 'job', job }))]
    })
    if (items.length === 0) notBefore.clear()
    const due = (item: Item): number => notBefore.get(idOf(item)) ?? 0
    const ready = items.find((item) => due(item) <= now())
    return ready ?? items.reduce((least, item) => Math.min(least, due(item) - now()), Number.POSITIVE_INFINITY)
  }

  const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
    if (woken) return
    const cut = new AbortController()
    await Promise.race([
      new Promise<void>((resolve) => {
        wakeUp = resolve
      }),
      deps.sleep(Math.min(ms, idleMs), AbortSignal.any([signal, cut.signal])),
    ])
    cut.abort()
  }

  const turn = async (signal: AbortSignal): Promise<number> => {
    await expire()
    const item = next()
    if (typeof item === 'number') return item
    const waitMs = await (item.kind === 'job' ? submit(item.job, signal) : decide(item.approval, signal))
    if (waitMs > 0) notBefore.set(idOf(item), now() + waitMs)
    else notBefore.delete(idOf(item))
    return 0
  }

  return {
    wake,
    settled: async (id, patienceMs) => {
      const before = store.read((db) => jobById(db, id))
      if (before && (before.state === 'waiting' || before.state === 'firing')) {
        const done = wait(id, patienceMs)
        wake()
        await done
      }
      return store.read((db) => jobById(db, id))
    },
    decided: async (id, patienceMs) => {
      const done = wait(id, patienceMs)
      wake()
      await done
      return store.read((db) => approvalById(db, id))
    },
    run: async (signal) => {
      while (!signal.aborted) {
        woken = false
        let waitMs: number
        try {
          waitMs = await turn(signal)
        } catch (error) {
          // The store refuses at the moment: nothing is lost, the rows say where we stand.
          deps.log.error({ error: String(error) }, 'submission interrupted')
          waitMs = 1000
        }
        if (waitMs > 0 && !signal.aborted) await pause(waitMs, signal)
      }
    },
  }
}
