import { settingOf, visibilityOf } from '../../policy/visibility.ts'
import type { Capabilities, InboundEvent, Log, Part, Reply } from '../contract/index.ts'
import { laneOf } from '../contract/index.ts'
import { type KeptEvent, settleEvent } from '../store/inbox.ts'
import { mailboxCount } from '../store/mailbox.ts'
import { dropMemo, setContact } from '../store/memo.ts'
import type { Db } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import { adapterTexts } from '../texts/help.ts'
import { fetchMs, handleOf, joined, release, releaseAll, withCount } from './mailbox.ts'
import { type Outgoing, type PostDeps, type Prepared, prepare, writeParts } from './post.ts'

/** What a command left to be settled. */
export interface Unsettled {
  readonly reply: Reply | null
  readonly within?: (db: Db) => void
  readonly release?: readonly string[]
  readonly record: string
  readonly explicit: boolean
  /** Qualified ids of its sender under which this direct chat shall be remembered as the way to reach them. */
  readonly contacts: readonly string[]
  /** The beginning of its part keys, where it is not to be the event's id. */
  readonly key?: string
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

const bridgeKeyOf = (eventId: string): string => `${eventId}#bridge`

/** The one part of the bridge, as it stands in the outbox. */
export const bridgePartOf = (eventId: string): string => `${bridgeKeyOf(eventId)}#0`

/** An answer laid out, ready to be written. `answer`: the key under which its first part will be found. */
export interface Settling {
  readonly answer: string | null
  /** Inside a transaction; it may run twice. */
  readonly write: (db: Db) => Settled
}

/** Lays out what a command left. `slot`: an open request waits for it. */
export const prepareSettling = (
  event: InboundEvent,
  what: Unsettled,
  capabilities: Capabilities,
  slot: boolean,
  deps: SettleDeps,
): Settling => {
  const prepared = prepareAll(event, what.key ?? event.id, visible(event, what, deps), capabilities, deps)
  const extraId = what.release ? deps.newId() : ''
  const push = capabilities.answer.push !== 'never'
  const way = slot ? 'offered' : push || handleOf(event, deps.now()) ? 'queued' : null
  const mayJoin = !slot && !what.release && capabilities.call.items > 1
  const mayReopen = push && !what.release && mayClose(capabilities)
  const write = (db: Db): Settled => {
    const nowMs = deps.now()
    what.within?.(db)
    for (const person of what.contacts) setContact(db, person, event.where, nowMs)
    const [head, ...others] = prepared
    // Nearly always nothing waits, and one look is cheaper than to change nothing twice.
    const someWait = (mayJoin || mayReopen) && mailboxCount(db, laneOf(event.where)) > 0
    const first = head && mayJoin && someWait ? joined(db, head, nowMs) : head
    const lanes = (first ? [first, ...others] : [])
      .map((one, i) => writeParts(db, one, nowMs, slot && i === 0))
      .filter((lane) => lane !== null)
    if (mayReopen && someWait && releaseAll(db, laneOf(event.where), nowMs)) lanes.push(laneOf(event.where))
    const released = what.release?.map((key) => release(db, key, way, { event, id: extraId, nowMs }))[0] ?? null
    if (released && way === 'queued') lanes.push(laneOf(released.to))
    return { first: first?.parts[0] ?? released, lanes }
  }
  return { answer: prepared[0]?.parts[0]?.key ?? null, write }
}

/** The one transaction: the event is done, its answer, its job and its buttons are written. All of it or nothing. */
export const settle = (
  kept: KeptEvent,
  what: Unsettled,
  capabilities: Capabilities,
  slot: boolean,
  deps: SettleDeps,
): Promise<Settled> => {
  const settling = prepareSettling(kept.event, what, capabilities, slot, deps)
  return deps.store.write((db) => {
    const settled = settling.write(db)
    dropMemo(db, 'aim', kept.event.id)
    settleEvent(db, kept.seq, { outcome: what.record, answer: settled.first?.key ?? null }, deps.now())
    return settled
  })
}

/** Whether there are times at which we may not speak first: what waited for their end goes out when a person writes. */
const mayClose = ({ answer }: Capabilities): boolean => answer.push !== 'always' || answer.windowMs !== null

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
  key: string,
  reply: Reply | null,
  capabilities: Capabilities,
  deps: SettleDeps,
): Prepared[] => {
  if (!reply) return []
  const where = { to: event.where, handle: event.handle }
  const all: Outgoing[] = [
    { ...where, key, replyTo: event.message, reply: withCount(reply, event, capabilities, deps) },
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
