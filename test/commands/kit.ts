import { randomUUID } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { newLimits } from '../../policy/limits.ts'
import { makeRules, type RawRules } from '../../policy/rules.ts'
import { newTold, toldBefore } from '../../policy/told.ts'
import type { Cached } from '../../src/backend/cached.ts'
import type { Backend } from '../../src/backend/client.ts'
import type { Failure } from '../../src/backend/http.ts'
import type { BackendConfig, Template } from '../../src/backend/wire.ts'
import { commands } from '../../src/commands/index.ts'
import { type PerformDeps, type Performed, perform } from '../../src/commands/perform.ts'
import type { Capabilities, InboundEvent, Reply } from '../../src/contract/index.ts'
import type { Verdict } from '../../src/store/inbox.ts'
import { capabilities } from '../delivery/plan-kit.ts'
import { failure } from '../jobs/backend-kit.ts'
import { jobsRig, templatesOf } from '../jobs/jobs-kit.ts'
import { event, flush } from '../kit/core.ts'

export const portrait: Template = {
  id: 'portrait',
  allowedInputs: ['positive_prompt', 'steps', 'seed'],
  defaults: { steps: 20, seed: 0, positive_prompt: 'a lighthouse' },
}

type Templates = readonly Template[] | Failure

const cacheOf = (templates: () => Templates): Cached<readonly Template[]> => ({
  get: (options) => {
    const now = templates()
    return 'ok' in now ? Promise.resolve(now) : templatesOf(now).get(options)
  },
  expire: () => {},
})

interface Options {
  readonly calls?: Partial<Backend>
  readonly caps?: Partial<Capabilities>
  readonly rules?: Partial<RawRules>
  readonly templates?: Templates
  readonly deps?: Partial<PerformDeps>
}

/** People: `boss` is an admin, `ann` is trusted, everybody else is a stranger. */
export const commandRig = ({ calls = {}, caps = {}, rules = {}, templates = [portrait], deps = {} }: Options = {}) => {
  const rig = jobsRig()
  const backend: Backend = { ...rig.comfy.backend, ...calls }
  const raw: RawRules = {
    adminUsers: ['fake:boss'],
    allowPublic: [],
    allowRun: [],
    allowAdmin: [],
    overridesJson: undefined,
    trust: [{ platform: 'fake', users: ['ann'], chats: [] }],
    ...rules,
  }
  const made = makeRules(raw, commands, ['fake'])
  const platform = capabilities(caps)
  const llmConfig: BackendConfig = { provider: 'openai', model: 'm', apiKeyConfigured: true }
  let known: Templates = templates
  let awayMs: number | null = null
  let events = 0
  let talking = 0
  const told = newTold(60_000, 100)
  void rig.run()

  const performDeps: PerformDeps = {
    store: rig.store,
    backend,
    templates: cacheOf(() => known),
    llmConfig: { get: async () => ({ ok: true, value: llmConfig, asOfMs: 0, trouble: null }), expire: () => {} },
    submitter: rig.submitter,
    asTenant: () => ({}) as PerformDeps,
    rules: made.rules,
    commands: () => commands,
    hasAdminToken: true,
    maxOpenJobs: 5,
    maxInputBytes: 20 * 1024 * 1024,
    handOver: async (_platform, media) => ({
      ok: true,
      input: `openclaw-connector/${'ref' in media ? media.ref : media.blob}`,
    }),
    talks: { enter: () => ++talking <= 2, leave: () => void talking-- },
    away: () => (awayMs === null ? null : { sinceMs: awayMs, why: 'nobody answers' }),
    tellJob: rig.submitting.tellJob,
    now: rig.clock.now,
    quotas: async () => [],
    newTrace: randomUUID,
    log: rig.log,
    step: () => {},
    limits: newLimits(1000),
    userRpm: 600,
    channelRpm: 600,
    maxCommandLength: 4096,
    toldOnce: (what) => toldBefore(told, what, rig.clock.now()),
    ...deps,
  }

  const act = async (one: InboundEvent, verdict: Verdict = 'run', recovered = false): Promise<Performed> => {
    const stop = new AbortController()
    onTestFinished(() => stop.abort())
    const [performed] = await Promise.all([
      perform({ event: one, verdict, recovered }, platform, performDeps, stop.signal),
      flush(40),
    ])
    await rig.store.write((db) => performed.outcome.within?.(db))
    performed.outcome.after?.()
    await flush()
    return performed
  }

  const eventOf = (text: string, from: string, over: Partial<InboundEvent> = {}): InboundEvent =>
    event(`e${++events}`, text, {
      at: rig.clock.now(),
      from: { id: from, name: from.toUpperCase(), self: false, bot: false },
      ...over,
    })

  return {
    ...rig,
    performDeps,
    /** Begins anew with another backend. */
    reset: (others: Partial<Backend>, template: Templates): void => {
      Object.assign(backend, rig.comfy.backend, others)
      known = template
      for (const table of ['jobs', 'approvals', 'memo', 'actions', 'sent_media']) rig.db.exec(`DELETE FROM ${table}`)
    },
    setAway: (value: boolean) => {
      rig.comfy.setAway(value)
      awayMs = value ? rig.clock.now() : null
    },
    talking: () => talking,
    act,
    eventOf,
    /** What somebody is answered, as text; '' for silence. */
    say: async (from: string, text: string, over: Partial<InboundEvent> = {}): Promise<string> =>
      (await act(eventOf(text, from, over))).outcome.reply?.text ?? '',
    reply: async (from: string, text: string, over: Partial<InboundEvent> = {}): Promise<Reply | null> =>
      (await act(eventOf(text, from, over))).outcome.reply,
  }
}

export type CommandRig = ReturnType<typeof commandRig>

export const away = (): Failure => failure('down')
