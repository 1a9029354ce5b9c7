import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Failure } from './platform.ts'
import { serveOn } from './serve.ts'

/** A message that reached somebody by a call. */
export interface Sent {
  readonly to: string
  readonly type: string
  readonly text: string
  readonly media: Upload | null
  readonly link: string
  readonly picture: string
  readonly menu: readonly { readonly id: string; readonly content: string }[]
}

export interface Upload {
  readonly type: string
  readonly bytes: number
  readonly mime: string
  readonly name: string
}

/** Stands for api.weixin.qq.com. */
export interface WechatApi {
  readonly origin: string
  readonly failNext: (how: Failure) => void
  /** The next call of this path (without /cgi-bin/) is answered with this code. */
  readonly answerNext: (path: string, errcode: number) => void
  /** The person did something that lets us write: so many messages within so long. */
  readonly allow: (person: string, messages: number, withinMs: number) => void
  /** Accounts without the right get 48001. */
  readonly grant: (on: boolean) => void
  /** The account's administrator did not put our address on the list. */
  readonly allowAddress: (on: boolean) => void
  /** All tokens handed out so far are worth nothing any more. */
  readonly expireTokens: () => void
  readonly media: (id: string) => Upload | null
  /** A picture somebody sent, by its id. */
  readonly keep: (id: string, bytes: Uint8Array, mime: string) => void
  readonly calls: () => readonly { readonly method: string; readonly at: number; readonly body: string }[]
  readonly close: () => Promise<void>
}

export interface ApiOptions {
  readonly appId: string
  readonly secret: string
  readonly now: () => number
  readonly show: (sent: Sent) => void
  readonly isPerson: (id: string) => boolean
}

const words: Readonly<Record<number, string>> = {
  [-1]: 'system error',
  0: 'ok',
  40001: 'invalid credential, access_token is invalid or not latest',
  40003: 'invalid openid',
  40007: 'invalid media_id',
  40164: 'invalid ip 203.0.113.9, not in whitelist',
  42001: 'access_token expired',
  43004: 'require subscribe',
  45001: 'media size out of limit',
  45015: 'response out of time limit or subscription is canceled',
  45047: 'out of response count limit',
  48001: 'api unauthorized',
}

const coded = (errcode: number): object => ({
  errcode,
  errmsg: `${words[errcode] ?? 'refused'}${errcode === 0 ? '' : ' rid: 00000000-00000000-00000000'}`,
})

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

/** Size in bytes and content types each kind of upload takes. */
const uploads: Readonly<Record<string, readonly [number, RegExp]>> = {
  image: [10 * 1024 * 1024, /^image\/(png|jpeg|gif)$/],
  voice: [2 * 1024 * 1024, /^audio\/(mpeg|amr)$/],
  video: [10 * 1024 * 1024, /^video\/mp4$/],
  thumb: [64 * 1024, /^image\/jpeg$/],
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer<ArrayBuffer>> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const jsonOf = (body: Buffer): Readonly<Record<string, unknown>> | null => {
  try {
    return fields(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)))
  } catch {
    return null
  }
}

