import slack from '../../adapters/slack/index.ts'
import type {
  Adapter,
  AdapterDeps,
  Artifact,
  InboundEvent,
  Installs,
  PartItem,
  RawRequest,
  Stream,
  Verdict,
  Webhook,
} from '../../src/contract/index.ts'
import { file as anyFile, goldensOf, keepingWire, partTo } from '../kit/adapter.ts'
import { keepingLog, settingsFrom, testDeps } from '../kit/deps.ts'
import { testInstalls } from '../kit/installs.ts'
import type { Wire } from '../platforms/platform.ts'
import type { FakeSlack } from '../platforms/slack.ts'
import { eventsPath, signingSecret } from '../platforms/slack-hooks.ts'
import { botToken } from '../platforms/slack-world.ts'

export interface Golden {
  readonly meta: { readonly what: string; readonly idempotencyKey?: string }
  readonly request?: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly rawBody: string
  }
  readonly payload?: Readonly<Record<string, unknown>>
  readonly response?: {
    readonly forMethod: string
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: unknown
  }
}

const recorded = goldensOf<Golden>('slack')
export const goldenNames = recorded.names
export const golden = recorded.read

/** The moment at which the recorded requests were signed. */
export const goldenClock = 1_767_225_610_000

export const settings = {
  BOT_TOKEN: botToken,
  SIGNING_SECRET: signingSecret,
  API_BASE: 'http://127.0.0.1:9/api',
}

export interface Slack {
  readonly adapter: Adapter
  readonly webhook: (path?: string) => Webhook
  readonly receive: (request: RawRequest) => Promise<Verdict>
  readonly stream: Stream | undefined
  readonly lines: readonly string[]
  readonly installs: Installs
  readonly deps: AdapterDeps
}

export const makeSlack = (
  given: Readonly<Record<string, string>> = settings,
  over: Partial<AdapterDeps> = {},
): Slack => {
  const log = keepingLog()
  const installs = over.installs ?? testInstalls('slack', over.now)
  const deps = testDeps({ log, ...over, installs })
  const adapter = slack.create(settingsFrom(slack, given), deps)
  const webhook = (path = eventsPath): Webhook =>
    adapter.intakes.find((one): one is Webhook => one.kind === 'webhook' && one.path === path) ?? raise(path)
  return {
    adapter,
    webhook,
    receive: (request) => webhook(request.path).receive(request),
    stream: adapter.intakes.find((one): one is Stream => one.kind === 'stream'),
    lines: log.lines,
    installs,
    deps,
  }
}
const raise = (path: string): never => {
  throw new Error(`nothing listens on ${path}`)
}

export interface Connected extends Slack {
  readonly events: InboundEvent[]
  readonly wire: Wire
}

/** An adapter configured for a fake, with what came in. */
export const connected = (
  fake: FakeSlack,
  over: Partial<AdapterDeps> = {},
  more: Readonly<Record<string, string>> = {},
): Connected => {
  const slack = makeSlack({ ...fake.settings, ...more }, over)
  const { wire, kept } = keepingWire(slack.receive)
  fake.connect(wire)
  return { ...slack, events: kept.events, wire }
}

export const home = { platform: 'slack', account: 'app', workspace: 'T0FAKETEAM1' } as const

export const makePart = partTo({ ...home, chat: 'C0FAKECHAN1', kind: 'group' }, 'slack:p#0')

export const file = (over: Partial<Artifact> = {}, caption?: string): PartItem => anyFile('file', over, caption)
