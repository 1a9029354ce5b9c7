import { expect } from 'vitest'
import feishu from '../../adapters/feishu/index.ts'
import type {
  Adapter,
  AdapterDeps,
  InboundEvent,
  RawRequest,
  Stream,
  StreamError,
  Verdict,
  Webhook,
} from '../../src/contract/index.ts'
import { goldensOf, keepingWire, partTo } from '../kit/adapter.ts'
import { keepingLog, settingsFrom, testDeps } from '../kit/deps.ts'
import type { FakeFeishu } from '../platforms/feishu.ts'
import { encryptKey, mainApp } from '../platforms/feishu-events.ts'

export interface Golden {
  readonly meta: {
    readonly what: string
    readonly binding?: string
    readonly idempotencyKey?: string
    readonly expect?: { readonly clock?: number; readonly status?: number; readonly waitSeconds?: number }
  }
  readonly request?: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly rawBody: string
  }
  readonly response?: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body?: Readonly<Record<string, unknown>>
    readonly bodyText?: string
    readonly bodyBase64?: string
  }
  readonly frame?: { readonly base64: string; readonly decoded?: RecordedFrame }
  readonly payload?: Readonly<Record<string, unknown>>
}
export interface RecordedFrame {
  readonly SeqID: string
  readonly LogID: string
  readonly service: number
  readonly method: number
  readonly headers: readonly { readonly key: string; readonly value: string }[]
  readonly LogIDNew?: string
}

const recorded = goldensOf<Golden>('feishu')
export const goldenNames = recorded.names
export const golden = recorded.read
export const bytesOf = (name: string): Buffer => Buffer.from(golden(name).frame?.base64 ?? expect.fail(name), 'base64')

export const account = mainApp.appId
export const recordedMs = 1_767_225_610_000
export const settings = {
  APP_ID: mainApp.appId,
  APP_SECRET: mainApp.secret,
  VERIFICATION_TOKEN: mainApp.token,
  MODE: 'webhook',
  API_BASE: 'http://127.0.0.1:9',
}
export const keyed = { ...settings, ENCRYPT_KEY: encryptKey }

export interface Feishu {
  readonly adapter: Adapter
  /** The webhook of a path: for events unless told. */
  readonly receive: (request: RawRequest) => Promise<Verdict>
  readonly lines: readonly string[]
}

/** An adapter alone. It knows its bot already, unless another memo is given. */
export const makeFeishu = (
  given: Readonly<Record<string, string>> = settings,
  deps: Partial<AdapterDeps> = {},
): Feishu => {
  const log = keepingLog()
  const notes = new Map([[`bot ${mainApp.appId}`, mainApp.bot]])
  const memo: AdapterDeps['memo'] = {
    get: (key) => notes.get(key) ?? null,
    set: async (key, value) => void notes.set(key, value),
  }
  const adapter = feishu.create(settingsFrom(feishu, given), testDeps({ log, memo, ...deps }))
  const hooks = adapter.intakes.filter((intake): intake is Webhook => intake.kind === 'webhook')
  return {
    adapter,
    receive: (request) =>
      (hooks.find(({ path }) => path === request.path) ?? expect.fail(request.path)).receive(request),
    lines: log.lines,
  }
}

export interface Connected extends Feishu {
  readonly events: readonly InboundEvent[]
}

/** An adapter whose webhooks a fake calls. */
export const connected = (fake: FakeFeishu, deps: Partial<AdapterDeps> = {}, more: object = {}): Connected => {
  const feishu = makeFeishu({ ...fake.settings, ...more }, deps)
  const { wire, kept } = keepingWire(feishu.receive)
  fake.connect(wire)
  return { ...feishu, events: kept.events }
}

export interface Running {
  readonly events: readonly InboundEvent[]
  readonly reports: readonly { readonly state: string; readonly about: string }[]
  readonly until: (count: number) => Promise<void>
  /** The error that ended the stream. */
  readonly ended: Promise<StreamError | null>
  readonly stop: () => Promise<StreamError | null>
}

/** Runs the long connection once. `keep` may refuse. */
export const running = (
  { adapter }: Feishu,
  keep: (events: readonly InboundEvent[]) => Promise<void> = async () => {},
  nth = 0,
): Running => {
  const events: InboundEvent[] = []
  const reports: { state: string; about: string }[] = []
  const stopping = new AbortController()
  const streams = adapter.intakes.filter((intake): intake is Stream => intake.kind === 'stream')
  const deliver = async (given: readonly InboundEvent[]): Promise<void> => {
    await keep(given)
    events.push(...given)
  }
  const report = (state: string, about: string): void => void reports.push({ state, about })
  const ended = (streams[nth] ?? expect.fail('no stream')).run(deliver, report, stopping.signal).then(
    () => null,
    (error: unknown) => error as StreamError,
  )
  return {
    events,
    reports,
    until: (count) => expect.poll(() => events.length, { interval: 5 }).toBeGreaterThanOrEqual(count),
    ended,
    stop: async () => {
      stopping.abort()
      return ended
    },
  }
}

export const makePart = partTo(
  { platform: 'feishu', account, chat: 'oc_fa4e0000000000000000000000000002', kind: 'group' },
  'feishu:p#0',
)
