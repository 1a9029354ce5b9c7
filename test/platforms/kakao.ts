import { startKakaoHost } from './kakao-host.ts'
import { type Bubble, type Reading, readSkillResponse } from './kakao-rules.ts'
import type { FakePlatform, Forgery, Person, Place, RawCall, RawReply, Shown, Wire } from './platform.ts'

/** KakaoTalk with one chatbot whose fallback block calls our skill. Nobody can be written to first. */
export interface FakeKakao extends FakePlatform {
  /** Gives the block the callback option (or takes it): requests then bring a one-time address. */
  readonly offerCallbacks: (on: boolean) => void
  /** The person sends a photo; the address as the platform gives it. */
  readonly sendPhoto: (from: Person, url: string) => Promise<RawReply | null>
  /** The skill's error history: answers that could not be shown, and why. */
  readonly errors: () => readonly string[]
  /** Addresses of the pictures shown. */
  readonly imageUrls: () => readonly string[]
  /** Where callbacks go and photos lie. */
  readonly origin: string
}

const botId = '000000000000000000fa4eb0'
const secret = 'fake-kakao-webhook-secret'
const id = (end: string): string => `${'fa4ef'.repeat(13)}${end}`
const ann: Person = { id: id('01'), name: 'Ann' }
const bob: Person = { id: id('02'), name: 'Bob' }
const robot: Person = { id: id('03'), name: 'Robot' }
const group: Place = { chat: id('71'), kind: 'group' }

interface Act {
  readonly from: Person
  readonly text: string
  readonly trigger: string
  readonly photo?: string
  readonly group?: string
  readonly callbackUrl?: string
}

const payloadOf = ({ from, text, trigger, photo, group, callbackUrl }: Act): object => ({
  bot: { id: group ? `${botId}!` : botId, name: '그림봇' },
  intent: { id: '000000000000000000fa4eb2', name: '폴백 블록' },
  action: { id: '000000000000000000fa4e51', name: '스킬', params: {}, detailParams: {}, clientExtra: {} },
  userRequest: {
    block: { id: '000000000000000000fa4eb2', name: '폴백 블록' },
    user: {
      id: from.id,
      type: 'botUserKey',
      properties: { botUserKey: from.id, isFriend: true, plusfriendUserKey: `pf-${from.name}` },
    },
    utterance: text,
    params: { surface: 'Kakaotalk.plusfriend', ...(photo ? { media: { type: 'image', url: photo } } : {}) },
    ...(callbackUrl ? { callbackUrl } : {}),
    ...(group ? { chat: { id: group, type: 'botGroupKey', properties: { botGroupKey: group } } } : {}),
    lang: 'ko',
    timezone: 'Asia/Seoul',
  },
  contexts: [],
  flow: { trigger: { type: trigger } },
})

const callOf = (body: string, headers: Readonly<Record<string, string>>): RawCall => ({
  method: 'POST',
  path: '/kakao/webhook',
  headers: { 'content-type': 'application/json;charset=UTF-8', accept: 'application/json', ...headers },
  body,
})

const forgeries = (): readonly Forgery[] => {
  const body = JSON.stringify(payloadOf({ from: ann, text: '/status', trigger: 'TEXT_INPUT' }))
  const withSecret = { 'x-kakao-webhook-secret': secret }
  return [
    { name: 'no secret', call: callOf(body, {}), status: 401 },
    { name: 'wrong secret', call: callOf(body, { 'x-kakao-webhook-secret': 'fake-wrong-secret' }), status: 401 },
    { name: 'cut secret', call: callOf(body, { 'x-kakao-webhook-secret': secret.slice(0, -1) }), status: 401 },
    { name: 'empty secret', call: callOf(body, { 'x-kakao-webhook-secret': '' }), status: 401 },
    { name: 'another bot', call: callOf(body.replace(botId, `${botId.slice(0, -2)}ff`), withSecret), status: 403 },
    { name: 'no JSON', call: callOf('안녕하세요 {', withSecret), status: 400 },
    { name: 'an array', call: callOf('[]', withSecret), status: 400 },
  ]
}

/** The reply, or null when the skill did not answer in time. */
const inTime = async (reply: Promise<RawReply>, timeoutMs: number): Promise<RawReply | null> => {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs)
  })
  return Promise.race([reply, tooLate]).finally(() => clearTimeout(timer))
}

