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
import { keepingWire, partTo, golden as recorded, requestOf as request, text as textItem } from '../kit/adapter.ts'
import { keepingLog, settingsFrom, testDeps } from '../kit/deps.ts'
import type { FakeLine } from '../platforms/line.ts'
import type { RawCall } from '../platforms/platform.ts'

export const channelSecret = 'line-test-channel-secret-not-real'
export const accessToken = 'line-test-access-token-not-real'
export const settings = { CHANNEL_SECRET: channelSecret, CHANNEL_ACCESS_TOKEN: accessToken }
export const alice = 'U0000000000000000000000000000a11c'
export const theGroup = 'C0000000000000000000000000000c0de'

/** No program may be asked at this port: every call fails at once. */
export const unreachable = 'http://127.0.0.1:1'

export const golden = (file: string): Buffer => recorded('line', file)
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

export const requestOf = ({ body, headers }: Pick<RawCall, 'body' | 'headers'>): RawRequest =>
  request({ method: 'POST', path: '/line/webhook', body, headers })

/** The adapter behind a fake LINE: the events of every webhook are kept, everything is acknowledged. */
export const connected = (
  fake: FakeLine,
  texts: Readonly<Record<string, string>> = {},
  over: Partial<AdapterDeps> = {},
): Line & { readonly events: readonly InboundEvent[] } => {
  const made = makeLine({ ...fake.settings, ...texts }, over)
  const { wire, kept } = keepingWire(made.receive)
  fake.connect(wire)
  return { ...made, events: kept.events }
}

/** A memo that outlives the adapter, as the store does. */
export const keepingMemo = (): Memo => testDeps().memo

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

export const makePart = partTo({ platform: 'line', account: 'default', chat: alice, kind: 'dm' })

/** An answer to what was said, with its token. */
export const answerTo = (event: InboundEvent | undefined, text = 'done', more: Partial<Part> = {}): Part => {
  if (!event) throw new Error('no event came')
  return makePart([textItem(text)], { to: event.where, ...(event.handle ? { handle: event.handle } : {}), ...more })
}

export const tokenHandle = (value: string, expiresAt: number): ReplyHandle => ({ kind: 'token', value, expiresAt })
