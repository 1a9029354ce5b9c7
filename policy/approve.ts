/** What of an approval request decides who may decide it. */
export interface Pending {
  /** Qualified id of the requester; null when it did not come through us. */
  readonly requestedBy: string | null
  readonly state: 'pending' | 'approved' | 'rejected' | 'expired'
  /** Milliseconds since the epoch; null when the backend names none. */
  readonly expiresAt: number | null
  /** Qualified id of whoever decided. */
  readonly decidedBy?: string | null
}

export interface Decider {
  /** Qualified id. */
  readonly id: string
  /** Whether the policy lets this person use the deciding command on everybody's requests. */
  readonly admin: boolean
}

export type MayDecide =
  /** `self`: it is their own request. Admins may, as they could have run it at once; the log should say so. */
  | { readonly kind: 'allow'; readonly self: boolean }
  | { readonly kind: 'deny'; readonly why: 'not-approver' }
  | {
      readonly kind: 'deny'
      readonly why: 'decided'
      readonly state: 'approved' | 'rejected'
      readonly by: string | null
    }
  | { readonly kind: 'deny'; readonly why: 'expired' }

/**
 * Whether someone may approve or reject a request now. The privilege comes first, so that others learn nothing about
 * the request and their attempt uses nothing up. The store repeats the state check when it writes (compare and set).
 */
export function mayDecide(approval: Pending, who: Decider, nowMs: number): MayDecide {
  if (!who.admin) return { kind: 'deny', why: 'not-approver' }
  if (approval.state === 'approved' || approval.state === 'rejected') {
    return { kind: 'deny', why: 'decided', state: approval.state, by: approval.decidedBy ?? null }
  }
  // The backend marks overdue requests only when they are listed, so the time counts, not only the state.
  const overdue = approval.expiresAt !== null && approval.expiresAt <= nowMs
  if (approval.state !== 'pending' || overdue) return { kind: 'deny', why: 'expired' }
  return { kind: 'allow', self: approval.requestedBy === who.id }
}
