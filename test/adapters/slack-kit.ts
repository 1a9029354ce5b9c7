import { readdirSync, readFileSync } from 'node:fs'
import slack from '../../adapters/slack/index.ts'
import type {
  Adapter,
  AdapterDeps,
  Artifact,
  InboundEvent,
  Installs,
  Part,
  PartButton,
  PartItem,
  RawRequest,
  Stream,
  Verdict,
  Webhook,
} from '../../src/contract/index.ts'
import { keepingLog, settingsFrom, testDeps } from '../kit/deps.ts'
import { testInstalls } from '../kit/installs.ts'
import type { RawCall, Wire } from '../platforms/platform.ts'
import type { FakeSlack } from '../platforms/slack.ts'
import { eventsPath, signingSecret } from '../platforms/slack-hooks.ts'
import { botToken } from '../platforms/slack-world.ts'

const folder = new URL('../golden/slack/', import.meta.url)

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

export const goldenNames = (): string[] => readdirSync(folder).map((name) => name.replace(/\.json$/, ''))
export const golden = (name: string): Golden =>
  JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Golden

/** The moment at which the recorded requests were signed. */
export const goldenClock = 1_767_225_610_000

export const settings = {
  BOT_TOKEN: botToken,
  SIGNING_SECRET: signingSecret,
  API_BASE: 'http://127.0.0.1:9/api',
}
export const never = new AbortController().signal

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
  const events: InboundEvent[] = []
  const wire: Wire = async (call) => {
    const verdict = await slack.receive(requestOf(call))
    if (verdict.kind === 'reject') return { status: verdict.status, headers: {}, body: '' }
    if (verdict.kind === 'answer') return verdict.answer
    events.push(...verdict.events)
    return verdict.ack
  }
  fake.connect(wire)
  return { ...slack, events, wire }
}

export const home = { platform: 'slack', account: 'app', workspace: 'T0FAKETEAM1' } as const

export const makePart = (items: readonly PartItem[], more: Partial<Part> = {}): Part => ({
  key: 'slack:p#0',
  to: { ...home, chat: 'C0FAKECHAN1', kind: 'group' },
  audience: 'everyone',
  items,
  buttons: [],
  ...more,
})

export const text = (words: string): PartItem => ({ kind: 'text', text: words })

export const file = (over: Partial<Artifact> = {}, caption?: string): PartItem => ({
  kind: 'media',
  as: 'file',
  media: { kind: 'image', blob: 'b1', name: 'fox.png', mime: 'image/png', bytes: 11, ...over },
  ...(caption === undefined ? {} : { caption }),
})

export const buttons = (...labels: readonly string[]): readonly PartButton[] =>
  labels.map((label, nth) => ({ label, action: `action-${nth}`, say: `/say ${label} ${nth}` }))
