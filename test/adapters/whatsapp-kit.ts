import whatsapp from '../../adapters/whatsapp/index.ts'
import type {
  Adapter,
  AdapterDeps,
  InboundEvent,
  RawRequest,
  SendReport,
  Verdict,
  Webhook,
} from '../../src/contract/index.ts'
import { goldensOf, keepingWire, partTo } from '../kit/adapter.ts'
import { keepingLog, settingsFrom, testDeps } from '../kit/deps.ts'
import type { FakeWhatsapp } from '../platforms/whatsapp.ts'
import { appSecret, phoneNumberId, verifyToken } from '../platforms/whatsapp-hooks.ts'

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

const recorded = goldensOf<Golden>('whatsapp')
export const goldenNames = recorded.names
export const golden = recorded.read

export const settings = {
  ACCESS_TOKEN: 'fake-whatsapp-access-token',
  VERIFY_TOKEN: verifyToken,
  APP_SECRET: appSecret,
  PHONE_NUMBER_ID: phoneNumberId,
  API_BASE: 'http://127.0.0.1:9',
}

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

export interface Connected extends Whatsapp {
  readonly events: readonly InboundEvent[]
  readonly reports: readonly SendReport[]
}

/** An adapter configured for a fake, with what came in. `more`: further settings. */
export const connected = (
  fake: FakeWhatsapp,
  deps: Partial<AdapterDeps> = {},
  more: Readonly<Record<string, string>> = {},
): Connected => {
  const whatsapp = makeWhatsapp({ ...fake.settings, ...more }, deps)
  const { wire, kept } = keepingWire(whatsapp.receive)
  fake.connect(wire)
  return { ...whatsapp, ...kept }
}

export const ann = 'US.90000000000000000001'

export const makePart = partTo(
  { platform: 'whatsapp', account: phoneNumberId, chat: '15550100111', kind: 'dm' },
  'whatsapp:p#0',
)
