import { readdirSync, readFileSync } from 'node:fs'
import whatsapp from '../../adapters/whatsapp/index.ts'
import type {
  Adapter,
  AdapterDeps,
  Artifact,
  InboundEvent,
  Part,
  PartButton,
  PartItem,
  RawRequest,
  SendReport,
  Verdict,
  Webhook,
} from '../../src/contract/index.ts'
import { keepingLog, settingsFrom, testDeps } from '../kit/deps.ts'
import type { RawCall } from '../platforms/platform.ts'
import type { FakeWhatsapp } from '../platforms/whatsapp.ts'
import { appSecret, phoneNumberId, verifyToken } from '../platforms/whatsapp-hooks.ts'

const folder = new URL('../golden/whatsapp/', import.meta.url)

export interface Golden {
  readonly meta: { readonly what: string; readonly idempotencyKey?: string }
  readonly request?: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly rawBody: string
  }
  readonly response?: { readonly status: number; readonly headers: Readonly<Record<string, string>>; body: unknown }
}

export const goldenNames = (): string[] => readdirSync(folder).map((name) => name.replace(/\.json$/, ''))
export const golden = (name: string): Golden =>
  JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Golden

export const settings = {
  ACCESS_TOKEN: 'fake-whatsapp-access-token',
  VERIFY_TOKEN: verifyToken,
  APP_SECRET: appSecret,
  PHONE_NUMBER_ID: phoneNumberId,
  API_BASE: 'http://127.0.0.1:9',
}
export const never = new AbortController().signal

export interface Whatsapp {
  readonly adapter: Adapter
  readonly receive: (request: RawRequest) => Promise<Verdict>
  readonly lines: readonly string[]
}

export const makeWhatsapp = (
  given: Readonly<Record<string, string>> = settings,
  deps: Partial<AdapterDeps> = {},
): Whatsapp => {
  const log = keepingLog()
  const adapter = whatsapp.create(settingsFrom(whatsapp, given), testDeps({ log, ...deps }))
  return { adapter, receive: (adapter.intakes[0] as Webhook).receive, lines: log.lines }
}

export const requestOf = ({ method, path, headers, body }: RawCall): RawRequest => {
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return {
    method,
    path: path.split('?')[0] ?? '',
    query: new URLSearchParams(path.split('?')[1] ?? ''),
    header: (name) => lower.get(name) ?? null,
    body: Buffer.from(body),
  }
}

export interface Connected extends Whatsapp {
  readonly events: readonly InboundEvent[]
  readonly reports: readonly SendReport[]
}

/** An adapter configured for a fake, with what came in. */
export const connected = (fake: FakeWhatsapp, deps: Partial<AdapterDeps> = {}): Connected => {
  const whatsapp = makeWhatsapp(fake.settings, deps)
  const events: InboundEvent[] = []
  const reports: SendReport[] = []
  fake.connect(async (call) => {
    const verdict = await whatsapp.receive(requestOf(call))
    if (verdict.kind === 'reject') return { status: verdict.status, headers: {}, body: '' }
    if (verdict.kind === 'answer') return verdict.answer
    events.push(...verdict.events)
    reports.push(...(verdict.reports ?? []))
    return verdict.ack
  })
  return { ...whatsapp, events, reports }
}

export const ann = 'US.90000000000000000001'

export const makePart = (items: readonly PartItem[], more: Partial<Part> = {}): Part => ({
  key: 'whatsapp:p#0',
  to: { platform: 'whatsapp', account: phoneNumberId, chat: '15550100111', kind: 'dm' },
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
