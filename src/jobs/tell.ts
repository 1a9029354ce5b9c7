import { type Log, type Reply, tenantOf } from '../contract/index.ts'
import { joined } from '../delivery/mailbox.ts'
import { type Outgoing, type PostDeps, type Prepared, prepare, writeParts } from '../delivery/post.ts'
import { bridgePartOf } from '../delivery/settle.ts'
import { type Approval, addCard, approvalById, cardsOf } from '../store/approvals.ts'
import { changeJob, type Job, type JobState, jobById } from '../store/jobs.ts'
import { dropFromMailbox } from '../store/mailbox.ts'
import { withdraw } from '../store/outbox.ts'
import type { Store } from '../store/store.ts'
import { texts } from '../texts/index.ts'
import { approvalButtons, approvalShown, cancelButton, endOf, whoAsked } from './cards.ts'
import { approverAddresses, type ReachDeps } from './reach.ts'

export interface TellDeps extends PostDeps, ReachDeps {
  readonly store: Store
  /** Since when the backend does not answer; null while it does. */
  readonly away: () => { readonly sinceMs: number } | null
  /** Wakes the delivery of these conversations. */
  readonly wake: (lanes: Iterable<string>) => void
  readonly log: Log
}

/** Writes messages once (keys are stable) together with the change they report. */
export const post = async (
  deps: TellDeps,
  outgoing: readonly Outgoing[],
  within: (db: Parameters<typeof writeParts>[0]) => void,
): Promise<void> => {
  const prepared = outgoing.map((one) => prepare(one, deps)).filter((one): one is Prepared => one !== null)
  const lanes = await deps.store.write((db) => {
    within(db)
    return prepared
      .map((one) => writeParts(db, joined(db, one, deps.now()), deps.now()))
      .filter((lane) => lane !== null)
  })
  deps.wake(lanes)
}

/** States on the way to one that is worth telling. */
const passing: ReadonlySet<JobState> = new Set(['firing', 'collecting'])

/** Brings the requester up to date, if what they were last told is no longer true. Before the command that made the
 *  job has been answered nothing is said: that answer tells it. */
export const tellJob = async (id: string, deps: TellDeps): Promise<void> => {
  const job = deps.store.read((db) => jobById(db, id))
  if (!job?.told || job.told === job.state || passing.has(job.state)) return
  // Approved, and being submitted anew: how that goes is what the requester waits for.
  if (job.told === 'approval' && job.state === 'waiting') return
  const approval = job.approvalId ? deps.store.read((db) => approvalById(db, job.approvalId ?? '')) : null
  const text = newsOf(job, approval, deps)
  const ends = endText(job)
  const news: Outgoing[] = []
  const quiet = job.state === 'cancelled' && endsQuietly(job)
  // Held for the backend: what said so is no longer true, or becomes so.
  const held = job.state === 'waiting' && job.ackKey !== undefined
  // It may run already when this is read.
  const begun = job.state === 'queued' || job.state === 'running'
  if (text && job.told === 'waiting' && begun && job.ackKey) {
    const over = texts.jobs.heldOver(job.template, job.promptId ?? id)
    news.push({ to: job.target, key: `job:${id}:queued:held`, reply: edit(over, job.ackKey) })
  }
  if (text) {
    const editableAs = begun ? `job:${id}:queued` : undefined
    const edits = quiet || held ? inPlaceOf(job) : undefined
    const shows = (editableAs || held) && deps.capabilities(job.target.platform)?.edit
    news.push({
      to: job.target,
      key: `job:${id}:${job.state}`,
      replyTo: job.replyTo,
      handle: ends ? usable(job, deps) : undefined,
      reply: { text, audience: 'everyone', editableAs, edits, ...(shows ? { buttons: [cancelButton(job)] } : {}) },
    })
  }
  if (ends && job.ackKey && !quiet) {
    news.push({ to: job.target, key: `job:${id}:${job.state}:ack`, reply: edit(ends, job.ackKey) })
  }
  await post(deps, news, (db) => {
    if (text && begun) changeJob(db, id, { ackKey: `job:${id}:queued` })
    if (text && ends) withdraw(db, bridgePartOf(job.key), deps.now())
    if (ends && job.ackKey) dropFromMailbox(db, job.ackKey, 'overtaken', deps.now())
    changeJob(db, id, { told: job.state })
  })
}

const edit = (text: string, key: string): Reply => ({ text, audience: 'everyone', edits: { key, otherwise: 'skip' } })

/** The one-time answer of the platform, as long as it lives and the bridge has not used it. */
export const usable = (job: Job, { now }: Pick<TellDeps, 'now'>): Job['handle'] =>
  job.handle && job.handle.expiresAt > now() ? job.handle : undefined

/** Who stopped their own job knows it: then its message changes, and there is a new one only where it can't. */
export const endsQuietly = (job: Job): boolean => job.ackKey !== undefined && job.cancelBy === job.requester

