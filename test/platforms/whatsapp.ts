import type { FakePlatform, Person, PersonsFile, Place, RawCall, RawReply, SayMore, Shown, Wire } from './platform.ts'
import { accessToken, type GraphHost, type Refusal, refusalOf, type StoredFile, startGraph } from './whatsapp-graph.ts'
import {
  appSecret,
  contactOf,
  forgeriesWith,
  hook,
  messageOf,
  numberValue,
  ownNumber,
  phoneNumberId,
  signed,
  statusOf,
  verification,
  verifyToken,
  type Writer,
} from './whatsapp-hooks.ts'
import type { WireMessage } from './whatsapp-rules.ts'

/** What the tests of this adapter need beyond the common fake. */
export interface FakeWhatsapp extends FakePlatform {
  readonly graph: GraphHost
  /** Any message of a person, as the type and its fields. */
  readonly bring: (from: Person, place: Place, more: object, at?: number) => Promise<RawReply>
  /** The id of the message that a person sent last. */
  readonly lastId: () => string
  /** Calls the webhook with a payload of Meta's, signed. */
  readonly post: (payload: object) => Promise<RawReply>
  readonly verify: (token?: string) => Promise<RawReply>
  /** Tells what became of a message of ours; with a code it failed. */
  readonly tell: (message: string, status: string, code?: number) => Promise<RawReply>
  /** The next send is refused with this code. */
  readonly refuseNext: (code: number) => void
  /** As if the person had last written so long ago. */
  readonly lastWroteAgo: (person: Person, ms: number) => void
  /** Further people, as many as were wished for, and their chats. */
  readonly crowd: readonly { readonly person: Person; readonly place: Place }[]
  /** Messages marked as read, and whether the typing sign was shown with it. */
  readonly marks: () => readonly { readonly message: string; readonly typing: boolean }[]
}

const regulars: readonly Writer[] = [
  { userId: 'US.90000000000000000001', number: '15550100111', name: 'Ann' },
  // Took a username: no number is told.
  { userId: 'US.90000000000000000002', number: null, name: 'Bob' },
]
const [ann, bob] = regulars.map(({ userId, name }): Person => ({ id: userId, name })) as [Person, Person]
/** Businesses can not write to businesses. */
const robot: Person = { id: 'US.90000000000000000003', name: 'Robot' }
/** The chat with somebody bears their number where it is known. */
const chatWith = ({ number, userId }: Writer): Place => ({ chat: number ?? userId, kind: 'dm' })
const [annWriter] = regulars as [Writer]
const dm = chatWith(annWriter)
const group: Place = { chat: 'GROUPFAKE0001', kind: 'group' }
const windowMs = 24 * 60 * 60 * 1000

