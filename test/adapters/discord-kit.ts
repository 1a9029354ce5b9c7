import discord from '../../adapters/discord/index.ts'
import type {
  Adapter,
  AdapterDeps,
  Address,
  Artifact,
  InboundEvent,
  Part,
  PartItem,
  Report,
  Stream,
} from '../../src/contract/index.ts'
import { file, goldensOf } from '../kit/adapter.ts'
import { keepingLog, settingsFrom, sleep, testDeps } from '../kit/deps.ts'
import type { FakeDiscord } from '../platforms/discord.ts'
import type { Place } from '../platforms/platform.ts'

export interface Golden {
  readonly meta: { readonly idempotencyKey?: string; readonly expect?: Readonly<Record<string, unknown>> }
  readonly payload?: { readonly t: string; readonly op: number; readonly s: number | null; readonly d: unknown }
  readonly request?: { readonly rawBody: string }
  readonly response?: {
    readonly forMethod: string
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: unknown
  }
}

const recorded = goldensOf<Golden>('discord')
export const goldenNames = recorded.names
export const readGolden = recorded.read

export const account = '1200000000000000001'

export interface Connected {
  readonly adapter: Adapter
  readonly deps: AdapterDeps
  readonly lines: readonly string[]
}

/** Waits as asked for, but nobody waits for an acknowledgement longer than `mostMs`. */
export const quickSleep =
  (mostMs = 20): AdapterDeps['sleep'] =>
  (ms, signal) =>
    sleep(Math.min(ms, mostMs), signal)

export function connected(
  fake: FakeDiscord,
  over: Partial<AdapterDeps> = {},
  settings: Readonly<Record<string, string>> = {},
): Connected {
  const log = keepingLog()
  const deps = testDeps({ log, sleep: quickSleep(), ...over })
  const given = settingsFrom(discord, { ...fake.settings, ...settings })
  return { adapter: discord.create(given, deps), deps, lines: log.lines }
}

export interface Running {
  readonly events: InboundEvent[]
  readonly reports: { readonly state: string; readonly about: string }[]
  readonly errors: unknown[]
  readonly stop: () => Promise<void>
  /** Resolves when this holds; looked at after every event, report and error. */
  readonly until: (holds: () => boolean) => Promise<void>
  readonly heard: (count: number) => Promise<readonly InboundEvent[]>
}

/** Runs the stream and starts it again after trouble, as the core does, only sooner. */
export function running(
  adapter: Adapter,
  keep: (events: readonly InboundEvent[]) => Promise<void> = async () => {},
): Running {
  const stream = adapter.intakes[0] as Stream
  const stopping = new AbortController()
  const events: InboundEvent[] = []
  const reports: { state: string; about: string }[] = []
  const errors: unknown[] = []
  const listeners = new Set<() => void>()
  const tell = (): void => {
    for (const listener of [...listeners]) listener()
  }
  const report: Report = (state, about) => {
    reports.push({ state, about })
    tell()
  }
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await stream.run(
          async (batch) => {
            await keep(batch)
            events.push(...batch)
            tell()
          },
          report,
          stopping.signal,
        )
        return
      } catch (error) {
        errors.push(error)
        tell()
        if ((error as { fatal?: boolean }).fatal === true) return
        await sleep(5, stopping.signal)
      }
    }
  }
  const ended = loop()
  const until: Running['until'] = (holds) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        listeners.delete(check)
        reject(new Error(`it did not come to that: ${JSON.stringify({ reports, errors: errors.map(String) })}`))
      }, 5000)
      const check = (): void => {
        if (!holds()) return
        clearTimeout(timer)
        listeners.delete(check)
        resolve()
      }
      listeners.add(check)
      check()
    })
  return {
    events,
    reports,
    errors,
    until,
    heard: async (count) => {
      await until(() => events.length >= count)
      return events
    },
    stop: async () => {
      stopping.abort()
      await ended
    },
  }
}

export const media = (as: string, over: Partial<Artifact> = {}, caption?: string): PartItem =>
  file(as, { bytes: 100, ...over }, caption)

export const addressOf = (place: Place): Address => ({
  platform: 'discord',
  account,
  ...(place.kind === 'group' ? { workspace: '1200000000000000100' } : {}),
  ...place,
})

export const partTo = (place: Place, items: readonly PartItem[], more: Partial<Part> = {}): Part => ({
  key: 'part-1',
  to: addressOf(place),
  audience: 'everyone',
  items,
  buttons: [],
  ...more,
})
