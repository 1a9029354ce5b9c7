import type { Tenancy } from '../policy/tenants.ts'
import { isApprover } from '../policy/trust.ts'
import { type PerformDeps, type Performed, perform } from './commands/perform.ts'
import { type Capabilities, type InboundEvent, type Log, type Part, qualified } from './contract/index.ts'
import { type SettleDeps, type Settled, settle, type Unsettled } from './delivery/settle.ts'
import type { Slots } from './intake/inline.ts'
import type { Lanes } from './intake/lanes.ts'
import type { KeptEvent, Verdict } from './store/inbox.ts'
import { jobByKey } from './store/jobs.ts'
import { StoreError } from './store/store.ts'
import { texts } from './texts/index.ts'

export interface Ports extends PerformDeps, SettleDeps {
  /** Whose conversations are; null outside multi-tenant mode. */
  readonly tenancy: Tenancy | null
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

/** Like the longest a job is held for an unreachable backend. */
const staleMs = 10 * 60_000

/** Second half: what was kept is performed once and settled. Never rejects: a settling that fails is tried again, the
 *  command is not; what it did can't be undone by doing it twice. */
export const work = async (
  kept: KeptEvent,
  capabilities: Capabilities,
  p: Ports,
  signal: AbortSignal,
): Promise<void> => {
  let performed: Performed | null = null
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      performed ??= await answering(kept, capabilities, p, signal)
      p.step('work:ran')
      await settleOne(kept, performed, capabilities, p)
      return
    } catch (error) {
      if (signal.aborted) return
      p.log.error({ event: kept.event.id, attempt, error: String(error) }, 'event not settled yet')
      // An answer that can't be written at all must not hold up its chat for ever.
      if (attempt >= mostAttempts && performed && !(error instanceof StoreError))
        performed = broken(kept.event, error, p)
      await p.sleep(Math.min(30_000, 500 * 2 ** attempt), signal)
    }
  }
}

const mostAttempts = 5

const settleOne = async (
  kept: KeptEvent,
  performed: Performed,
  capabilities: Capabilities,
  p: Ports,
): Promise<void> => {
  const { event } = kept
  const slot = p.slots.open(event.id)
  const settled = await settle(kept, unsettled(event, performed, p), capabilities, slot, p)
  end(event, { performed, slot, settled }, p)
}

export const unsettled = (
  event: InboundEvent,
  { outcome, record, explicit }: Performed,
  p: Pick<Ports, 'rules'>,
): Unsettled => ({
  ...outcome,
  record,
  explicit,
  contacts: contactsOf(event, p),
})

export interface Ended {
  readonly performed: Performed
  /** An open request waited for it when it was written. */
  readonly slot: boolean
  readonly settled: Settled
}

/** On disk: now the answer may leave. */
export const end = (event: InboundEvent, { performed, slot, settled: { first, lanes } }: Ended, p: Ports): void => {
  p.step('work:settled')
  p.log.debug({ event: event.id, platform: event.where.platform, record: performed.record }, 'event settled')
  if (slot && !p.slots.offer(event.id, first) && first) p.lost(first)
  p.wake(lanes)
  performed.outcome.after?.()
}

/** Who may decide is remembered with the direct chat they were last seen in: there they are told of requests. */
const contactsOf = ({ from, where, proof }: InboundEvent, p: Pick<Ports, 'rules'>): readonly string[] => {
  const { platform, kind, chat } = where
  if (kind !== 'dm') return []
  // Lists may name any of a person's ids.
  return [from.id, ...(from.aliases ?? [])]
    .filter((id) => isApprover(p.rules, { platform, ids: [id], chat, proof }))
    .map((id) => qualified(platform, id))
}

/** Kept long ago, before this process: what nobody expects any more is not run. Submissions and decisions that had
 *  begun go on, by their own rows. */
const verdictNow = (kept: KeptEvent, p: Ports): Verdict => {
  const old = p.now() - kept.event.at > staleMs
  const begun = old && p.store.read((db) => jobByKey(db, kept.event.id)) !== null
  return kept.verdict === 'run' && old && !begun ? 'stale' : kept.verdict
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
    return await perform({ ...kept, verdict: verdictNow(kept, p) }, capabilities, p, signal)
  } catch (error) {
    if (signal.aborted || error instanceof StoreError) throw error
    return broken(kept.event, error, p)
  } finally {
    stopTyping()
  }
}

export const broken = (event: InboundEvent, error: unknown, p: Ports): Performed => {
  const reference = p.newId().slice(0, 8)
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error)
  p.log.error({ event: event.id, reference, error: trace }, 'command failed')
  const reply = { text: texts.failed(reference), audience: 'everyone' as const }
  return { outcome: { reply }, record: 'failed', explicit: true }
}
