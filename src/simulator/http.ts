import { isObject } from './types.ts'

export interface Ask {
  readonly method: string
  /** Canonical: without `/api`, `moltbot` read as `openclaw`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly header: (name: string) => string | null
  readonly body: Buffer
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
  /** Set where the answer goes on for a while: called with a writer, returns how to stop. */
  readonly stream?: { readonly ms: number; readonly start: (write: (text: string) => void) => () => void }
}

export type Params = Readonly<Record<string, string>>

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Segments starting with a colon are parameters. */
  readonly path: string
  readonly handle: (ask: Ask, params: Params) => Answer | Promise<Answer>
  /** Announces its deprecation under the old prefix. */
  readonly core?: boolean
}

export const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { ...headers, 'Content-Type': 'application/json; charset=utf-8' },
  body: JSON.stringify(value),
})

export const text = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' },
  body,
})

export const empty = (status: number): Answer => ({ status, headers: {}, body: '' })

export const notFound = (): Answer => ({
  status: 404,
  headers: { 'Content-Type': 'application/octet-stream' },
  body: '',
})

export const notAllowed = (): Answer => text(405, '405: Method Not Allowed', { Allow: 'GET,HEAD' })

/** What aiohttp says when a handler throws. */
export const crashed = (): Answer => text(500, '500 Internal Server Error\n\nServer got itself in trouble')

export type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false }

export function parseJson(body: Buffer): Parsed {
  try {
    return { ok: true, value: JSON.parse(body.toString('utf8')) }
  } catch {
    return { ok: false }
  }
}

/** For routes where a missing, broken or non-object body counts as an empty one. */
export function looseBody(body: Buffer): Record<string, unknown> {
  const parsed = parseJson(body)
  return parsed.ok && isObject(parsed.value) ? parsed.value : {}
}

/** The route and its parameters, or null. Earlier routes win. */
export function findRoute(routes: readonly Route[], method: string, path: string): [Route, Params] | null {
  const wanted = method === 'HEAD' ? 'GET' : method
  const have = path.split('/')
  for (const route of routes) {
    if (route.method !== wanted) continue
    const want = route.path.split('/')
    if (want.length !== have.length) continue
    const params: Record<string, string> = {}
    const fits = want.every((segment, i) => {
      const value = have[i] as string
      if (!segment.startsWith(':')) return segment === value
      params[segment.slice(1)] = decode(value)
      return value !== ''
    })
    if (fits) return [route, params]
  }
  return null
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