export const startWechatApi = async ({ appId, secret, now, show, isPerson }: ApiOptions): Promise<WechatApi> => {
  const calls: { method: string; at: number; body: string }[] = []
  const allowances = new Map<string, { left: number; untilMs: number }>()
  const media = new Map<string, Upload & { readonly atMs: number; readonly data: Uint8Array }>()
  const planned = new Map<string, number>()
  const tokens = { current: '', untilMs: 0, made: 0, forcedMs: 0 }
  let failure: Failure | null = null
  let granted = true
  let addressAllowed = true
  let secretRefused = false

  const tokenAnswer = (body: Readonly<Record<string, unknown>> | null): object => {
    if (!addressAllowed) return coded(40164)
    if (body?.appid !== appId) return coded(40013)
    if (body.secret !== secret || secretRefused) {
      secretRefused = false
      return coded(40125)
    }
    if (body.grant_type !== 'client_credential') return coded(40002)
    // The same one again until five minutes before its end.
    if (tokens.untilMs - now() < 300_000 || body.force_refresh === true) {
      tokens.made += 1
      tokens.current = `FAKE_WECHAT_ACCESS_TOKEN_${tokens.made}`
      tokens.untilMs = now() + 7_200_000
    }
    return { access_token: tokens.current, expires_in: Math.floor((tokens.untilMs - now()) / 1000) }
  }

  const fileOf = (id: unknown): Upload | null => {
    const found = media.get(text(id))
    return found && now() - found.atMs < 3 * 86_400_000 ? found : null
  }

  /** What the message shows, or the code it is refused with. */
  const messageOf = (body: Readonly<Record<string, unknown>>): Omit<Sent, 'to'> | number => {
    const type = text(body.msgtype)
    const inner = fields(body[type])
    const plain = { type, text: '', media: null, link: '', picture: '', menu: [] }
    if (type === 'text' || type === 'msgmenu') {
      const content = text(type === 'text' ? inner.content : inner.head_content)
      if (content.trim() === '') return 44004
      if (Buffer.byteLength(content) > 2048) return 45002
      const list = Array.isArray(inner.list) ? inner.list.map(fields) : []
      if (type === 'msgmenu' && (list.length === 0 || typeof inner.tail_content !== 'string')) return 47001
      return { ...plain, text: content, menu: list.map((one) => ({ id: text(one.id), content: text(one.content) })) }
    }
    if (type === 'image' || type === 'voice' || type === 'video') {
      const file = fileOf(inner.media_id)
      if (file?.type !== type) return 40007
      if (type === 'video' && fileOf(inner.thumb_media_id)?.type !== 'thumb') return 40007
      return { ...plain, media: file }
    }
    if (type !== 'news') return 40008
    const articles = Array.isArray(inner.articles) ? inner.articles.map(fields) : []
    const [article] = articles
    if (articles.length !== 1 || !article) return 45008
    if (text(article.title) === '' || !URL.canParse(text(article.url))) return 47001
    const { description, url, picurl } = article
    const file = { type, bytes: 0, mime: '', name: text(article.title) }
    return { ...plain, text: text(description), link: text(url), picture: text(picurl), media: file }
  }

  const refusalOf = (how: Failure): number =>
    ({ rate_limited: 45011, unavailable: -1, target_gone: 43004, media_rejected: 45001, auth: 40001 })[
      how.kind as 'auth'
    ] ?? 0

  const send = (raw: Buffer, request: IncomingMessage): object | null => {
    const how = failure?.kind === 'media_rejected' ? null : failure
    if (how) failure = null
    if (how?.kind === 'hang') return null
    if (how && how.kind !== 'answer_lost') {
      secretRefused = how.kind === 'auth'
      if (how.kind === 'auth') tokens.untilMs = 0
      return coded(refusalOf(how))
    }
    const body = jsonOf(raw)
    // Escapes are shown as they are, or refused.
    if (body === null || /\\u[0-9a-f]{4}/i.test(raw.toString())) return coded(body === null ? 47001 : 40033)
    const to = text(body.touser)
    if (!isPerson(to)) return coded(40003)
    const allowance = allowances.get(to)
    if (!allowance || allowance.untilMs <= now()) return coded(45015)
    if (allowance.left === 0) return coded(45047)
    const message = messageOf(body)
    if (typeof message === 'number') return coded(message)
    allowance.left -= 1
    show({ to, ...message })
    if (how) {
      request.socket.destroy()
      return null
    }
    return coded(0)
  }

  const upload = async (raw: Buffer<ArrayBuffer>, request: IncomingMessage, type: string): Promise<object> => {
    if (failure?.kind === 'media_rejected') {
      failure = null
      return coded(45001)
    }
    const headers = { 'content-type': request.headers['content-type'] ?? '' }
    const file = (await new Response(raw, { headers }).formData()).get('media')
    const [largest, mime] = uploads[type] ?? [0, /^$/]
    if (!(file instanceof File) || file.size === 0) return coded(44001)
    if (!mime.test(file.type)) return coded(40005)
    if (file.size > largest) return coded(45001)
    const id = `fake-media-id-out-${media.size + 1}`
    const data = new Uint8Array(await file.arrayBuffer())
    media.set(id, { type, bytes: file.size, mime: file.type, name: file.name, atMs: now(), data })
    const created_at = Math.floor(now() / 1000)
    return type === 'thumb' ? { type, thumb_media_id: id, created_at } : { type, media_id: id, created_at }
  }

  const answerOf = async (path: string, query: URLSearchParams, raw: Buffer<ArrayBuffer>, request: IncomingMessage) => {
    const code = planned.get(path)
    if (code !== undefined) {
      planned.delete(path)
      return coded(code)
    }
    if (path === 'stable_token') return tokenAnswer(jsonOf(raw))
    if (!addressAllowed) return coded(40164)
    const token = query.get('access_token')
    if (token !== tokens.current || tokens.current === '') return coded(40001)
    if (tokens.untilMs <= now()) return coded(42001)
    if (!granted) return coded(48001)
    if (path === 'message/custom/send') return send(raw, request)
    if (path === 'message/custom/typing') return coded(isPerson(text(jsonOf(raw)?.touser)) ? 0 : 40003)
    if (path === 'media/upload') return upload(raw, request, query.get('type') ?? '')
    return path === 'media/get' ? coded(40007) : coded(40066)
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', 'http://api')
    const path = url.pathname.replace('/cgi-bin/', '')
    const raw = await bodyOf(request)
    calls.push({ method: path, at: now(), body: path === 'media/upload' ? '' : raw.toString() })
    const file = media.get(url.searchParams.get('media_id') ?? '')
    const known = url.searchParams.get('access_token') === tokens.current && tokens.untilMs > now() && granted
    if (path === 'media/get' && file && known) {
      response.writeHead(200, { 'content-type': file.mime }).end(file.data)
      return
    }
    const answer = await answerOf(path, url.searchParams, raw, request)
    if (answer === null) return
    response.writeHead(200, { 'content-type': 'application/json; encoding=utf-8' }).end(JSON.stringify(answer))
  }

  const served = await serveOn(serve)

  return {
    origin: served.origin,
    failNext: (how) => {
      failure = how
    },
    answerNext: (path, errcode) => void planned.set(path, errcode),
    allow: (person, left, withinMs) => void allowances.set(person, { left, untilMs: now() + withinMs }),
    grant: (on) => {
      granted = on
    },
    allowAddress: (on) => {
      addressAllowed = on
    },
    expireTokens: () => {
      tokens.untilMs = 0
    },
    media: (id) => fileOf(id),
    keep: (id, data, mime) =>
      void media.set(id, { type: 'image', bytes: data.byteLength, mime, name: id, atMs: now(), data }),
    calls: () => calls,
    close: served.close,
  }
}
