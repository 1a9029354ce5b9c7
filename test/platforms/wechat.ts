import type { FakePlatform, Forgery, Person, Place, RawCall, RawReply, Shown, Wire } from './platform.ts'
import { type Sent, startWechatApi, type WechatApi } from './wechat-api.ts'
import { type Account, seal, sha1Of } from './wechat-crypt.ts'
import { type Passive, readPassive } from './wechat-rules.ts'

export type Mode = 'plain' | 'compatible' | 'safe'

/** An Official Account whose server is us. One-to-one chats only. */
export interface FakeWechat extends FakePlatform {
  readonly api: WechatApi
  /** Delivers a message of any kind: its elements as XML behind MsgType. */
  readonly sendMessage: (from: Person, type: string, inner: string) => Promise<RawReply | null>
  readonly sendEvent: (from: Person, event: string, inner?: string) => Promise<RawReply | null>
  readonly sendImage: (from: Person, mediaId: string) => Promise<RawReply | null>
  /** The connection of the delivery under way is cut now, as after 5 s; the next delivery follows. */
  readonly cut: () => void
  /** How often the last message was delivered so far. */
  readonly deliveries: () => number
  /** Answers that showed the person an error instead, and why. */
  readonly errors: () => readonly string[]
  /** A request with this body, signed as the platform would sign it. */
  readonly signed: (body: string, more?: { readonly timestamp?: number; readonly nonce?: string }) => RawCall
  readonly xml: (from: Person, type: string, inner: string) => string
  /** The echo check of the console. */
  readonly check: (echo: string) => Promise<RawReply>
}

export interface WechatOptions {
  readonly mode?: Mode
  /** AppID and secret are among the settings. */
  readonly keys?: boolean
  readonly now?: () => number
  /** After so long without an answer the connection is cut; null: by `cut` only. The real one: 5000. */
  readonly deliveryMs?: number | null
  /** A connection that fails is a delivery without an answer too, and the next follows after so long. Absent: such a
   *  failure is the caller's. */
  readonly againMs?: number
}

const account: Account = {
  token: 'FakeWechatToken',
  aesKey: 'FakeEncodingAESKeyForTestsOnlyNotARealKey00',
  appId: 'wxfaketestappid01',
}
const secret = 'fake-wechat-app-secret'
const ours = 'gh_fakeaccount1'
const person = (nth: number, name: string): Person => ({ id: `oTestOpenId_0000000000000A0${nth}`, name })
const ann = person(1, 'Ann')
const bob = person(2, 'Bob')
const robot = person(3, 'Robot')
const dm: Place = { chat: ann.id, kind: 'dm' }
const path = '/wechat/webhook'
const deliveriesInAll = 3
const twoDays = 48 * 3_600_000

const cdata = (text: string): string => `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`

const kindOf: Readonly<Record<string, 'image' | 'video' | 'audio' | 'file'>> = {
  image: 'image',
  voice: 'audio',
  video: 'video',
}

