import wechat from '../../adapters/wechat/index.ts'
import type {
  Adapter,
  AdapterDeps,
  Artifact,
  InboundEvent,
  InlineAnswer,
  InlineResult,
  PartItem,
  RawRequest,
  Verdict,
  Webhook,
} from '../../src/contract/index.ts'
import { eventOf, partTo, golden as recordedFile, requestOf } from '../kit/adapter.ts'
import { keepingLog, settingsFrom, testDeps } from '../kit/deps.ts'
import type { Wire } from '../platforms/platform.ts'
import type { FakeWechat } from '../platforms/wechat.ts'

export const token = 'FakeWechatToken'
export const aesKey = 'FakeEncodingAESKeyForTestsOnlyNotARealKey00'
export const appId = 'wxfaketestappid01'
export const ann = 'oTestOpenId_0000000000000A01'
export const ours = 'gh_fakeaccount1'
/** The time of the recorded payloads. */
export const recordedMs = 1_773_619_200_000

export const golden = (file: string): Buffer => recordedFile('wechat', file)
export const goldenJson = <T>(file: string): T => JSON.parse(golden(file).toString('utf8')) as T

export interface Wechat {
  readonly adapter: Adapter
  readonly receive: (request: RawRequest) => Promise<Verdict>
  readonly inline: (answer: InlineAnswer) => InlineResult
  readonly lines: readonly string[]
}

export const makeWechat = (
  settings: Readonly<Record<string, string>> = { TOKEN: token },
  deps: Partial<AdapterDeps> = {},
): Wechat => {
  const log = keepingLog()
  const adapter = wechat.create(settingsFrom(wechat, settings), testDeps({ log, ...deps }))
  const webhook = adapter.intakes[0] as Webhook
  return { adapter, receive: webhook.receive, inline: adapter.inline!, lines: log.lines }
}

/** A recorded body with its query. */
export const recorded = (file: string, query: Readonly<Record<string, string>>): RawRequest => ({
  method: 'POST',
  path: '/wechat/webhook',
  query: new URLSearchParams(query),
  header: () => 'text/xml',
  body: golden(file),
})

export const mediaItem = (kind: Artifact['kind'], as: string, more: Partial<Artifact> = {}): PartItem => {
  const [mime, name] = {
    image: ['image/png', 'fox.png'],
    video: ['video/mp4', 'fox.mp4'],
    audio: ['audio/mpeg', 'fox.mp3'],
    file: ['application/zip', 'fox.zip'],
  }[kind] as [string, string]
  return { kind: 'media', as, media: { kind, blob: `blob-${kind}`, name, mime, bytes: 1000, ...more } }
}

export const makePart = partTo({ platform: 'wechat', account: appId, workspace: ours, chat: ann, kind: 'dm' })

export interface Core {
  readonly events: InboundEvent[]
  /** How long each delivery was allowed to wait. */
  readonly waits: number[]
}

/** The smallest core there can be: one answer for each event, given to whichever delivery of it is open. */
export const wireTo = (
  { receive, inline }: Pick<Wechat, 'receive' | 'inline'>,
  reply: (event: InboundEvent) => InlineAnswer | Promise<InlineAnswer>,
): { readonly wire: Wire; readonly core: Core } => {
  const core: Core = { events: [], waits: [] }
  const answers = new Map<string, Promise<InlineAnswer>>()
  const wire: Wire = async (call) => {
    const verdict = await receive(requestOf(call))
    if (verdict.kind === 'reject') return { status: verdict.status, headers: {}, body: '' }
    if (verdict.kind === 'answer') return verdict.answer
    const event = eventOf(verdict)
    if (verdict.waitMs !== undefined) core.waits.push(verdict.waitMs)
    const running = answers.get(event.id) ?? Promise.resolve(reply(event))
    if (!answers.has(event.id)) core.events.push(event)
    answers.set(event.id, running)
    return inline(await running).answer
  }
  return { wire, core }
}

/** A fake WeChat whose requests go to an adapter configured for it. */
export const connected = (
  fake: FakeWechat,
  reply: (event: InboundEvent) => InlineAnswer | Promise<InlineAnswer> = (event) => ({ kind: 'none', event }),
  deps: Partial<AdapterDeps> = {},
): Wechat & { readonly core: Core } => {
  const made = makeWechat(fake.settings, deps)
  const { wire, core } = wireTo(made, reply)
  fake.connect(wire)
  return { ...made, core }
}
