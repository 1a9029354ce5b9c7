import { encodeJpeg } from './art/jpeg.ts'
import { paintPicture } from './art/picture.ts'
import type { Clock, Gate } from './clock.ts'
import type { Files } from './files.ts'
import { createHistory, type History } from './history.ts'
import type { Ledger } from './ledger.ts'
import { createQueue, type Queue } from './queue.ts'
import { createRates, type Rates } from './rates.ts'
import { type Cached, type RunDeps, runItem } from './run.ts'
import { createSockets, type Sockets } from './sockets.ts'
import type { JsonObject, Settings } from './types.ts'

/** Everything that dies with the ComfyUI process. */
export interface Life {
  readonly startedAt: number
  readonly queue: Queue
  readonly history: History
  readonly sockets: Sockets
  readonly rates: Rates
  /** The one slot for trigger submits in flight. */
  readonly slot: { busy: boolean }
  /** Asks the running job to stop at its next step; only if it is this one, when an id is given. */
  readonly interrupt: (promptId?: string) => boolean
  /** Where a socket that comes late is told about the node that runs. */
  readonly executing: () => { readonly clientId: string; readonly node: string } | null
  /** Numbers prompts in the order they were accepted. */
  readonly nextNumber: () => number
  /** While paused no job starts, and the running one stays before its next step. */
  readonly pause: (paused: boolean) => void
  /** Resolves when nothing is queued or running, or when this life is over. */
  readonly idle: () => Promise<void>
  /** Resolves when a job runs, or when this life is over. */
  readonly busy: () => Promise<void>
  /** Forgets a job as if it had never been queued; a running one ends without a trace. */
  readonly lose: (promptId: string) => void
  readonly end: () => void
}

export interface LifeDeps {
  readonly settings: Settings
  readonly clock: Clock
  readonly gate: Gate
  readonly files: Files
  readonly ledger: Ledger
  /** Takes errors of the simulator itself. */
  readonly fault: (error: unknown) => void
}

export const featureFlags = (host: 'new' | 'old'): JsonObject =>
  host === 'old'
    ? { supports_preview_metadata: true, max_upload_size: 104857600 }
    : {
        supports_preview_metadata: true,
        supports_model_type_tags: true,
        max_upload_size: 104857600,
        extension: { manager: { supports_v4: true } },
        node_replacements: true,
        assets: false,
      }

export function startLife({ settings, clock, gate, files, ledger, fault }: LifeDeps): Life {
  const over = new AbortController()
  const history = createHistory()
  const delay = (send: () => void) => (gate.isOpen() ? send() : void gate.open().then(send))
  const sockets = createSockets(featureFlags(settings.host), delay)
  let cache: ReadonlyMap<string, Cached> = new Map()
  let number = 0
  let paused = false
  let stop = false
  let lost = false
  let here: { clientId: string; node: string } | null = null
  let changes = Promise.withResolvers<void>()

  /** Wakes whoever waits for a change of the queue, the pause or the stop sign. */
  const wake = () => {
    changes.resolve()
    changes = Promise.withResolvers<void>()
  }
  const queue = createQueue(() => {
    sockets.broadcast('status', { status: { exec_info: { queue_remaining: queue.remaining() } } })
    wake()
  })
  const until = async (fits: () => boolean) => {
    while (!over.signal.aborted && !fits()) await changes.promise
  }
  const step = async () => {
    await settings.sleep(settings.stepMs, over.signal)
    await until(() => !paused || stop)
    return !stop && !over.signal.aborted
  }

  const depsFor = (clientId: string | null): RunDeps => ({
    host: settings.host,
    now: clock.now,
    files,
    cache: settings.cache ? cache : new Map(),
    send: (type, data) => {
      if (over.signal.aborted) return
      if (clientId !== null) sockets.send(clientId, type, data)
      else if (type === 'execution_interrupted') sockets.broadcast(type, data)
    },
    progress: (data, node, flow) => {
      if (clientId === null || over.signal.aborted) return
      sockets.progress(clientId, { ...data, node }, () =>
        encodeJpeg(paintPicture({ ...flow, width: 96, height: 96 }), 60),
      )
    },
    step,
    at: (node) => {
      here = node === null || clientId === null ? null : { clientId, node }
    },
  })

  const work = async () => {
    while (!over.signal.aborted) {
      await until(() => !paused && queue.remaining() > 0)
      if (over.signal.aborted) return
      stop = false
      lost = false
      const item = queue.take()
      if (item === null) continue
      ledger.mark(item.promptId, 'running')
      const clientId = typeof item.extra.client_id === 'string' ? item.extra.client_id : null
      // A real executor is a thread of its own: who asked gets the answer before the job begins.
      await new Promise((resolve) => setImmediate(resolve))
      const ran = await runItem(item, depsFor(clientId))
      if (over.signal.aborted) return
      cache = ran.cache
      if (!lost) {
        history.put(item, ran)
        ledger.mark(item.promptId, ran.outcome)
      }
      queue.finish()
      if (clientId !== null) sockets.send(clientId, 'executing', { node: null, prompt_id: item.promptId })
    }
  }
  work().catch(fault)

  return {
    startedAt: clock.now(),
    queue,
    history,
    sockets,
    rates: createRates(clock.now, settings.dailyCap),
    slot: { busy: false },
    interrupt: (promptId) => {
      const running = queue.running()
      if (running === null || (promptId !== undefined && running.promptId !== promptId)) return false
      stop = true
      wake()
      return true
    },
    executing: () => here,
    nextNumber: () => number++,
    pause: (value) => {
      paused = value
      wake()
    },
    idle: () => until(() => queue.remaining() === 0),
    busy: () => until(() => queue.running() !== null),
    lose: (promptId) => {
      ledger.mark(promptId, 'lost')
      history.remove(promptId)
      queue.remove(promptId)
      if (queue.running()?.promptId !== promptId) return
      lost = true
      stop = true
      wake()
    },
    end: () => {
      for (const item of [queue.running(), ...queue.pending()]) if (item !== null) ledger.mark(item.promptId, 'lost')
      over.abort()
      wake()
      sockets.cutAll()
    },
  }
}
