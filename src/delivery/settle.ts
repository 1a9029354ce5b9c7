import { settingOf, visibilityOf } from '../../policy/visibility.ts'
import type { Capabilities, InboundEvent, Log, Part, Reply } from '../contract/index.ts'
import { laneOf } from '../contract/index.ts'
import { addAction } from '../store/actions.ts'
import { type KeptEvent, settleEvent } from '../store/inbox.ts'
import { dropMemo, setContact } from '../store/memo.ts'
import type { Db } from '../store/open.ts'
import { mailboxCount, markAgain, partRow } from '../store/outbox.ts'
import type { Store } from '../store/store.ts'
import { adapterTexts } from '../texts/help.ts'
import { texts } from '../texts/index.ts'
import { type Outgoing, type PostDeps, type Prepared, prepare, writeParts } from './post.ts'

/** What a command left to be settled. */
export interface Unsettled {
  readonly reply: Reply | null
  readonly within?: (db: Db) => void
  readonly release?: readonly string[]
  readonly record: string
  readonly explicit: boolean
  /** Qualified id, when this direct chat shall be remembered as the way to reach its sender. */
  readonly contact: string | null
}

export interface SettleDeps extends PostDeps {
  readonly store: Store
  readonly log: Log
}

export interface Settled {
  /** For the open request, if there is one. */
  readonly first: Part | null
  readonly lanes: readonly string[]
}

/** A one-time answer is used a little before it dies, to say that the work goes on. */
const bridgeMarginMs = 7000
const fetchMs = 24 * 60 * 60_000

const bridgeKeyOf = (eventId: string): string => `${eventId}#bridge`

/** The one part of the bridge, as it stands in the outbox. */
export const bridgePartOf = (eventId: string): string => `${bridgeKeyOf(eventId)}#0`

/** The one transaction: the event is done, its answer, its job and its buttons are written. All of it or nothing. */
export const settle = async (
  kept: KeptEvent,
  what: Unsettled,
  capabilities: Capabilities,
  slot: boolean,
  deps: SettleDeps,
): Promise<Settled> => {
  const { event } = kept
  const prepared = prepareAll(event, visible(event, what, deps), capabilities, deps)
  const extraId = what.release ? deps.newId() : ''
  return deps.store.write((db) => {
    const nowMs = deps.now()
    what.within?.(db)
    if (what.contact) setContact(db, what.contact, event.where, nowMs)
    const lanes = prepared.map((one, i) => writeParts(db, one, nowMs, slot && i === 0)).filter((lane) => lane !== null)
    const way = slot ? 'offered' : capabilities.answer.push === 'never' ? null : 'queued'
    const released = what.release?.map((key) => release(db, key, way, { id: extraId, nowMs }))[0] ?? null
    if (released && way === 'queued') lanes.push(laneOf(released.to))
    const first = prepared[0]?.parts[0] ?? released
    dropMemo(db, 'aim', event.id)
    settleEvent(db, kept.seq, { outcome: what.record, answer: first?.key ?? null }, nowMs)
    return { first, lanes }
  })
}

/** Null when the visibility policy hides it: that counts as delivered. */
const visible = (event: InboundEvent, { reply, explicit }: Unsettled, { log }: SettleDeps): Reply | null => {
  if (!reply) return null
  const { visible, reason } = visibilityOf(settingOf(reply, event, explicit))
  if (visible) return reply
  log.info({ platform: event.where.platform, event: event.id, reason }, 'answer suppressed by visibility policy')
  return null
}

const prepareAll = (
  event: InboundEvent,
  reply: Reply | null,
  capabilities: Capabilities,
  deps: SettleDeps,
): Prepared[] => {
  if (!reply) return []
  const where = { to: event.where, handle: event.handle }
  const all: Outgoing[] = [
    { ...where, key: event.id, replyTo: event.message, reply: withCount(reply, event, capabilities, deps) },
  ]
  if (reply.interim && event.handle && capabilities.answer.push === 'never') {
    all.push({
      ...where,
      key: bridgeKeyOf(event.id),
      notBeforeMs: Math.max(deps.now(), event.handle.expiresAt - bridgeMarginMs),
      reply: {
        text: adapterTexts.still_working,
        audience: 'everyone',
        buttons: [{ label: adapterTexts.fetch_later, say: '/inbox', ttlMs: fetchMs }],
      },
    })
  }
  return all.map((one) => prepare(one, deps)).filter((one): one is Prepared => one !== null)
}

/** Where we can't speak first, each answer mentions what is waiting. */
const withCount = (reply: Reply, event: InboundEvent, { answer }: Capabilities, deps: SettleDeps): Reply => {
  if (answer.push !== 'never') return reply
  const waiting = deps.store.read((db) => mailboxCount(db, laneOf(event.where)))
  if (waiting === 0) return reply
  return {
    ...reply,
    text: `${reply.text ?? ''}\n\n${texts.mailboxWaiting(waiting)}`,
    buttons: [
      ...(reply.buttons ?? []).filter((button) => button.say !== '/inbox'),
      { label: adapterTexts.fetch_later, say: '/inbox', ttlMs: fetchMs },
    ],
  }
}

/** Gives a waiting answer to the open request, or sends it where we may speak; else it stays where it is. */
const release = (
  db: Db,
  key: string,
  way: 'offered' | 'queued' | null,
  extra: { readonly id: string; readonly nowMs: number },
): Part | null => {
  const row = partRow(db, key)
  if (row?.state !== 'mailbox') return null
  const left = mailboxCount(db, row.lane) - 1
  const more = { label: texts.mailboxMoreLabel(left), action: extra.id, say: '/inbox' }
  const part: Part = {
    ...row.part,
    handle: undefined,
    buttons: left > 0 ? [...row.part.buttons.filter((button) => button.say !== '/inbox'), more] : row.part.buttons,
  }
  if (way && left > 0) {
    const { platform, chat } = part.to
    const expiresAtMs = extra.nowMs + fetchMs
    addAction(db, { id: extra.id, say: more.say, only: null, once: null, platform, chat, expiresAtMs })
  }
  if (way) markAgain(db, key, { state: way, nextAtMs: 0, error: '', part })
  return part
}
