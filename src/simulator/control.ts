import type { AcceptedJob } from './ledger.ts'
import type { SeenRequest } from './server.ts'
import type { Llm, TemplateSpec } from './types.ts'

/** How a test (or the demo) steers the backend. `where` is a path or its beginning, in canonical form (no `/api`, no
 *  `moltbot`), with a method before it if only that one is meant: `POST /openclaw/triggers/fire`. */
export interface Control {
  /** No job starts, and the running one stays before its next step (it can still be interrupted). */
  readonly pause: () => void
  readonly resume: () => void
  /** The process dies: queue, history and sockets are gone, connections are refused. Approvals, schedules, presets,
   *  files and the memory of trace ids stay. */
  readonly crash: () => Promise<void>
  /** Starts it again (after a crash, if there was none). Uptime begins at zero. */
  readonly restart: () => Promise<void>
  /** Only the network: connections are cut and refused, jobs go on. */
  readonly setDown: (down: boolean) => Promise<void>
  /** The next such request is worked on only after `ms`. */
  readonly hangNext: (where: string, ms: number) => void
  /** The next such request is done, then its connection is cut without an answer. */
  readonly dropAnswerOnce: (where: string) => void
  /** The next such request's connection is cut before anything is done. */
  readonly cutOnce: (where: string) => void
  /** The next trigger, approval or scheduled run is refused by ComfyUI with this status (default 500). */
  readonly failNextSubmit: (status?: number) => void
  /** The whole process stands still for `ms`; connections are taken, but nothing is read or said. Resolves after. */
  readonly freeze: (ms: number) => Promise<void>
  readonly advance: (ms: number) => void
  readonly setClock: (ms: number) => void
  /** The job vanishes without a trace in queue or history. */
  readonly loseJob: (promptId: string) => void
  /** Looks for due schedules now. */
  readonly tick: () => Promise<void>
  readonly setTemplates: (templates: readonly TemplateSpec[]) => void
  readonly setLlm: (llm: Partial<Llm>) => void
  /** Resolves when nothing is queued or running. */
  readonly idle: () => Promise<void>
  /** Resolves when a job runs. */
  readonly busy: () => Promise<void>
  /** Every request in the order of arrival, WebSocket upgrades too. */
  readonly requests: () => readonly SeenRequest[]
  /** Every job ever accepted, over all crashes. */
  readonly jobs: () => readonly AcceptedJob[]
  /** WebSockets now open. */
  readonly sockets: () => number
  /** Errors of the simulator itself; a test may insist that there are none. */
  readonly faults: () => readonly unknown[]
}
