import {
  type InboundEvent,
  laneOf,
  type MediaKind,
  type MediaRef,
  type Part,
  qualified,
  type Receipt,
} from '../contract/index.ts'
import type { Db } from './open.ts'

/** A file that we sent: it may still lie here. */
export interface OwnMedia {
  readonly kind: MediaKind
  readonly blob: string
}

/** How many of one person's files in one chat are remembered. */
const mostOfOne = 20

/** Remembers what came with an event, so that a later `/run` finds it: who sent it, where, in which message. Only the
 *  pointer is kept, never the file. */
export const addSentMedia = (db: Db, event: InboundEvent, nowMs: number): void => {
  const lane = laneOf(event.where)
  const person = qualified(event.where.platform, event.from.id)
  // What a platform says of a message that is answered did not come with this one.
  const came = event.media.filter(({ ref }) => ref !== event.replyTo)
  for (const [nth, media] of came.slice(0, mostOfOne).entries()) {
    db.sql(
      `INSERT INTO sent_media (event, nth, lane, person, message, sent_at, media) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    ).run(event.id, nth, lane, person, event.message ?? null, nowMs, JSON.stringify(media))
  }
  db.sql(
    `DELETE FROM sent_media WHERE lane = ? AND person = ? AND seq <=
       (SELECT seq FROM sent_media WHERE lane = ? AND person = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)`,
  ).run(lane, person, lane, person, mostOfOne)
}

const toMedia = (row: Record<string, unknown>): MediaRef => JSON.parse(String(row.media)) as MediaRef

/** A call of ours made several messages: those behind the first are found by their own ids (the first by its part). */
export const addFurtherMessages = (db: Db, part: Part, { more = [] }: Receipt, nowMs: number): void => {
  for (const [i, message] of more.entries()) {
    const item = part.items[i + 1]
    if (item?.kind !== 'media') continue
    const { kind, blob } = item.media
    const own: OwnMedia = { kind, blob }
    db.sql(
      `INSERT INTO sent_media (event, nth, lane, person, message, sent_at, media) VALUES (?, ?, ?, '', ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    ).run(part.key, i + 1, laneOf(part.to), message, nowMs, JSON.stringify(own))
  }
}

/** What a message of ours carried, itself or (where it was a text) beside it; null when it is none of ours. */
export const ownMediaOf = (db: Db, lane: string, message: string): OwnMedia[] | null => {
  const row = db
    .sql('SELECT part FROM outbox WHERE message = ? AND lane = ? ORDER BY seq DESC LIMIT 1')
    .get(message, lane)
  if (!row) return null
  const { items } = JSON.parse(String(row.part)) as Part
  const about = items[0]?.kind === 'media' ? items.slice(0, 1) : items
  return about.flatMap((item) => (item.kind === 'media' ? [{ kind: item.media.kind, blob: item.media.blob }] : []))
}

/** What a message of a conversation carried. */
export const mediaOfMessage = (db: Db, lane: string, message: string): (MediaRef | OwnMedia)[] =>
  db
    .sql('SELECT media FROM sent_media WHERE lane = ? AND message = ? ORDER BY seq LIMIT ?')
    .all(lane, message, mostOfOne)
    .map(toMedia)

/** What came in a conversation under this pointer: where a platform names files by the message they came in. */
export const mediaByRef = (db: Db, lane: string, ref: string): MediaRef[] =>
  db
    .sql(`SELECT media FROM sent_media WHERE lane = ? AND media ->> 'ref' = ? ORDER BY seq LIMIT 1`)
    .all(lane, ref)
    .map(toMedia)

/** What a person sent into a conversation lately, oldest first. */
export const latestMedia = (db: Db, lane: string, person: string, sinceMs: number): MediaRef[] =>
  db
    .sql('SELECT media FROM sent_media WHERE lane = ? AND person = ? AND sent_at > ? ORDER BY seq LIMIT ?')
    .all(lane, person, sinceMs, mostOfOne)
    .map(toMedia)

/** Forgets what a person sent in a message, by its id or the pointer to it. */
export const dropSentMedia = (db: Db, lane: string, message: string): void => {
  db.sql(`DELETE FROM sent_media WHERE lane = ? AND person <> '' AND (message = ? OR media ->> 'ref' = ?)`).run(
    lane,
    message,
    message,
  )
}

export const pruneSentMedia = (db: Db, sentBeforeMs: number, limit: number): number =>
  Number(
    db
      .sql(
        'DELETE FROM sent_media WHERE seq IN (SELECT seq FROM sent_media WHERE sent_at < ? ORDER BY sent_at LIMIT ?)',
      )
      .run(sentBeforeMs, limit).changes,
  )
