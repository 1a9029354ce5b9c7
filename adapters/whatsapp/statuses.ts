// A file of its own: statuses are no events but reports on what we sent.
import * as v from 'valibot'
import type { SendReport } from '../../src/contract/index.ts'
import { reportError } from './errors.ts'
import { problem, type Status } from './wire.ts'

/** `played` is a voice message that was listened to. Others (deleted, warning) say nothing about our send. */
const outcomes: Readonly<Record<string, SendReport['outcome']>> = {
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  played: 'read',
  failed: 'failed',
}
const rank: Readonly<Record<SendReport['outcome'], number>> = { sent: 0, delivered: 1, read: 2, failed: 3 }

/** What became of a message; null for a status that does not say. */
export const reportOf = (status: Status): SendReport | null => {
  const outcome = outcomes[status.status]
  if (outcome === undefined) return null
  // The others have it: sent once more it would be there twice for all of them.
  const person = status.recipient_participant_id ?? status.recipient_participant_user_id
  if (outcome === 'failed' && person !== undefined) return null
  const key = status.biz_opaque_callback_data
  return {
    ...(key === undefined ? {} : { key }),
    message: status.id,
    outcome,
    ...(outcome === 'failed' ? { error: failureOf(status.errors) } : {}),
  }
}

/** Meta brings them in any order; whoever reads them in turn ends with the furthest. */
export const inOrder = (reports: readonly SendReport[]): readonly SendReport[] =>
  reports.toSorted((a, b) => rank[a.outcome] - rank[b.outcome])

const failureOf = ([first]: readonly unknown[]): NonNullable<SendReport['error']> => {
  const read = v.safeParse(problem, first)
  if (!read.success) return { code: 'rejected', about: 'WhatsApp could not deliver it and did not say why' }
  const { code, title, message, error_data } = read.output
  return reportError(code, [title ?? message, error_data?.details].filter(Boolean).join(' - ') || 'no reason given')
}
