import { refuse } from '../policy/replay.ts'
import { placed } from '../policy/tenants.ts'
import { concernsUs, isInstant, type Performed, perform } from './commands/perform.ts'
import { type Capabilities, type InboundEvent, laneOf, type Part, qualified } from './contract/index.ts'
import { prepareSettling, type Settling } from './delivery/settle.ts'
import { broken, type Ended, end, type Ports, unsettled } from './pipeline.ts'
import { type KeptEvent, keepEvent, keepSettled, type Verdict } from './store/inbox.ts'
import type { Db } from './store/open.ts'
import { StoreError } from './store/store.ts'
import { texts } from './texts/index.ts'

/** Thrown when too much waits already: the platform is asked to bring the events again. */
export class TooBusy extends Error {
  override readonly name = 'TooBusy'
}

/** What an open request is told when its event could not be taken for that reason. It is not kept, so nothing follows. */
export const busyPart = (event: InboundEvent, error: unknown): Part | null =>
  error instanceof TooBusy
    ? {
        key: `${event.id}#busy`,
        to: event.where,
        audience: 'everyone',
        items: [{ kind: 'text', text: texts.busy(0) }],
        buttons: [],
      }
    : null

/** First half of the flow. Resolves, once everything that concerns us is on disk, to the ids of what was new. */
export const keep = async (
  events: readonly InboundEvent[],
  capabilities: Capabilities,
  p: Ports,
): Promise<ReadonlySet<string>> => {
  const lanes = p.lanes()
  const held: Held[] = []
  for (const one of events) {
    const where = placed(one.where, p.tenancy)
    const event = where === one.where ? one : { ...one, where }
    const verdict = verdictOn(event, capabilities, p)
    if (verdict) held.push({ event, verdict, free: lanes.hold(event) })
  }
  if (held.length === 0) return new Set()
  const added = new Set<InboundEvent>()
  try {
    if (lanes.size() > p.maxPending) throw new TooBusy('too many events are waiting')
    p.step('keep:taken')
    const ready = await Promise.all(held.map((one) => (one.free ? atOnce(one, capabilities, p) : null)))
    const kept = await p.store.write((db) => held.map((one, i) => keepOne(db, one, ready[i] ?? null, p.now())))
    p.step('keep:kept')
    const fresh = new Set<string>()
    for (const one of kept) {
      if (!one) continue
      if ('settled' in one) end(one.event, one, p)
      else {
        added.add(one.event)
        lanes.add(one)
      }
      fresh.add(one.event.id)
    }
    return fresh
  } finally {
    for (const { event } of held) if (!added.has(event)) lanes.drop(event)
  }
}

interface Held {
  readonly event: InboundEvent
  readonly verdict: Verdict
  /** Nothing else was under way in its conversation. */
  readonly free: boolean
}

interface Ready {
  readonly settling: Settling
  readonly slot: boolean
  readonly performed: Performed
}

/** What only looks at what is here is answered before it is kept, so that one transaction keeps and settles it. Nothing
 *  leaves before that is on disk. */
const atOnce = async ({ event, verdict }: Held, capabilities: Capabilities, p: Ports): Promise<Ready | null> => {
  if (verdict !== 'run' || !isInstant(event, p.commands())) return null
  const performed = await perform({ event, verdict }, capabilities, p, neverAborted).catch((error: unknown) => {
    if (error instanceof StoreError) throw error
    return broken(event, error, p)
  })
  const slot = p.slots.open(event.id)
  // Keys that grow with time are neighbours in their index: a group of them touches few pages.
  const key = `${event.where.platform}:${p.now().toString(36).padStart(9, '0')}${p.newTrace()}`
  const what = { ...unsettled(event, performed, p), key }
  return { performed, slot, settling: prepareSettling(event, what, capabilities, slot, p) }
}

const keepOne = (
  db: Db,
  { event, verdict }: Held,
  ready: Ready | null,
  nowMs: number,
): KeptEvent | (Ended & { readonly event: InboundEvent }) | null => {
  const lane = laneOf(event.where)
  if (!ready) return keepEvent(db, event, lane, verdict, nowMs)
  const { settling, performed, slot } = ready
  const isNew = keepSettled(db, event, lane, { outcome: performed.record, answer: settling.answer }, nowMs)
  return isNew ? { event, performed, slot, settled: settling.write(db) } : null
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
  const waiting = p.lanes().waitingOf(qualified(event.where.platform, event.from.id))
  return waiting >= p.maxPendingPerSender ? 'busy' : 'run'
}

const neverAborted = new AbortController().signal
