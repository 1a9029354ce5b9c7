import type { Failure } from './http.ts'
import { isRecord } from './wire.ts'
import { safeLine } from './wire-text.ts'

/** What came back, before anybody judged it. `json` is undefined when the body was not JSON (or empty). */
export interface Reply {
  readonly status: number
  readonly json: unknown
  readonly retryAfter: string | null
}

/** What is asked, as far as judging the answer needs it. `route` is the path with ids left out, fit for logs. */
export interface Asked {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly route: string
  /** Whether an answer that got lost may have changed something over there. */
  readonly changes: boolean
}

/** Errors of the network that are raised before a request can have been taken. */
const beforeSending = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
])
const tlsTrouble = /^(?:ERR_SSL|ERR_TLS|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

export const failed = (
  asked: Asked,
  kind: Failure['kind'],
  about: string,
  more: Partial<Omit<Failure, 'ok' | 'kind' | 'detail'>> = {},
): Failure => ({
  ok: false,
  kind,
  status: null,
  detail: `${asked.method} ${asked.route}: ${about}`,
  said: null,
  effect: 'none',
  retryAfterMs: null,
  code: null,
  ...more,
})

/** `why`: our own limit or the caller's stop ended it, which the error itself does not tell. */
export function failedOnTheWay(asked: Asked, error: unknown, why: 'timeout' | 'stopped' | null): Failure {
  const lost = { effect: asked.changes ? 'maybe' : 'none' } as const
  if (why === 'timeout') return failed(asked, 'unanswered', 'no answer in time', lost)
  if (why === 'stopped') return failed(asked, 'unanswered', 'stopped while waiting', lost)
  const cause: Record<string, unknown> = isRecord(error) && isRecord(error.cause) ? error.cause : {}
  const code = textOf(cause.code)
  if (beforeSending.has(code) || cause.syscall === 'connect') return failed(asked, 'down', code)
  if (tlsTrouble.test(code)) return failed(asked, 'down', `TLS trouble (${code})`)
  // Fetch itself refuses some port numbers, without a code.
  if (cause.message === 'bad port') return failed(asked, 'down', 'a port no browser may use')
  if (cause.name === 'HTTPParserError' || code.startsWith('HPE_')) {
    return failed(asked, 'malformed', 'the other side does not speak HTTP', lost)
  }
  return failed(asked, 'unanswered', code === '' ? 'the connection broke' : `the connection broke (${code})`, lost)
}

/** The backend says "try again" in a header (seconds or a date) or in its body (seconds). */
function retryAfterMs(reply: Reply, nowMs: number): number | null {
  const body = isRecord(reply.json) ? (reply.json.retry_after_sec ?? reply.json.retry_after) : undefined
  const seconds = reply.retryAfter?.trim() ? Number(reply.retryAfter) : body
  const ms = typeof seconds === 'number' && Number.isFinite(seconds) ? seconds * 1000 : null
  const dateMs = ms ?? Date.parse(reply.retryAfter ?? '') - nowMs
  return Number.isFinite(dateMs) ? Math.min(Math.max(0, Math.ceil(dateMs)), 86_400_000) : null
}

const machineCode = /^[a-z][a-z0-9_]{1,63}$/

/** Two spellings are in use: `{error, code}` and a code in `error` itself. */
function codeOf(json: unknown): string | null {
  if (!isRecord(json)) return null
  return (
    [json.code, json.error].find((word): word is string => typeof word === 'string' && machineCode.test(word)) ?? null
  )
}

function saidIn(json: unknown): string | null {
  if (!isRecord(json)) return null
  const words = isRecord(json.error) ? textOf(json.error.message) : textOf(json.error) || textOf(json.message)
  return safeLine(words, 300) || null
}

const kinds: Readonly<Record<number, Failure['kind']>> = {
  401: 'denied',
  403: 'denied',
  404: 'missing',
  405: 'unsupported',
  408: 'unanswered',
  429: 'limited',
  501: 'unsupported',
  502: 'unanswered',
  504: 'unanswered',
}

/** A refusal of the backend as a Failure. Bodies of handler crashes and unknown routes are text or empty. */
export function failedByAnswer(asked: Asked, reply: Reply, nowMs: number): Failure {
  const { status, json } = reply
  const spoken = isRecord(json)
  const common = { status, said: saidIn(json), code: codeOf(json), retryAfterMs: retryAfterMs(reply, nowMs) }
  const about = `answered ${status}`
  // aiohttp answers an unknown GET with an empty 404 and an unknown POST with a 405 text; handlers answer JSON.
  if (!spoken && (status === 405 || (status === 404 && asked.route.startsWith('/openclaw/')))) {
    return failed(asked, 'unsupported', about, { ...common, code: 'route_missing' })
  }
  if (status >= 300 && status < 400) {
    const elsewhere = status === 301 || status === 307 || status === 308
    const effect = asked.changes && !elsewhere ? 'maybe' : 'none'
    return failed(asked, 'malformed', `${about}, a redirect that is not followed`, { ...common, effect })
  }
  // A proxy's 503 can hide anything; the backend's own comes as JSON, before anything was begun.
  const kind = status === 503 && !spoken ? 'unanswered' : (kinds[status] ?? 'refused')
  const certain = status < 500 ? status !== 408 : status === 501 || (status === 503 && spoken)
  return failed(asked, kind, about, { ...common, effect: asked.changes && !certain ? 'maybe' : 'none' })
}