export const startWhatsapp = async (
  options: { readonly now?: () => number; readonly crowd?: number } = {},
): Promise<FakeWhatsapp> => {
  const { now = Date.now } = options
  const crowd = Array.from({ length: options.crowd ?? 0 }, (_, i): Writer => {
    const nth = String(i).padStart(4, '0')
    return { userId: `US.9100000000000000${nth}`, number: `1555020${nth}`, name: `Guest ${i}` }
  })
  const writers = [...regulars, ...crowd]
  const shown: Shown[] = []
  const correlations = new Map<string, string | undefined>()
  const marks: { message: string; typing: boolean }[] = []
  // Both have written before the connector came: their windows are open.
  const lastWrote = new Map<string, number>(writers.map(({ userId }) => [userId, now()]))
  const known = new Set<string>()
  let ids = 0
  let brought = ''
  let last: RawCall | null = null
  let wire: Wire = async () => {
    throw new Error('connect() the fake first')
  }

  const nextId = (): string => {
    ids += 1
    const id = `wamid.FAKE${String(ids).padStart(6, '0')}`
    known.add(id)
    return id
  }
  const writerOf = (id: string): Writer =>
    writers.find(({ userId, number }) => userId === id || number === id) ?? { userId: id, number: null, name: '' }
  const post = (payload: object): Promise<RawReply> => {
    last = signed(payload)
    return wire(last)
  }

  const bring: FakeWhatsapp['bring'] = (from, place, more, at = now()) => {
    const writer = writerOf(from.id)
    lastWrote.set(writer.userId, Math.max(at, lastWrote.get(writer.userId) ?? 0))
    const groupId = place.kind === 'group' ? { group_id: place.chat } : {}
    brought = nextId()
    const message = messageOf(writer, brought, at, { ...more, ...groupId })
    return post(hook('messages', numberValue({ contacts: [contactOf(writer)], messages: [message] })))
  }

  /** Which conversation a call means; `to` goes first when both are given. */
  const placeOf = ({ recipientType, to, recipient }: WireMessage): Place | null => {
    if (recipientType === 'group') return to === group.chat ? group : null
    const writer = writers.find(({ userId, number }) => (to === undefined ? userId === recipient : number === to))
    return writer ? chatWith(writer) : null
  }

  const take = (message: WireMessage, stored: StoredFile | null): { id: string; contact: object } | Refusal => {
    const place = placeOf(message)
    if (place === null) return refusalOf(131026)
    const isLate = now() - (lastWrote.get(writerOf(place.chat).userId) ?? 0) > windowMs
    if (place.kind === 'dm' && isLate && message.template === undefined)
      return refusalOf(131047, 'More than 24 hours have passed since the recipient last replied to the sender number.')
    const id = nextId()
    correlations.set(id, message.correlation)
    shown.push(shownOf(id, place, message, stored))
    return {
      id,
      contact: {
        input: message.to ?? message.recipient,
        ...(message.to ? { wa_id: message.to } : { user_id: place.chat }),
      },
    }
  }

  const shownOf = (id: string, place: Place, message: WireMessage, stored: StoredFile | null): Shown => {
    const { file, text, buttons, quotes } = message
    const media = file && {
      kind: file.type === 'document' ? ('file' as const) : (file.type as 'image' | 'video' | 'audio'),
      as: file.link === undefined ? file.type : 'link',
      bytes: stored?.bytes.byteLength ?? 0,
      mime: stored?.mime ?? '',
      name: file.filename ?? stored?.name ?? '',
    }
    const press = async (title: string, action: string, inList: boolean): Promise<void> => {
      const kind = inList ? 'list_reply' : 'button_reply'
      const reply = { type: kind, [kind]: { id: action, title } }
      const context = { from: ownNumber, id }
      await bring({ id: place.chat, name: '' }, place, { type: 'interactive', interactive: reply, context })
    }
    return {
      id,
      place,
      text,
      media: media ? [media] : [],
      buttons: buttons.map(({ id: action, title, inList }) => ({
        label: title,
        press: () => press(title, action, inList),
      })),
      // What was quoted and is not there is left away.
      ...(quotes !== undefined && known.has(quotes) ? { replyTo: quotes } : {}),
      edits: 0,
    }
  }

  const graph = await startGraph({ now, take, read: (message, typing) => marks.push({ message, typing }) })
  graph.setWebhook('https://bot.example.org/whatsapp/webhook')

  const contentOf = (text: string, file?: PersonsFile): object => {
    if (!file) return { type: 'text', text: { body: text } }
    const type = file.kind === 'file' ? 'document' : file.kind
    const caption = text === '' ? {} : { caption: text }
    const named = type === 'document' ? { filename: file.name } : {}
    return { type, [type]: { id: graph.keep(file), mime_type: file.mime, ...named, ...caption } }
  }

  const say = async (from: Person, place: Place, text: string, more: SayMore = {}): Promise<RawReply | null> => {
    if (from.id === robot.id) return null
    const { mention = true, replyTo, at = now() } = more
    // What was typed in the WhatsApp Business app on our own number comes in a field of its own.
    if (more.fromUs) {
      const echo = {
        from: ownNumber,
        to: annWriter.number,
        id: nextId(),
        timestamp: '1',
        type: 'text',
        text: { body: text },
      }
      return post(hook('smb_message_echoes', numberValue({ message_echoes: [echo] })))
    }
    // There are no mentions of businesses; what answers a message of theirs is meant for them.
    const toUs =
      place.kind === 'group' && mention ? { context: { from: ownNumber, id: replyTo ?? 'wamid.FAKE0OURS' } } : {}
    const context = replyTo === undefined ? {} : { context: { from: ownNumber, id: replyTo } }
    return bring(from, place, { ...contentOf(text, more.file), ...context, ...toUs }, at)
  }

  return {
    id: 'whatsapp',
    settings: {
      ACCESS_TOKEN: accessToken,
      VERIFY_TOKEN: verifyToken,
      APP_SECRET: appSecret,
      PHONE_NUMBER_ID: phoneNumberId,
      API_BASE: graph.origin,
    },
    secrets: [accessToken, verifyToken, appSecret],
    people: { ann, bob, robot },
    places: { dm, group, thread: null },
    connect: (to) => {
      wire = to
    },
    say,
    bring,
    lastId: () => brought,
    post,
    verify: (token = verifyToken) => wire(verification(token)),
    redeliver: async () => (last ? wire(last) : null),
    tell: (message, status, code) => {
      const { place } = shown.find(({ id }) => id === message) ?? { place: dm }
      const problem =
        code === undefined ? undefined : { code, title: refusalOf(code).message, details: 'as told later' }
      const told = statusOf(writerOf(place.chat), message, status, now(), correlations.get(message), problem)
      return post(hook('messages', numberValue({ statuses: [told] })))
    },
    shown: () => shown,
    calls: graph.calls,
    failNext: graph.failNext,
    refuseNext: (code) => graph.failNext({ kind: 'refused', refusal: refusalOf(code) }),
    lastWroteAgo: (person, ms) => {
      lastWrote.set(person.id, now() - ms)
    },
    crowd: crowd.map((one) => ({ person: { id: one.userId, name: one.name }, place: chatWith(one) })),
    marks: () => marks,
    forgeries: () => forgeriesWith(annWriter, now()),
    graph,
    close: graph.close,
  }
}
