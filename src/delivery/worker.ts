import type { Adapter, Capabilities, Log, Part, Receipt } from '../contract/index.ts'
import { SendError } from '../contract/index.ts'
import {
  addPart,
  endLane,
  markAgain,
  markEnded,
  markSending,
  markSent,
  nextPart,
  type OutboxRow,
  openLanes,
  partRow,
} from '../store/outbox.ts'
import type { Store } from '../store/store.ts'
import { type Gate, makeGate } from './gate.ts'
import { type Step, stepAfter } from './retry.ts'

/** A platform that can be sent to. */
export interface Outlet {
  readonly adapter: Adapter
  readonly capabilities: Capabilities
}

export interface WorkerDeps {
  readonly store: Store
  readonly now: () => number
  readonly random: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly log: Log
  readonly outlet: (platform: string) => Outlet | null
  /** Makes the next lower form of a part whose file was refused; null when there is none. */
  readonly lower: (part: Part, capabilities: Capabilities) => readonly Part[] | null
  /** Called with the outcome of each send, for metrics and readiness. */
  readonly observe: (platform: string, outcome: 'sent' | 'failed' | 'dead', error?: SendError) => void
  /** A step of the pipeline was reached (crash tests end the process here). */
  readonly step: (name: string) => void
}

export interface Worker {
  /** There is something to send in these conversations. */
  readonly wake: (lanes: Iterable<string>) => void
  /** Whether nothing is under way or due. */
  readonly idle: () => boolean
  readonly gateOf: (platform: string) => Gate | null
  /** Starts nothing new, gives what is under way this long, then cuts it off. */
  readonly close: (graceMs: number) => Promise<void>
}

