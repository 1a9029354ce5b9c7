import type { Capabilities, InboundEvent, InlineResult, Log, Part } from '../contract/index.ts'
import { laneOf } from '../contract/index.ts'
import { bridgePartOf } from '../delivery/settle.ts'
import type { Earlier } from '../intake/http.ts'
import { eventState } from '../store/inbox.ts'
import type { Db } from '../store/open.ts'
import { markAgain, markSent, type OutboxRow, partRow, withdraw } from '../store/outbox.ts'
import type { Store } from '../store/store.ts'

export interface InlineEndDeps {
  readonly store: Store
  readonly now: () => number
  readonly log: Log
  readonly wake: (lanes: Iterable<string>) => void
  readonly capabilities: (platform: string) => Capabilities | null
  readonly step: (name: string) => void
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly signal: AbortSignal
}

const noteAgainMs = 1000

export interface InlineEnds {
  /** The first answer of an event that came again. Rejects when nothing can be written. */
  readonly earlier: (event: InboundEvent) => Promise<Earlier | 'pending' | null>
  readonly written: (part: Part, result: InlineResult) => void
  readonly lost: (part: Part) => void
}

/** What becomes of an answer that was handed to an open request. */
export const makeInlineEnds = ({
  store,
  now,
  log,
  wake,
  capabilities,
  step,
  sleep,
  signal,
}: InlineEndDeps): InlineEnds => {
  const note = async (part: Part, how: 'write' | 'note', change: (db: Db) => void): Promise<void> => {
    while (!signal.aborted) {
      try {
        return await store[how](change)
      } catch (error) {
        // Until it is noted the row stays `offered`; a restart treats that as perhaps delivered.
        log.warn({ part: part.key, error: String(error) }, 'inline delivery not noted yet')
        await sleep(noteAgainMs, signal)
      }
    }
  }
  /** On disk before it leaves: after a crash in between it is known that it may have been seen. */
  const taken = (key: string): Promise<Earlier | null> =>
    store.write((db) => {
      const row = partRow(db, key)
      if (row?.state !== 'mailbox') return null
      markAgain(db, key, { state: 'offered', nextAtMs: 0, error: '' })
      return { part: row.part, taken: true }
    })
  return {
    earlier: async (event) => {
      const seen = store.read((db) => eventState(db, event.id))
      if (!seen) return null
      if (seen.state === 'kept') return 'pending'
      const { answer } = seen
      const row = answer === null ? null : store.read((db) => partRow(db, answer))
      if (row?.state === 'mailbox') return taken(row.key)
      return row && isGivenHere(row) ? { part: row.part, taken: false } : null
    },
    written: (part, result) => {
      step('inline:written')
      void note(part, 'note', (db) => {
        markSent(db, part.key, { via: 'inline' }, now())
        if (part.interim && part.handle && !result.tokenKept) closeHandle(db, part, now())
      })
    },
    lost: (part) =>
      void note(part, 'write', (db) => {
        if (partRow(db, part.key)?.state !== 'offered') return
        const pushes = capabilities(part.to.platform)?.answer.push !== 'never'
        const handle = part.handle && part.handle.expiresAt > now() && !part.interim
        const state = pushes || handle ? 'queued' : 'mailbox'
        markAgain(db, part.key, { state, nextAtMs: now(), error: 'request gone' })
      }).then(() => wake([laneOf(part.to)])),
  }
}

/** Whether an answer went into an open request or is about to. What goes the other way (or went) must not be seen
 *  twice. */
const isGivenHere = ({ state, via }: OutboxRow): boolean =>
  state === 'offered' || (state === 'sent' && via === 'inline')

/** The platform was not told that more follows on this token, so it is of no use any more. */
const closeHandle = (db: Db, part: Part, nowMs: number): void => {
  const job = db.sql('SELECT id, key FROM jobs WHERE key = ?').get(part.key.replace(/^ack:/, ''))
  if (!job) return
  db.sql('UPDATE jobs SET handle = NULL WHERE id = ?').run(String(job.id))
  withdraw(db, bridgePartOf(String(job.key)), nowMs)
}
