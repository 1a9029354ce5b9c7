import { randomUUID } from 'node:crypto'
import { approvalRoutes } from './approvals.ts'
import { chatRoutes, defaultLlm } from './chat.ts'
import { createClock, createGate, sleep } from './clock.ts'
import { comfyRoutes } from './comfy.ts'
import { fileRoutes } from './comfy-files.ts'
import { comfyJobRoutes } from './comfy-jobs.ts'
import { connectorRoutes } from './connectors.ts'
import type { Control } from './control.ts'
import { eventRoutes } from './events.ts'
import { createFiles } from './files.ts'
import type { Route } from './http.ts'
import { infoRoutes } from './info.ts'
import { createLedger } from './ledger.ts'
import { startLife } from './life.ts'
import { openListener } from './listener.ts'
import { createMishaps } from './mishaps.ts'
import { openclawJobRoutes } from './openclaw-jobs.ts'
import { presetRoutes } from './presets.ts'
import { runRoutes, tick } from './schedule-runs.ts'
import { scheduleRoutes } from './schedules.ts'
import { createEntrance, type SeenRequest } from './server.ts'
import { defaultTemplates } from './templates.ts'
import { triggerRoutes } from './triggers.ts'
import type { Settings } from './types.ts'
import type { World } from './world.ts'

export type { Control } from './control.ts'
export type { AcceptedJob, JobState } from './ledger.ts'
export type { SeenRequest } from './server.ts'
export { defaultTemplates } from './templates.ts'
export type { ChatAnswer, ChatAsk, Llm, Settings, TemplateSpec } from './types.ts'

export interface Simulator {
  readonly url: string
  readonly close: () => Promise<void>
  readonly control: Control
}

/** Steps are a bit slower than a person's glance, so that progress can be watched in the demo. */
const defaults: Settings = {
  host: 'new',
  adminToken: null,
  obsToken: null,
  remote: false,
  pack: true,
  multiTenant: false,
  approvalByDefault: false,
  approvalTtlMs: 3_600_000,
  stepMs: 100,
  submitMs: 5,
  scheduleFreezeMs: 30_000,
  scheduleTickMs: 30_000,
  dailyCap: null,
  cache: true,
  templates: defaultTemplates,
  llm: {},
  now: () => Date.now(),
  id: () => randomUUID(),
  sleep,
}

/** Starts a stand-in for ComfyUI with the OpenClaw pack on 127.0.0.1; port 0 takes a free one. */
export async function openSimulator(options: Partial<Settings> & { readonly port?: number } = {}): Promise<Simulator> {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const settings: Settings = { ...defaults, ...given }
  const closing = new AbortController()
  const clock = createClock(settings.now)
  const gate = createGate()
  const files = createFiles()
  const ledger = createLedger()
  const seen: SeenRequest[] = []
  const faults: unknown[] = []
  const fault = (error: unknown) => void faults.push(error)
  const mishaps = createMishaps()
  const begin = () => startLife({ settings, clock, gate, files, ledger, fault })
  let life = begin()
  let templates = settings.templates
  let llm = { ...defaultLlm, ...settings.llm }

  const world: World = {
    settings,
    clock,
    gate,
    closing: closing.signal,
    files,
    ledger,
    life: () => life,
    templates: () => templates,
    llm: () => llm,
    submissions: new Map(),
    approvals: new Map(),
    schedules: new Map(),
    runs: [],
    presets: new Map(),
    submitFaults: [],
    lines: [],
  }
  const entrance = createEntrance({ world, routes: routesOf(world), mishaps, seen, faults })
  const listener = await openListener(options.port ?? 0, entrance)
  const ticking = setInterval(() => {
    tick(world).catch(fault)
  }, settings.scheduleTickMs)

  const crash = async () => {
    life.end()
    gate.thaw()
    await listener.down()
  }
  const control: Control = {
    pause: () => life.pause(true),
    resume: () => life.pause(false),
    crash,
    restart: async () => {
      await crash()
      life = begin()
      await listener.up()
    },
    setDown: (down) => (down ? listener.down() : listener.up()),
    hangNext: (where, ms) => mishaps.plan(where, { kind: 'hang', ms }),
    dropAnswerOnce: (where) => mishaps.plan(where, { kind: 'mute' }),
    cutOnce: (where) => mishaps.plan(where, { kind: 'cut' }),
    failNextSubmit: (status = 500) => void world.submitFaults.push(status),
    freeze: gate.freeze,
    advance: clock.advance,
    setClock: clock.set,
    loseJob: (promptId) => life.lose(promptId),
    tick: () => tick(world),
    setTemplates: (next) => {
      templates = next
    },
    setLlm: (next) => {
      llm = { ...llm, ...next }
    },
    idle: () => life.idle(),
    busy: () => life.busy(),
    requests: () => [...seen],
    jobs: ledger.all,
    sockets: () => life.sockets.count(),
    faults: () => [...faults],
  }
  const close = async () => {
    closing.abort()
    clearInterval(ticking)
    await crash()
  }
  return { url: listener.url, close, control }
}

/** Without the pack (it refuses to load in some setups) only ComfyUI is left. */
function routesOf(world: World): readonly Route[] {
  const comfy = [...comfyRoutes(world), ...fileRoutes(world)]
  const jobs = world.settings.host === 'new' ? comfyJobRoutes(world) : []
  if (!world.settings.pack) return [...comfy, ...jobs]
  return [
    ...comfy,
    ...jobs,
    ...infoRoutes(world),
    ...triggerRoutes(world),
    ...approvalRoutes(world),
    ...scheduleRoutes(world),
    ...runRoutes(world),
    ...presetRoutes(world),
    ...chatRoutes(world),
    ...openclawJobRoutes(world),
    ...eventRoutes(world),
    ...connectorRoutes(world),
  ]
}
