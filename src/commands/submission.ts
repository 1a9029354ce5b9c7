import type { Button, Reply } from '../contract/index.ts'
import { approvalButtons, cancelButton } from '../jobs/cards.ts'
import { addCard } from '../store/approvals.ts'
import { addJob, type Job, jobByKey, noteTold, openCountOf, openStates } from '../store/jobs.ts'
import { texts } from '../texts/index.ts'
import { type Call, type CommandDeps, type Outcome, say } from './command.ts'

export interface Wanted {
  readonly template: string
  readonly inputs: Readonly<Record<string, unknown>>
  readonly approval: boolean
}

/** How long a command waits for the backend's word before it answers "being submitted". */
const patienceMs = 2500
const placeMs = 1000
const buttonMs = 24 * 60 * 60_000

/** Submits through the job's row: written before the backend is called, found again when the command is repeated. */
export const submit = async (wanted: Wanted, call: Call, deps: CommandDeps): Promise<Outcome> => {
  const refused = tooMany(call, deps)
  if (refused) return refused
  const traceId = deps.newTrace()
  const { id } = await deps.store.write((db) => addJob(db, newJob(wanted, traceId, call, deps)))
  deps.step('run:row')
  const job = await deps.submitter.settled(id, patienceMs)
  if (!job) throw new Error('the submission row is gone')
  return answer(job, await placeOf(job, call, deps), call, deps)
}

/** The answer when somebody has enough jobs waiting; a command that is being repeated has its place already. */
export const tooMany = ({ event, asker }: Call, deps: CommandDeps): Outcome | null => {
  if (deps.store.read((db) => jobByKey(db, event.id))) return null
  const open = deps.store.read((db) => openCountOf(db, asker.id))
  return open >= deps.maxOpenJobs ? say(texts.jobs.tooManyOpen(deps.maxOpenJobs)) : null
}

const newJob = (
  wanted: Wanted,
  traceId: string,
  { event, asker, where, capabilities }: Call,
  deps: CommandDeps,
): Job => ({
  id: traceId.slice(0, 8),
  key: event.id,
  state: 'waiting',
  requester: asker.id,
  asker: asker.name,
  target: where,
  replyTo: event.message,
  // Where we can't speak first, the one-time answer is the way the result comes back.
  handle: capabilities.answer.push === 'never' ? event.handle : undefined,
  template: wanted.template,
  inputs: wanted.inputs,
  approval: wanted.approval,
  tenant: where.tenant,
  traceId,
  createdAtMs: deps.now(),
})

/** How many jobs go before it; null when that can't be said quickly. */
const placeOf = async (job: Job, call: Call, deps: CommandDeps): Promise<number | null> => {
  if (job.state !== 'queued') return null
  const queue = await deps.backend.queue({ signal: call.signal, timeoutMs: placeMs })
  if (!queue.ok) return null
  const { running, pending } = queue.value
  if (running.some((entry) => entry.promptId === job.promptId)) return 0
  const place = pending.findIndex((entry) => entry.promptId === job.promptId)
  return place < 0 ? null : place + running.length
}

const answer = (job: Job, ahead: number | null, call: Call, deps: CommandDeps): Outcome => {
  const ackKey = `ack:${call.event.id}`
  const open = openStates.has(job.state)
  const approval = job.state === 'approval' ? job.approvalId : undefined
  // Approvers take their time: kept back for the result, a one-time token would die, and nobody would know what is waited
  // for. An open request shows this answer and keeps its token all the same.
  const interim = approval === undefined || call.capabilities.answer.inlineMs !== null
  const reply: Reply = {
    text: textOf(job, ahead, deps),
    audience: 'everyone',
    ...(open ? { interim, editableAs: ackKey, buttons: buttonsOf(job, call, deps) } : {}),
  }
  return {
    reply,
    within: (db) => {
      noteTold(db, job.id, job.state, open && approval === undefined ? ackKey : null)
      if (approval && call.where.kind === 'group') addCard(db, approval, ackKey, call.where)
    },
    // What happened while the answer was being written is told now.
    after: () => void deps.tellJob(job.id),
  }
}

const textOf = (job: Job, ahead: number | null, deps: CommandDeps): string => {
  const id = job.promptId ?? job.id
  const say = texts.jobs
  if (job.state === 'waiting') {
    const away = deps.away()
    return away ? say.held(away.sinceMs) : say.submitting(job.template)
  }
  if (job.state === 'firing') return say.submitting(job.template)
  if (job.state === 'approval')
    return texts.approvals.requested(job.approvalId ?? '', job.traceId, approvalEnd(job, deps))
  if (job.state === 'refused') return say.refused(job.detail ?? '')
  if (job.state === 'expired') return say.expired(job.template)
  if (job.state === 'unknown') return say.unknownOutcome(job.template, job.traceId)
  if (openStates.has(job.state)) return say.submitted(job.template, id, ahead)
  return say.endedShort(job.template, id, say.state[job.state])
}

const approvalEnd = (job: Job, deps: CommandDeps): number => {
  const row = deps.store.read((db) => db.sql('SELECT expires_at FROM approvals WHERE id = ?').get(job.approvalId ?? ''))
  return Number(row?.expires_at ?? deps.now())
}

/** In a group an approver may be among those who see the request, so the buttons hang on it too: a stranger's press is
 *  refused without using them up. */
const buttonsOf = (job: Job, call: Call, deps: CommandDeps): readonly Button[] => {
  if (job.state === 'approval') {
    return call.where.kind === 'group' ? approvalButtons(job.approvalId ?? '', approvalEnd(job, deps) - deps.now()) : []
  }
  const fetch: Button[] =
    call.capabilities.answer.push === 'never' ? [{ label: texts.jobs.fetchButton, say: '/inbox', ttlMs: buttonMs }] : []
  return [...fetch, cancelButton(job)]
}