export const inPlaceOf = (job: Job): NonNullable<Reply['edits']> => ({ key: job.ackKey ?? '', otherwise: 'send' })

/** What a state means to the requester, beyond what they know already. Results are told where they are collected. */
const newsOf = (job: Job, approval: Approval | null, deps: Pick<TellDeps, 'away'>): string | null => {
  const id = job.promptId ?? job.id
  if (job.state === 'waiting') {
    const away = deps.away()
    return away && job.told === 'firing' ? texts.jobs.held(away.sinceMs) : null
  }
  if (job.state === 'queued' || job.state === 'running') {
    if (job.told === 'approval') return texts.approvals.told.approved(job.template, id)
    return job.told === 'waiting' ? texts.jobs.backAgain(job.template, id) : null
  }
  if (job.state === 'approval') {
    return texts.approvals.requested(job.approvalId ?? '', job.traceId, approval?.expiresAtMs ?? 0)
  }
  const said: Partial<Record<JobState, string>> = {
    refused:
      job.told === 'approval'
        ? texts.approvals.told.failed(job.template, job.detail ?? null)
        : texts.jobs.refused(job.detail ?? ''),
    rejected: texts.approvals.told.rejected(job.template, job.detail ?? null),
    expired: expiredText(job, approval),
    unknown: unknownText(job, approval),
    cancelled: texts.jobs.cancelled(job.template, id),
    vanished:
      job.detail === 'restart'
        ? texts.jobs.vanishedRestart(job.template, id)
        : texts.jobs.vanishedQueue(job.template, id),
  }
  return said[job.state] ?? null
}

/** Nobody can tell how the job ended; the text says where to look. */
const unknownText = (job: Job, approval: Approval | null): string => {
  if (approval?.state === 'failed') return texts.approvals.told.unconfirmed(job.template, job.traceId)
  if (job.detail === 'unreadable') return texts.jobs.unreadable(job.template, job.promptId ?? job.id)
  return texts.jobs.unknownOutcome(job.template, job.traceId)
}

/** Nobody decided, somebody decided too late for the backend, or the backend stayed away. */
const expiredText = (job: Job, approval: Approval | null): string => {
  if (!approval || approval.state === 'approved') return texts.jobs.expired(job.template)
  return approval.decider ? texts.approvals.told.late(job.template) : texts.approvals.told.expired(job.template)
}

const shortEnds: Partial<Record<JobState, string>> = {
  refused: 'Not started',
  rejected: 'Rejected',
  expired: 'Expired',
  unknown: 'Unknown',
  cancelled: 'Cancelled',
  vanished: 'Lost',
}

const endText = (job: Job): string | null => {
  const how = shortEnds[job.state]
  return how ? texts.jobs.endedShort(job.template, job.promptId ?? job.id, how) : null
}

/** Who decided was told that it is passed on; that nobody confirmed it comes as news. */
const toDecider = (approval: Approval, job: Job | null, deps: TellDeps): readonly Outgoing[] => {
  if (approval.state !== 'failed' || job?.state === 'cancelled') return []
  return approverAddresses(deps)
    .filter(({ person }) => person === approval.decider)
    .map(({ to }) => ({
      to,
      key: `approval:${approval.id}:failed:decider`,
      reply: { text: texts.approvals.unconfirmed(approval.id), audience: 'everyone' as const },
    }))
}

/** A pending approval goes to everybody who may decide; an ended one changes every message that showed it. */
export const tellApproval = async (id: string, deps: TellDeps): Promise<void> => {
  const approval = deps.store.read((db) => approvalById(db, id))
  if (!approval) return
  const job = approval.job ? deps.store.read((db) => jobById(db, approval.job ?? '')) : null
  const shown = approvalShown(approval)
  const how = endOf(approval)
  if (how !== null) {
    const cards = deps.store.read((db) => cardsOf(db, id))
    const changed = cards.map((card, i) => ({
      to: card.target,
      key: `approval:${id}:${approval.state}:${i}`,
      reply: edit(texts.approvals.cardEnded(shown, how), card.key),
    }))
    await post(deps, [...changed, ...toDecider(approval, job, deps)], () => {})
    return
  }
  const tenant = tenantOf(job ?? {})
  const targets = approverAddresses(deps).filter(
    ({ person, to }) => person !== approval.requester && tenantOf(to) === tenant,
  )
  const cards = targets.map(({ person, to }) => ({ to, key: `approval:${id}:${person}` }))
  await post(
    deps,
    cards.map(({ to, key }) => ({
      to,
      key,
      reply: {
        text: texts.approvals.card(shown, job ? whoAsked(job) : texts.someone, approval.expiresAtMs),
        audience: 'everyone' as const,
        buttons: approvalButtons(id, approval.expiresAtMs - deps.now()),
        editableAs: key,
      },
    })),
    (db) => {
      for (const { key, to } of cards) addCard(db, id, key, to)
    },
  )
}
