import { type Outcome, reasonOf } from '../backend/outcome.ts'
import type { Reply } from '../contract/index.ts'
import type { Outgoing } from '../delivery/post.ts'
import { previewLimit } from '../delivery/rungs.ts'
import { bridgePartOf } from '../delivery/settle.ts'
import { changeJob, type Job, jobById, keepOutcome } from '../store/jobs.ts'
import { dropFromMailbox } from '../store/mailbox.ts'
import { withdraw } from '../store/outbox.ts'
import { texts } from '../texts/index.ts'
import { type AgainDeps, againButton, carriesButtons } from './again.ts'
import { type CollectDeps, type Collected, collect } from './collect.ts'
import { fitTexts } from './long-text.ts'
import { endsQuietly, inPlaceOf, post, type TellDeps, usable } from './tell.ts'

export interface FinishDeps extends TellDeps, AgainDeps, Omit<CollectDeps, 'previewBytes'> {
  /** Stops the progress edits of a message. */
  readonly endLive: (ackKey: string) => Promise<void>
  /** Files already fetched for jobs that are not settled yet. */
  readonly collected: Map<string, Gathered>
  readonly step: (name: string) => void
}

/** All that goes into the result message. */
export interface Gathered extends Collected {
  /** What the job said, as far as it fits into a chat. */
  readonly words: readonly string[]
}

const nothingToFetch: Gathered = { media: [], notes: [], words: [] }

const gather = async (job: Job, outcome: Outcome, deps: FinishDeps, signal: AbortSignal): Promise<Gathered> => {
  const { media, notes } = await collect(outcome, { ...deps, previewBytes: previewsFor(job, deps) }, signal)
  const { platform } = job.target
  const { words, file } = await fitTexts(outcome.texts, { platform, id: job.promptId ?? job.id }, deps)
  return { media: file ? [...media, file] : media, notes, words }
}

/** Fetches what a finished job produced and tells the requester, once: result parts, job row and the end of the
 *  progress message are one transaction. */
export const finish = async (job: Job, outcome: Outcome, deps: FinishDeps, signal: AbortSignal): Promise<void> => {
  // A restart of the backend forgets what it did; its files stay. So what there is to fetch is kept first.
  await deps.store.write((db) => {
    keepOutcome(db, job.id, JSON.stringify(outcome))
    changeJob(db, job.id, { state: 'collecting' }, ['queued', 'running'])
  })
  deps.step('finish:marked')
  const collected =
    deps.collected.get(job.id) ?? (outcome.kind === 'done' ? await gather(job, outcome, deps, signal) : nothingToFetch)
  // Should the settling fail, the files are not fetched a second time.
  deps.collected.set(job.id, collected)
  deps.step('finish:collected')
  const now = deps.store.read((db) => jobById(db, job.id)) ?? job
  if (now.ackKey) await deps.endLive(now.ackKey)
  const id = job.promptId ?? job.id
  const tookMs =
    outcome.startedAtMs !== null && outcome.finishedAtMs !== null ? outcome.finishedAtMs - outcome.startedAtMs : null
  const quiet = outcome.kind === 'cancelled' && endsQuietly(now)
  const capabilities = deps.capabilities(job.target.platform)
  const again =
    outcome.kind === 'done' && capabilities && carriesButtons(capabilities)
      ? await againButton(job, deps, signal)
      : null
  const result: Outgoing = {
    to: job.target,
    key: `job:${job.id}:end`,
    replyTo: job.replyTo,
    handle: usable(now, deps),
    reply: {
      ...replyOf(job, outcome, collected, tookMs),
      ...(quiet ? { edits: inPlaceOf(now) } : {}),
      ...(again ? { buttons: [again] } : {}),
    },
  }
  const ack =
    now.ackKey && !quiet
      ? [{ to: job.target, key: `job:${job.id}:end:ack`, reply: ackEdit(now, outcome, id, tookMs) }]
      : []
  await post(deps, [result, ...ack], (db) => {
    withdraw(db, bridgePartOf(job.key), deps.now())
    if (now.ackKey) dropFromMailbox(db, now.ackKey, 'overtaken', deps.now())
    changeJob(db, job.id, { state: outcome.kind, told: outcome.kind, finishedAtMs: outcome.finishedAtMs ?? deps.now() })
  })
  deps.collected.delete(job.id)
  deps.step('finish:noted')
  deps.log.info({ job: job.id, prompt: job.promptId, is: outcome.kind, files: collected.media.length }, 'job finished')
}

const previewsFor =
  (job: Job, deps: TellDeps): CollectDeps['previewBytes'] =>
  (artifact) => {
    const capabilities = deps.capabilities(job.target.platform)
    return capabilities && previewLimit(artifact, capabilities, deps)
  }

const ackEdit = (job: Job, outcome: Outcome, id: string, tookMs: number | null): Reply => {
  const how = outcome.kind === 'failed' ? 'Failed' : 'Cancelled'
  const text =
    outcome.kind === 'done'
      ? texts.jobs.doneShort(job.template, id, tookMs ?? 0)
      : texts.jobs.endedShort(job.template, id, how)
  return { text, audience: 'everyone', edits: { key: job.ackKey ?? '', otherwise: 'skip' } }
}

/** Null when the backend gave no reason. */
const failureOf = (outcome: Outcome): { readonly node: string | null; readonly why: string } | null => {
  const { failure } = outcome
  const why = reasonOf(outcome)
  if (!failure || why === null) return null
  const id = failure.nodeId === null ? null : `node ${failure.nodeId}`
  return { node: failure.nodeType && id ? `${failure.nodeType} (${id})` : (failure.nodeType ?? id), why }
}

const replyOf = (job: Job, outcome: Outcome, { media, notes, words }: Gathered, tookMs: number | null): Reply => {
  const id = job.promptId ?? job.id
  if (outcome.kind === 'cancelled') return { text: texts.jobs.cancelled(job.template, id), audience: 'everyone' }
  if (outcome.kind === 'failed') {
    return { text: texts.jobs.failed(job.template, id, failureOf(outcome)), audience: 'everyone' }
  }
  const nothing = media.length === 0 && words.length === 0 && notes.length === 0
  const text = [
    texts.jobs.caption(job.template, id, tookMs, job.inputs),
    ...words,
    ...notes,
    ...(nothing ? [texts.jobs.nothingProduced] : []),
  ].join('\n')
  return { text, media, audience: 'everyone' }
}
