// A file of its own so that the SDK and the token stay behind one door.
import type { REST } from '@discordjs/rest'
import { networkFault, readText, redactor, withDeadline } from '../kit/http.ts'
import { DiscordError } from './errors.ts'

export interface Upload {
  readonly file: Blob
  readonly name: string
}

export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** Below the version, e.g. `/channels/<id>/messages`. */
  readonly path: `/${string}`
  readonly query?: Readonly<Record<string, string>>
  readonly json?: unknown
  /** Become the parts `files[n]` of a multipart body. */
  readonly files?: readonly Upload[]
  /** Its path holds a token of its own, so the bot's stays away. */
  readonly bare?: boolean
}

export interface Api {
  /** One API call. Throws DiscordError, whose message holds no token. The result is not yet checked. */
  readonly call: (call: ApiCall, signal: AbortSignal, timeoutMs: number) => Promise<unknown>
}

const maxAnswerBytes = 8 * 1024 * 1024
/** Cloudflare shuts out whoever goes on asking after it said no (facts/discord §7). */
const banMs = 10 * 60_000
const banned = { 'retry-after': String(banMs / 1000), 'x-ratelimit-global': 'true', 'x-ratelimit-scope': 'global' }
/** Our own deadlines are shorter; this only stops the SDK's own one. */
const sdkTimeoutMs = 15 * 60_000

export function openApi(settings: {
  readonly token: string
  /** Without the version, without a slash at the end. */
  readonly base: string
  readonly fetch: typeof fetch
}): Api {
  const { token } = settings
  const redact = redactor([token, token.slice(token.indexOf('.') + 1)])
  let loading: Promise<REST> | null = null
  // Loaded at the first call: an adapter that is not configured costs nothing. Its queue keeps the limits of each route;
  // waiting and repeating are the core's work (facts/sdk §2).
  const load = async (): Promise<REST> => {
    const { REST } = await import('@discordjs/rest')
    return new REST({
      api: settings.base,
      version: '10',
      retries: 0,
      offset: 0,
      timeout: sdkTimeoutMs,
      rejectOnRateLimit: () => true,
      // Each interaction has a route of its own, which the SDK would remember for an hour.
      handlerSweepInterval: 60_000,
      makeRequest: bounded(settings.fetch) as never,
    })
  }

  const call: Api['call'] = async (one, signal, timeoutMs) => {
    loading ??= load()
    const rest = await loading
    const about = `${one.method} ${namesOnly(one.path)}`
    if (signal.aborted) throw new DiscordError(about, { words: 'stopped before it was sent' })
    // The SDK forgets the token when it was refused once, and would throw ever after.
    rest.setToken(token)
    let deadline = signal
    try {
      return await withDeadline(signal, timeoutMs, (both) => {
        deadline = both
        return rest.request({
          method: one.method as never,
          fullRoute: one.path,
          ...(one.query ? { query: new URLSearchParams(one.query) } : {}),
          ...(one.files && one.files.length > 0
            ? { body: formOf(one.json, one.files), passThroughBody: true }
            : { body: one.json }),
          auth: one.bare !== true,
          signal: both as never,
        })
      })
    } catch (error) {
      if (!deadline.aborted) throw told(about, error, redact)
      const words = signal.aborted ? 'stopped' : `no answer within ${timeoutMs} ms`
      throw new DiscordError(about, { words, delivered: 'maybe' })
    }
  }
  return { call }
}

const formOf = (json: unknown, files: readonly Upload[]): FormData => {
  const form = new FormData()
  form.set('payload_json', JSON.stringify(json))
  for (const [i, { file, name }] of files.entries()) form.set(`files[${i}]`, file, name)
  return form
}

/** Tokens of interactions stand in paths: only words and ids may be told. */
const namesOnly = (path: string): string => path.replaceAll(/^\/(interactions|webhooks)\/(\d+)\/[^/]+/g, '/$1/$2/…')

/** Answers are bounded and always JSON: what the SDK would take for something else is told by status alone. */
const bounded =
  (send: typeof fetch) =>
  async (url: string, init: RequestInit): Promise<Response> => {
    const { dispatcher: _, ...rest } = init as RequestInit & { dispatcher?: unknown }
    const response = await send(url, { ...rest, redirect: 'manual' })
    const text = await readText(response, maxAnswerBytes)
    const isJson = /^\s*[{[]/.test(text) || /^application\/json/i.test(response.headers.get('content-type') ?? '')
    if (response.status === 429 && isJson) return again(response, 429, text, exactWait(text))
    if (response.status === 204 || isJson) return again(response, response.status, text)
    // Not Discord but what stands in front of it. A 403 or 429 of Cloudflare is a ban for all of us, so as a global
    // limit it stops every route.
    if (response.status === 403 || response.status === 429) return again(response, 429, '{}', banned)
    return again(response, response.status >= 400 ? response.status : 502, '{}')
  }

/** The header counts whole seconds, the body says it exactly. The SDK looks for the global limit in a header alone. */
const exactWait = (text: string): Record<string, string> => {
  const seconds = /"retry_after":\s*"?(\d{1,6}(?:\.\d{1,6})?)/.exec(text)?.[1]
  return {
    ...(seconds === undefined ? {} : { 'retry-after': seconds }),
    ...(/"global":\s*true/.test(text) ? { 'x-ratelimit-global': 'true' } : {}),
  }
}

const again = (response: Response, status: number, text: string, more: Record<string, string> = {}): Response => {
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries({ 'content-type': 'application/json', ...more })) headers.set(name, value)
  // The SDK parses whatever says it is JSON, also nothing.
  if (status === 204) headers.delete('content-type')
  headers.delete('content-length')
  headers.delete('content-encoding')
  return new Response(status === 204 ? null : text, { status, headers })
}

const object = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

/** Reads the SDK's errors by their shape. They hold the URL and what was sent, so nothing else is taken from them. */
function told(about: string, error: unknown, redact: (text: string) => string): DiscordError {
  const { status, code, retryAfter, message } = object(error)
  if (typeof retryAfter === 'number')
    return new DiscordError(about, {
      status: 429,
      words: 'rate limited',
      retryAfterMs: Math.max(0, Math.ceil(retryAfter)),
    })
  if (typeof status === 'number')
    return new DiscordError(about, {
      status,
      code: typeof code === 'number' ? code : null,
      words: typeof code === 'number' ? redact(String(message ?? '')).slice(0, 300) : 'refused',
    })
  const { code: fault, delivered } = networkFault(error)
  return new DiscordError(about, { words: `network trouble (${fault})`, delivered })
}
