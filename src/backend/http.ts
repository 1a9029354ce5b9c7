import type { Log } from '../contract/index.ts'
import { createLeash, guarded, type Leash, textWithin } from './wire-body.ts'
import { type Asked, failed, failedByAnswer, failedOnTheWay, type Reply } from './wire-failure.ts'

/**
 * Why there is no value.
 * `down`: nobody took the request · `unanswered`: it left and no answer came (the backend can freeze for 30 s, this is
 * no outage) · `denied`: our token or address is not accepted · `limited`: later · `missing`: no such thing ·
 * `refused`: the backend will not do it · `unsupported`: this host lacks the route · `malformed`: the answer has not
 * the promised shape · `too_large`: the answer was cut off.
 */
export type Failure = {
  readonly ok: false
  readonly kind:
    | 'down'
    | 'unanswered'
    | 'denied'
    | 'limited'
    | 'missing'
    | 'refused'
    | 'unsupported'
    | 'malformed'
    | 'too_large'
  readonly status: number | null
  /** A short technical sentence for logs, without secrets, ids and words of the backend. */
  readonly detail: string
  /** The backend's own error text, made safe to show, at most 300 characters. */
  readonly said: string | null
  /** `none`: it certainly changed nothing. `maybe`: it may have. */
  readonly effect: 'none' | 'maybe'
  readonly retryAfterMs: number | null
  /** The backend's machine code (`budget_exceeded`, `jobs_host_contract_unsupported` …) or one of ours. */
  readonly code: string | null
}

export type Answer<T> = { readonly ok: true; readonly value: T; readonly status: number } | Failure

/** What every call takes. `tenant` overrides the client's own; it is only sent when that has a tenant header. */
export interface CallOptions {
  readonly signal?: AbortSignal
  readonly tenant?: string
  readonly timeoutMs?: number
}

export interface Call extends Asked {
  /** Below the base URL, with every segment encoded. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly json?: unknown
  readonly form?: FormData
  /** Longest answer that is read, in bytes after decompression. */
  readonly maxBytes?: number
  readonly timeoutMs?: number
  /** The route knows no tenants: what it makes lands in the default one (backend-contract, 0.10). */
  readonly tenantless?: true
}

export interface HttpDeps {
  /** Base URL of the backend, with or without a path, no trailing slash needed. */
  readonly url: string
  readonly adminToken: string | null
  readonly obsToken: string | null
  /** Null in single-tenant mode: then no tenant is ever sent. */
  readonly tenantHeader: string | null
  /** The tenant of calls that name none themselves. */
  readonly tenant?: string
  /** Our own version, for the User-Agent. */
  readonly version: string
  readonly fetch: typeof fetch
  readonly now: () => number
  readonly log: Log
  readonly timeoutMs?: number
}

export interface Http {
  /** `read` makes the value out of the JSON (undefined when there is none); null: not the promised shape.
   *  `judge` may sharpen a failure with what the call knows about the body. */
  readonly call: <T>(
    call: Call,
    read: (json: unknown, status: number) => T | null,
    options: CallOptions,
    judge?: (failure: Failure, json: unknown) => Failure,
  ) => Promise<Answer<T>>
  /** The body as a stream that fails when it stalls for longer than the time limit or passes `maxBytes`. */
  readonly open: (call: Call, options: CallOptions) => Promise<Answer<Response>>
}

/** A schedule run by hand may freeze the backend for 30 s, which is no outage. */
const defaultTimeoutMs = 40_000
const defaultMaxBytes = 4 * 1024 * 1024
const tenantGrammar = /^[a-z0-9][a-z0-9._-]{0,63}$/

export const isLoopback = (url: URL): boolean =>
  /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname.toLowerCase())

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Crashed handlers and unknown routes answer text: `undefined` says "not JSON" to everybody who judges.
    return undefined
  }
}

