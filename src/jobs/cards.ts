import type { Button } from '../contract/index.ts'
import type { Approval } from '../store/approvals.ts'
import type { Job } from '../store/jobs.ts'
import { texts } from '../texts/index.ts'

const cancelMs = 24 * 60 * 60_000

/** On every message that shows an open job, for whoever asked for it. */
export const cancelButton = (job: Pick<Job, 'id' | 'requester'>): Button => ({
  label: texts.jobs.cancelButton,
  say: `/cancel ${job.id}`,
  only: job.requester,
  style: 'danger',
  ttlMs: cancelMs,
})

/** Both buttons of an approval die together: of two people pressing, one decides. */
export const approvalButtons = (id: string, ttlMs: number): readonly Button[] => [
  { label: texts.approvals.approveButton, say: `/approve ${id}`, style: 'primary', once: `approval:${id}`, ttlMs },
  { label: texts.approvals.rejectButton, say: `/reject ${id}`, style: 'danger', once: `approval:${id}`, ttlMs },
]

export const approvalShown = (
  approval: Approval,
): { id: string; template: string; inputs: Readonly<Record<string, unknown>> } => ({
  id: approval.id,
  template: approval.template,
  inputs: approval.inputs,
})

/** Who asked, for who is to decide: by name, or by the id that lists go by where the platform told no name. */
export const whoAsked = ({ asker, requester }: Pick<Job, 'asker' | 'requester'>): string =>
  asker === texts.someone ? requester : asker

/** How a decided approval is headed; null while it is open. */
export const endOf = (approval: Approval): string | null => {
  const name = approval.deciderName || null
  if (approval.state === 'approved') return texts.approvals.approvedBy(name)
  if (approval.state === 'rejected') return texts.approvals.rejectedBy(name)
  if (approval.state === 'expired') return texts.approvals.expiredHead
  return approval.state === 'failed' ? texts.approvals.unconfirmedHead(name) : null
}
