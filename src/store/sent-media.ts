import { type InboundEvent, laneOf, type MediaRef, qualified } from '../contract/index.ts'
import type { Db } from './open.ts'

/** How many of one person's files in one chat are remembered. */
const mostOfOne = 20

/** Remembers what came with an event, so that a later `/run` finds it: who sent it, where, in which message. Only the
 *  pointer is kept, never the file. */
export const addSentMedia = (db: Db, event: InboundEvent, nowMs: number): void => {
  const lane = laneOf(event.where)
  const person = qualified(event.where.platform, event.from.id)
  for (const [nth, media] of event.media.slice(0, mostOfOne).entries()) {
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

/** What a message of a conversation carried. */
export const mediaOfMessage = (db: Db, lane: string, message: string): MediaRef[] =>
  db
    .sql('SELECT media FROM sent_media WHERE lane = ? AND message = ? ORDER BY seq LIMIT ?')
    .all(lane, message, mostOfOne)
    .map(toMedia)

/** What a person sent into a conversation lately, oldest first. */
export const latestMedia = (db: Db, lane: string, person: string, sinceMs: number): MediaRef[] =>
  db
    .sql('SELECT media FROM sent_media WHERE lane = ? AND person = ? AND sent_at > ? ORDER BY seq LIMIT ?')
    .all(lane, person, sinceMs, mostOfOne)
    .map(toMedia)

export const pruneSentMedia = (db: Db, sentBeforeMs: number, limit: number): number =>
  Number(
    db
      .sql(
        'DELETE FROM sent_media WHERE seq IN (SELECT seq FROM sent_media WHERE sent_at < ? ORDER BY sent_at LIMIT ?)',
      )
      .run(sentBeforeMs, limit).changes,
  )
