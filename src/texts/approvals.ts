import { clock, duration, short } from './common.ts'
import { jobs } from './jobs.ts'

interface Shown {
  readonly id: string
  readonly template: string
  readonly inputs: Readonly<Record<string, unknown>>
}

const card = (head: string, { id, template, inputs }: Shown, more: readonly string[]): string =>
  [head, `Template: ${template}`, jobs.values(inputs), `ID: ${id}`, ...more].filter((line) => line !== '').join('\n')

export const approvals = {
  requested: (id: string, trace: string, expiresAtMs: number) =>
    [
      '[Approval Requested]',
      `ID: ${id}`,
      `Trace: ${trace}`,
      `Expires: ${clock(expiresAtMs)}`,
      'The result comes here once an approver has agreed.',
    ].join('\n'),
  card: (shown: Shown, asker: string, expiresAtMs: number) =>
    card(`[Approval Requested] by ${asker}`, shown, [
      `Expires: ${clock(expiresAtMs)}`,
      `/approve ${shown.id} or /reject ${shown.id} <reason>`,
    ]),
  cardEnded: (shown: Shown, how: string) => card(how, shown, []),
  approvedBy: (name: string | null) => (name ? `[Approved] by ${name}` : '[Approved]'),
  rejectedBy: (name: string | null) => (name ? `[Rejected] by ${name}` : '[Rejected]'),
  expiredHead: '[Expired] nobody decided in time',
  unconfirmedHead: (name: string | null) =>
    `[Not Confirmed] decided${name ? ` by ${name}` : ''}, but ComfyUI never confirmed it`,
  approveButton: 'Approve',
  rejectButton: 'Reject',
  approved: (id: string, promptId: string | null) =>
    promptId
      ? `[Approved] ${id}\nExecuted: ${promptId}`
      : `[Approved] ${id}\nIt is being submitted; the result goes to the requester.`,
  notExecuted: (id: string, why: string | null) =>
    `[Approved] ${id} (Not Executed)\n${why ? `Error: ${why}\n` : ''}The requester has been told. Run it again with /run.`,
  rejected: (id: string, reason: string | null) => `[Rejected] ${id}${reason ? `\nReason: ${reason}` : ''}`,
  unconfirmed: (id: string) =>
    `[Not Confirmed] ComfyUI never confirmed the decision on ${id}, so I can't tell whether it took effect. /approvals lists what is still open there.`,
  already: (id: string, how: 'approved' | 'rejected' | 'expired', name: string | null, atMs: number | null) =>
    how === 'expired'
      ? `${id} has expired; nobody decided in time. The requester can send /run again.`
      : `${id} was already ${how === 'rejected' ? 'rejected' : 'approved'}${name ? ` by ${name}` : ''}${atMs ? ` at ${clock(atMs)}` : ''}.`,
  deciding: (id: string) => `Somebody is deciding ${id} right now.`,
  unknown: (id: string) => `I know no request ${id}. /approvals lists the open ones.`,
  held: (id: string) => `ComfyUI can't be reached. Your decision on ${id} is kept and passed on when it is back.`,
  none: 'No pending approvals.',
  list: (total: number) => `Pending Approvals (${total}):`,
  line: (shown: Shown, asker: string | null, leftMs: number) =>
    `- ${shown.id} ${short(shown.template, 60)}${asker ? ` by ${short(asker, 80)}` : ''}, ${duration(leftMs)} left\n  ${jobs.values(shown.inputs, 4).replaceAll('\n', '\n  ') || '(no inputs)'}`,
  told: {
    approved: (template: string, id: string) => `[Approved] ${template} is on its way.\nID: ${id}`,
    rejected: (template: string, reason: string | null) =>
      `[Rejected] Your request for ${template} was turned down${reason ? `: ${reason}` : '.'}`,
    expired: (template: string) =>
      `[Expired] Nobody decided on ${template} in time. Send /run again if you still want it.`,
    late: (template: string) =>
      `[Expired] ${template} was decided on, but ComfyUI could not be told in time. Send /run again if you still want it.`,
    unconfirmed: (template: string, trace: string) =>
      `[Not Confirmed] Your request for ${template} was decided on, but ComfyUI never confirmed it. I can't tell whether it runs. Trace: ${trace}`,
    failed: (template: string, why: string | null) =>
      `[Approved] ${template} was approved, but could not be started${why ? `: ${why}` : '.'}`,
  },
  cancelledReason: 'cancelled by whoever asked',
}
