import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Reading, readSkillResponse } from './kakao-rules.ts'
import type { Failure } from './platform.ts'
import { serveOn } from './serve.ts'

/** Stands for bot-api.kakao.com (callbacks) and for the picture host. */
export interface KakaoHost {
  readonly origin: string
  /** A fresh one-time address that lives one minute. */
  readonly issue: (person: string) => string
  /** The request was answered in full: its address is worth nothing any more. */
  readonly spend: (callbackUrl: string) => void
  readonly failNext: (how: Failure) => void
  readonly calls: () => readonly { readonly method: string; readonly at: number }[]
  readonly close: () => Promise<void>
}

interface Token {
  readonly person: string
  readonly issuedAt: number
  used: boolean
}

const lifeMs = 60_000
const tinyPng = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

const answer = (response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** HTTP status, body and headers of a refusal that leaves the address usable; null: no answer at all. */
const refusal = (how: Failure): readonly [number, object, Record<string, string>?] | null => {
  if (how.kind === 'hang') return null
  if (how.kind === 'rate_limited') return [429, {}, { 'retry-after': String(how.retryAfterMs / 1000) }]
  if (how.kind === 'unavailable') return [503, {}]
  if (how.kind === 'media_rejected') return [200, { status: 'FAIL', message: 'invalid skill response' }]
  return [how.kind === 'auth' ? 401 : 400, { status: 'ERROR', message: 'refused' }]
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

const sendPicture = (path: string, response: ServerResponse): void => {
  if (path === '/dn/moved.png') response.writeHead(302, { location: '/dn/photo.png' }).end()
  else if (path === '/dn/photo.png') response.writeHead(200, { 'content-type': 'image/png' }).end(tinyPng)
  else response.writeHead(404).end()
}

export const startKakaoHost = async (
  now: () => number,
  show: (person: string, reading: Reading) => void,
): Promise<KakaoHost> => {
  const tokens = new Map<string, Token>()
  const calls: { method: string; at: number }[] = []
  let failure: Failure | null = null

  const takeCallback = async (path: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    calls.push({ method: 'callback', at: now() })
    const body = await bodyOf(request)
    const how = failure
    failure = null
    if (how !== null && how.kind !== 'answer_lost') {
      const refused = refusal(how)
      if (refused) answer(response, ...refused)
      return
    }
    if (path === '/v1/callback/moved') {
      response.writeHead(307, { location: '/v1/callback/fake-callback-token-1' }).end()
      return
    }
    const token = tokens.get(path)
    if (!token || token.used || now() - token.issuedAt > lifeMs) {
      return answer(response, 400, { status: 'ERROR', message: 'Invalid callback token', timestamp: now() })
    }
    token.used = true
    const reading = readSkillResponse(body, { promise: false })
    show(token.person, reading)
    if (how?.kind === 'answer_lost') {
      request.socket.destroy()
      return
    }
    const status = reading.kind === 'shown' ? 'SUCCESS' : 'FAIL'
    answer(response, 200, { taskId: 'fake-task', status, timestamp: now() })
  }

  const { origin, close } = await serveOn((request, response) => {
    const path = request.url ?? ''
    if (request.method === 'GET') return sendPicture(path, response)
    return takeCallback(path, request, response)
  })

  return {
    origin,
    issue: (person) => {
      const path = `/v1/callback/fake-callback-token-${tokens.size + 1}`
      tokens.set(path, { person, issuedAt: now(), used: false })
      return origin + path
    },
    spend: (callbackUrl) => {
      const token = tokens.get(callbackUrl.slice(origin.length))
      if (token) token.used = true
    },
    failNext: (how) => {
      failure = how
    },
    calls: () => calls,
    close,
  }
}
