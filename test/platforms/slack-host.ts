import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Failure } from './platform.ts'
import { serveOn } from './serve.ts'
import { type Answer, type Fields, type MethodDeps, methods, no, respond } from './slack-methods.ts'
import type { Grant, World } from './slack-world.ts'

/** How a call is answered instead of being done. `after` does it first. */
export interface Mishap {
  readonly method: RegExp
  readonly how:
    | { readonly kind: 'error'; readonly error: string; readonly more?: object }
    | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
    | { readonly kind: 'page' }
    | { readonly kind: 'hang' }
    | { readonly kind: 'cut'; readonly after: boolean }
  /** Only calls about this channel. */
  readonly channel?: string
  /** How many calls; 1. */
  times?: number
}

export interface SlackHost {
  readonly origin: string
  readonly server: Server
  readonly mishap: (mishap: Mishap) => void
  /** Nothing that was planned happens any more. */
  readonly calm: () => void
  /** Planned mishaps of this method will not happen. */
  readonly forgive: (method: string) => void
  readonly calls: () => readonly { readonly method: string; readonly at: number }[]
  readonly bodies: (method: string) => readonly Fields[]
  /** The host in the address of a file, in place of our own. */
  readonly lieAboutFiles: (origin: string) => void
  readonly close: () => Promise<void>
}

/** What an ordered failure of the common kind looks like here. */
export const mishapOf = (failure: Failure): Mishap => {
  const method = /^chat\.post/
  if (failure.kind === 'rate_limited') {
    const headers = { 'retry-after': String(failure.retryAfterMs / 1000) }
    return { method, how: { kind: 'status', status: 429, headers } }
  }
  if (failure.kind === 'unavailable') return { method, how: { kind: 'status', status: 503 } }
  if (failure.kind === 'answer_lost') return { method, how: { kind: 'cut', after: true } }
  if (failure.kind === 'hang') return { method, how: { kind: 'hang' } }
  if (failure.kind === 'auth') return { method, how: { kind: 'error', error: 'token_revoked' } }
  if (failure.kind === 'target_gone') return { method, how: { kind: 'error', error: 'channel_not_found' } }
  return { method: /^files\.getUploadURL/, how: { kind: 'error', error: 'file_upload_size_restricted' } }
}

const bytesOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** The bytes as they are, or the file of a form. */
const fileIn = async (request: IncomingMessage): Promise<{ bytes: Uint8Array; mime: string }> => {
  const body = new Uint8Array(await bytesOf(request))
  const type = request.headers['content-type'] ?? ''
  if (!type.startsWith('multipart/form-data')) return { bytes: body, mime: type }
  const form = await new Response(body, { headers: { 'content-type': type } }).formData()
  const file = [...form.values()].find((one) => one instanceof File)
  return { bytes: (await file?.bytes()) ?? new Uint8Array(), mime: file?.type ?? '' }
}

const nested = ['blocks', 'metadata', 'files', 'view', 'attachments']

/** JSON, or a form whose structured fields are JSON in text. Null: neither. */
const fieldsOf = (type: string, body: Buffer): Fields | null => {
  try {
    if (type.startsWith('application/json')) return JSON.parse(body.toString('utf8')) as Fields
    if (!type.startsWith('application/x-www-form-urlencoded')) return null
    const form = Object.fromEntries(new URLSearchParams(body.toString('utf8')))
    return Object.fromEntries(
      Object.entries(form).map(([name, value]) => [name, nested.includes(name) ? JSON.parse(value) : value]),
    )
  } catch {
    return null
  }
}

const json = (response: ServerResponse, body: object, headers: object = {}): void => {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', ...headers }).end(JSON.stringify(body))
}

