import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'vitest'
import feishu from '../../adapters/feishu/index.ts'
import type {
  Adapter,
  AdapterDeps,
  Artifact,
  InboundEvent,
  Part,
  PartButton,
  PartItem,
  RawRequest,
  Stream,
  StreamError,
  Verdict,
  Webhook,
} from '../../src/contract/index.ts'
import { keepingLog, settingsFrom, testDeps } from '../kit/deps.ts'
import type { FakeFeishu } from '../platforms/feishu.ts'
import { encryptKey, mainApp } from '../platforms/feishu-events.ts'
import type { RawCall } from '../platforms/platform.ts'

const folder = new URL('../golden/feishu/', import.meta.url)

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

export const goldenNames = (prefix = ''): string[] =>
  readdirSync(folder)
    .map((name) => name.replace(/\.json$/, ''))
    .filter((name) => name.startsWith(prefix))
export const golden = (name: string): Golden =>
  JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Golden
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
export const never = new AbortController().signal

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

export const requestOf = ({ method, path, headers, body }: RawCall): RawRequest => {
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return {
    method,
    path,
    query: new URLSearchParams(),
    header: (name) => lower.get(name) ?? null,
    body: Buffer.from(body),
  }
}

export interface Connected extends Feishu {
  readonly events: readonly InboundEvent[]
}

/** An adapter whose webhooks a fake calls. */
export const connected = (fake: FakeFeishu, deps: Partial<AdapterDeps> = {}, more: object = {}): Connected => {
  const feishu = makeFeishu({ ...fake.settings, ...more }, deps)
  const events: InboundEvent[] = []
  fake.connect(async (call) => {
    const verdict = await feishu.receive(requestOf(call))
    if (verdict.kind === 'reject') return { status: verdict.status, headers: {}, body: '' }
    if (verdict.kind === 'answer') return verdict.answer
    events.push(...verdict.events)
    return verdict.ack
  })
  return { ...feishu, events }
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

export const makePart = (items: readonly PartItem[], more: Partial<Part> = {}): Part => ({
  key: 'feishu:p#0',
  to: { platform: 'feishu', account, chat: 'oc_fa4e0000000000000000000000000002', kind: 'group' },
  audience: 'everyone',
  items,
  buttons: [],
  ...more,
})

export const text = (words: string): PartItem => ({ kind: 'text', text: words })

export const file = (as: string, over: Partial<Artifact> = {}, caption?: string): PartItem => ({
  kind: 'media',
  as,
  media: { kind: 'image', blob: 'b1', name: 'fox.png', mime: 'image/png', bytes: 11, ...over },
  ...(caption === undefined ? {} : { caption }),
})

export const buttons = (...labels: readonly string[]): readonly PartButton[] =>
  labels.map((label, nth) => ({ label, action: `action-${nth}`, say: `/say ${label} ${nth}` }))
