import { refuse } from '../policy/replay.ts'
import { isAdmin } from '../policy/trust.ts'
import { concernsUs, type PerformDeps, type Performed, perform } from './commands/perform.ts'
import { type Capabilities, type InboundEvent, type Log, laneOf, type Part, qualified } from './contract/index.ts'
import { type SettleDeps, settle } from './delivery/settle.ts'
import type { Slots } from './intake/inline.ts'
import type { Lanes } from './intake/lanes.ts'
import { type KeptEvent, keepEvent, type Verdict } from './store/inbox.ts'
import { StoreError } from './store/store.ts'
import { texts } from './texts/index.ts'

export interface Ports extends PerformDeps, SettleDeps {
  readonly slots: Slots
  readonly lanes: () => Lanes
  readonly maxPending: number
  readonly maxPendingPerSender: number
  /** Wakes the delivery of these conversations. */
  readonly wake: (lanes: Iterable<string>) => void
  /** The open request is gone: its answer takes the next way. */
  readonly lost: (part: Part) => void
  readonly typing: (event: InboundEvent) => () => void
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly log: Log
}

/** Thrown when too much waits already: the platform is asked to bring the events again. */
export class TooBusy extends Error {
  override readonly name = 'TooBusy'
}

/** First half of the flow. Resolves once everything that concerns us is on disk. */
export const keep = async (events: readonly InboundEvent[], capabilities: Capabilities, p: Ports): Promise<void> => {
  const wanted = events.flatMap((event) => {
    const verdict = verdictOn(event, capabilities, p)
    return verdict ? [{ event, verdict }] : []
  })
  if (wanted.length === 0) return
  if (p.lanes().size() + wanted.length > p.maxPending) throw new TooBusy('too many events are waiting')
  p.step('keep:taken')
  const kept = await p.store.write((db) =>
    wanted.map(({ event, verdict }) => keepEvent(db, event, laneOf(event.where), verdict, p.now())),
  )
  p.step('keep:kept')
  for (const one of kept) if (one) p.lanes().add(one)
}

/** Null: nothing to keep. */
const verdictOn = (event: InboundEvent, capabilities: Capabilities, p: Ports): Verdict | null => {
  const why = refuse(event, p.now(), capabilities)
  if (why === 'self' || why === 'bot' || why === 'future') {
    p.log.debug({ event: event.id, why }, 'event dropped')
    return null
  }
  if (!concernsUs(event, p.commands())) return null
  if (why === 'stale') return 'stale'
  return p.lanes().waitingOf(qualified(event.where.platform, event.from.id)) >= p.maxPendingPerSender ? 'busy' : 'run'
}

/** Second half: what was kept is worked on and settled. Never rejects: what can't be settled now is tried again. */
export const work = async (
  kept: KeptEvent,
  capabilities: Capabilities,
  p: Ports,
  signal: AbortSignal,
): Promise<void> => {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await once(kept, capabilities, p, signal)
      return
    } catch (error) {
      if (signal.aborted) return
      p.log.error({ event: kept.event.id, attempt, error: String(error) }, 'event not settled yet')
      await p.sleep(Math.min(30_000, 500 * 2 ** attempt), signal)
    }
  }
}

const once = async (kept: KeptEvent, capabilities: Capabilities, p: Ports, signal: AbortSignal): Promise<void> => {
  const { event } = kept
  const performed = await answering(kept, capabilities, p, signal)
  p.step('work:ran')
  const who = {
    platform: event.where.platform,
    ids: [event.from.id, ...(event.from.aliases ?? [])],
    chat: event.where.chat,
    proof: event.proof,
  }
  const contact =
    event.where.kind === 'dm' && isAdmin(p.rules, who) ? qualified(event.where.platform, event.from.id) : null
  const { outcome, record, explicit } = performed
  const slot = p.slots.open(event.id)
  const settled = await settle(kept, { ...outcome, record, explicit, contact }, capabilities, slot, p)
  p.step('work:settled')
  p.log.debug({ event: event.id, platform: event.where.platform, record }, 'event settled')
  if (slot && !p.slots.offer(event.id, settled.first) && settled.first) p.lost(settled.first)
  p.wake(settled.lanes)
  outcome.after?.()
}

/** A command that breaks answers with a reference instead of nothing; only what can be repeated is thrown on. */
const answering = async (
  kept: KeptEvent,
  capabilities: Capabilities,
  p: Ports,
  signal: AbortSignal,
): Promise<Performed> => {
  const stopTyping = p.typing(kept.event)
  try {
    return await perform(kept.event, kept.verdict, capabilities, p, signal)
  } catch (error) {
    if (signal.aborted || error instanceof StoreError) throw error
    const reference = p.newId().slice(0, 8)
    p.log.error(
      {
        event: kept.event.id,
        reference,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      },
      'command failed',
    )
    const reply = { text: texts.failed(reference), audience: 'everyone' as const }
    return { outcome: { reply }, record: 'failed', explicit: true }
  } finally {
    stopTyping()
  }
}
