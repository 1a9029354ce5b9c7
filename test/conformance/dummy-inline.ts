import {
  type AdapterModule,
  defineAdapter,
  eventId,
  type HttpAnswer,
  type Part,
  SendError,
} from '../../src/contract/index.ts'
import type { FakePlatform, Place, RawCall, RawReply, Shown, Wire } from '../platforms/platform.ts'
import type { Start } from './rig.ts'

/** Mistakes of an adapter that answers in the open request. */
export type InlineFault =
  | 'any secret taken'
  | 'the body read before the check'
  | 'a promise without a token'
  | 'a promise that forgets the token'
  | 'a used token told as sent'
  | 'an answer of the wrong version'
  | 'no answer where there is nothing to say'
  | 'a repeat unmarked'
  | 'typed words cut'
  | 'one text of three'

const SECRET = 'inline-dummy-secret'
const dm: Place = { chat: 'a1', kind: 'dm' }
const people = {
  ann: { id: 'a1', name: 'Ann' },
  bob: { id: 'b2', name: 'Bob' },
  robot: { id: 'r3', name: 'Robot' },
}

interface Answered {
  readonly version: number
  readonly texts: readonly string[]
  readonly buttons: readonly { readonly label: string; readonly types: string }[]
}

interface Asked {
  readonly id: string
  readonly by: string
  readonly text: string
  readonly token: string
}

const isAsked = (value: unknown): value is Asked => typeof value === 'object' && value !== null && 'token' in value

const ok = (body: object): HttpAnswer => ({ status: 200, headers: {}, body: JSON.stringify(body) })

/** Takes an answer by its token; false when the token is used up. */
type Callback = (token: string, answer: Answered) => boolean

const moduleOver = (callback: Callback, fault: InlineFault | null): AdapterModule =>
  defineAdapter({
    id: 'inline',
    env: { SECRET: { kind: 'text', about: 'The secret', secret: true } },
    activation: [['SECRET']],
    operator: null,
    provenBy: null,
    capabilities: {
      name: 'Inline dummy',
      intakes: ['webhook'],
      text: { max: 30, unit: 'codepoint', markup: 'plain' },
      media: { image: [], video: [], audio: [], file: [] },
      call: { items: 3 },
      buttons: { kind: 'type', max: 2, perRow: 2, labelMax: 5 },
      edit: null,
      typing: null,
      threads: false,
      quotes: false,
      audiences: ['everyone'],
      directByUserId: false,
      answer: { inlineMs: 1000, tokenMs: 1000, push: 'never', windowMs: null },
      resend: 'marked',
      redeliveryMs: 1000,
      staleAfterMs: null,
      commands: 'none',
      pace: { concurrent: 1, everyMs: 0, perChatMs: 0, perGroupMs: 0, burst: 1 },
      receives: [],
    },
    create: (settings, deps) => {
      const encode = (part: Part): Answered => {
        const texts = part.items.flatMap((item) => (item.kind === 'text' ? [item.text] : []))
        const mark = part.repeated && fault !== 'a repeat unmarked' ? [deps.say('maybe_repeated')] : []
        return {
          version: fault === 'an answer of the wrong version' ? 1 : 2,
          texts: fault === 'one text of three' ? texts.slice(0, 1) : [...mark, ...texts],
          buttons: part.buttons.map(({ label, say }) => ({ label, types: fault === 'typed words cut' ? label : say })),
        }
      }
      const promise = { version: 2, texts: ['wait'], buttons: [] }
      return {
        account: 'one',
        intakes: [
          {
            kind: 'webhook',
            host: '127.0.0.1',
            port: 1,
            path: '/ask',
            methods: ['POST'],
            types: ['application/json'],
            maxBytes: 5000,
            inlineMs: 1000,
            receive: async (request) => {
              const text = new TextDecoder().decode(request.body)
              if (fault === 'the body read before the check') JSON.parse(text)
              if (request.header('x-secret') !== settings.SECRET && fault !== 'any secret taken') {
                return { kind: 'reject', status: 401, reason: 'wrong secret' }
              }
              const asked: unknown = JSON.parse(text)
              if (!isAsked(asked)) return { kind: 'reject', status: 400, reason: 'not a question' }
              const event = {
                id: eventId('inline', 'one', asked.id),
                at: deps.now(),
                from: { id: asked.by, self: false, bot: false },
                proof: 'secret' as const,
                where: { platform: 'inline', account: 'one', chat: asked.by, kind: 'dm' as const },
                body: { kind: 'text' as const, text: asked.text, addressed: true },
                media: [],
                handle: { kind: 'token' as const, value: asked.token, expiresAt: deps.now() + 1000 },
              }
              return { kind: 'events', events: [event], ack: ok(promise) }
            },
          },
        ],
        send: async (part, signal) => {
          if (signal.aborted) throw new SendError('unavailable', 'stopped')
          if (!part.handle) throw new SendError('window_closed', 'no token')
          const taken = callback(part.handle.value, encode(part))
          if (!taken && fault !== 'a used token told as sent')
            throw new SendError('handle_gone', 'the token is used up')
          return { via: 'token' }
        },
        edit: null,
        typing: null,
        pushes: null,
        quota: null,
        inline: (answer) => {
          if (answer.kind === 'part') return { answer: ok(encode(answer.part)), tokenKept: false }
          if (answer.kind === 'none') {
            return fault === 'no answer where there is nothing to say'
              ? { answer: { status: 500, headers: {}, body: '' }, tokenKept: false }
              : { answer: ok({ ...promise, texts: [] }), tokenKept: false }
          }
          const hasToken = answer.event.handle !== undefined || fault === 'a promise without a token'
          return { answer: ok(promise), tokenKept: hasToken && fault !== 'a promise that forgets the token' }
        },
        download: null,
        probe: async () => [{ name: 'secret', ok: true, about: 'set' }],
      }
    },
  })

