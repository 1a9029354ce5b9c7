import kakao from '../../adapters/kakao/index.ts'
import type {
  Adapter,
  AdapterDeps,
  HttpAnswer,
  InboundEvent,
  InlineAnswer,
  PartItem,
  RawRequest,
  ReplyHandle,
  Verdict,
  Webhook,
} from '../../src/contract/index.ts'
import { eventOf, partTo, golden as recorded, requestOf } from '../kit/adapter.ts'
import { keepingLog, settingsFrom, testDeps } from '../kit/deps.ts'
import type { FakeKakao } from '../platforms/kakao.ts'
import type { Wire } from '../platforms/platform.ts'

export const secret = 'fake-kakao-webhook-secret'
export const botId = '000000000000000000fa4eb0'
export const ann = 'fa4efa4efa4efa4efa4efa4efa4efa4efa4efa4efa4efa4efa4efa4efa4efa4e01'

export const golden = (file: string): Buffer => recorded('kakao', file)
export const goldenJson = <T>(file: string): T => JSON.parse(golden(file).toString('utf8')) as T

export interface Kakao {
  readonly adapter: Adapter
  readonly receive: (request: RawRequest) => Promise<Verdict>
  readonly inline: (answer: InlineAnswer) => { readonly answer: HttpAnswer; readonly tokenKept: boolean }
  readonly lines: readonly string[]
}

export const makeKakao = (
  settings: Readonly<Record<string, string>> = { WEBHOOK_SECRET: secret },
  deps: Partial<AdapterDeps> = {},
): Kakao => {
  const log = keepingLog()
  const adapter = kakao.create(settingsFrom(kakao, settings), testDeps({ log, ...deps }))
  const webhook = adapter.intakes[0] as Webhook
  return { adapter, receive: webhook.receive, inline: adapter.inline!, lines: log.lines }
}

export const request = (body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}): RawRequest =>
  requestOf({ method: 'POST', path: '/kakao/webhook', body, headers })

/** A skill request of ann, with the secret. */
export const skillRequest = (userRequest: object = {}, headers: Readonly<Record<string, string>> = {}): RawRequest =>
  request(
    JSON.stringify({ bot: { id: botId }, userRequest: { user: { id: ann }, utterance: '/status', ...userRequest } }),
    {
      'x-kakao-webhook-secret': secret,
      ...headers,
    },
  )

export const receiveEvent = async (kakao: Kakao, raw: RawRequest): Promise<InboundEvent> =>
  eventOf(await kakao.receive(raw))

export const pictureItem = (name: string, blob = 'b1'): PartItem => ({
  kind: 'media',
  as: 'image',
  media: { kind: 'image', blob, name, mime: 'image/png', bytes: 1000 },
})

export const makePart = partTo({ platform: 'kakao', account: 'default', chat: ann, kind: 'dm' })

export const tokenHandle = (value: string, expiresAt: number): ReplyHandle => ({ kind: 'token', value, expiresAt })

/** The smallest core there can be: each event is answered by `reply`, which makes the answer of the open request. */
export const wireTo =
  (kakao: Kakao, reply: (event: InboundEvent) => InlineAnswer | Promise<InlineAnswer>): Wire =>
  async (call) => {
    const verdict = await kakao.receive(request(call.body, call.headers))
    if (verdict.kind === 'reject') return { status: verdict.status, headers: {}, body: '' }
    if (verdict.kind === 'answer') return verdict.answer
    return kakao.inline(await reply(eventOf(verdict))).answer
  }

/** A fake KakaoTalk whose requests go to an adapter configured for it. */
export const connected = (
  fake: FakeKakao,
  reply: (event: InboundEvent) => InlineAnswer | Promise<InlineAnswer>,
  deps: Partial<AdapterDeps> = {},
): Kakao => {
  const kakao = makeKakao(fake.settings, deps)
  fake.connect(wireTo(kakao, reply))
  return kakao
}
