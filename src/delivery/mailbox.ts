import type { Capabilities, InboundEvent, Part, PartButton, Reply, ReplyHandle } from '../contract/index.ts'
import { laneOf } from '../contract/index.ts'
import { addAction } from '../store/actions.ts'
import { dropFromMailbox, mailbox, mailboxCount, queueMailbox } from '../store/mailbox.ts'
import type { Db } from '../store/open.ts'
import { markAgain, partRow } from '../store/outbox.ts'
import type { Store } from '../store/store.ts'
import { adapterTexts } from '../texts/help.ts'
import { texts } from '../texts/index.ts'
import type { Prepared } from './post.ts'

/** How long a button that fetches a waiting answer can be pressed. */
export const fetchMs = 24 * 60 * 60_000

/** So many waiting answers go out when their person writes again; the others follow with the next message. */
const releasedAtOnce = 20

/** The one-time token of an event, while it lives. */
export const handleOf = ({ handle }: InboundEvent, nowMs: number): ReplyHandle | undefined =>
  handle?.kind === 'token' && handle.expiresAt > nowMs ? handle : undefined

/** Where we can't speak first, each answer mentions what is waiting, unless it comes along. */
export const withCount = (
  reply: Reply,
  event: InboundEvent,
  { answer, call }: Capabilities,
  deps: { readonly store: Store; readonly now: () => number },
): Reply => {
  if (answer.push !== 'never' || (call.items > 1 && handleOf(event, deps.now()))) return reply
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

/** A token pays for one call of several items: what waits goes along with the answer, oldest first, as far as it fits. */
export const joined = (db: Db, answer: Prepared, event: InboundEvent, nowMs: number): Prepared => {
  const [first, ...others] = answer.parts
  if (!first?.handle || first.interim || !handleOf(event, nowMs) || others.length > 0) return answer
  const { call, buttons } = answer.capabilities
  let part = first
  for (const { key, part: waiting } of mailbox(db, laneOf(event.where), call.items - 1)) {
    const items = [...part.items, ...waiting.items]
    if (items.length > call.items) break
    // One call has one mark: what may have been seen before marks all of it.
    const repeated = waiting.repeated ? { repeated: true } : {}
    part = { ...part, items, buttons: merged(part.buttons, waiting.buttons, buttons?.max ?? 0), ...repeated }
    dropFromMailbox(db, key, `given with ${first.key}`, nowMs)
  }
  return { ...answer, parts: [part] }
}

const merged = (a: readonly PartButton[], b: readonly PartButton[], max: number): readonly PartButton[] => {
  const said = new Set(a.map(({ say }) => say))
  return [...a, ...b.filter(({ say }) => !said.has(say))].slice(0, max)
}

/** The person has written, so we may speak again: what waits is sent. True when something was. */
export const releaseAll = (db: Db, lane: string, nowMs: number): boolean =>
  queueMailbox(db, lane, releasedAtOnce, nowMs) > 0

/** Gives a waiting answer to the open request, or sends it where we may speak; else it stays where it is. */
export const release = (
  db: Db,
  key: string,
  way: 'offered' | 'queued' | null,
  { event, id, nowMs }: { readonly event: InboundEvent; readonly id: string; readonly nowMs: number },
): Part | null => {
  const row = partRow(db, key)
  if (row?.state !== 'mailbox') return null
  const left = mailboxCount(db, row.lane) - 1
  const more = { label: texts.mailboxMoreLabel(left), action: id, say: '/inbox' }
  const part: Part = {
    ...row.part,
    handle: way === 'queued' ? handleOf(event, nowMs) : undefined,
    buttons: left > 0 ? [...row.part.buttons.filter((button) => button.say !== '/inbox'), more] : row.part.buttons,
  }
  if (way && left > 0) {
    const { platform, chat } = part.to
    const expiresAtMs = nowMs + fetchMs
    addAction(db, { id, say: more.say, only: null, once: null, platform, chat, expiresAtMs })
  }
  if (way) markAgain(db, key, { state: way, nextAtMs: 0, error: '', part })
  return part
}
