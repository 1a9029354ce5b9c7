import { onTestFinished } from 'vitest'
import type { Cached } from '../../src/backend/cached.ts'
import type { Template } from '../../src/backend/wire.ts'
import { type Address, type Capabilities, qualified } from '../../src/contract/index.ts'
import { makeSubmitter, type SubmitDeps } from '../../src/jobs/submit.ts'
import { type TellDeps, tellApproval, tellJob } from '../../src/jobs/tell.ts'
import { addJob, changeJob, type Job, type JobState, jobById } from '../../src/store/jobs.ts'
import { markSent, type OutboxRow, partRow } from '../../src/store/outbox.ts'
import { capabilities } from '../delivery/plan-kit.ts'
import { address, flush, makeClock, testStore, textOf } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'
import { ok } from './backend-kit.ts'
import { makeComfy } from './comfy.ts'

export const jobOf = (id: string, createdAtMs: number, over: Partial<Job> = {}): Job => ({
  id,
  key: `event-${id}`,
  state: 'waiting',
  requester: 'fake:ann',
  asker: 'Ann',
  target: address(),
  replyTo: `msg-${id}`,
  template: 'portrait',
  inputs: { prompt: 'a fox' },
  approval: false,
  traceId: `trace-${id}`,
  createdAtMs,
  ...over,
})

export const templatesOf = (list: readonly Template[]): Cached<readonly Template[]> => ({
  get: async () => ({ ...ok(list), ok: true, value: list, asOfMs: 0, trouble: null }),
  expire: () => {},
})

interface Options {
  readonly caps?: Partial<Capabilities>
  readonly approvers?: readonly string[]
  readonly deps?: Partial<SubmitDeps>
}

/** Everything behind a command: rows, a backend in memory, submitter and messages, on one clock. */
export const jobsRig = ({ caps = {}, approvers = ['fake:boss'], deps = {} }: Options = {}) => {
  const clock = makeClock()
  const stored = testStore(clock.now)
  const { store, db } = stored
  const log = keepingLog()
  const comfy = makeComfy(clock)
  const platform = capabilities(caps)
  const told: string[] = []
  let ids = 0
  let awayMs: number | null = null
  const stop = new AbortController()

  const telling: TellDeps = {
    store,
    log,
    now: clock.now,
    newId: () => `id${ids++}`,
    canLink: false,
    capabilities: (id) => (id === 'fake' ? platform : null),
    wake: () => {},
    away: () => (awayMs === null ? null : { sinceMs: awayMs }),
    outlets: () => [{ platform: 'fake', account: 'bot', capabilities: platform }],
    approvers: () => approvers,
    placed: (where) => where,
  }
  const submitting: SubmitDeps = {
    backend: comfy.backend,
    templates: templatesOf([]),
    store,
    log,
    now: clock.now,
    sleep: clock.sleep,
    newTrace: () => `fresh-${ids++}`,
    tellJob: async (id) => {
      told.push(`job ${id} ${jobById(db, id)?.state}`)
      await tellJob(id, telling)
    },
    tellApproval: async (id) => {
      told.push(`approval ${id}`)
      await tellApproval(id, telling)
    },
    watch: () => {},
    step: () => {},
    ...deps,
  }
  const submitter = makeSubmitter(submitting)

  const rig = {
    ...stored,
    clock,
    log,
    comfy,
    told,
    telling,
    submitting,
    submitter,
    stop,
    setAway: (value: boolean) => {
      comfy.setAway(value)
      awayMs = value ? clock.now() : null
    },
    /** A command asked for this; its first answer is what `told` says, if it was given already. */
    ask: (id: string, over: Partial<Job> = {}): Job => {
      const job = addJob(db, jobOf(id, clock.now(), over))
      if (over.told) changeJob(db, id, { told: over.told, ackKey: over.ackKey })
      return job
    },
    job: (id: string): Job => {
      const job = jobById(db, id)
      if (!job) throw new Error(`no job ${id}`)
      return job
    },
    state: (id: string): JobState | undefined => jobById(db, id)?.state,
    run: (): Promise<void> => {
      const running = submitter.run(stop.signal)
      onTestFinished(async () => {
        stop.abort()
        await running
      })
      return running
    },
    wake: async (): Promise<void> => {
      submitter.wake()
      await flush(30)
    },
    /** Every message written so far, oldest first. */
    messages: (): OutboxRow[] =>
      db
        .sql('SELECT key FROM outbox ORDER BY seq')
        .all()
        .map((row) => partRow(db, String(row.key)) as OutboxRow),
    texts: (): string[] => rig.messages().map((row) => textOf(row.part)),
    sendAll: (): void => {
      for (const row of rig.messages())
        if (row.state === 'queued') markSent(db, row.key, { message: `m-${row.key}`, via: 'push' }, clock.now())
    },
  }
  return rig
}

export type JobsRig = ReturnType<typeof jobsRig>

export const boss: Address = address({ chat: 'boss' })
export const bossId = qualified('fake', 'boss')
export const mute = { answer: { inlineMs: 4500, tokenMs: 60_000, push: 'never' as const, windowMs: null } }
