import type { HttpBindings } from '@hono/node-server'
import type { Hono } from 'hono'
import type {
  Adapter,
  AdapterDeps,
  AdapterModule,
  Capabilities,
  InboundEvent,
  Log,
  Quota,
  SendError,
  Webhook,
} from '../contract/index.ts'
import { addressesOf } from './addresses.ts'
import { type Hook, type HttpDeps, type Listener, listen, makeApp } from './http.ts'
import { type IntakeState, intakeStates } from './intake-states.ts'
import { makeSendings, type PlatformState } from './states.ts'
import { keepRunning } from './streams.ts'

export interface PlatformDeps {
  readonly active: readonly { readonly module: AdapterModule; readonly settings: Readonly<Record<string, unknown>> }[]
  readonly depsFor: (module: AdapterModule) => AdapterDeps
  readonly keep: (events: readonly InboundEvent[], capabilities: Capabilities) => Promise<ReadonlySet<string>>
  readonly http: Omit<HttpDeps, 'keep'>
  /** One listener for all webhooks instead of each platform's own. */
  readonly shared: { readonly host: string; readonly port: number } | null
  /** Served beside the webhooks on every listener. */
  readonly mount: (app: Hono<{ Bindings: HttpBindings }>) => void
  readonly now: () => number
  readonly random: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly log: Log
}

export interface Platforms {
  /** Capabilities as they are right now: what may not speak first at the moment, never does. */
  readonly outlet: (platform: string) => { readonly adapter: Adapter; readonly capabilities: Capabilities } | null
  /** A send failed, or one went well (null). */
  readonly sending: (platform: string, error: SendError | null) => void
  readonly states: () => ReadonlyMap<string, PlatformState>
  readonly outlets: () => readonly {
    readonly platform: string
    readonly account: string
    readonly capabilities: Capabilities
  }[]
  /** What is left of sending quotas, where a platform has one and says so. */
  readonly quotas: (signal: AbortSignal) => Promise<readonly { readonly name: string; readonly quota: Quota }[]>
  /** Starts taking in. Resolves when every listener has been tried once. */
  readonly start: (signal: AbortSignal) => Promise<void>
  /** Resolves when every stream has ended by itself (a terminal at its end); never where there is a webhook. */
  readonly ended: () => Promise<void>
  readonly close: () => Promise<void>
}

const bindAgainMs = { first: 250, most: 5000 } as const
const keepAgainMs = 1000

