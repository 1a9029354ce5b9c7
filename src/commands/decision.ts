import { mayDecide } from '../../policy/approve.ts'
import { isOpaqueId } from '../backend/wire.ts'
import { laneOf } from '../contract/index.ts'
import { approvalShown, endOf } from '../jobs/cards.ts'
import { type Approval, addApproval, approvalById, cardsOf, claimApproval } from '../store/approvals.ts'
import { addJob, changeJob, type Job, jobByApproval, jobByTrace, openStates } from '../store/jobs.ts'
import { partRow } from '../store/outbox.ts'
import { texts } from '../texts/index.ts'
import { type Call, type CommandDeps, type Outcome, say, sorry } from './command.ts'
import { jobOfApproval, maySee } from './tenants.ts'

/** Long enough for the backend's word, also where it is looked for a second time (jobs/decide.ts waits 3 s for that);
 *  short enough for a chat. */
const patienceMs = 5000
const closed = { approved: 'approved', rejected: 'rejected', expired: 'expired', failed: 'approved' } as const

/** Claims the decision (one person decides, the next is told who did) and has it passed on. */
export const decideOn = async (
  to: 'approving' | 'rejecting',
  reason: string | null,
  call: Call,
  deps: CommandDeps,
): Promise<Outcome> => {
  const id = call.line.args[0] ?? ''
  if (!isOpaqueId(id)) return say(texts.approvals.unknown(id))
  if (call.scope !== 'all') return say(texts.denied['admin-only'] ?? '', { audience: 'asker' })
  const kept = deps.store.read((db) => approvalById(db, id))
  const job = kept && deps.store.read((db) => jobOfApproval(db, id, kept.traceId ?? null))
  if (kept && !maySee(job, call.tenant)) return say(texts.approvals.unknown(id))
  const known = kept ?? (await foreign(id, to, call, deps))
  if (!('state' in known)) return known
  const verdict = mayDecide(
    {
      requestedBy: known.requester ?? null,
      state: known.state in closed ? closed[known.state as keyof typeof closed] : 'pending',
      expiresAt: known.expiresAtMs,
      decidedBy: known.decider ?? null,
    },
    { id: call.asker.id, admin: call.scope === 'all' },
    deps.now(),
  )
  if (verdict.kind === 'deny') {
    if (verdict.why === 'not-approver') return say(texts.denied['admin-only'] ?? '', { audience: 'asker' })
    return say(already(known), { audience: 'asker' })
  }
  const by = { id: call.asker.id, name: call.asker.name, ...(reason ? { reason } : {}) }
  const claimed = await deps.store.write((db) => claimApproval(db, id, to, by, deps.now()))
  deps.step('decide:claimed')
  const now =
    claimed || mine(known, call, to)
      ? await deps.submitter.decided(id, patienceMs)
      : deps.store.read((db) => approvalById(db, id))
  if (!now) throw new Error('the approval row is gone')
  if (!claimed && !mine(known, call, to)) return say(already(now), { audience: 'asker' })
  // Approved, but it has to be submitted anew: whether that was taken belongs to the answer.
  const anew = now.state === 'approved' ? jobOf(now, deps) : null
  if (anew) await deps.submitter.settled(anew.id, patienceMs)
  return inCard(now, call, deps) ?? say(answer(now, reason, deps))
}

/** A press on a message that shows the request is answered by what that message says from now on, where it can. */
const inCard = (approval: Approval, call: Call, deps: CommandDeps): Outcome | null => {
  const { body, where } = call.event
  const how = approval.state === 'approved' || approval.state === 'rejected' ? endOf(approval) : null
  if (how === null || refusedJob(approval, deps) || body.kind !== 'press' || !call.capabilities.edit) return null
  const card = deps.store.read((db) =>
    cardsOf(db, approval.id).find(
      ({ key, target }) => laneOf(target) === laneOf(where) && partRow(db, key)?.message === (body.message ?? ''),
    ),
  )
  if (!card) return null
  return say(texts.approvals.cardEnded(approvalShown(approval), how), { edits: { key: card.key, otherwise: 'send' } })
}

