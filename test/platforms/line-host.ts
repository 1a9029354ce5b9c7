import type { IncomingMessage, ServerResponse } from 'node:http'
import { fields, isRetryKey, isTarget, messagesProblems } from './line-rules.ts'
import { addPost, isOpen, type World } from './line-world.ts'
import type { Failure, RawReply } from './platform.ts'
import { serveOn } from './serve.ts'

/** Stands for api.line.me and api-data.line.me. */
export interface LineHost {
  readonly origin: string
  readonly failNext: (how: Failure) => void
  readonly calls: () => readonly { readonly method: string; readonly at: number }[]
  /** Bodies of sends as they came, for tests that look at the wire. */
  readonly requests: () => readonly LineRequest[]
  readonly close: () => Promise<void>
}

export interface LineRequest {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

/** A refusal, or an answer. */
interface Reply {
  readonly status: number
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

const refusals = {
  token: 'Authentication failed. Confirm that the access token in the authorization header is valid.',
  rate: 'The API rate limit has been exceeded. Try again later.',
  month: 'You have reached your monthly limit.',
  server: 'The server is experiencing problems.',
  replyToken: 'Invalid reply token',
  target: 'Failed to send messages',
} as const

const refuse = (status: number, message: string, headers: Record<string, string> = {}): Reply => ({
  status,
  body: { message },
  headers,
})
const wrong = (details: readonly { readonly property: string; readonly message: string }[]): Reply => ({
  status: 400,
  body: { message: `The request body has ${details.length} error(s)`, details },
})

const planned: Readonly<Record<Exclude<Failure['kind'], 'hang' | 'answer_lost'>, (how: Failure) => Reply>> = {
  rate_limited: (how) => {
    const seconds = how.kind === 'rate_limited' ? how.retryAfterMs / 1000 : 1
    return refuse(429, refusals.rate, { 'retry-after': String(seconds) })
  },
  unavailable: () => refuse(500, refusals.server),
  auth: () => refuse(401, refusals.token),
  target_gone: () => refuse(400, refusals.target),
  media_rejected: () => wrong([{ property: 'messages[0].originalContentUrl', message: 'invalid' }]),
}

interface Deps {
  readonly world: World
  readonly accessToken: string
  /** LINE calls the webhook itself when it is asked to test it. */
  readonly test: () => Promise<RawReply>
}

export async function startLineHost({ world, accessToken, test }: Deps): Promise<LineHost> {
  const calls: { method: string; at: number }[] = []
  const requests: LineRequest[] = []
  let failure: Failure | null = null
  let requestNumber = 0

  const quoted = (messages: readonly unknown[], chat: string): Reply | null => {
    const unknown = messages.findIndex((message) => {
      const { quoteToken } = fields(message)
      return (
        quoteToken !== undefined && !world.posts.some((post) => post.quoteToken === quoteToken && post.chat === chat)
      )
    })
    return unknown < 0 ? null : wrong([{ property: `messages[${unknown}].quoteToken`, message: 'invalid quote token' }])
  }

  const post = (chat: string, messages: readonly unknown[]): Reply => {
    const isSeen = !world.blocked.has(chat)
    const sentMessages = messages.map((message) => {
      const object = fields(message)
      const quotes = world.posts.find(({ quoteToken }) => quoteToken === object.quoteToken)?.quoteToken ?? null
      const made = addPost(world, { chat, by: null, object, quotes })
      if (!isSeen) world.posts.pop()
      return { id: made.id, quoteToken: made.quoteToken }
    })
    return { status: 200, body: { sentMessages } }
  }

  const reply = (request: LineRequest): Reply => {
    const { replyToken, messages } = fields(request.body)
    if (request.headers['x-line-retry-key'] !== undefined)
      return refuse(400, 'Retry key is not available for this endpoint')
    const problems = messagesProblems(messages)
    if (problems.length > 0) return wrong(problems)
    const token = world.tokens.get(String(replyToken))
    if (!token || !isOpen(world, token)) return refuse(400, refusals.replyToken)
    const lost = quoted(messages as unknown[], token.chat)
    if (lost) return lost
    token.used = true
    return post(token.chat, messages as unknown[])
  }

  const push = (request: LineRequest, requestId: string): Reply => {
    const { to, messages } = fields(request.body)
    const key = request.headers['x-line-retry-key']
    if (key !== undefined && !isRetryKey(String(key))) return refuse(400, 'Invalid retry key')
    const first = world.keys.get(String(key))
    if (first)
      return {
        status: 409,
        body: { message: 'The retry key is already accepted', sentMessages: first.sent },
        headers: { 'x-line-accepted-request-id': first.request },
      }
    if (!isTarget(to)) return refuse(400, "The property, 'to', in the request body is invalid (line: -, column: -)")
    const problems = messagesProblems(messages)
    if (problems.length > 0) return wrong(problems)
    const recipients = to.startsWith('U') ? 1 : world.groups.get(to)
    if (recipients === undefined) return refuse(400, refusals.target)
    const lost = quoted(messages as unknown[], to)
    if (lost) return lost
    const { quota } = world
    if (quota.type === 'limited' && quota.used + recipients > quota.value) return refuse(429, refusals.month)
    quota.used += recipients
    const answer = post(to, messages as unknown[])
    const { sentMessages } = answer.body as { sentMessages: readonly object[] }
    if (key !== undefined) world.keys.set(String(key), { request: requestId, sent: sentMessages })
    return answer
  }

  const loading = ({ body }: LineRequest): Reply => {
    const { chatId, loadingSeconds = 20 } = fields(body)
    if (!isTarget(chatId) || !chatId.startsWith('U')) return wrong([{ property: 'chatId', message: 'invalid' }])
    const seconds = Number(loadingSeconds)
    if (seconds % 5 !== 0 || seconds < 5 || seconds > 60)
      return wrong([{ property: 'loadingSeconds', message: 'invalid' }])
    world.loading.push({ chat: chatId, seconds })
    return { status: 202, body: {} }
  }

  const tested = async (): Promise<Reply> => {
    const { status } = await test()
    const success = status === 200
    const timestamp = new Date(world.now()).toISOString()
    const reason = success ? 'OK' : 'ERROR_STATUS_CODE'
    return { status: 200, body: { success, timestamp, statusCode: status, reason, detail: String(status) } }
  }

  const bot = { userId: botId, basicId: '@000fake', displayName: 'Helper', chatMode: 'bot', markAsReadMode: 'auto' }
  const { quota, endpoint } = world
  const routes: Readonly<Record<string, (request: LineRequest, id: string) => Reply | Promise<Reply>>> = {
    'POST /v2/bot/message/reply': reply,
    'POST /v2/bot/message/push': push,
    'POST /v2/bot/chat/loading/start': loading,
    'GET /v2/bot/info': () => ({ status: 200, body: bot }),
    'GET /v2/bot/message/quota': () => ({
      status: 200,
      body: quota.type === 'limited' ? { type: 'limited', value: quota.value } : { type: 'none' },
    }),
    'GET /v2/bot/message/quota/consumption': () => ({ status: 200, body: { totalUsage: quota.used } }),
    'GET /v2/bot/channel/webhook/endpoint': () =>
      endpoint.url === null
        ? refuse(404, 'Webhook endpoint not found')
        : { status: 200, body: { endpoint: endpoint.url, active: endpoint.active } },
    'POST /v2/bot/channel/webhook/test': tested,
  }

  const content = (id: string, response: ServerResponse): void => {
    const found = world.contents.get(id)
    if (!found) send(response, refuse(404, 'Not found'))
    else if (found.state === 'unsent') send(response, refuse(410, 'Gone'))
    else if (found.preparing-- > 0) send(response, { status: 202 })
    else
      response.writeHead(200, { 'content-type': found.mime, 'content-length': found.bytes.byteLength }).end(found.bytes)
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', headers } = request
    const path = new URL(request.url ?? '/', 'http://fake').pathname
    const id = `00000000-0000-4000-8000-${String(++requestNumber).padStart(12, '0')}`
    response.setHeader('x-line-request-id', id)
    response.setHeader('date', new Date(world.now()).toUTCString())
    calls.push({ method: `${method} ${path}`, at: world.now() })
    const text = await textOf(request)
    const isSend = path === '/v2/bot/message/reply' || path === '/v2/bot/message/push'
    const how = isSend ? failure : null
    if (isSend) failure = null
    if (how?.kind === 'hang') return
    if (how && how.kind !== 'answer_lost') return send(response, planned[how.kind](how))
    if (headers.authorization !== `Bearer ${accessToken}` || world.revoked)
      return send(response, refuse(401, refusals.token))
    const asked = /^\/v2\/bot\/message\/(\d+)\/content$/.exec(path)?.[1]
    if (method === 'GET' && asked !== undefined) return content(asked, response)
    const route = routes[`${method} ${path}`]
    if (!route) return send(response, refuse(404, 'Not found'))
    if (method === 'POST' && !/^application\/json\b/.test(headers['content-type'] ?? ''))
      return send(response, refuse(415, 'Unsupported media type'))
    if (Buffer.byteLength(text) > 2 * 1024 * 1024) return send(response, refuse(413, 'Payload too large'))
    const made: LineRequest = { path, headers, body: text === '' ? null : JSON.parse(text) }
    requests.push(made)
    const answer = await route(made, id)
    if (how?.kind === 'answer_lost') request.socket.destroy()
    else send(response, answer)
  }

  const served = await serveOn(serve)

  return {
    origin: served.origin,
    failNext: (how) => {
      failure = how
    },
    calls: () => calls,
    requests: () => requests,
    close: served.close,
  }
}

export const botId = 'U00000000000000000000000000000b07'

const send = (response: ServerResponse, { status, body, headers }: Reply): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(body === undefined ? '' : JSON.stringify(body))
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