/** Creates the switched-on adapters and keeps their intakes running. What fails in one stays in one. */
export const openPlatforms = (deps: PlatformDeps): Platforms => {
  const outlets = new Map<string, Outlet>()
  const sendings = makeSendings(deps.now)
  const states = new Map<string, PlatformState>()
  const started = new Map<string, { readonly intake: (beside: boolean) => IntakeState; readonly log: Log }>()
  const hookStates = new Map<Hook, IntakeState>()
  const listeners: Listener[] = []
  const streams: Promise<'ended' | 'fatal'>[] = []

  for (const { module, settings } of deps.active) {
    try {
      const adapterDeps = deps.depsFor(module)
      const adapter = module.create(settings, adapterDeps)
      outlets.set(module.id, outletOf(adapter, module.capabilities))
      states.set(module.id, { state: 'starting', about: 'starting' })
      const intake = intakeStates((state) => void states.set(module.id, state))
      started.set(module.id, { intake, log: adapterDeps.log })
    } catch (error) {
      const about = error instanceof Error ? error.message : String(error)
      states.set(module.id, { state: 'failed', about })
      deps.log.error({ platform: module.id, about }, 'platform not started')
    }
  }

  const allHooks = (): readonly Hook[] =>
    [...outlets].flatMap(([platform, { adapter }]) =>
      adapter.intakes.flatMap((intake): Hook[] => {
        if (intake.kind !== 'webhook') return []
        const { host, port } = deps.shared ?? intake
        return [{ platform, webhook: { ...intake, host, port }, inline: inlineOf(adapter, intake) }]
      }),
    )
  const startedOf = (platform: string) => {
    const found = started.get(platform)
    if (!found) throw new Error(`no such platform: ${platform}`)
    return found
  }
  const stateOf = (hook: Hook): IntakeState => {
    const known = hookStates.get(hook) ?? startedOf(hook.platform).intake(true)
    hookStates.set(hook, known)
    return known
  }

  const open = async (hooks: readonly Hook[], signal: AbortSignal): Promise<boolean> => {
    const [first] = hooks
    if (!first) return true
    const app = makeApp(hooks, {
      ...deps.http,
      keep: async (hook, events) => {
        const outlet = outlets.get(hook.platform)
        return outlet ? deps.keep(events, outlet.capabilities) : new Set()
      },
    })
    deps.mount(app)
    const { host, port } = first.webhook
    try {
      const listener = await listen(app, host, port, (error) =>
        deps.log.warn({ error: error.message }, 'listener in trouble'),
      )
      if (signal.aborted) {
        await listener.close()
        return true
      }
      listeners.push(listener)
      for (const hook of hooks) {
        const { platform, webhook } = hook
        stateOf(hook).put('up', `listening on ${host}:${listener.port}${webhook.path}`)
        deps.log.info({ platform, host, port: listener.port, path: webhook.path }, 'listening')
      }
      return true
    } catch (error) {
      const about = `can't listen on ${host}:${port}: ${error instanceof Error ? error.message : String(error)}. Free the port or set another.`
      for (const hook of hooks) stateOf(hook).put('failed', about)
      deps.log.error({ about }, 'listener not opened, will try again')
      return false
    }
  }

  const keepOpening = async (hooks: readonly Hook[], signal: AbortSignal): Promise<void> => {
    for (let waitMs: number = bindAgainMs.first; !signal.aborted; waitMs = Math.min(bindAgainMs.most, waitMs * 2)) {
      await deps.sleep(waitMs, signal)
      if (signal.aborted || (await open(hooks, signal))) return
    }
  }

  const startStreams = (signal: AbortSignal): void => {
    for (const [platform, outlet] of outlets) {
      for (const intake of outlet.adapter.intakes) {
        if (intake.kind !== 'stream') continue
        const { log, intake: addIntake } = startedOf(platform)
        const state = addIntake(false)
        streams.push(
          keepRunning(
            intake,
            { ...deps, log, report: state.put, deliver: (events) => deliver(events, outlet, log, signal) },
            signal,
          ).then((how) => {
            if (how === 'fatal') state.failed()
            return how
          }),
        )
      }
    }
  }

  /** A stream can wait: while nothing can be kept its cursor stands still, and it goes on from there. */
  const deliver = async (
    events: readonly InboundEvent[],
    outlet: Outlet,
    log: Log,
    signal: AbortSignal,
  ): Promise<void> => {
    for (;;) {
      try {
        await deps.keep(events, outlet.capabilities)
        return
      } catch (error) {
        if (signal.aborted) throw error
        log.warn({ events: events.length, error: String(error) }, 'events not kept yet, waiting')
        await deps.sleep(keepAgainMs, signal)
      }
    }
  }

  return {
    outlet: (platform) => outlets.get(platform) ?? null,
    states: () => new Map([...states].map(([platform, state]) => [platform, sendings.over(platform, state)])),
    sending: sendings.note,
    outlets: () =>
      [...outlets].map(([platform, { adapter, capabilities }]) => ({
        platform,
        account: adapter.account,
        capabilities,
      })),
    quotas: async (signal) => {
      const asked = [...outlets.values()].map(async ({ adapter, capabilities }) => {
        const quota = await adapter.quota?.(signal).catch((error: unknown) => {
          deps.log.debug({ error: String(error) }, 'quota not read')
          return null
        })
        return quota ? [{ name: capabilities.name, quota }] : []
      })
      return (await Promise.all(asked)).flat()
    },
    start: async (signal) => {
      startStreams(signal)
      const { shared, taken } = addressesOf(allHooks())
      for (const { hook, by } of taken) {
        const { host, port, path } = hook.webhook
        const about = `${path} on ${host}:${port} is already the path of ${by}: set another.`
        states.set(hook.platform, { state: 'failed', about })
        deps.log.error({ platform: hook.platform, about }, 'webhook not opened')
      }
      await Promise.all(
        shared.map(async (hooks) => {
          if (!(await open(hooks, signal))) void keepOpening(hooks, signal)
        }),
      )
    },
    ended: async () => {
      const ends = await Promise.all(streams)
      // A platform that gave up is no end: the operator finds it in /readyz, beside whatever else runs.
      const over = ends.length > 0 && ends.every((how) => how === 'ended') && allHooks().length === 0
      if (!over) await new Promise(() => {})
    },
    close: async () => {
      await Promise.all([...listeners.map((listener) => listener.close()), ...streams])
    },
  }
}

interface Outlet {
  readonly adapter: Adapter
  readonly capabilities: Capabilities
}

const outletOf = (adapter: Adapter, whole: Capabilities): Outlet => {
  const { pushes } = adapter
  if (!pushes) return { adapter, capabilities: whole }
  const mute: Capabilities = { ...whole, answer: { ...whole.answer, push: 'never' } }
  return {
    adapter,
    get capabilities() {
      return pushes() ? whole : mute
    },
  }
}

const inlineOf = (adapter: Adapter, webhook: Webhook): Hook['inline'] => {
  const render = adapter.inline
  return render && webhook.inlineMs !== null ? { timeoutMs: webhook.inlineMs, render } : null
}
