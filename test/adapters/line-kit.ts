import { readFileSync } from 'node:fs'
import line from '../../adapters/line/index.ts'
import type {
  Adapter,
  AdapterDeps,
  Artifact,
  InboundEvent,
  Memo,
  Part,
  PartItem,
  RawRequest,
  ReplyHandle,
  Verdict,
  Webhook,
} from '../../src/contract/index.ts'
import { keepingLog, settingsFrom, testDeps } from '../kit/deps.ts'
import type { FakeLine } from '../platforms/line.ts'
import type { RawCall, Wire } from '../platforms/platform.ts'

export const channelSecret = 'line-test-channel-secret-not-real'
export const accessToken = 'line-test-access-token-not-real'
export const settings = { CHANNEL_SECRET: channelSecret, CHANNEL_ACCESS_TOKEN: accessToken }
export const never = new AbortController().signal
export const alice = 'U0000000000000000000000000000a11c'
export const theGroup = 'C0000000000000000000000000000c0de'

/** No program may be asked at this port: every call fails at once. */
export const unreachable = 'http://127.0.0.1:1'

export const golden = (file: string): Buffer =>
  readFileSync(new URL(`../golden/line/${file}`, import.meta.url)) as Buffer
export const goldenJson = <T>(file: string): T => JSON.parse(golden(file).toString('utf8')) as T

export interface Line {
  readonly adapter: Adapter
  readonly deps: AdapterDeps
  readonly receive: (request: RawRequest) => Promise<Verdict>
  readonly lines: readonly string[]
}

export const link = (blob: string): string => `https://media.example.com/m/${encodeURIComponent(blob)}`

export const makeLine = (texts: Readonly<Record<string, string>>, over: Partial<AdapterDeps> = {}): Line => {
  const log = keepingLog()
  const media = { open: async (blob: string) => new Blob([`bytes of ${blob}`]), link }
  const deps = testDeps({ log, media, ...over })
  const adapter = line.create(settingsFrom(line, { ...settings, ...texts }), deps)
  return { adapter, deps, receive: (adapter.intakes[0] as Webhook).receive, lines: log.lines }
}

export const requestOf = ({ body, headers }: Pick<RawCall, 'body' | 'headers'>): RawRequest => {
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return {
    method: 'POST',
    path: '/line/webhook',
    query: new URLSearchParams(),
    header: (name) => lower.get(name) ?? null,
    body: typeof body === 'string' ? Buffer.from(body) : body,
  }
}

/** The adapter behind a fake LINE: the events of every webhook are kept, everything is acknowledged. */
export const connected = (
  fake: FakeLine,
  texts: Readonly<Record<string, string>> = {},
  over: Partial<AdapterDeps> = {},
): Line & { readonly events: readonly InboundEvent[] } => {
  const made = makeLine({ ...fake.settings, ...texts }, over)
  const events: InboundEvent[] = []
  const wire: Wire = async (call) => {
    const verdict = await made.receive(requestOf(call))
    if (verdict.kind === 'reject') return { status: verdict.status, headers: {}, body: '' }
    if (verdict.kind === 'answer') return verdict.answer
    events.push(...verdict.events)
    return verdict.ack
  }
  fake.connect(wire)
  return { ...made, events }
}

/** A memo that outlives the adapter, as the store does. */
export const keepingMemo = (): Memo => testDeps().memo

export const textItem = (text: string): PartItem => ({ kind: 'text', text })

export const artifact = (over: Partial<Artifact> = {}): Artifact => ({
  kind: 'image',
  blob: 'b1',
  name: 'fox.png',
  mime: 'image/png',
  bytes: 5_000_000,
  preview: { blob: 'p1', mime: 'image/jpeg', bytes: 40_000 },
  ...over,
})

export const mediaItem = (as: string, over: Partial<Artifact> = {}): PartItem => ({
  kind: 'media',
  as,
  media: artifact(over),
})

export const makePart = (items: readonly PartItem[], more: Partial<Part> = {}): Part => ({
  key: 'p1',
  to: { platform: 'line', account: 'default', chat: alice, kind: 'dm' },
  audience: 'everyone',
  items,
  buttons: [],
  ...more,
})

/** An answer to what was said, with its token. */
export const answerTo = (event: InboundEvent | undefined, text = 'done', more: Partial<Part> = {}): Part => {
  if (!event) throw new Error('no event came')
  return makePart([textItem(text)], { to: event.where, ...(event.handle ? { handle: event.handle } : {}), ...more })
}

export const tokenHandle = (value: string, expiresAt: number): ReplyHandle => ({ kind: 'token', value, expiresAt })
