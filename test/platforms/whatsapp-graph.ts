import { createHmac } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Failure } from './platform.ts'
import { serveOn } from './serve.ts'
import { appSecret, ownNumber, phoneNumberId } from './whatsapp-hooks.ts'
import { fileRules, readMessage, uploadRule, type WireMessage } from './whatsapp-rules.ts'

export const accessToken = 'fake-whatsapp-access-token'
const appId = '500000000000005'
const urlLifeMs = 5 * 60_000

export interface StoredFile {
  readonly mime: string
  readonly name: string
  readonly bytes: Uint8Array
}

/** A refusal as the Graph API words it. */
export interface Refusal {
  readonly status: number
  readonly code: number
  readonly message: string
  readonly details?: string
  readonly subcode?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** The refusals of the documents, by code, with the HTTP status that they come with. */
export const refusals: Readonly<Record<number, Omit<Refusal, 'code'>>> = {
  100: { status: 400, message: '(#100) Invalid parameter' },
  190: { status: 401, message: 'Error validating access token: Session has expired.', subcode: 463 },
  80007: { status: 400, message: '(#80007) Rate limit issues' },
  130429: { status: 429, message: '(#130429) Rate limit hit' },
  131000: { status: 500, message: '(#131000) Something went wrong' },
  131016: { status: 503, message: '(#131016) Service unavailable' },
  131026: { status: 400, message: '(#131026) Message undeliverable' },
  131031: { status: 403, message: '(#131031) Business Account locked' },
  131047: { status: 400, message: '(#131047) Re-engagement message' },
  131053: { status: 400, message: '(#131053) Media upload error' },
  131056: { status: 400, message: '(#131056) (Business Account, Consumer Account) pair rate limit hit' },
  132000: { status: 400, message: '(#132000) Number of parameters does not match the expected number of params' },
  132001: { status: 404, message: '(#132001) Template name does not exist in the translation' },
  131062: { status: 400, message: '(#131062) Business-scoped User ID (BSUID) recipients are not supported.' },
}

export const refusalOf = (code: number, details?: string): Refusal => {
  const known = refusals[code] ?? { status: 400, message: `(#${code}) Parameter value is not valid` }
  return { ...known, code, ...(details === undefined ? {} : { details }) }
}

export interface GraphDeps {
  readonly now: () => number
  /** Shows a message that was taken; a refusal where it can't be delivered. */
  readonly take: (message: WireMessage, file: StoredFile | null) => { readonly id: string; contact: object } | Refusal
  readonly read: (message: string, typing: boolean) => void
}

export interface GraphHost {
  readonly origin: string
  readonly files: Map<string, StoredFile>
  readonly keep: (file: StoredFile) => string
  readonly failNext: (how: Failure | { readonly kind: 'refused'; readonly refusal: Refusal }) => void
  /** Where the app's webhook leads; null: nowhere. */
  readonly setWebhook: (url: string | null, fields?: readonly string[]) => void
  /** The host in the address of a file, in place of our own. */
  readonly lieAboutFiles: (origin: string) => void
  readonly revokeToken: () => void
  /** The app's switch "Require app secret". */
  readonly demandProof: () => void
  readonly calls: () => readonly { readonly method: string; readonly at: number }[]
  readonly bodies: () => readonly Readonly<Record<string, unknown>>[]
  readonly close: () => Promise<void>
}

const answer = (response: ServerResponse, status: number, body: object, headers: object = {}): void => {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=UTF-8', ...headers })
    .end(JSON.stringify(body))
}

const refuse = (response: ServerResponse, { status, code, message, details, subcode, headers }: Refusal): void =>
  answer(
    response,
    status,
    {
      error: {
        message,
        type: 'OAuthException',
        code,
        ...(subcode === undefined ? {} : { error_subcode: subcode }),
        ...(details === undefined ? {} : { error_data: { messaging_product: 'whatsapp', details } }),
        fbtrace_id: 'AFakeTraceId0000000000',
      },
    },
    headers,
  )

const bytesOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const proofOf = (token: string): string => createHmac('sha256', appSecret).update(token).digest('hex')

const noObject = (id: string): Refusal => ({
  status: 400,
  code: 100,
  subcode: 33,
  message: `Unsupported get request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions`,
})

/** What an ordered failure of a send looks like; null: no answer at all. */
const failureOf = (how: Failure): Refusal | null => {
  if (how.kind === 'hang') return null
  if (how.kind === 'rate_limited')
    return { ...refusalOf(130429), headers: { 'retry-after': String(how.retryAfterMs / 1000) } }
  if (how.kind === 'unavailable') return refusalOf(131016)
  if (how.kind === 'auth') return refusalOf(190)
  return how.kind === 'media_rejected' ? refusalOf(131053) : refusalOf(131026)
}

/** graph.facebook.com and lookaside.fbsbx.com in one, for one app with one phone number. */
export const startGraph = async (deps: GraphDeps): Promise<GraphHost> => {
  const { now } = deps
  const files = new Map<string, StoredFile>()
  const calls: { method: string; at: number }[] = []
  const bodies: Readonly<Record<string, unknown>>[] = []
  let failure: Parameters<GraphHost['failNext']>[0] | null = null
  let webhook: object | null = null
  let token = accessToken
  let demandsProof = false
  let fileOrigin: string | null = null
  let origin = ''

  const keep = (file: StoredFile): string => {
    const id = String(300_000_000_000_000 + files.size + 1)
    files.set(id, file)
    return id
  }

  const upload = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    calls.push({ method: 'media', at: now() })
    const body = new Uint8Array(await bytesOf(request))
    const type = request.headers['content-type'] ?? ''
    const form = await new Response(body, { headers: { 'content-type': type } }).formData()
    const file = form.get('file')
    const mime = String(form.get('type'))
    if (failure?.kind === 'media_rejected') {
      failure = null
      return refuse(response, refusalOf(100, 'Param file must be a file with one of the following types: …'))
    }
    if (form.get('messaging_product') !== 'whatsapp' || !(file instanceof File)) return refuse(response, refusalOf(100))
    const maxBytes = uploadRule(mime)
    if (maxBytes === null || file.type !== mime)
      return refuse(
        response,
        refusalOf(100, `Param file must be a file with one of the following types, not ${file.type}`),
      )
    if (file.size > maxBytes) return refuse(response, refusalOf(100, 'Param file is too large'))
    answer(response, 200, { id: keep({ mime, name: file.name, bytes: await file.bytes() }) })
  }