export const startFakeKakao = async (
  options: { readonly now?: () => number; readonly timeoutMs?: number } = {},
): Promise<FakeKakao> => {
  const { now = Date.now, timeoutMs = 5_000 } = options
  const shown: Shown[] = []
  const imageUrls: string[] = []
  const errors: string[] = []
  let answers = 0
  let wire: Wire = async () => {
    throw new Error('connect() the fake first')
  }
  let withCallbacks = false
  let requests = 0
  let last: { readonly call: RawCall; readonly act: Act; answered: boolean } | null = null

  const show = (act: Pick<Act, 'from' | 'group'>, reading: Reading): void => {
    if (reading.kind === 'error') {
      errors.push(...reading.problems)
      return
    }
    const bubbles: readonly Bubble[] = reading.kind === 'promise' ? [{ text: reading.text }] : reading.bubbles
    const replies = reading.kind === 'promise' ? [] : reading.quickReplies
    if (act.group && replies.length > 0) errors.push('quick replies in a group chat')
    answers += 1
    for (const [index, { text, imageUrl, altText = '' }] of bubbles.entries()) {
      if (imageUrl) imageUrls.push(imageUrl)
      shown.push({
        id: `bubble-${answers}.${index + 1}`,
        place: act.group ? { chat: act.group, kind: 'group' } : { chat: act.from.id, kind: 'dm' },
        text,
        media: imageUrl ? [{ kind: 'image', as: 'image', bytes: 0, mime: '', name: altText }] : [],
        buttons: (index === bubbles.length - 1 ? replies : []).map(({ label, messageText }) => ({
          label,
          press: async () => {
            await send({ from: act.from, text: messageText, trigger: 'QUICKREPLY_BUTTON_MESSAGE' })
          },
        })),
        edits: 0,
      })
    }
  }

  const post = async (call: RawCall, act: Act, visible: boolean): Promise<RawReply | null> => {
    const reply = await inTime(wire(call), timeoutMs)
    if (reply === null) {
      errors.push(`no answer within ${timeoutMs} ms`)
      return null
    }
    if (last) last.answered = true
    const reading: Reading =
      reply.status === 200
        ? readSkillResponse(reply.body, { promise: act.callbackUrl !== undefined })
        : { kind: 'error', problems: [`HTTP ${reply.status}`] }
    if (reading.kind !== 'promise' && act.callbackUrl) host.spend(act.callbackUrl)
    if (visible || reading.kind === 'error') show(act, reading)
    return reply
  }

  const send = async (wanted: Act): Promise<RawReply | null> => {
    const act = withCallbacks ? { ...wanted, callbackUrl: host.issue(wanted.from.id) } : wanted
    requests += 1
    const call = callOf(JSON.stringify(payloadOf(act)), {
      'x-request-id': `fake-request-${requests}`,
      'x-kakao-webhook-secret': secret,
    })
    last = { call, act, answered: false }
    return post(call, act, true)
  }

  const everyone = [ann, bob, robot]
  const host = await startKakaoHost(now, (person, reading) =>
    show({ from: everyone.find(({ id }) => id === person) ?? ann }, reading),
  )

  return {
    id: 'kakao',
    settings: { ENABLED: 'true', WEBHOOK_SECRET: secret, BOT_ID: botId, API_BASE: host.origin },
    secrets: [secret],
    people: { ann, bob, robot },
    places: { dm: { chat: ann.id, kind: 'dm' }, group, thread: null },
    connect: (to) => {
      wire = to
    },
    // Bots cannot write to a chatbot, and its own messages never come back to it.
    say: async (from, place, text, more = {}) => {
      if (more.fromUs || from.id === robot.id) return null
      if (place.kind === 'dm') return send({ from, text, trigger: 'TEXT_INPUT' })
      return send({
        from,
        text: more.mention === false ? text : `@그림봇 ${text}`,
        trigger: 'TEXT_INPUT',
        group: place.chat,
      })
    },
    sendPhoto: (from, url) => send({ from, text: url, trigger: 'IMAGE_UPLOAD', photo: url }),
    redeliver: async () => (last ? post(last.call, last.act, !last.answered) : null),
    shown: () => shown,
    errors: () => errors,
    imageUrls: () => imageUrls,
    calls: host.calls,
    failNext: host.failNext,
    forgeries,
    offerCallbacks: (on) => {
      withCallbacks = on
    },
    origin: host.origin,
    close: host.close,
  }
}
