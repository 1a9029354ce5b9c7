import type { InboundEvent, Reply } from '../src/contract/index.ts'

/** What the question "is this answer shown?" depends on. */
export interface Setting {
  readonly buttons: boolean
  readonly media: boolean
  readonly mode: 'silent' | 'tool' | 'internal' | null
  readonly kind: 'dm' | 'group'
  /** We were spoken to. An explicit command is spoken to us, whether or not it names us. */
  readonly addressed: boolean
  readonly thread: boolean
}

export type VisibilityReason =
  | 'interactive_action_required'
  | 'internal_delivery'
  | 'file_delivery_preserved'
  | 'text_reply_suppressed'
  | 'group_no_mention'
  | 'visible'

interface Row {
  readonly reason: VisibilityReason
  readonly visible: boolean
  readonly when: (s: Setting) => boolean
}

const quiet = (s: Setting): boolean => s.mode === 'silent' || s.mode === 'tool'

/** The shared visibility policy (spec/connector.md, "Reply Visibility"). The first row that matches wins. */
export const visibilityRows: readonly Row[] = [
  { reason: 'interactive_action_required', visible: true, when: (s) => s.buttons },
  { reason: 'internal_delivery', visible: false, when: (s) => s.mode === 'internal' },
  { reason: 'file_delivery_preserved', visible: true, when: (s) => quiet(s) && s.media },
  { reason: 'text_reply_suppressed', visible: false, when: quiet },
  { reason: 'group_no_mention', visible: false, when: (s) => s.kind === 'group' && !s.addressed && !s.thread },
  { reason: 'visible', visible: true, when: () => true },
]

/** Hidden answers count as delivered; the reason goes to the log. */
export function visibilityOf(setting: Setting): { readonly visible: boolean; readonly reason: VisibilityReason } {
  const row = visibilityRows.find((r) => r.when(setting))
  if (row === undefined) return { visible: false, reason: 'text_reply_suppressed' }
  return { visible: row.visible, reason: row.reason }
}

/** The setting of an answer. `explicit`: the event was routed to a command (typed, pressed or native); someone who
 *  sends a command waits for its answer, also in a group that needs no mention. */
export const settingOf = (reply: Reply, event: InboundEvent, explicit: boolean): Setting => ({
  buttons: (reply.buttons?.length ?? 0) > 0,
  media: (reply.media?.length ?? 0) > 0,
  mode: reply.visibility ?? null,
  kind: event.where.kind,
  addressed: explicit || event.body.kind !== 'text' || event.body.addressed,
  thread: event.where.thread !== undefined,
})
