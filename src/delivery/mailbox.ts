import type { Capabilities, InboundEvent, Part, PartButton, Reply, ReplyHandle } from '../contract/index.ts'
import { laneOf, tenantOf } from '../contract/index.ts'
import { addAction } from '../store/actions.ts'
import { dropFromMailbox, mailbox, mailboxCount, queueMailbox } from '../store/mailbox.ts'
import type { Db } from '../store/open.ts'
import { markAgain, type OutboxRow, partRow } from '../store/outbox.ts'
import type { Store } from '../store/store.ts'
import { adapterTexts } from '../texts/help.ts'
import { texts } from '../texts/index.ts'
import type { Prepared } from './post.ts'

/** How long a button that fetches a waiting answer can be pressed. */
export const fetchMs = 24 * 60 * 60_000

/** So many waiting answers go out when their person writes again; the others follow with the next message. */
const releasedAtOnce = 20

/** The one-time token of an event or a part, while it lives. */
export const handleOf = ({ handle }: Pick<Part, 'handle'>, nowMs: number): ReplyHandle | undefined =>
  handle?.kind === 'token' && handle.expiresAt > nowMs ? handle : undefined

/** Where we can't speak first, each answer mentions what is waiting, unless it comes along. */
export const withCount = (
  reply: Reply,
  event: InboundEvent,
  { answer, call }: Capabilities,
  deps: { readonly store: Store; readonly now: () => number },
): Reply => {
  if (answer.push !== 'never') return reply
  const lane = laneOf(event.where)
  const room = handleOf(event, deps.now()) ? call.items - 1 : 0
  const waiting = deps.store.read((db) => {
    const all = mailboxCount(db, lane)
    return all > 0 ? all - alongside(db, lane, room).length : 0
  })
  if (waiting <= 0) return reply
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
export const joined = (db: Db, answer: Prepared, nowMs: number): Prepared => {
  const [first, ...others] = answer.parts
  if (!first || first.interim || !handleOf(first, nowMs) || others.length > 0) return answer
  // Written before: what is joined now would go nowhere.
  if (partRow(db, first.key)) return answer
  const { call, buttons } = answer.capabilities
  let part = first
  for (const { key, part: waiting } of alongside(db, laneOf(first.to), call.items - first.items.length)) {
    const items = [...part.items, ...waiting.items]
    part = { ...part, items, buttons: merged(part.buttons, waiting.buttons, buttons?.max ?? 0) }
    dropFromMailbox(db, key, `given with ${first.key}`, nowMs)
  }
  return { ...answer, parts: [part] }
}

/** What fits into so much room, in its order. What may be known already goes alone, as only a whole call can say so. */
const alongside = (db: Db, lane: string, room: number): readonly OutboxRow[] => {
  const rows: OutboxRow[] = []
  if (room <= 0) return rows
  let left = room
  for (const row of mailbox(db, lane, room)) {
    left -= row.part.items.length
    if (row.part.repeated || left < 0) break
    rows.push(row)
  }
  return rows
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
    const { platform, workspace = null, chat } = part.to
    const expiresAtMs = nowMs + fetchMs
    addAction(db, {
      id,
      say: more.say,
      only: null,
      once: null,
      tenant: tenantOf(part.to),
      platform,
      workspace,
      chat,
      expiresAtMs,
    })
  }
  if (way) markAgain(db, key, { state: way, nextAtMs: 0, error: '', part, fromMs: nowMs })
  return part
}
