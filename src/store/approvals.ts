import type { Address } from '../contract/index.ts'
import type { Db } from './open.ts'

/** `approving` and `rejecting`: somebody decided, the backend is being told. `failed`: somebody decided, and the
 *  backend never confirmed it. */
export type ApprovalState = 'pending' | 'approving' | 'rejecting' | 'approved' | 'rejected' | 'expired' | 'failed'

export interface Approval {
  /** The backend's id, `apr_…`. */
  readonly id: string
  readonly state: ApprovalState
  /** The job that waits for it; absent for requests that did not come through us. */
  readonly job?: string
  readonly requester?: string
  readonly template: string
  readonly inputs: Readonly<Record<string, unknown>>
  readonly traceId?: string
  readonly decider?: string
  readonly deciderName?: string
  readonly reason?: string
  readonly expiresAtMs: number
  readonly createdAtMs: number
  /** When somebody decided, whether the backend knows it by now or not. */
  readonly decidedAtMs?: number
}

const text = (value: unknown): string | undefined => (value === null || value === undefined ? undefined : String(value))

const toApproval = (row: Record<string, unknown>): Approval => ({
  id: String(row.id),
  state: row.state as ApprovalState,
  job: text(row.job),
  requester: text(row.requester),
  template: String(row.template),
  inputs: JSON.parse(String(row.inputs)) as Record<string, unknown>,
  traceId: text(row.trace_id),
  decider: text(row.decider),
  deciderName: text(row.decider_name),
  reason: text(row.reason),
  expiresAtMs: Number(row.expires_at),
  createdAtMs: Number(row.created_at),
  decidedAtMs: row.decided_at === null ? undefined : Number(row.decided_at),
})

export const addApproval = (db: Db, approval: Approval): boolean =>
  Number(
    db
      .sql(
        `INSERT INTO approvals (id, state, job, requester, template, inputs, trace_id, expires_at, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      )
      .run(
        approval.id,
        approval.state,
        approval.job ?? null,
        approval.requester ?? null,
        approval.template,
        JSON.stringify(approval.inputs),
        approval.traceId ?? null,
        approval.expiresAtMs,
        approval.createdAtMs,
      ).changes,
  ) > 0

export const approvalById = (db: Db, id: string): Approval | null => {
  const row = db.sql('SELECT * FROM approvals WHERE id = ?').get(id)
  return row ? toApproval(row) : null
}

/** Spelt as in the partial index, which is used only where it appears like this. */
const open = `state IN ('pending', 'approving', 'rejecting')`

export const openApprovals = (db: Db): Approval[] =>
  db.sql(`SELECT * FROM approvals WHERE ${open} ORDER BY created_at`).all().map(toApproval)

/** Decisions to pass on, in order: somebody has made them, the backend does not know yet. */
export const claimedApprovals = (db: Db, limit: number): Approval[] =>
  db
    .sql(`SELECT * FROM approvals WHERE ${open} AND state <> 'pending' ORDER BY created_at LIMIT ?`)
    .all(limit)
    .map(toApproval)

/** Claims the decision: compare-and-set, so that of two people pressing at once one decides and the other is told. */
export const claimApproval = (
  db: Db,
  id: string,
  to: 'approving' | 'rejecting',
  by: { readonly id: string; readonly name: string; readonly reason?: string },
  nowMs: number,
): boolean =>
  Number(
    db
      .sql(
        `UPDATE approvals SET state = ?, decider = ?, decider_name = ?, reason = ?, decided_at = ? WHERE id = ? AND state = 'pending'`,
      )
      .run(to, by.id, by.name, by.reason ?? null, nowMs, id).changes,
  ) > 0

/** The backend does not let us decide: the request is open again. */
export const unclaimApproval = (db: Db, id: string): void => {
  db.sql(
    `UPDATE approvals SET state = 'pending', decider = NULL, decider_name = NULL, reason = NULL, decided_at = NULL
     WHERE id = ? AND state IN ('approving', 'rejecting')`,
  ).run(id)
}

export const endApproval = (
  db: Db,
  id: string,
  state: ApprovalState,
  nowMs: number,
  by?: { readonly id: string; readonly name: string },
): boolean =>
  Number(
    db
      .sql(
        `UPDATE approvals SET state = ?, decided_at = ?, decider = coalesce(?, decider), decider_name = coalesce(?, decider_name)
         WHERE id = ? AND state IN ('pending', 'approving', 'rejecting')`,
      )
      .run(state, nowMs, by?.id ?? null, by?.name ?? null, id).changes,
  ) > 0

/** The messages that show an approval: all of them are edited when it is decided. */
export const addCard = (db: Db, approval: string, key: string, target: Address): void => {
  db.sql('INSERT INTO cards (approval, key, target) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(
    approval,
    key,
    JSON.stringify(target),
  )
}

export const cardsOf = (db: Db, approval: string): { readonly key: string; readonly target: Address }[] =>
  db
    .sql('SELECT key, target FROM cards WHERE approval = ?')
    .all(approval)
    .map((row) => ({ key: String(row.key), target: JSON.parse(String(row.target)) as Address }))

/** Open requests that no approver has been shown. */
export const uncardedApprovals = (db: Db, limit: number): string[] =>
  db
    .sql(
      `SELECT id FROM approvals a WHERE ${open} AND state = 'pending'
         AND NOT EXISTS (SELECT 1 FROM cards c WHERE c.approval = a.id AND c.key GLOB 'approval:*') LIMIT ?`,
    )
    .all(limit)
    .map((row) => String(row.id))

/** Lately decided requests with cards that were never changed to say so. */
export const unclosedCards = (db: Db, decidedSinceMs: number, limit: number): string[] =>
  db
    .sql(
      `SELECT id FROM approvals a WHERE decided_at >= ? AND state NOT IN ('pending', 'approving', 'rejecting')
         AND EXISTS (SELECT 1 FROM cards c WHERE c.approval = a.id)
         AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.key = 'approval:' || a.id || ':' || a.state || ':0#0') LIMIT ?`,
    )
    .all(decidedSinceMs, limit)
    .map((row) => String(row.id))

/** Removes what was decided long ago with the notes of its messages, oldest first, a bounded number at a time. */
export const pruneApprovals = (db: Db, decidedBeforeMs: number, limit: number): number => {
  const old = db
    .sql(
      `SELECT id FROM approvals WHERE decided_at < ? AND state NOT IN ('pending', 'approving', 'rejecting') ORDER BY decided_at LIMIT ?`,
    )
    .all(decidedBeforeMs, limit)
  for (const { id } of old) {
    db.sql('DELETE FROM cards WHERE approval = ?').run(String(id))
    db.sql('DELETE FROM approvals WHERE id = ?').run(String(id))
  }
  return old.length
}
