import { type FeishuApi, type Sending, startApi } from './feishu-api.ts'
import {
  callbackPath,
  delivered,
  encryptKey,
  eventPath,
  type FeishuApp,
  idsOf,
  mainApp,
  mentionOf,
  otherApp,
  otherTenant,
  pressOf,
  tenant,
  v1,
  v2,
  type Writer,
} from './feishu-events.ts'
import { forgeriesFor } from './feishu-forgeries.ts'
import { type ReadContent, type Refusal, refusalOf } from './feishu-rules.ts'
import { makeSocketHost, type SocketHost } from './feishu-socket.ts'
import type { Bringing } from './lines.ts'
import type { FakePlatform, Person, PersonsFile, Place, RawReply, SayMore, Shown, Wire } from './platform.ts'

export interface Bring {
  readonly app?: FeishuApp
  readonly at?: number
  readonly mentions?: readonly object[]
  readonly replyTo?: string
  readonly sender?: object
  readonly tenant?: string
}

/** What the tests of this adapter need beyond the common fake. */
export interface FakeFeishu extends FakePlatform {
  readonly api: FeishuApi
  readonly sockets: SocketHost
  readonly app: FeishuApp
  /** Any message of a person, by its type and content. */
  readonly bring: (from: Person, place: Place, type: string, content: object, more?: Bring) => Promise<RawReply | null>
  /** Any event, on the way this fake brings events. */
  readonly deliver: (payload: object, path?: string, app?: FeishuApp) => Promise<RawReply | null>
  /** Keeps what a person sent; the key of it. */
  readonly keep: (file: Omit<PersonsFile, 'kind' | 'name'>) => string
  /** Somebody presses a button by its value. */
  readonly press: (from: Person, message: string, value: unknown, chat?: string) => Promise<RawReply | null>
  /** The id of the message that a person sent last. */
  readonly lastId: () => string
  /** From now on five messages a second go into one chat, and no more. */
  readonly limitChats: () => void
  /** A new ticket of an app of the store is sent, as happens each hour. */
  readonly ticket: (atMs?: number) => Promise<RawReply | null>
  /** Ids of what people wrote, in order. */
  readonly written: () => readonly string[]
  /** The person withdrew the message. */
  readonly recall: (message: string) => void
}

const writers: readonly Writer[] = [
  { openId: 'ou_fa4e0000000000000000000000000001', unionId: 'on_fa4e0001', userId: 'fakealice', name: 'Ann' },
  { openId: 'ou_fa4e0000000000000000000000000007', unionId: 'on_fa4e0007', userId: null, name: 'Bob' },
  { openId: 'ou_fa4e0000000000000000000000009001', unionId: 'on_fa4e9001', userId: null, name: 'Robot' },
]
const [ann, bob, robot] = writers.map(({ openId: id, name }): Person => ({ id, name })) as [Person, Person, Person]
const directChat = (openId: string): string => `oc_fa4e0000000000000000000000d${openId.slice(-4)}`
const dm: Place = { chat: directChat(ann.id), kind: 'dm' }
const group: Place = { chat: 'oc_fa4e0000000000000000000000000002', kind: 'group' }
/** A topic is named by its first message: only by answering that can something be said in it. */
const topicRoot = 'om_fa4e00000000000000000000000topic1'
const thread: Place = { ...group, thread: topicRoot }
/** A group of the second organisation that has an app of the store. */
export const otherGroup: Place = { chat: 'oc_fa4e0000000000000000000000000012', kind: 'group' }
const mostEdits = 20

interface Known {
  readonly chat: string
  readonly root: string | null
}
interface Ours {
  readonly content: ReadContent
  readonly app: FeishuApp
  readonly edits: number
}

export interface FeishuOptions extends Bringing {
  readonly now?: () => number
  readonly mode?: 'websocket' | 'webhook'
  readonly encrypted?: boolean
  /** An app of the store. Its first ticket comes before its first event, or (`waiting`) only when it is asked for. */
  readonly store?: boolean | 'waiting'
  /** How long an event may stay unacknowledged. The platform waits 3 s. */
  readonly ackMs?: number
}

