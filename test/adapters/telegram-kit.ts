import { readdirSync, readFileSync } from 'node:fs'
import telegram from '../../adapters/telegram/index.ts'
import type {
  Adapter,
  AdapterDeps,
  Artifact,
  Deliver,
  InboundEvent,
  Part,
  PartItem,
  Report,
  Stream,
} from '../../src/contract/index.ts'
import { file } from '../kit/adapter.ts'
import { keepingLog, settingsFrom, testDeps } from '../kit/deps.ts'
import type { FakeTelegram } from '../platforms/telegram.ts'

const golden = new URL('../golden/telegram/', import.meta.url)

export const goldenNames = (prefix: string): string[] =>
  readdirSync(golden).filter((name) => name.startsWith(prefix) && name.endsWith('.json'))

export interface Golden {
  readonly meta: { readonly idempotencyKey?: string; readonly expect?: Readonly<Record<string, unknown>> }
  readonly payload?: unknown
  readonly response?: {
    readonly forMethod: string
    readonly status: number
    readonly headers: object
    readonly body: unknown
  }
}

export const readGolden = (name: string): Golden => JSON.parse(readFileSync(new URL(name, golden), 'utf8')) as Golden

export interface Connected {
  readonly adapter: Adapter
  readonly deps: AdapterDeps
  readonly lines: readonly string[]
}

export function connected(fake: FakeTelegram, over: Partial<AdapterDeps> = {}): Connected {
  const log = keepingLog()
  const deps = testDeps({ log, ...over })
  return { adapter: telegram.create(settingsFrom(telegram, fake.settings), deps), deps, lines: log.lines }
}

export interface Running {
  readonly events: InboundEvent[]
  readonly reports: { readonly state: string; readonly about: string }[]
  readonly stop: () => Promise<void>
  readonly ended: Promise<unknown>
  /** Resolves with the events once there are this many. */
  readonly until: (count: number) => Promise<readonly InboundEvent[]>
}

/** Runs the adapter's stream; `ended` resolves with what it threw, or undefined. */
export function running(
  adapter: Adapter,
  keep: (events: readonly InboundEvent[]) => Promise<void> = async () => {},
): Running {
  const stream = adapter.intakes[0] as Stream
  const stop = new AbortController()
  const events: InboundEvent[] = []
  const reports: { state: string; about: string }[] = []
  let tell = (): void => {}
  const deliver: Deliver = async (batch) => {
    await keep(batch)
    events.push(...batch)
    tell()
  }
  const report: Report = (state, about) => reports.push({ state, about })
  const ended = stream.run(deliver, report, stop.signal).then(
    () => undefined,
    (error: unknown) => error,
  )
  return {
    events,
    reports,
    ended,
    stop: async () => {
      stop.abort()
      await ended
    },
    until: async (count) => {
      while (events.length < count) {
        const more = new Promise<'more'>((resolve) => {
          tell = () => resolve('more')
        })
        const outcome = await Promise.race([more, ended])
        if (outcome !== 'more') throw new Error(`the stream ended: ${String(outcome)}`)
      }
      return events
    },
  }
}

export const media = (as: string, over: Partial<Artifact> = {}, caption?: string): PartItem =>
  file(as, { bytes: 100, ...over }, caption)

export const partTo = (
  place: { readonly chat: string; readonly kind: 'dm' | 'group'; readonly thread?: string },
  items: readonly PartItem[],
  more: Partial<Part> = {},
): Part => ({
  key: 'part-1',
  to: { platform: 'telegram', account: '7000000001', ...place },
  audience: 'everyone',
  items,
  buttons: [],
  ...more,
})

/** The first bytes of a PNG of this size: enough for anyone who reads its dimensions. */
export function pngHeader(width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.alloc(64)
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52])
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  return new Uint8Array(bytes)
}
