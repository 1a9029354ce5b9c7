import { setTimeout as later } from 'node:timers/promises'
import { type AdapterModule, defineAdapter, eventId, type Part, SendError } from '../../src/contract/index.ts'
import type { Failure, FakePlatform, Person, Place, Shown } from '../platforms/platform.ts'
import type { Start } from './rig.ts'

/** Mistakes an adapter can make, each of which the suite has to notice. */
export type Fault =
  | 'a new id for a redelivery'
  | 'one id for all'
  | 'own messages unmarked'
  | 'bots unmarked'
  | 'all group talk addressed'
  | 'the mention left in'
  | 'the thread forgotten'
  | 'a date object in the event'
  | 'an admin chat as address'
  | 'a text limit too high'
  | 'markup eaten'
  | 'a file limit too high'
  | 'the caption dropped'
  | 'a hang-up told as not delivered'
  | 'a wait in seconds'
  | 'a refused token told as unavailable'
  | 'a refused file told as rejected'
  | 'a send that ignores the abort'
  | 'a stream that ignores the abort'
  | 'the pressed action lost'
  | 'an edit sent anew'
  | 'a gone edit passed over'
  | 'the cursor moved before keeping'
  | 'the token in the log'
  | 'the token in an error'
  | 'a fresh key per attempt'
  | 'a lost quote stops the answer'
  | 'everything sent to the one who wrote last'
  | 'a typing sign declared and missing'

interface Update {
  readonly nth: number
  readonly from: Person
  readonly place: Place
  readonly text: string
  readonly self: boolean
  readonly mention: boolean
  readonly press?: { readonly action: string; readonly message: string }
}

type Message = { -readonly [K in keyof Omit<Shown, 'buttons'>]: Shown[K] } & { buttons: Part['buttons'] }

const SECRET = 'dummy/secret+token'
const TEXT_MAX = 200
const FILE_MAX = 1000
const people = {
  ann: { id: 'a1', name: 'Ann' },
  bob: { id: 'b2', name: 'Bob' },
  robot: { id: 'r3', name: 'Robot' },
}
const dm: Place = { chat: 'a1', kind: 'dm' }
const group: Place = { chat: 'g1', kind: 'group' }

/** What the platform's server answers a refused call with. */
class Refused extends Error {
  readonly how: Failure | { readonly kind: 'bad' | 'no_message' }
  constructor(how: Refused['how']) {
    super(how.kind)
    this.how = how
  }
}

const makeServer = () => {
  const updates: Update[] = []
  const messages: Message[] = []
  const calls: { method: string; at: number }[] = []
  const keys = new Map<string, string>()
  const state = { failure: null as Failure | null, closed: false, extra: [] as Update[] }
  const called = (method: string): number => calls.push({ method, at: Date.now() })
  const push = (update: Omit<Update, 'nth'>): number => updates.push({ nth: updates.length + 1, ...update })

  const post = async (key: string, message: Omit<Message, 'id' | 'edits'>, signal: AbortSignal | null) => {
    called('post')
    const how = state.failure
    state.failure = null
    if (how?.kind === 'hang') await later(1500, null, { ...(signal && { signal }) })
    if (how && how.kind !== 'answer_lost') throw new Refused(how)
    if (message.text.length > TEXT_MAX) throw new Refused({ kind: 'bad' })
    if (message.media.some((file) => file.bytes > FILE_MAX)) throw new Refused({ kind: 'media_rejected' })
    if (message.replyTo && !updates.some((update) => `u${update.nth}` === message.replyTo)) {
      throw new Refused({ kind: 'no_message' })
    }
    const known = keys.get(key)
    const id = known ?? `m${messages.length + 1}`
    if (!known) messages.push({ ...message, id, edits: 0 })
    keys.set(key, id)
    if (how) throw new Refused(how)
    return id
  }

  const edit = (id: string, text: string, buttons: Part['buttons']): void => {
    called('edit')
    const message = messages.find((candidate) => candidate.id === id)
    if (!message) throw new Refused({ kind: 'no_message' })
    Object.assign(message, { text, buttons, edits: message.edits + 1 })
  }

  return { updates, messages, calls, state, called, push, post, edit }
}

type Server = ReturnType<typeof makeServer>