/** Throws when the base URL is none of http(s) or carries credentials (the configuration checks that before). */
export function createHttp(deps: HttpDeps): Http {
  const base = new URL(deps.url)
  if (!/^https?:$/.test(base.protocol) || base.username !== '' || base.password !== '') {
    throw new Error('the backend URL must be http(s) and without credentials')
  }
  const root = base.origin + base.pathname.replace(/\/+$/, '')
  for (const token of [deps.adminToken, deps.obsToken]) {
    // Fetch would refuse it too, but with the token in its error text.
    if (token !== null && !/^[\x20-\x7e]+$/.test(token))
      throw new Error('a backend token has characters a header cannot carry')
  }
  const fixed: Record<string, string> = { 'user-agent': `openclaw-connector/${deps.version}`, accept: '*/*' }
  if (deps.adminToken) fixed['x-openclaw-admin-token'] = deps.adminToken
  // A backend without a token takes loopback callers that show they are no foreign web page (its rule S33). Whether it
  // has one is not known here, and a token of ours does not help where it has none (backend-contract, section 1).
  if (isLoopback(base)) fixed['sec-fetch-site'] = 'same-origin'
  if (deps.obsToken) fixed['x-openclaw-obs-token'] = deps.obsToken

  /** Why a call is not even made. */
  function refusedHere(call: Call, options: CallOptions): Failure | null {
    if (options.signal?.aborted) return failed(call, 'unanswered', 'not sent, we are stopping')
    const tenant = options.tenant ?? deps.tenant
    if (deps.tenantHeader === null || tenant === undefined || call.tenantless) return null
    if (tenantGrammar.test(tenant.toLowerCase())) return null
    return failed(call, 'denied', 'not sent, this is no tenant id', { code: 'tenant_invalid' })
  }

  function requestOf(call: Call, options: CallOptions, signal: AbortSignal): [address: string, init: RequestInit] {
    const headers: Record<string, string> = { ...fixed }
    const tenant = (options.tenant ?? deps.tenant)?.toLowerCase()
    if (call.json !== undefined) headers['content-type'] = 'application/json'
    if (deps.tenantHeader !== null && tenant !== undefined && !call.tenantless) headers[deps.tenantHeader] = tenant
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) query.set(name, `${value}`)
    const body = call.json === undefined ? (call.form ?? null) : JSON.stringify(call.json)
    const address = `${root}${call.path}${query.size > 0 ? `?${query}` : ''}`
    return [address, { method: call.method, headers, body, redirect: 'manual', signal }]
  }

  const timeoutOf = (call: Call, options: CallOptions): number =>
    options.timeoutMs ?? call.timeoutMs ?? deps.timeoutMs ?? defaultTimeoutMs

  const note = (failure: Failure): Failure => {
    const { kind, status, code, effect, detail } = failure
    deps.log.debug({ kind, status, code, effect, detail }, 'backend call failed')
    return failure
  }

  async function replyOf(call: Call, response: Response): Promise<Reply | Failure> {
    const { status } = response
    const text = await textWithin(response, call.maxBytes ?? defaultMaxBytes)
    if (text !== null) return { status, json: jsonOf(text), retryAfter: response.headers.get('retry-after') }
    const effect = call.changes ? 'maybe' : 'none'
    return failed(call, 'too_large', `the answer (${status}) is too large`, { status, effect })
  }

  async function exchange(call: Call, options: CallOptions): Promise<Reply | Failure> {
    const leash = createLeash(timeoutOf(call, options), options.signal)
    const request = requestOf(call, options, leash.signal)
    leash.arm()
    try {
      return await replyOf(call, await deps.fetch(...request))
    } catch (error) {
      return failedOnTheWay(call, error, leash.why())
    } finally {
      leash.release()
    }
  }

  async function streamOf(call: Call, response: Response, leash: Leash): Promise<Answer<Response>> {
    const { status } = response
    const maxBytes = call.maxBytes ?? defaultMaxBytes
    if (!response.ok) {
      const reply = await replyOf(call, response)
      return 'ok' in reply ? reply : failedByAnswer(call, reply, deps.now())
    }
    if (Number(response.headers.get('content-length') ?? 0) > maxBytes) {
      await response.body?.cancel()
      return failed(call, 'too_large', `announces more than ${maxBytes} bytes`, { status })
    }
    leash.disarm()
    const headers = new Headers({ 'content-type': response.headers.get('content-type') ?? 'application/octet-stream' })
    const length = response.headers.get('content-encoding') === null ? response.headers.get('content-length') : null
    if (length !== null) headers.set('content-length', length)
    const body = response.body ?? new Blob([]).stream()
    return { ok: true, value: new Response(guarded(body, leash, maxBytes), { status, headers }), status }
  }

  return {
    call: async (call, read, options, judge = (failure) => failure) => {
      const reply = refusedHere(call, options) ?? (await exchange(call, options))
      if ('ok' in reply) return note(reply)
      const { status, json } = reply
      if (status < 200 || status > 299) return note(judge(failedByAnswer(call, reply, deps.now()), json))
      const value = read(json, status)
      if (value !== null) return { ok: true, value, status }
      const effect = call.changes ? 'maybe' : 'none'
      return note(failed(call, 'malformed', `answered ${status} in an unknown shape`, { status, effect }))
    },
    open: async (call, options) => {
      const refusal = refusedHere(call, options)
      if (refusal !== null) return note(refusal)
      const leash = createLeash(timeoutOf(call, options), options.signal)
      const request = requestOf(call, options, leash.signal)
      leash.arm()
      const answer = await deps
        .fetch(...request)
        .then((response) => streamOf(call, response, leash))
        .catch((error: unknown) => failedOnTheWay(call, error, leash.why()))
      if (answer.ok) return answer
      leash.release()
      return note(answer)
    },
  }
}
