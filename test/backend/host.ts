import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Backend, createBackend } from '../../src/backend/client.ts'
import type { HttpDeps } from '../../src/backend/http.ts'
import { keepingLog } from '../kit/deps.ts'

export interface Seen {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly bytes: Buffer
}

/** What the little host says to a request; `wild` takes the answer over by itself. */
export interface Say {
  readonly status?: number
  readonly json?: unknown
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly wild?: (response: ServerResponse, request: IncomingMessage) => void
}

interface Sample {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

export const sample = <T = Sample>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../backend-samples/${name}.json`, import.meta.url), 'utf8')) as T

/** A recorded answer, said again. */
export function replay(name: string): Say {
  const { status, headers, body } = sample(name)
  const retryAfter = headers['Retry-After']
  const kept: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
  if (typeof body === 'string') return { status, text: body, headers: kept }
  return body === null ? { status, headers: kept } : { status, json: body, headers: kept }
}

export type Routes = Readonly<Record<string, Say | ((seen: Seen) => Say)>>

const readBody = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** A ComfyUI of a few routes (`GET /queue`); unknown ones answer as the real one: GET 404 empty, POST 405 text. */
export async function openHost(routes: Routes) {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    void readBody(request).then((bytes) => {
      const url = new URL(request.url ?? '/', 'http://host')
      const method = request.method ?? ''
      const body = bytes.toString('utf8')
      const entry: Seen = { method, path: url.pathname, query: url.searchParams, headers: request.headers, body, bytes }
      seen.push(entry)
      const route = routes[`${method} ${url.pathname}`]
      const unknown: Say = method === 'GET' ? { status: 404 } : { status: 405, text: '405: Method Not Allowed' }
      const say = typeof route === 'function' ? route(entry) : (route ?? unknown)
      if (say.wild) return say.wild(response, request)
      const json = say.json === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }
      response.writeHead(say.status ?? 200, { ...json, ...say.headers })
      response.end(say.json === undefined ? (say.text ?? '') : JSON.stringify(say.json))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url, seen, server, close, [Symbol.asyncDispose]: close }
}

export const asked = (host: { readonly seen: readonly Seen[] }): string[] =>
  host.seen.map((entry) => `${entry.method} ${entry.path}`)

export const backendAt = (url: string, over: Partial<HttpDeps> = {}): Backend =>
  createBackend({
    url,
    adminToken: 'test-admin-token',
    obsToken: null,
    tenantHeader: null,
    version: '0.0.0',
    fetch: globalThis.fetch,
    now: () => Date.now(),
    log: keepingLog(),
    ...over,
  })

/** An address where nobody listens. */
export async function nobody(): Promise<string> {
  const host = await openHost({})
  await host.close()
  return host.url
}