const told = (error: unknown, fault: Fault | null): SendError => {
  if (!(error instanceof Refused)) return new SendError('unavailable', 'stopped', { cause: error })
  const { how } = error
  const words = fault === 'the token in an error' ? `${how.kind} at https://x/${encodeURIComponent(SECRET)}` : how.kind
  if (how.kind === 'rate_limited') {
    const retryAfterMs = fault === 'a wait in seconds' ? how.retryAfterMs / 1000 : how.retryAfterMs
    return new SendError('rate_limited', words, { retryAfterMs })
  }
  if (how.kind === 'answer_lost') {
    return new SendError('unavailable', words, {
      delivered: fault === 'a hang-up told as not delivered' ? 'no' : 'maybe',
    })
  }
  if (how.kind === 'auth')
    return new SendError(fault === 'a refused token told as unavailable' ? 'unavailable' : 'auth', words)
  if (how.kind === 'media_rejected') {
    return new SendError(fault === 'a refused file told as rejected' ? 'rejected' : 'media_rejected', words)
  }
  if (how.kind === 'target_gone') return new SendError('target_gone', words)
  if (how.kind === 'no_message') return new SendError('edit_gone', words)
  return new SendError(how.kind === 'bad' ? 'rejected' : 'unavailable', words)
}

const moduleOver = (server: Server, fault: Fault | null): AdapterModule => {
  const file = [{ as: 'file', by: 'upload', maxBytes: FILE_MAX, mime: ['*'], caption: 10, album: 1 }] as const
  const tooLarge = [{ ...file[0], maxBytes: FILE_MAX + 1 }]
  return defineAdapter({
    id: 'dummy',
    env: { TOKEN: { kind: 'text', about: 'The token', secret: true } },
    activation: [['TOKEN']],
    operator: null,
    provenBy: null,
    capabilities: {
      name: 'Dummy',
      intakes: ['stream'],
      text: { max: fault === 'a text limit too high' ? TEXT_MAX + 1 : TEXT_MAX, unit: 'utf16', markup: 'plain' },
      media: { image: fault === 'a file limit too high' ? tooLarge : file, video: [], audio: [], file },
      call: { items: 1 },
      buttons: { kind: 'press', max: 3, perRow: 3, labelMax: 10 },
      edit: { everyMs: 0, withinMs: null },
      typing: fault === 'a typing sign declared and missing' ? { everyMs: 1000 } : null,
      threads: true,
      quotes: true,
      audiences: ['everyone'],
      directByUserId: true,
      answer: { inlineMs: null, tokenMs: null, push: 'always', windowMs: null },
      resend: 'deduplicated',
      redeliveryMs: 1000,
      staleAfterMs: null,
      commands: 'none',
      pace: { concurrent: 1, everyMs: 0, perChatMs: 0, perGroupMs: 0, burst: 1 },
      receives: [],
    },
    create: (settings, deps) => {
      let attempts = 0
      if (fault === 'the token in the log') deps.log.info({ url: `https://x/${settings.TOKEN}` }, 'connecting')
      const message = (part: Part): Omit<Message, 'id' | 'edits'> => {
        const [item] = part.items
        const text = item?.kind === 'text' ? item.text : fault === 'the caption dropped' ? '' : (item?.caption ?? '')
        const { chat, kind, thread } =
          fault === 'everything sent to the one who wrote last'
            ? { ...part.to, ...server.updates.at(-1)?.place }
            : part.to
        return {
          place: { chat, kind, ...(thread && { thread }) },
          text: fault === 'markup eaten' ? text.replaceAll('*', '') : text,
          media: item?.kind === 'media' ? [item.media].map((media) => ({ ...media, as: 'file' })) : [],
          buttons: part.buttons,
          ...(part.replyTo && { replyTo: part.replyTo }),
        }
      }
      const send = async (part: Part, signal: AbortSignal): Promise<string> => {
        if (signal.aborted) throw new SendError('unavailable', 'stopped')
        const key = fault === 'a fresh key per attempt' ? `${part.key} ${++attempts}` : part.key
        const heeded = fault === 'a send that ignores the abort' ? null : signal
        try {
          return await server.post(key, message(part), heeded)
        } catch (error) {
          const lostQuote = error instanceof Refused && error.how.kind === 'no_message'
          if (!lostQuote || fault === 'a lost quote stops the answer') throw told(error, fault)
          const { replyTo: _, ...unquoted } = message(part)
          return await server.post(key, unquoted, heeded)
        }
      }
      const eventOf = (update: Update) => {
        const { nth, from, place, press } = update
        const isOwn = update.self && fault !== 'own messages unmarked'
        const cut = fault === 'the mention left in' ? update.text : update.text.replace('@us ', '')
        const addressed = place.kind === 'dm' || update.mention || fault === 'all group talk addressed'
        const { thread: _, ...lobby } = place
        const where = fault === 'the thread forgotten' ? lobby : fault === 'an admin chat as address' ? dm : place
        const suffix =
          fault === 'one id for all' ? '' : fault === 'a new id for a redelivery' ? `${nth} ${++attempts}` : `${nth}`
        return {
          id: eventId('dummy', 'one', suffix),
          at: fault === 'a date object in the event' ? (new Date() as unknown as number) : Date.now(),
          from: { id: from.id, self: isOwn, bot: from === people.robot && fault !== 'bots unmarked' },
          proof: 'tls' as const,
          where: { platform: 'dummy', account: 'one', ...where },
          body: press
            ? { kind: 'press' as const, ...press, ...(fault === 'the pressed action lost' && { action: 'Zx9_' }) }
            : { kind: 'text' as const, text: cut, addressed },
          media: [],
          message: `u${nth}`,
        }
      }
      return {
        account: 'one',
        intakes: [
          {
            kind: 'stream',
            run: async (deliver, _, signal) => {
              while (!server.state.closed && (fault === 'a stream that ignores the abort' || !signal.aborted)) {
                const cursor = Number(deps.memo.get('cursor') ?? 0)
                const fresh = [...server.state.extra, ...server.updates.filter((update) => update.nth > cursor)]
                const save = () => deps.memo.set('cursor', String(Math.max(cursor, ...fresh.map(({ nth }) => nth))))
                if (fault === 'the cursor moved before keeping') await save()
                if (fresh.length > 0) await deliver(fresh.map(eventOf))
                else await later(1)
                server.state.extra = []
                if (fresh.length > 0) await save()
              }
            },
          },
        ],
        send: async (part, signal) => ({ message: await send(part, signal), via: 'push' }),
        edit: async (id, part, signal) => {
          if (fault === 'an edit sent anew') {
            return { message: await send({ ...part, key: `${part.key} edited` }, signal), via: 'edit' }
          }
          try {
            server.edit(id, message(part).text, part.buttons)
          } catch (error) {
            if (fault !== 'a gone edit passed over') throw told(error, fault)
          }
          return { message: id, via: 'edit' }
        },
        typing: null,
        pushes: null,
        quota: null,
        inline: null,
        download: null,
        probe: async () => [{ name: 'server', ok: true, about: 'answers' }],
      }
    },
  })
}

