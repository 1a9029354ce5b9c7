import type { Adapter, Capabilities, Log, Part, SendError, SendReport } from '../contract/index.ts'
import { nextPart, openLanes } from '../store/outbox.ts'
import type { Store } from '../store/store.ts'
import { type Gate, makeGate } from './gate.ts'
import { makeSender } from './send.ts'

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
  readonly lower: (part: Part, capabilities: Capabilities, why: SendError['why']) => readonly Part[] | null
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
  /** What the platform says became of earlier sends. Resolves once it is on disk. */
  readonly reported: (platform: string, reports: readonly SendReport[]) => Promise<void>
  /** Starts nothing new, gives what is under way this long, then cuts it off. */
  readonly close: (graceMs: number) => Promise<void>
}

const laneAgainMs = 1000

/** One loop per conversation that has something to send: order is kept inside it, and none waits for another. */
export const startWorker = (deps: WorkerDeps): Worker => {
  const stop = new AbortController()
  const lanes = new Map<string, { wake: () => void; ended: Promise<void> }>()
  const gates = new Map<string, Gate>()
  let closing = false
  const { sendOne, report } = makeSender(deps, stop.signal)

  const gateOf = (platform: string): Gate | null => {
    const outlet = deps.outlet(platform)
    if (!outlet) return null
    const known = gates.get(platform)
    if (known) return known
    const gate = makeGate(outlet.capabilities.pace, deps)
    gates.set(platform, gate)
    return gate
  }

  /** Until the time comes or somebody wakes the lane; leaves no timer behind. */
  const until = async (atMs: number, woken: () => Promise<void>): Promise<void> => {
    const done = new AbortController()
    await Promise.race([
      deps.sleep(Math.max(1, atMs - deps.now()), AbortSignal.any([stop.signal, done.signal])),
      woken(),
    ])
    done.abort()
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
        await until(next.atMs, woken)
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
      .catch(async (error: unknown) => {
        deps.log.error({ error: String(error) }, 'delivery lane interrupted, will go on')
        await deps.sleep(laneAgainMs, stop.signal)
        if (lanes.get(lane) === entry) lanes.delete(lane)
        wake([lane])
      })
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
    reported: async (platform, reports) => {
      const outlet = deps.outlet(platform)
      const gate = gateOf(platform)
      if (!outlet || !gate) return
      for (const one of reports) wake(await report(platform, one, outlet, gate))
    },
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
