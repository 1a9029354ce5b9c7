import { approvalButtons, whoAsked } from '../jobs/cards.ts'
import { texts } from '../texts/index.ts'
import { type Command, say, sorry } from './command.ts'
import { jobOfApproval, maySee } from './tenants.ts'

const mostShown = 10
/** With buttons of their own; more would be a wall. */
const mostButtons = 3

export const approvals: Command = {
  name: '/approvals',
  aliases: ['approvals'],
  class: 'admin',
  own: false,
  needsToken: true,
  section: 'decide',
  usage: '/approvals',
  about: 'Requests that wait for a decision, with what they would run',
  example: '/approvals',
  run: async (call, deps) => {
    const answer = await deps.backend.approvals('pending', { signal: call.signal })
    if (!answer.ok) return sorry(answer, deps)
    const open = answer.value.approvals
      .filter((one) => (one.expiresAtMs ?? Number.POSITIVE_INFINITY) > deps.now())
      .map((one) => ({ ...one, job: deps.store.read((db) => jobOfApproval(db, one.approvalId, one.traceId)) }))
      .filter(({ job }) => maySee(job, call.tenant))
    if (open.length === 0) return say(texts.approvals.none)
    const lines = open.slice(0, mostShown).map((one) => {
      const shown = { id: one.approvalId, template: one.templateId ?? '?', inputs: one.inputs }
      return texts.approvals.line(
        shown,
        // Others in a group have no business with an id.
        one.job && (call.where.kind === 'dm' ? whoAsked(one.job) : one.job.asker),
        Math.max(0, (one.expiresAtMs ?? deps.now()) - deps.now()),
      )
    })
    const buttons = open.slice(0, mostButtons).flatMap((one) =>
      approvalButtons(one.approvalId, (one.expiresAtMs ?? deps.now()) - deps.now()).map((button) => ({
        ...button,
        label: open.length > 1 ? `${button.label} ${one.approvalId.slice(-6)}` : button.label,
      })),
    )
    return say([texts.approvals.list(open.length), ...lines].join('\n'), { audience: 'asker', buttons })
  },
}
