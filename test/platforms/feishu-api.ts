import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type FeishuApp, tenant as homeTenant, otherTenant } from './feishu-events.ts'
import {
  type ContentReading,
  fields,
  fileTypes,
  fits,
  type ReadContent,
  type Refusal,
  readContent,
  refusalOf,
  uploadLimits,
} from './feishu-rules.ts'
import type { SocketHost } from './feishu-socket.ts'
import type { Failure } from './platform.ts'
import { serveOn } from './serve.ts'

export interface StoredFile {
  readonly as: string
  readonly name: string
  readonly mime: string
  readonly bytes: Uint8Array
}

export type Sending =
  | { readonly how: 'send'; readonly idType: string; readonly to: string }
  | { readonly how: 'reply'; readonly message: string; readonly inThread: boolean }

export interface ApiDeps {
  readonly now: () => number
  readonly apps: readonly FeishuApp[]
  readonly sockets: SocketHost
  /** Shows a message that was taken. */
  readonly take: (
    sending: Sending,
    content: ReadContent,
    app: FeishuApp,
    tenant: string,
  ) => { readonly id: string } | Refusal
  /** Somebody asks for a ticket, which is sent some time. */
  readonly resend: (app: FeishuApp) => void
  readonly change: (message: string, content: ReadContent, how: 'patch' | 'put', app: FeishuApp) => Refusal | null
  /** Bytes of what a person sent, by message and key. */
  readonly resource: (message: string, key: string) => { readonly mime: string; readonly bytes: Uint8Array } | null
}

export interface FeishuApi {
  readonly origin: string
  readonly server: Server
  readonly files: ReadonlyMap<string, StoredFile>
  readonly failNext: (how: Failure | { readonly kind: 'refused'; readonly refusal: Refusal }) => void
  /** A ticket of an app of the store; earlier ones are worth nothing any more. */
  readonly newTicket: (app: FeishuApp) => string
  /** The organisation has removed the app. */
  readonly uninstall: (tenant: string) => void
  /** All tokens handed out so far are worth nothing from now on. */
  readonly expireTokens: () => void
  readonly tokenRequests: () => number
  /** What the next requests for the long connection's address are answered with; null: an address. */
  readonly refuseEndpoint: (answer: object | null) => void
  readonly disableBot: () => void
  readonly calls: () => readonly { readonly method: string; readonly at: number }[]
  readonly bodies: () => readonly Readonly<Record<string, unknown>>[]
  readonly close: () => Promise<void>
}

interface Token {
  readonly app: FeishuApp
  readonly tenant: string
  readonly until: number
}

const uuidLifeMs = 60 * 60_000
const tokenLifeMs = 2 * 60 * 60_000
const sameTokenMs = 30 * 60_000

const answer = (response: ServerResponse, status: number, body: object, headers: object = {}): void => {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'x-tt-logid': 'FAKE-log-id', ...headers })
    .end(JSON.stringify(body))
}
const refuse = (response: ServerResponse, { code, msg, status = 400, headers }: Refusal): void =>
  answer(response, status, { code, msg, error: { log_id: 'FAKE-log-id' } }, headers)

const bytesOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** open.feishu.cn and open.larksuite.com in one. */
export const startApi = async (deps: ApiDeps): Promise<FeishuApi> => {
  const { now, apps, sockets } = deps
  const tokens = new Map<string, Token>()
  const appTokens = new Map<string, Omit<Token, 'tenant'>>()
  const tickets = new Map<string, string>()
  const tenants = new Set([homeTenant, otherTenant])
  const files = new Map<string, StoredFile>()
  const uuids = new Map<string, { readonly id: string; readonly at: number }>()
  const calls: { method: string; at: number }[] = []
  const bodies: Readonly<Record<string, unknown>>[] = []
  let failure: Parameters<FeishuApi['failNext']>[0] | null = null
  let endpoint: object | null = null
  let botStatus = 2
  let tokenRequests = 0
  let given = 0
  let appTokenCount = 0
  let origin = ''

  const note = (method: string): void => void calls.push({ method, at: now() })

  const tenantToken = (body: Readonly<Record<string, unknown>>, response: ServerResponse) => {
    tokenRequests += 1
    note('token')
    const app = apps.find(({ appId }) => appId === body.app_id)
    // With HTTP 200, as for many errors.
    if (app?.secret !== body.app_secret || !app) return refuse(response, refusalOf(10015, { status: 200 }))
    if (app.store) return refuse(response, refusalOf(10003, { status: 200 }))
    give(app, homeTenant, response)
  }

  const give = (app: FeishuApp, tenant: string, response: ServerResponse): void => {
    const isSame = (one: Token): boolean => one.app === app && one.tenant === tenant && one.until - now() >= sameTokenMs
    const current = [...tokens].findLast(([, one]) => isSame(one))
    const token = current?.[0] ?? `t-FAKEtenanttoken${String(tokenRequests).padStart(4, '0')}`
    const until = current?.[1].until ?? now() + tokenLifeMs
    tokens.set(token, { app, tenant, until })
    answer(response, 200, {
      code: 0,
      msg: 'ok',
      tenant_access_token: token,
      expire: Math.floor((until - now()) / 1000),
    })
  }

  /** The three calls by which an app of the store gets its tokens. */
  const storeToken = (path: string, body: Readonly<Record<string, unknown>>, response: ServerResponse) => {
    if (path === '/auth/v3/tenant_access_token') {
      tokenRequests += 1
      note('token')
      const app = appTokens.get(String(body.app_access_token))
      if (!app || app.until <= now()) return refuse(response, refusalOf(99991664, { status: 200 }))
      const tenant = String(body.tenant_key)
      if (!tenants.has(tenant)) return refuse(response, refusalOf(99991673, { status: 200 }))
      return give(app.app, tenant, response)
    }
    const app = apps.find(({ appId }) => appId === body.app_id)
    const isResend = path.endsWith('/resend')
    note(isResend ? 'resend' : 'app token')
    if (!app?.store || app.secret !== body.app_secret) return refuse(response, refusalOf(10015, { status: 200 }))
    if (isResend) {
      answer(response, 200, { code: 0, msg: 'success' })
      return deps.resend(app)
    }
    if (tickets.get(app.appId) !== body.app_ticket) return refuse(response, refusalOf(10012, { status: 200 }))
    appTokenCount += 1
    const token = `a-FAKEapptoken${String(appTokenCount).padStart(4, '0')}`
    appTokens.set(token, { app, until: now() + tokenLifeMs })
    answer(response, 200, { code: 0, msg: 'success', app_access_token: token, expire: tokenLifeMs / 1000 })
  }

  const connection = (body: Readonly<Record<string, unknown>>, response: ServerResponse) => {
    note('endpoint')
    if (endpoint !== null) return answer(response, 200, endpoint)
    const app = apps.find(({ appId, secret }) => appId === body.AppID && secret === body.AppSecret)
    if (!app) return answer(response, 200, { code: 514, msg: 'auth failed' })
    // By the name it was asked under: a proxy may stand in between.
    const here = `http://${response.req.headers.host}`
    const data = { URL: sockets.url(here, app.appId), ClientConfig: sockets.config() }
    answer(response, 200, { code: 0, msg: '', data })
  }

  const fileProblem = (content: ReadContent): Refusal | null => {
    for (const { kind, key } of content.files) {
      const stored = files.get(key)
      if (kind !== 'link' && !stored) return refusalOf(230001, { msg: 'invalid key' })
      if (stored && !fits(kind, stored.as)) return refusalOf(230055)
    }
    return null
  }

  const failureOf = (how: Exclude<Failure, { kind: 'answer_lost' | 'hang' }>): Refusal | 'html' => {
    if (how.kind === 'rate_limited') {
      const headers = { 'x-ogw-ratelimit-limit': '100', 'x-ogw-ratelimit-reset': String(how.retryAfterMs / 1000) }
      return refusalOf(99991400, { status: 429, headers })
    }
    if (how.kind === 'unavailable') return 'html'
    if (how.kind === 'auth') return refusalOf(99991662)
    return how.kind === 'media_rejected' ? refusalOf(230055) : refusalOf(230002)
  }

  const sendMessage = async (
    sending: Sending,
    body: Readonly<Record<string, unknown>>,
    by: Token,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const { app, tenant } = by
    note(sending.how)
    bodies.push(body)
    const how = failure
    failure = null
    if (how?.kind === 'hang') return
    if (how !== null && how.kind !== 'answer_lost') {
      const refusal = how.kind === 'refused' ? how.refusal : failureOf(how)
      if (refusal !== 'html') return refuse(response, refusal)
      return void response.writeHead(502, { 'content-type': 'text/html' }).end('<html>502 Bad Gateway</html>')
    }
    const uuid = typeof body.uuid === 'string' ? body.uuid : null
    if (uuid !== null && uuid.length > 50) return refuse(response, refusalOf(230001, { msg: 'uuid too long' }))
    const before = uuid === null ? undefined : uuids.get(`${app.appId} ${uuid}`)
    if (before && now() - before.at < uuidLifeMs)
      return answer(response, 200, { code: 0, msg: 'success', data: { message_id: before.id } })
    const reading: ContentReading = readContent(body.msg_type, body.content)
    if (reading.kind === 'refused') return refuse(response, reading)
    const problem = fileProblem(reading.content)
    if (problem) return refuse(response, problem)
    const taken = deps.take(sending, reading.content, app, tenant)
    if ('code' in taken) return refuse(response, taken)
    if (uuid !== null) uuids.set(`${app.appId} ${uuid}`, { id: taken.id, at: now() })
    if (how?.kind === 'answer_lost') return void request.socket.destroy()
    answer(response, 200, { code: 0, msg: 'success', data: { message_id: taken.id, msg_type: body.msg_type } })
  }

  const upload = async (as: 'images' | 'files', request: IncomingMessage, response: ServerResponse): Promise<void> => {
    note(as)
    const raw = new Uint8Array(await bytesOf(request))
    const form = await new Response(raw, {
      headers: { 'content-type': request.headers['content-type'] ?? '' },
    }).formData()
    const file = form.get(as === 'images' ? 'image' : 'file')
    const type = as === 'images' ? 'image' : String(form.get('file_type'))
    if (as === 'images' ? form.get('image_type') !== 'message' : !fileTypes.includes(type))
      return refuse(response, refusalOf(234001, { msg: 'Invalid request param.' }))
    if (file === null) return refuse(response, refusalOf(234001, { msg: 'Invalid request param.' }))
    // Some clients name no file.
    const given = file instanceof File ? file : new File([file], '')
    if (failure?.kind === 'media_rejected') {
      failure = null
      return refuse(response, refusalOf(234011, { msg: "Can't regonnize the image format." }))
    }
    if (given.size === 0) return refuse(response, refusalOf(234010, { msg: "File's size can't be 0." }))
    if (given.size > uploadLimits[as === 'images' ? 'image' : 'file']) return refuse(response, refusalOf(234006))
    const key = `${as === 'images' ? 'img' : 'file'}_v3_fake_${files.size + 1}`
    const name = as === 'images' ? given.name : String(form.get('file_name'))
    files.set(key, { as: type, name, mime: given.type, bytes: await given.bytes() })
    answer(response, 200, { code: 0, msg: 'success', data: { [as === 'images' ? 'image_key' : 'file_key']: key } })
  }

  const change = (
    message: string,
    how: 'patch' | 'put',
    body: Readonly<Record<string, unknown>>,
    app: FeishuApp,
    response: ServerResponse,
  ) => {
    note(how === 'patch' ? 'edit card' : 'edit')
    bodies.push(body)
    const ordered = failure
    failure = null
    if (ordered?.kind === 'refused') return refuse(response, ordered.refusal)
    const reading = readContent(how === 'patch' ? 'interactive' : body.msg_type, body.content)
    if (reading.kind === 'refused') return refuse(response, reading)
    const problem = fileProblem(reading.content) ?? deps.change(message, reading.content, how, app)
    if (problem) refuse(response, problem)
    else answer(response, 200, { code: 0, msg: 'success', data: {} })
  }

  const download = (message: string, key: string, response: ServerResponse) => {
    note('resource')
    const found = deps.resource(message, key)
    if (!found) return refuse(response, refusalOf(234003, { msg: 'File not in msg.' }))
    if (found.mime === 'moved') return void response.writeHead(302, { location: 'https://example.org/' }).end()
    response.writeHead(200, { 'content-type': found.mime }).end(found.bytes)
  }

  const messages = async (
    url: URL,
    path: string,
    by: Token,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<boolean> => {
    const [, message = '', rest = '', key = ''] =
      /^\/im\/v1\/messages(?:\/([^/]+))?(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path) ?? []
    const { method } = request
    if (method === 'GET' && rest === 'resources') {
      download(message, key, response)
      return true
    }
    const body = fields(JSON.parse((await bytesOf(request)).toString('utf8') || '{}'))
    if (method === 'POST' && message === '') {
      const idType = url.searchParams.get('receive_id_type') ?? 'open_id'
      const sending: Sending = { how: 'send', idType, to: String(body.receive_id) }
      await sendMessage(sending, body, by, request, response)
    } else if (method === 'POST' && rest === 'reply') {
      await sendMessage({ how: 'reply', message, inThread: body.reply_in_thread === true }, body, by, request, response)
    } else if (method === 'PATCH' && rest === '') change(message, 'patch', body, by.app, response)
    else if (method === 'PUT' && rest === '') change(message, 'put', body, by.app, response)
    else return false
    return true
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', origin)
    const path = url.pathname.replace(/^\/open-apis/, '')
    if (path === '/auth/v3/tenant_access_token/internal' || path === '/callback/ws/endpoint') {
      const body = fields(JSON.parse((await bytesOf(request)).toString('utf8')))
      return path.startsWith('/auth') ? tenantToken(body, response) : connection(body, response)
    }
    if (path.startsWith('/auth/v3/'))
      return storeToken(path, fields(JSON.parse((await bytesOf(request)).toString('utf8'))), response)
    const token = tokens.get((request.headers.authorization ?? '').replace(/^Bearer /, ''))
    if (!token || token.until <= now()) {
      note('refused token')
      await bytesOf(request)
      return refuse(response, refusalOf(99991663))
    }
    const { app } = token
    if (path === '/bot/v3/info') {
      note('bot')
      const bot = { activate_status: botStatus, app_name: 'FakeBot', open_id: app.bot }
      return answer(response, 200, { code: 0, msg: 'ok', bot })
    }
    if (path === '/im/v1/images' || path === '/im/v1/files')
      return upload(path.endsWith('images') ? 'images' : 'files', request, response)
    if (path.startsWith('/im/v1/messages') && (await messages(url, path, token, request, response))) return
    response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found')
  }

  const served = await serveOn(serve)
  served.server.on('upgrade', sockets.upgrade)
  origin = served.origin

  return {
    origin,
    server: served.server,
    files,
    failNext: (how) => {
      failure = how
    },
    newTicket: (app) => {
      given += 1
      const ticket = `FAKEappticket${String(given).padStart(4, '0')}`
      tickets.set(app.appId, ticket)
      return ticket
    },
    uninstall: (tenant) => {
      tenants.delete(tenant)
      for (const [token, one] of tokens) if (one.tenant === tenant) tokens.delete(token)
    },
    expireTokens: () => {
      tokens.clear()
      appTokens.clear()
    },
    tokenRequests: () => tokenRequests,
    refuseEndpoint: (given) => {
      endpoint = given
    },
    disableBot: () => {
      botStatus = 1
    },
    calls: () => calls,
    bodies: () => bodies,
    close: () => {
      sockets.close()
      return served.close()
    },
  }
}