/** A platform in memory and an adapter for it that makes one mistake, or none. */
export const startDummy =
  (fault: Fault | null): Start =>
  async () => {
    const server = makeServer()
    const { updates, messages, state, push } = server
    const fake: FakePlatform & { readonly module: AdapterModule } = {
      id: 'dummy',
      module: moduleOver(server, fault),
      settings: { TOKEN: SECRET },
      secrets: [SECRET],
      people,
      places: { dm, group, thread: { ...group, thread: 't1' } },
      connect: () => {},
      say: async (from, place, text, more = {}) => {
        const mention = place.kind === 'group' && (more.mention ?? true)
        push({ from, place, text: mention ? `@us ${text}` : text, self: more.fromUs ?? false, mention })
        return null
      },
      redeliver: async () => {
        state.extra = updates.slice(-1)
        return null
      },
      shown: () =>
        messages.map((message) => ({
          ...message,
          buttons: message.buttons.map(({ label, action }) => ({
            label,
            press: async () => {
              const place = message.place
              push({
                from: people.ann,
                place,
                text: '',
                self: false,
                mention: true,
                press: { action, message: message.id },
              })
            },
          })),
        })),
      calls: () => server.calls,
      failNext: (how) => {
        state.failure = how
      },
      forgeries: () => [],
      close: async () => {
        state.closed = true
      },
    }
    return fake
  }