  const fileProblem = ({ file }: WireMessage): Refusal | null => {
    if (file?.id === undefined) return null
    const stored = files.get(file.id)
    const rule = fileRules[file.type]
    if (!stored || !rule) return refusalOf(131009, 'no such media id')
    const fits = rule.mime.test(stored.mime) && stored.bytes.byteLength <= rule.maxBytes
    return fits ? null : refusalOf(131053, `${stored.mime} can not be sent as ${file.type}`)
  }

  const messages = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body: unknown = JSON.parse((await bytesOf(request)).toString('utf8'))
    bodies.push(body as Readonly<Record<string, unknown>>)
    const reading = readMessage(body)
    calls.push({ method: reading.kind === 'read' ? 'read and typing' : 'messages', at: now() })
    if (reading.kind === 'read') {
      deps.read(reading.message, reading.typing)
      return answer(response, 200, { success: true })
    }
    const how = failure
    failure = null
    if (how !== null && how.kind !== 'answer_lost') {
      const refusal = how.kind === 'refused' ? how.refusal : failureOf(how)
      return refusal === null ? undefined : refuse(response, refusal)
    }
    if (reading.kind === 'refused') return refuse(response, refusalOf(reading.code, reading.details))
    const { message } = reading
    const problem = fileProblem(message)
    if (problem) return refuse(response, problem)
    const taken = deps.take(message, message.file?.id === undefined ? null : (files.get(message.file.id) ?? null))
    if ('status' in taken) return refuse(response, taken)
    if (how?.kind === 'answer_lost') return void request.socket.destroy()
    answer(response, 200, { messaging_product: 'whatsapp', contacts: [taken.contact], messages: [{ id: taken.id }] })
  }

  const sendFile = (url: URL, response: ServerResponse): void => {
    const file = files.get(url.searchParams.get('mid') ?? '')
    if (!file || Number(url.searchParams.get('ext')) * 1000 < now()) return void response.writeHead(404).end()
    if (file.name === 'moved') return void response.writeHead(302, { location: 'https://example.org/' }).end()
    response.writeHead(200, { 'content-type': file.mime }).end(file.bytes)
  }

  const told = (id: string): object | null => {
    if (id === 'app') return { id: appId, name: 'Render Desk' }
    if (id === phoneNumberId) {
      return { id, display_phone_number: `+${ownNumber}`, verified_name: 'Render Desk', quality_rating: 'GREEN' }
    }
    const file = files.get(id)
    const until = Math.floor((now() + urlLifeMs) / 1000)
    return file
      ? {
          messaging_product: 'whatsapp',
          url: `${fileOrigin ?? origin}/whatsapp_business/attachments/?mid=${id}&ext=${until}&hash=fakehash`,
          mime_type: file.mime,
          file_size: String(file.bytes.byteLength),
          id,
        }
      : null
  }

  const look = (id: string, response: ServerResponse): void => {
    calls.push({ method: 'look', at: now() })
    const found = told(id)
    if (found) answer(response, 200, found)
    else refuse(response, noObject(id))
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', origin)
    const given = (request.headers.authorization ?? '').replace(/^Bearer /, '')
    const [, version = '', ...rest] = url.pathname.split('/')
    const path = rest.join('/')
    if (path === `${appId}/subscriptions`) {
      if (given !== `${appId}|${appSecret}`) return refuse(response, refusalOf(190))
      return answer(response, 200, { data: webhook === null ? [] : [webhook] })
    }
    if (given !== token) return refuse(response, refusalOf(190))
    if (version === 'whatsapp_business') {
      if (!request.headers['user-agent']?.includes('/')) return void response.writeHead(403).end()
      return sendFile(url, response)
    }
    const proof = url.searchParams.get('appsecret_proof')
    if (demandsProof && proof === null)
      return refuse(response, refusalOf(100, 'API calls from the server require an appsecret_proof argument'))
    if (proof !== null && proof !== proofOf(given)) return refuse(response, refusalOf(100, 'Invalid appsecret_proof'))
    if (!/^v\d+\.\d+$/.test(version)) return refuse(response, { status: 400, code: 2500, message: 'Unknown path' })
    if (request.method === 'GET') return look(path, response)
    if (path === `${phoneNumberId}/messages`) return messages(request, response)
    if (path === `${phoneNumberId}/media`) return upload(request, response)
    refuse(response, { ...noObject(rest[0] ?? ''), message: 'Unsupported post request. Object with ID does not exist' })
  }

  const served = await serveOn(serve)
  origin = served.origin

  return {
    origin,
    files,
    keep,
    failNext: (how) => {
      failure = how
    },
    setWebhook: (callback_url, names = ['messages']) => {
      const fields = names.map((name) => ({ name, version: 'v25.0' }))
      webhook =
        callback_url === null ? null : { object: 'whatsapp_business_account', callback_url, active: true, fields }
    },
    lieAboutFiles: (where) => {
      fileOrigin = where
    },
    revokeToken: () => {
      token = 'fake-token-nobody-has'
    },
    demandProof: () => {
      demandsProof = true
    },
    calls: () => calls,
    bodies: () => bodies,
    close: served.close,
  }
}