/** The command is being repeated after a crash: the claim is our own. */
const mine = (approval: Approval, call: Call, to: 'approving' | 'rejecting'): boolean =>
  approval.decider === call.asker.id && approval.state === to

const already = (approval: Approval): string => {
  if (approval.state === 'pending') return texts.approvals.already(approval.id, 'expired', null, null)
  if (approval.state === 'approving' || approval.state === 'rejecting') return texts.approvals.deciding(approval.id)
  if (approval.state === 'failed') return texts.approvals.unconfirmed(approval.id)
  return texts.approvals.already(
    approval.id,
    approval.state,
    approval.deciderName || null,
    approval.decidedAtMs ?? null,
  )
}

const answer = (approval: Approval, reason: string | null, deps: CommandDeps): string => {
  if (approval.state === 'approving' || approval.state === 'rejecting') return texts.approvals.held(approval.id)
  if (approval.state === 'rejected') return texts.approvals.rejected(approval.id, reason)
  if (approval.state === 'pending') return texts.backend.why.denied
  if (approval.state === 'failed') return texts.approvals.unconfirmed(approval.id)
  if (approval.state !== 'approved')
    return texts.approvals.already(approval.id, approval.state, approval.deciderName ?? null, null)
  const refused = refusedJob(approval, deps)
  if (refused) return texts.approvals.notExecuted(approval.id, refused.detail ?? null)
  return texts.approvals.approved(approval.id, jobOf(approval, deps)?.promptId ?? null)
}

const jobOf = ({ id }: Approval, { store }: CommandDeps): Job | null => store.read((db) => jobByApproval(db, id))

const refusedJob = (approval: Approval, deps: CommandDeps): Job | null => {
  const job = jobOf(approval, deps)
  return job?.state === 'refused' ? job : null
}

/** A request that did not come through us (the web page, another client). Whoever approves it gets the result. */
const foreign = async (
  id: string,
  to: 'approving' | 'rejecting',
  call: Call,
  deps: CommandDeps,
): Promise<Approval | Outcome> => {
  const found = await deps.backend.approval(id, { signal: call.signal })
  if (!found.ok) return found.kind === 'missing' ? say(texts.approvals.unknown(id)) : sorry(found, deps)
  const { inputs } = found.value
  const traceId = found.value.traceId ?? deps.newTrace()
  const approval: Approval = {
    id,
    state: found.value.status,
    template: found.value.templateId ?? '?',
    inputs,
    traceId,
    expiresAtMs: found.value.expiresAtMs ?? deps.now() + 60 * 60_000,
    createdAtMs: deps.now(),
  }
  const requested = deps.store.read((db) => jobByTrace(db, traceId))
  if (!maySee(requested, call.tenant)) return say(texts.approvals.unknown(id))
  if (found.value.status !== 'pending') return approval
  if (requested && openStates.has(requested.state)) return link(requested, approval, deps)
  const job: Job = {
    id: deps.newTrace().slice(0, 8),
    key: `approval:${id}`,
    state: 'approval',
    requester: call.asker.id,
    asker: call.asker.name,
    target: call.where,
    template: approval.template,
    inputs,
    approval: true,
    tenant: call.where.tenant,
    traceId,
    approvalId: id,
    createdAtMs: deps.now(),
  }
  await deps.store.write((db) => {
    const kept = to === 'approving' ? addJob(db, job) : null
    addApproval(db, kept ? { ...approval, job: kept.id } : approval)
    // Its first answer is the answer to this command.
    if (kept) db.sql(`UPDATE jobs SET told = 'queued' WHERE id = ?`).run(kept.id)
  })
  return deps.store.read((db) => approvalById(db, id)) ?? approval
}

/** The request is one of ours after all: its submission was answered into the void, and we had not yet found it. */
const link = async (job: Job, approval: Approval, deps: CommandDeps): Promise<Approval> => {
  await deps.store.write((db) => {
    changeJob(db, job.id, { state: 'approval', approvalId: approval.id }, ['waiting', 'firing'])
    addApproval(db, { ...approval, job: job.id, requester: job.requester })
  })
  await deps.tellJob(job.id)
  return deps.store.read((db) => approvalById(db, approval.id)) ?? approval
}