export const startFakeWechat = async (options: WechatOptions = {}): Promise<FakeWechat> => {
  const { mode = 'safe', keys = true, now = Date.now, deliveryMs = 5_000, againMs } = options
  const shown: Shown[] = []
  const errors: string[] = []
  let wire: Wire = async () => {
    throw new Error('connect() the fake first')
  }
  let messages = 0
  let nonces = 486_452_656
  let delivered = 0
  let last: { readonly from: Person; readonly xml: string; answered: boolean } | null = null
  let cutNow = (): void => {}

  const put = (to: string, more: Partial<Shown>): void => {
    const place: Place = { chat: to, kind: 'dm' }
    shown.push({ id: `m${shown.length + 1}`, place, text: '', media: [], buttons: [], edits: 0, ...more })
  }

  const showSent = (sent: Sent): void => {
    const { media, type, picture } = sent
    const kind = kindOf[type] ?? (picture === '' ? 'file' : 'image')
    put(sent.to, {
      text: sent.text,
      media: media ? [{ kind, as: type, bytes: media.bytes, mime: media.mime, name: media.name }] : [],
      buttons: sent.menu.map(({ id, content }) => ({
        label: content,
        press: async () => {
          const from = [ann, bob].find((one) => one.id === sent.to) ?? ann
          await sendMessage(
            from,
            'text',
            `<Content>${cdata(content)}</Content>${messageId()}<bizmsgmenuid>${cdata(id)}</bizmsgmenuid>`,
          )
        },
      })),
    })
  }

  const api = await startWechatApi({
    appId: account.appId,
    secret,
    now,
    show: showSent,
    isPerson: (id) => id === ann.id || id === bob.id,
  })

  const showPassive = (to: string, { type, text, mediaId, title, picture }: Passive): void => {
    const file = api.media(mediaId)
    if (mediaId !== '' && file?.type !== type) {
      errors.push(`no such ${type}`)
      return
    }
    const kind = kindOf[type] ?? (picture === '' ? 'file' : 'image')
    const name = type === 'news' ? title : (file?.name ?? '')
    const media = type === 'text' ? [] : [{ kind, as: type, bytes: file?.bytes ?? 0, mime: file?.mime ?? '', name }]
    put(to, { text, media })
  }

  const messageId = (): string => `<MsgId>${24_812_346_789_000_000n + BigInt(++messages)}</MsgId>`
  const xml: FakeWechat['xml'] = (from, type, inner) =>
    `<xml><ToUserName>${cdata(ours)}</ToUserName>\n<FromUserName>${cdata(from.id)}</FromUserName>\n` +
    `<CreateTime>${Math.floor(now() / 1000)}</CreateTime>\n<MsgType>${cdata(type)}</MsgType>\n${inner}\n</xml>`

  const signed: FakeWechat['signed'] = (
    body,
    { timestamp = Math.floor(now() / 1000), nonce = String(++nonces) } = {},
  ) => {
    const stamp = String(timestamp)
    const query = new URLSearchParams({
      signature: sha1Of([account.token, stamp, nonce]),
      timestamp: stamp,
      nonce,
      openid: ann.id,
    })
    const call = { method: 'POST', headers: { 'content-type': 'text/xml' } }
    if (mode === 'plain') return { ...call, path: `${path}?${query}`, body }
    const encrypted = seal(body, account)
    query.set('encrypt_type', 'aes')
    query.set('msg_signature', sha1Of([account.token, stamp, nonce, encrypted]))
    const sealed = `<Encrypt>${cdata(encrypted)}</Encrypt>`
    const both =
      mode === 'safe'
        ? `<xml><ToUserName>${cdata(ours)}</ToUserName>${sealed}</xml>`
        : body.replace(/<\/xml>$/, `${sealed}</xml>`)
    return { ...call, path: `${path}?${query}`, body: both }
  }

  /** The answer, or null when the connection was cut before it came. */
  const uncut = async (call: RawCall): Promise<RawReply | null> => {
    const hungUp = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const cut = new Promise<null>((resolve) => {
      cutNow = () => {
        resolve(null)
        hungUp.abort()
      }
      if (deliveryMs !== null) timer = setTimeout(cutNow, deliveryMs)
    })
    const answered = wire(call, hungUp.signal).catch(async (error: unknown) => {
      if (againMs === undefined) throw error
      await new Promise((resolve) => setTimeout(resolve, againMs))
      return null
    })
    return Promise.race([answered, cut]).finally(() => clearTimeout(timer))
  }

  const read = (from: Person, reply: RawReply): void => {
    const reading = readPassive(reply, { person: from.id, ours, mode, account })
    if (reading.kind === 'error') errors.push(...reading.problems)
    if (reading.kind === 'message') showPassive(from.id, reading.message)
  }

  /** The same message up to three times, each signed (and encrypted) anew. */
  const deliver = async (from: Person, body: string): Promise<RawReply | null> => {
    const message = { from, xml: body, answered: false }
    last = message
    delivered = 0
    while (delivered < deliveriesInAll) {
      delivered += 1
      const reply = await uncut(signed(body))
      if (reply === null) continue
      message.answered = true
      read(from, reply)
      return reply
    }
    errors.push('no answer to three deliveries')
    return null
  }

  const sendMessage: FakeWechat['sendMessage'] = (from, type, inner) => {
    api.allow(from.id, 5, twoDays)
    return deliver(from, xml(from, type, inner))
  }
  const sendEvent: FakeWechat['sendEvent'] = (from, event, inner = '') => {
    if (['subscribe', 'SCAN', 'CLICK'].includes(event)) api.allow(from.id, 3, 60_000)
    return deliver(from, xml(from, 'event', `<Event>${cdata(event)}</Event>${inner}`))
  }

  const forgeries = (): readonly Forgery[] => {
    const genuine = xml(ann, 'text', `<Content>${cdata('/status')}</Content><MsgId>1</MsgId>`)
    const call = signed(genuine)
    const changed = (name: string, change: (query: URLSearchParams) => void, status = 403): Forgery => {
      const [before = '', query = ''] = call.path.split('?')
      const params = new URLSearchParams(query)
      change(params)
      return { name, call: { ...call, path: `${before}?${params}` }, status }
    }
    const nowS = Math.floor(now() / 1000)
    const doctype = '<!DOCTYPE xml [<!ENTITY a "b">]>'
    const common: readonly Forgery[] = [
      { name: 'no query', call: { ...call, path }, status: 403 },
      changed('a wrong signature', (query) => query.set('signature', '0'.repeat(40))),
      changed('a cut signature', (query) => query.set('signature', (query.get('signature') ?? '').slice(1))),
      changed('two signatures', (query) => query.append('signature', query.get('signature') ?? '')),
      changed('another nonce', (query) => query.set('nonce', '1')),
      { name: 'an old request', call: signed(genuine, { timestamp: nowS - 301 }), status: 403 },
      { name: 'a request of the future', call: signed(genuine, { timestamp: nowS + 360 }), status: 403 },
      { name: 'a DOCTYPE', call: { ...call, body: doctype + call.body }, status: 400 },
      { name: 'a small doctype', call: { ...call, body: doctype.toLowerCase() + call.body }, status: 400 },
      { name: 'an instruction', call: { ...call, body: `<?php 1 ?>${call.body}` }, status: 400 },
      { name: 'no XML', call: { ...call, body: '{"xml":{}}' }, status: 400 },
      { name: 'half of it', call: { ...call, body: String(call.body).slice(0, 60) }, status: 400 },
      { name: 'no UTF-8', call: { ...call, body: Buffer.from([0x3c, 0xff, 0xfe]) }, status: 400 },
      { name: 'no body', call: { ...call, body: '' }, status: 400 },
      { name: 'another method', call: { ...call, method: 'PUT' }, status: 405 },
      { name: 'a check without echo', call: { ...call, method: 'GET', body: '' }, status: 403 },
      { name: 'too much', call: { ...call, body: ' '.repeat(70_000) }, status: 413 },
    ]
    if (mode === 'plain') return common
    const encrypted = seal(genuine, account)
    const tampered = `${encrypted.slice(0, 40)}${encrypted[40] === 'A' ? 'B' : 'A'}${encrypted.slice(41)}`
    const resigned = (name: string, sealed: string, status = 403): Forgery => {
      const [stamp, nonce] = [String(nowS), '99']
      const query = new URLSearchParams({
        signature: sha1Of([account.token, stamp, nonce]),
        timestamp: stamp,
        nonce,
        encrypt_type: 'aes',
        msg_signature: sha1Of([account.token, stamp, nonce, sealed]),
      })
      const body = `<xml><Encrypt>${cdata(sealed)}</Encrypt></xml>`
      return { name, call: { ...call, path: `${path}?${query}`, body }, status }
    }
    return [
      ...common,
      changed('a wrong msg_signature', (query) => query.set('msg_signature', '0'.repeat(40))),
      changed('no encryption, although it is agreed', (query) => {
        query.delete('encrypt_type')
        query.delete('msg_signature')
      }),
      resigned('a tampered ciphertext', tampered),
      resigned('half a ciphertext', encrypted.slice(0, 44)),
      resigned('no ciphertext', ''),
      resigned("another account's AppID", seal(genuine, { ...account, appId: 'wxfaketestappid02' })),
      resigned('another key', seal(genuine, { ...account, aesKey: `Other${account.aesKey.slice(5)}` })),
      resigned('a DOCTYPE inside', seal(doctype + genuine, account), 400),
    ]
  }

  const sealing: Readonly<Record<string, string>> =
    mode === 'plain' ? {} : { ENCODING_AES_KEY: account.aesKey, APP_ID: account.appId }
  return {
    id: 'wechat',
    settings: {
      TOKEN: account.token,
      API_BASE: api.origin,
      ...sealing,
      ...(keys ? { APP_ID: account.appId, APP_SECRET: secret } : {}),
    },
    secrets: [account.token, account.aesKey, secret, 'FAKE_WECHAT_ACCESS_TOKEN'],
    people: { ann, bob, robot },
    places: { dm, group: dm, thread: null },
    connect: (to) => {
      wire = to
    },
    say: async (from, place, text, more = {}) => {
      if (more.fromUs || from.id === robot.id || place.kind !== 'dm') return null
      return sendMessage(from, 'text', `<Content>${cdata(text)}</Content>\n${messageId()}`)
    },
    sendMessage,
    sendEvent,
    sendImage: (from, mediaId) =>
      sendMessage(
        from,
        'image',
        `<PicUrl>${cdata('http://mmbiz.example.com/0')}</PicUrl><MediaId>${cdata(mediaId)}</MediaId>${messageId()}`,
      ),
    redeliver: async () => {
      if (!last) return null
      const message = last
      delivered += 1
      const reply = await uncut(signed(message.xml))
      // Of several answers to one message the first is shown.
      if (reply !== null && !message.answered) read(message.from, reply)
      message.answered ||= reply !== null
      return reply
    },
    cut: () => cutNow(),
    deliveries: () => delivered,
    errors: () => errors,
    shown: () => shown,
    calls: api.calls,
    failNext: api.failNext,
    forgeries,
    signed,
    xml,
    check: async (echostr) => {
      const timestamp = String(Math.floor(now() / 1000))
      const query = new URLSearchParams({
        signature: sha1Of([account.token, timestamp, '1']),
        timestamp,
        nonce: '1',
        echostr,
      })
      return wire({ method: 'GET', path: `${path}?${query}`, headers: {}, body: '' })
    },
    api,
    close: api.close,
  }
}