export const startFeishu = async (options: FeishuOptions = {}): Promise<FakeFeishu> => {
  const { now = Date.now, mode = 'websocket', encrypted = false, ackMs = 3000, store = false } = options
  const app: FeishuApp = { ...mainApp, ...(encrypted ? { encryptKey } : {}), ...(store ? { store: true } : {}) }
  const sockets = makeSocketHost({ ...options, ackMs })
  const known = new Map<string, Known>([[topicRoot, { chat: group.chat, root: topicRoot }]])
  const ours = new Map<string, Ours>()
  const resources = new Map<string, { readonly mime: string; readonly bytes: Uint8Array }>()
  const shown: Shown[] = []
  const written: string[] = []
  const sentAt = new Map<string, number[]>()
  let limited = false
  let ids = 0
  let last: { readonly payload: object; readonly path: string; readonly app: FeishuApp } | null = null
  let wire: Wire = async () => {
    throw new Error('connect() the fake first')
  }

  const nextId = (prefix: string): string => {
    ids += 1
    return `${prefix}_fa4e${String(ids).padStart(24, '0')}`
  }
  const writerOf = (openId: string): Writer =>
    writers.find((one) => one.openId === openId) ?? { openId, unionId: 'on_fa4e', userId: null, name: '' }
  /** The chat as the platform names it; a direct chat may be named by its person. */
  const chatOf = ({ chat, kind }: Place): string => (kind === 'dm' && chat.startsWith('ou_') ? directChat(chat) : chat)

  let ticketed = store !== true
  const ticket: FakeFeishu['ticket'] = async (atMs = now()) => {
    ticketed = true
    const payload = v1(app, nextId('tk'), 'app_ticket', atMs, { app_ticket: api.newTicket(app) })
    return wire(delivered(app, eventPath, payload, now()))
  }

  const deliver: FakeFeishu['deliver'] = async (payload, path = eventPath, to = app) => {
    if (!ticketed) await ticket()
    last = { payload, path, app: to }
    if (mode === 'webhook') return wire(delivered(to, path, payload, now()))
    sockets.push(to.appId, JSON.stringify(payload), { once: path === callbackPath })
    return null
  }

  const bring: FakeFeishu['bring'] = (from, place, type, content, more = {}) => {
    const { at = now(), app: to = app, mentions = [], replyTo } = more
    const message = nextId('om')
    written.push(message)
    known.set(message, { chat: chatOf(place), root: place.thread ?? null })
    const answered = replyTo ?? place.thread
    const threads = answered ? { root_id: place.thread ?? answered, parent_id: answered } : {}
    const event = {
      sender: more.sender ?? { sender_id: idsOf(writerOf(from.id)), sender_type: 'user', tenant_key: tenant },
      message: {
        message_id: message,
        ...threads,
        ...(place.thread ? { thread_id: 'omt_fa4e0001' } : {}),
        create_time: String(at),
        update_time: String(at),
        chat_id: chatOf(place),
        chat_type: place.kind === 'dm' ? 'p2p' : 'group',
        message_type: type,
        content: JSON.stringify(content),
        ...(mentions.length > 0 ? { mentions } : {}),
      },
    }
    return deliver(v2(to, nextId('ev'), 'im.message.receive_v1', at, event, more.tenant), eventPath, to)
  }

  const keep: FakeFeishu['keep'] = ({ mime, bytes }) => {
    const key = nextId('file_v3')
    resources.set(key, { mime, bytes })
    return key
  }

  const say = async (from: Person, place: Place, text: string, more: SayMore = {}): Promise<RawReply | null> => {
    const { mention = true, fromUs = false, file } = more
    const bot = fromUs ? app.bot : robot.id
    const isBot = fromUs || from.id === robot.id
    const sender = isBot
      ? { sender: { sender_id: { open_id: bot, union_id: 'on_bot' }, sender_type: 'bot', tenant_key: tenant } }
      : {}
    const named = place.kind === 'group' && mention
    const mentions = named ? [mentionOf('@_user_1', app.bot, 'FakeBot', 'bot')] : []
    const { at, replyTo } = more
    const rest: Bring = { ...sender, mentions, ...(at ? { at } : {}), ...(replyTo ? { replyTo } : {}) }
    if (file?.kind === 'image') {
      const start = named ? [{ tag: 'at', user_id: '@_user_1', user_name: 'FakeBot' }] : []
      const lines = [[...start, { tag: 'text', text: ` ${text}` }], [{ tag: 'img', image_key: keep(file) }]]
      return bring(from, place, 'post', { title: '', content: lines }, rest)
    }
    if (file) {
      const type = { video: 'media', audio: 'audio', file: 'file' }[file.kind]
      const reply = await bring(from, place, type, { file_key: keep(file), file_name: file.name }, rest)
      if (text === '') return reply
    }
    return bring(from, place, 'text', { text: named ? `@_user_1 ${text}` : text }, rest)
  }

  const isForeign = (chat: string, of: string): boolean => (chat === otherGroup.chat) !== (of === otherTenant)
  const placeOf = (sending: Sending, of: string): Place | Refusal => {
    if (sending.how === 'reply') {
      const target = known.get(sending.message)
      if (!target) return refusalOf(230011)
      if (isForeign(target.chat, of)) return refusalOf(230002)
      const root = target.root ?? (sending.inThread ? sending.message : null)
      const kind = target.chat === group.chat || target.chat === otherGroup.chat ? 'group' : 'dm'
      return { chat: target.chat, kind, ...(root === null ? {} : { thread: root }) }
    }
    const { idType, to } = sending
    if (idType === 'chat_id') {
      if (isForeign(to, of)) return refusalOf(230002)
      if (to === otherGroup.chat) return otherGroup
      if (to === group.chat) return group
      return writers.some(({ openId }) => directChat(openId) === to) ? { chat: to, kind: 'dm' } : refusalOf(230002)
    }
    const name = { open_id: 'openId', union_id: 'unionId', user_id: 'userId' }[idType] as keyof Writer | undefined
    if (!name || !writers.some((one) => one[name] === to)) return refusalOf(230013)
    // Shown under the name it was written to by.
    return { chat: to, kind: 'dm' }
  }

  const isTooMuch = (chat: string): boolean => {
    const recent = (sentAt.get(chat) ?? []).filter((at) => now() - at < 1000)
    sentAt.set(chat, [...recent, now()])
    return limited && recent.length >= 5
  }

  const mediaOf = (content: ReadContent): Shown['media'] =>
    content.files.map(({ kind, key }) => {
      const stored = api.files.get(key)
      const [, linkName = ''] = key.split(/ (.*)/s)
      return {
        kind: kind === 'link' ? 'file' : kind,
        as: kind,
        bytes: stored?.bytes.byteLength ?? 0,
        mime: stored?.mime ?? '',
        name: stored?.name ?? linkName,
      }
    })

  const buttonsOf = (id: string, place: Place, content: ReadContent): Shown['buttons'] =>
    content.buttons.map(({ label, value }) => ({
      label,
      press: async () => {
        const isDirect = place.kind === 'dm'
        const who = isDirect ? writers.find((one) => directChat(one.openId) === chatOf(place)) : undefined
        await press({ id: who?.openId ?? ann.id, name: '' }, id, value, chatOf(place))
      },
    }))

  const press: FakeFeishu['press'] = (from, message, value, chat = known.get(message)?.chat ?? '') => {
    const pressed = pressOf(writerOf(from.id), { chat, message }, value)
    return deliver(v2(app, nextId('ev'), 'card.action.trigger', now(), pressed), callbackPath)
  }

  const take = (sending: Sending, content: ReadContent, by: FeishuApp, of: string): { id: string } | Refusal => {
    const place = placeOf(sending, of)
    if ('code' in place) return place
    if (isTooMuch(place.chat)) return refusalOf(230020)
    const id = nextId('om')
    known.set(id, { chat: chatOf(place), root: place.thread ?? null })
    ours.set(id, { content, app: by, edits: 0 })
    const quoted = sending.how === 'reply' ? { replyTo: sending.message } : {}
    const seen = { text: content.text, media: mediaOf(content), buttons: buttonsOf(id, place, content) }
    shown.push({ id, place, ...seen, ...quoted, edits: 0 })
    return { id }
  }

  const change = (id: string, content: ReadContent, how: 'patch' | 'put', by: FeishuApp): Refusal | null => {
    const mine = ours.get(id)
    if (!mine) return refusalOf(230110, { msg: 'Action unavailable as the message has been deleted.' })
    if (mine.app !== by) return refusalOf(230071)
    const isCard = mine.content.type === 'interactive'
    if (isCard !== (how === 'patch')) return refusalOf(230001, { msg: 'This type of message can not be updated so.' })
    if (how === 'patch' && !(mine.content.shared && content.shared)) return refusalOf(230099, { msg: 'update_multi' })
    if (how === 'put' && mine.edits >= mostEdits) return refusalOf(230072)
    if (how === 'put' && mine.content.type !== content.type) return refusalOf(230001, { msg: 'another type' })
    ours.set(id, { ...mine, content, edits: mine.edits + 1 })
    const at = shown.findIndex((one) => one.id === id)
    const before = shown[at]
    if (!before) return null
    const seen = { text: content.text, media: mediaOf(content), buttons: buttonsOf(id, before.place, content) }
    shown[at] = { ...before, ...seen, edits: before.edits + 1 }
    return null
  }

  const api = await startApi({
    now,
    apps: [app, otherApp],
    sockets,
    take,
    resend: () => void setImmediate(() => void ticket()),
    change,
    resource: (message, key) => (known.has(message) ? (resources.get(key) ?? null) : null),
  })

  return {
    id: 'feishu',
    settings: {
      APP_ID: app.appId,
      APP_SECRET: app.secret,
      VERIFICATION_TOKEN: app.token,
      ...(app.encryptKey === null ? {} : { ENCRYPT_KEY: app.encryptKey }),
      MODE: mode,
      ...(store ? { APP_TYPE: 'store' } : {}),
      API_BASE: api.origin,
    },
    secrets: [
      app.secret,
      app.token,
      't-FAKEtenanttoken',
      'a-FAKEapptoken',
      'FAKEappticket',
      'FAKETICKET',
      'FAKEACCESSKEY',
      encryptKey,
    ],
    people: { ann, bob, robot },
    places: { dm, group, thread },
    connect: (to) => {
      wire = to
    },
    say,
    bring,
    deliver,
    keep,
    press,
    lastId: () => written.at(-1) ?? '',
    redeliver: async () => (last ? deliver(last.payload, last.path, last.app) : null),
    shown: () => shown,
    calls: api.calls,
    failNext: api.failNext,
    limitChats: () => {
      limited = true
    },
    ticket,
    written: () => written,
    recall: (message) => void known.delete(message),
    forgeries: () => forgeriesFor(app, mode, writers[0] as Writer, now()),
    api,
    sockets,
    app,
    close: api.close,
  }
}