/** One loop per conversation that has something to send: order is kept inside it, and none waits for another. */
export const startWorker = (deps: WorkerDeps): Worker => {
  const stop = new AbortController()
  const lanes = new Map<string, { wake: () => void; ended: Promise<void> }>()
  const gates = new Map<string, Gate>()
  let closing = false

  const gateOf = (platform: string): Gate | null => {
    const outlet = deps.outlet(platform)
    if (!outlet) return null
    const known = gates.get(platform)
    if (known) return known
    const gate = makeGate(outlet.capabilities.pace, deps)
    gates.set(platform, gate)
    return gate
  }

  const loop = async (lane: string, woken: () => Promise<void>): Promise<void> => {
    while (!closing) {
      const next = deps.store.read((db) => nextPart(db, lane, deps.now()))
      if (next === null) {
        // In the same turn as the look, so that what is added from now on starts a loop of its own.
        lanes.delete(lane)
        return
      }
      if ('atMs' in next) {
        await Promise.race([deps.sleep(Math.max(1, next.atMs - deps.now()), stop.signal), woken()])
        continue
      }
      const outlet = deps.outlet(next.part.to.platform)
      const gate = gateOf(next.part.to.platform)
      // The platform is switched off at the moment: its parts wait for the start that has it again.
      if (!outlet || !gate) {
        lanes.delete(lane)
        return
      }
      if (!(await gate.enter(lane, next.part.to.kind, stop.signal))) return
      try {
        await sendOne(next, outlet, gate)
      } finally {
        gate.leave()
      }
    }
  }

  const keep = async (change: Parameters<Store['write']>[0]): Promise<void> => {
    for (;;) {
      try {
        await deps.store.write(change)
        return
      } catch (error) {
        // The note is owed whatever the disk says: the send has happened. Try until it is kept or we are ended.
        deps.log.warn({ error: String(error) }, 'delivery state not kept yet')
        if (stop.signal.aborted) return
        await deps.sleep(1000, stop.signal)
      }
    }
  }

  const sendOne = async (row: OutboxRow, outlet: Outlet, gate: Gate): Promise<void> => {
    const { capabilities } = outlet
    const maybeThere = row.state === 'unknown' || row.state === 'sending'
    const part: Part = maybeThere && capabilities.resend === 'marked' ? { ...row.part, repeated: true } : row.part
    if (maybeThere && capabilities.answer.push === 'never' && !part.handle) {
      await keep((db) => markAgain(db, row.key, { state: 'mailbox', nextAtMs: 0, error: 'may have arrived', part }))
      return
    }
    await keep((db) => markSending(db, row.key))
    deps.step('send:marked')
    try {
      const receipt = await call(row, part, outlet)
      deps.step('send:sent')
      if (receipt) {
        await keep((db) => markSent(db, row.key, receipt, deps.now()))
        deps.observe(part.to.platform, 'sent')
        deps.log.debug({ part: row.key, via: receipt.via }, 'sent')
      } else {
        await keep((db) => markEnded(db, row.key, 'skipped', 'can not be edited', deps.now()))
      }
    } catch (error) {
      await failed(row, part, outlet, gate, toSendError(error))
    }
  }

  /** Null: an edit that is not possible and not worth a message of its own. */
  const call = async (row: OutboxRow, part: Part, { adapter, capabilities }: Outlet): Promise<Receipt | null> => {
    if (!row.edits) return adapter.send(part, stop.signal)
    const target = deps.store.read((db) => partRow(db, row.edits?.key ?? ''))
    const youngEnough =
      capabilities.edit?.withinMs == null || deps.now() - (target?.createdAtMs ?? 0) < capabilities.edit.withinMs
    if (adapter.edit && target?.state === 'sent' && target.message && youngEnough) {
      try {
        return await adapter.edit(target.message, part, stop.signal)
      } catch (error) {
        if (!(error instanceof SendError) || error.code !== 'edit_gone') throw error
      }
    }
    return row.edits.otherwise === 'send' ? adapter.send(part, stop.signal) : null
  }

  const failed = async (row: OutboxRow, part: Part, outlet: Outlet, gate: Gate, error: SendError): Promise<void> => {
    if (stop.signal.aborted) {
      // Cut off by our own shutdown: the next start decides, by whether it may have left.
      if (error.delivered === 'no')
        await keep((db) => markAgain(db, row.key, { state: 'queued', nextAtMs: 0, error: 'shut down' }))
      return
    }
    const attempts = row.attempts + 1
    const ageMs = deps.now() - row.createdAtMs
    const step = stepAfter(
      error,
      { attempts, ageMs, repeated: part.repeated === true },
      outlet.capabilities,
      deps.random(),
    )
    const ended = step.do === 'end'
    deps.observe(part.to.platform, ended ? 'dead' : 'failed', error)
    deps.log[ended && !step.lane ? 'error' : 'warn'](
      { part: row.key, code: error.code, delivered: error.delivered, attempts, next: step.do, about: error.message },
      ended ? 'not delivered' : 'send failed',
    )
    await take(step, row, part, outlet, gate, error)
  }

  const take = async (
    step: Step,
    row: OutboxRow,
    part: Part,
    outlet: Outlet,
    gate: Gate,
    error: SendError,
  ): Promise<void> => {
    const nowMs = deps.now()
    const again = (state: 'queued' | 'unknown' | 'mailbox', nextAtMs: number, changed: Part = part) =>
      keep((db) => markAgain(db, row.key, { state, nextAtMs, error: error.code, part: changed }))
    if (step.do === 'again') return again(step.state, nowMs + step.afterMs)
    if (step.do === 'mailbox') return again('mailbox', 0, { ...part, handle: undefined })
    if (step.do === 'bare') {
      const bare: Part =
        step.drop === 'handle' ? { ...part, handle: undefined } : { ...part, to: { ...part.to, thread: undefined } }
      return again('queued', nowMs, bare)
    }
    if (step.do === 'pause') {
      gate.pause(step.afterMs)
      return again('queued', nowMs + step.afterMs)
    }
    if (step.do === 'lower') {
      const [lower, ...others] = deps.lower(part, outlet.capabilities) ?? []
      if (!lower) return keep((db) => markEnded(db, row.key, 'dead', error.message, nowMs))
      return keep((db) => {
        markAgain(db, row.key, {
          state: 'queued',
          nextAtMs: nowMs,
          error: error.code,
          part: { ...lower, key: part.key },
        })
        for (const other of others) addPart(db, { part: other }, nowMs)
      })
    }
    await keep((db) => {
      markEnded(db, row.key, 'dead', error.message, nowMs)
      if (step.lane) endLane(db, row.lane, error.message, nowMs)
    })
  }

  const start = (lane: string): void => {
    let wakeUp = (): void => {}
    const woken = (): Promise<void> =>
      new Promise((resolve) => {
        wakeUp = resolve
      })
    const entry = {
      wake: () => wakeUp(),
      ended: Promise.resolve(),
    }
    lanes.set(lane, entry)
    entry.ended = loop(lane, woken)
      .catch((error: unknown) => deps.log.error({ error: String(error) }, 'delivery lane ended unexpectedly'))
      .finally(() => {
        if (lanes.get(lane) === entry) lanes.delete(lane)
      })
  }

  const wake = (names: Iterable<string>): void => {
    if (closing) return
    for (const lane of names) {
      const running = lanes.get(lane)
      if (running) running.wake()
      else start(lane)
    }
  }

  wake(deps.store.read(openLanes))

  return {
    wake,
    idle: () => lanes.size === 0,
    gateOf,
    close: async (graceMs) => {
      closing = true
      const cut = setTimeout(() => stop.abort(), graceMs)
      for (const lane of lanes.values()) lane.wake()
      await Promise.all([...lanes.values()].map((lane) => lane.ended))
      clearTimeout(cut)
      stop.abort()
    },
  }
}

/** Whatever else an adapter throws may have left us: treated as unavailable, perhaps delivered. */
const toSendError = (error: unknown): SendError =>
  error instanceof SendError
    ? error
    : new SendError('unavailable', error instanceof Error ? error.message : String(error), {
        delivered: 'maybe',
        cause: error,
      })
