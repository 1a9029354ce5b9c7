import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Form } from './discord-messages.ts'
import type { Route } from './discord-routes.ts'
import { ApiError, type World } from './discord-world.ts'
import type { Failure } from './platform.ts'

export interface ApiOptions {
  readonly world: World
  readonly routes: readonly Route[]
  readonly token: () => string
  readonly onCall: (method: string) => void
  /** The failure planned for the next send, taken by it. */
  readonly planned: () => Failure | null
}

/** The REST side: `/api/v10/…`, and the files at `/attachments/…`. */
export const makeApi = (options: ApiOptions): Server => {
  const { world } = options
  const limiter = makeLimiter(world)
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://fake')
    const body = await bodyOf(request)
    const file = request.method === 'GET' ? world.files.get(url.pathname) : undefined
    if (file) return void response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(file)
    if (!url.pathname.startsWith('/api/v10/')) throw new ApiError(404, 0, '404: Not Found')
    // Cloudflare stands in front and answers in HTML.
    if (!/^DiscordBot \(.+\)/.test(request.headers['user-agent'] ?? ''))
      return void response.writeHead(403, { 'content-type': 'text/html' }).end('<html>error code: 1010</html>')
    const path = url.pathname.slice('/api/v10/'.length).split('/').map(decodeURIComponent)
    const route = options.routes.find((one) => one.method === request.method && matches(one.path, path))
    if (!route) throw new ApiError(404, 0, '404: Not Found')
    options.onCall(`${route.method} /${route.path.join('/')}`)
    if (route.bare !== true && request.headers.authorization !== `Bot ${options.token()}`)
      throw new ApiError(401, 0, '401: Unauthorized')
    const headers = limiter(route, path)
    const form = await formOf(request, body)
    const how = isSend(route) ? options.planned() : null
    if (how?.kind === 'hang') return
    if (how && how.kind !== 'answer_lost') throw refusals[how.kind](how)
    const reply = await route.run({ world, path, query: url.searchParams, form })
    if (how?.kind === 'answer_lost') return void request.socket.destroy()
    const text = reply.body === null ? '' : JSON.stringify(reply.body)
    response.writeHead(reply.status, { ...headers, ...(text === '' ? {} : { 'content-type': 'application/json' }) })
    response.end(text)
  }
  return createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (error instanceof ApiError) refuse(response, error)
      else refuse(response, new ApiError(500, 0, `500: ${String(error)}`))
    })
  })
}

const isSend = ({ method, path }: Route): boolean =>
  method === 'POST' && path[0] === 'channels' && path[2] === 'messages'

const matches = (pattern: readonly string[], path: readonly string[]): boolean =>
  pattern.length === path.length && pattern.every((segment, i) => segment === '*' || segment === path[i])

const bodyOf = async (request: IncomingMessage): Promise<Buffer<ArrayBuffer>> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const formOf = async (request: IncomingMessage, body: Buffer<ArrayBuffer>): Promise<Form> => {
  const type = request.headers['content-type'] ?? ''
  if (!type.startsWith('multipart/form-data'))
    return { json: body.length > 0 ? JSON.parse(body.toString()) : {}, files: new Map() }
  const form = await new Request('http://form/', { method: 'POST', headers: { 'content-type': type }, body }).formData()
  const files = new Map<string, File>()
  for (const [name, value] of form) if (typeof value !== 'string') files.set(name, value)
  return { json: JSON.parse(String(form.get('payload_json') ?? '{}')), files }
}

const tooMany = (
  afterMs: number,
  scope: 'user' | 'global' | 'shared',
  headers: Record<string, string> = {},
): ApiError =>
  new ApiError(429, 0, 'You are being rate limited.', {
    headers: {
      'retry-after': String(Math.ceil(afterMs / 1000)),
      'x-ratelimit-scope': scope,
      ...(scope === 'global' ? { 'x-ratelimit-global': 'true' } : {}),
      ...headers,
    },
    body: { retry_after: afterMs / 1000, global: scope === 'global' },
  })

/** Each route and channel has its bucket, and all calls by the bot's token share one. */
const makeLimiter = (world: World) => {
  const buckets = new Map<string, number[]>()
  const take = (key: string, count: number, windowMs: number) => {
    const now = Date.now()
    const recent = (buckets.get(key) ?? []).filter((at) => now - at < windowMs)
    const free = recent.length < count
    buckets.set(key, free ? [...recent, now] : recent)
    return { free, left: Math.max(0, count - recent.length - 1), resetMs: (recent[0] ?? now) + windowMs - now }
  }
  return (route: Route, path: readonly string[]): Readonly<Record<string, string>> => {
    if (route.bare !== true) {
      const all = take('all', world.limits.perSecond, 1000)
      if (!all.free) throw tooMany(all.resetMs, 'global')
    }
    if (!isSend(route)) return {}
    const { count, windowMs } = world.limits.perChannel
    const own = take(`send ${path[1]}`, count, windowMs)
    const headers = {
      'x-ratelimit-bucket': 'fakebucket01',
      'x-ratelimit-limit': String(count),
      'x-ratelimit-remaining': String(own.left),
      'x-ratelimit-reset-after': (own.resetMs / 1000).toFixed(3),
    }
    if (!own.free) throw tooMany(own.resetMs, 'user', headers)
    return headers
  }
}

const refusals: Readonly<Record<Exclude<Failure['kind'], 'hang' | 'answer_lost'>, (how: Failure) => ApiError>> = {
  rate_limited: (how) => tooMany(how.kind === 'rate_limited' ? how.retryAfterMs : 1000, 'shared'),
  // Before anything was taken; a 500 would leave that open.
  unavailable: () => new ApiError(503, 0, 'Service Unavailable'),
  auth: () => new ApiError(401, 0, '401: Unauthorized'),
  target_gone: () => new ApiError(403, 50007, 'Cannot send messages to this user'),
  media_rejected: () => new ApiError(413, 40005, 'Request entity too large'),
}

const refuse = (response: ServerResponse, { status, code, message, errors, headers, body }: ApiError): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify({ message, code, ...(errors ? { errors } : {}), ...body }))
}