/** A platform in memory that asks and shows what it is answered, and an adapter that makes one mistake, or none. */
export const startInlineDummy =
  (fault: InlineFault | null): Start =>
  async () => {
    const shown: Shown[] = []
    const calls: { method: string; at: number }[] = []
    const tokens = new Map<string, 'open' | 'used'>()
    let wire: Wire = async () => ({ status: 503, headers: {}, body: '' })
    let asked = 0
    let last: RawCall | null = null

    const show = ({ version, texts, buttons }: Answered): void => {
      if (version !== 2) return
      for (const [nth, text] of texts.entries()) {
        const replies = buttons.map(({ label, types }) => ({
          label,
          press: async () => {
            await ask('a1', types)
          },
        }))
        const isLast = nth === texts.length - 1
        shown.push({ id: `${shown.length}`, place: dm, text, media: [], buttons: isLast ? replies : [], edits: 0 })
      }
    }
    const post = async (call: RawCall): Promise<RawReply> => {
      const reply = await wire(call)
      if (reply.status === 200) show(JSON.parse(reply.body) as Answered)
      return reply
    }
    const callOf = (body: string, secret: string): RawCall => ({
      method: 'POST',
      path: '/ask',
      headers: { 'X-Secret': secret },
      body,
    })
    const ask = (by: string, text: string): Promise<RawReply> => {
      const token = `t${++asked}`
      tokens.set(token, 'open')
      last = callOf(JSON.stringify({ id: `q${asked}`, by, text, token }), SECRET)
      return post(last)
    }
    const callback: Callback = (token, answer) => {
      calls.push({ method: 'callback', at: Date.now() })
      if (tokens.get(token) !== 'open') return false
      tokens.set(token, 'used')
      show(answer)
      return true
    }
    const genuine = JSON.stringify({ id: 'q0', by: 'a1', text: 'hi', token: 't0' })
    const fake: FakePlatform & { readonly module: AdapterModule; readonly failures: readonly never[] } = {
      id: 'inline',
      module: moduleOver(callback, fault),
      failures: [],
      settings: { SECRET },
      secrets: [SECRET],
      people,
      places: { dm, group: dm, thread: null },
      connect: (to) => {
        wire = to
      },
      say: (from, _, text) => ask(from.id, text),
      redeliver: async () => last && post(last),
      shown: () => shown,
      calls: () => calls,
      failNext: () => {},
      forgeries: () => [
        { name: 'another secret', call: callOf(genuine, 'wrong'), status: 401 },
        { name: 'no JSON and another secret', call: callOf('{', 'wrong'), status: 401 },
        { name: 'another method', call: { ...callOf(genuine, SECRET), method: 'GET' }, status: 405 },
        { name: 'a body too large', call: callOf(genuine + ' '.repeat(5000), SECRET), status: 413 },
      ],
      close: async () => {},
    }
    return fake
  }