/** slack.com/api, files.slack.com and hooks.slack.com in one. */
export const startHost = async (world: World, more: Omit<MethodDeps, 'world' | 'origin'>): Promise<SlackHost> => {
  const mishaps: Mishap[] = []
  const calls: { method: string; at: number }[] = []
  const bodies: { method: string; fields: Fields }[] = []
  let origin = ''
  let fileOrigin: string | null = null
  const deps: MethodDeps = { ...more, world, origin: () => fileOrigin ?? origin }

  const mishapFor = (method: string, fields: Fields): Mishap | null => {
    const channel = fields.channel ?? fields.channel_id
    const at = mishaps.findIndex(
      (one) => one.method.test(method) && (one.channel === undefined || one.channel === channel),
    )
    const found = mishaps[at]
    if (!found) return null
    found.times = (found.times ?? 1) - 1
    if (found.times <= 0) mishaps.splice(at, 1)
    return found
  }

  const grantOf = (request: IncomingMessage, fields: Fields): Grant | string => {
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '') || String(fields.token ?? '')
    if (token === '') return 'not_authed'
    const grant = world.tokens.get(token)
    if (!grant) return 'invalid_auth'
    if (grant.revoked !== null) return grant.revoked
    return grant.expiresAt !== null && grant.expiresAt <= world.now() ? 'token_expired' : grant
  }

  const outcome = (method: string, request: IncomingMessage, fields: Fields): Answer => {
    const row = methods[method]
    if (!row) return no('unknown_method')
    if (row.token === 'none') return row.run(fields, {} as Grant, deps)
    const grant = grantOf(request, fields)
    if (typeof grant === 'string') return no(grant)
    if (grant.kind !== row.token) return no('not_allowed_token_type')
    if (row.scope !== null && !grant.scopes.includes(row.scope))
      return no('missing_scope', { needed: row.scope, provided: grant.scopes.join(',') })
    return row.run(fields, grant, deps)
  }

  const api = async (method: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    calls.push({ method, at: world.now() })
    const fields = fieldsOf(request.headers['content-type'] ?? '', await bytesOf(request))
    if (fields === null) return json(response, no('invalid_form_data'))
    bodies.push({ method, fields })
    const how = mishapFor(method, fields)?.how
    if (how?.kind === 'hang') return
    if (how?.kind === 'error') return json(response, no(how.error, how.more))
    if (how?.kind === 'page')
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Service unavailable</html>')
    if (how?.kind === 'status') {
      response.writeHead(how.status, { 'content-type': 'application/json; charset=utf-8', ...how.headers })
      return void response.end(JSON.stringify(no(how.status === 429 ? 'ratelimited' : 'service_unavailable')))
    }
    const answer = how?.kind === 'cut' && !how.after ? null : outcome(method, request, fields)
    if (how?.kind === 'cut' || answer === null) return void request.socket.destroy()
    const grant = grantOf(request, fields)
    json(response, answer, typeof grant === 'string' ? {} : { 'x-oauth-scopes': grant.scopes.join(',') })
  }

  const upload = async (id: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    calls.push({ method: 'upload', at: world.now() })
    const file = world.files.get(id)
    const { bytes, mime } = await fileIn(request)
    const how = mishapFor('upload', {})?.how
    if (how?.kind === 'hang') return
    if (how?.kind === 'cut') return void request.socket.destroy()
    if (how?.kind === 'status') return void response.writeHead(how.status).end('no')
    if (!file || file.bytes !== null || bytes.byteLength !== file.length) return void response.writeHead(404).end()
    file.bytes = bytes
    file.mime = mime
    response.writeHead(200, { 'content-type': 'text/plain' }).end(`OK - ${bytes.byteLength}`)
  }

  const sendFile = (id: string, request: IncomingMessage, response: ServerResponse): void => {
    const file = world.files.get(id)
    const grant = grantOf(request, {})
    if (file?.name === 'moved') return void response.writeHead(302, { location: 'https://example.org/' }).end()
    // Who may not read files is shown the page to log in, with status 200.
    if (mishapFor('file', {}) || typeof grant === 'string' || !grant.scopes.includes('files:read'))
      return void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>Sign in</html>')
    if (!file?.bytes) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': file.mime }).end(file.bytes)
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', origin)
    const [, top, ...rest] = pathname.split('/')
    if (top === 'api') return api(rest.join('/'), request, response)
    if (top === 'upload') return upload(rest[1] ?? '', request, response)
    if (top === 'files-pri') return sendFile((rest[0] ?? '').split('-')[1] ?? '', request, response)
    if (top !== 'commands' && top !== 'actions') return void response.writeHead(404).end()
    calls.push({ method: 'response_url', at: world.now() })
    const fields = fieldsOf(request.headers['content-type'] ?? '', await bytesOf(request)) ?? {}
    bodies.push({ method: 'response_url', fields })
    const { status, body } = respond(world, rest.at(-1) ?? '', fields)
    response.writeHead(status, { 'content-type': 'text/plain' }).end(body)
  }

  const served = await serveOn(serve)
  origin = served.origin

  return {
    origin,
    server: served.server,
    mishap: (mishap) => void mishaps.push({ ...mishap }),
    calm: () => void mishaps.splice(0),
    forgive: (method) => {
      mishaps.splice(0, mishaps.length, ...mishaps.filter((one) => !one.method.test(method)))
    },
    calls: () => calls,
    bodies: (method) => bodies.filter((one) => one.method === method).map(({ fields }) => fields),
    lieAboutFiles: (where) => {
      fileOrigin = where
    },
    close: served.close,
  }
}
