import type { Capabilities, InboundEvent, InlineResult, Log, Part } from '../contract/index.ts'
import { laneOf } from '../contract/index.ts'
import { bridgePartOf } from '../delivery/settle.ts'
import { eventState } from '../store/inbox.ts'
import type { Db } from '../store/open.ts'
import { markAgain, markSent, partRow, withdraw } from '../store/outbox.ts'
import type { Store } from '../store/store.ts'

export interface InlineEndDeps {
  readonly store: Store
  readonly now: () => number
  readonly log: Log
  readonly wake: (lanes: Iterable<string>) => void
  readonly capabilities: (platform: string) => Capabilities | null
  readonly step: (name: string) => void
}

export interface InlineEnds {
  /** The first answer of an event that came again. */
  readonly earlier: (event: InboundEvent) => Part | 'pending' | null
  readonly written: (part: Part, result: InlineResult) => void
  readonly lost: (part: Part) => void
}

/** What becomes of an answer that was handed to an open request. */
export const makeInlineEnds = ({ store, now, log, wake, capabilities, step }: InlineEndDeps): InlineEnds => {
  const note = (part: Part, change: (db: Db) => void): void => {
    store.write(change).then(
      () => wake([laneOf(part.to)]),
      // The row stays `offered`; the next start treats it as perhaps delivered.
      (error: unknown) => log.warn({ part: part.key, error: String(error) }, 'inline delivery not noted'),
    )
  }
  return {
    earlier: (event) => {
      const seen = store.read((db) => eventState(db, event.id))
      if (!seen) return null
      if (seen.state === 'kept') return 'pending'
      const { answer } = seen
      return answer === null ? null : store.read((db) => partRow(db, answer)?.part ?? null)
    },
    written: (part, result) => {
      step('inline:written')
      note(part, (db) => {
        markSent(db, part.key, { via: 'inline' }, now())
        if (part.interim && part.handle && !result.tokenKept) closeHandle(db, part, now())
      })
    },
    lost: (part) =>
      note(part, (db) => {
        if (partRow(db, part.key)?.state !== 'offered') return
        const pushes = capabilities(part.to.platform)?.answer.push !== 'never'
        const handle = part.handle && part.handle.expiresAt > now() && !part.interim
        const state = pushes || handle ? 'queued' : 'mailbox'
        markAgain(db, part.key, { state, nextAtMs: now(), error: 'request gone' })
      }),
  }
}

/** The platform was not told that more follows on this token, so it is of no use any more. */
const closeHandle = (db: Db, part: Part, nowMs: number): void => {
  const job = db.sql('SELECT id, key FROM jobs WHERE key = ?').get(part.key.replace(/^ack:/, ''))
  if (!job) return
  db.sql('UPDATE jobs SET handle = NULL WHERE id = ?').run(String(job.id))
  withdraw(db, bridgePartOf(String(job.key)), nowMs)
}
