// A file of its own so that the SDK and the tokens stay behind one door.
import { trustedUrl } from '../kit/hosts.ts'
import { networkFault, readText, redactor, retryAfterMs, withDeadline } from '../kit/http.ts'
import { SlackError } from './errors.ts'

export type Method =
  | 'auth.test'
  | 'apps.connections.open'
  | 'chat.postMessage'
  | 'chat.postEphemeral'
  | 'chat.update'
  | 'conversations.open'
  | 'conversations.history'
  | 'conversations.replies'
  | 'files.getUploadURLExternal'
  | 'files.completeUploadExternal'
  | 'files.info'
  | 'oauth.v2.access'
  | 'views.publish'

export interface ApiCall {
  readonly method: Method
  readonly args?: Readonly<Record<string, unknown>>
  readonly token?: string
  /** Whose limit it counts against. */
  readonly workspace?: string
  readonly timeoutMs?: number
}

export interface SlackClient {
  /** One API call, never repeated. Throws SlackError, whose message holds no secret. */
  readonly call: (call: ApiCall, signal: AbortSignal) => Promise<unknown>
  /** A request to another of Slack's hosts (files, one-time addresses); throws when the host is none of them. The
   *  body of the answer is unread. */
  readonly request: (what: string, url: string, init: RequestInit, signal: AbortSignal) => Promise<Response>
}

export interface ClientSettings {
  /** `https://slack.com/api`, without a slash at the end. */
  readonly apiBase: string
  readonly fetch: typeof fetch
  readonly now: () => number
  /** Never to be seen in a message. */
  readonly secrets: readonly string[]
}

/** The shapes of @slack/web-api 8.2 we use. */
interface WebApi {
  readonly WebClient: new (
    token: string | undefined,
    options: Readonly<Record<string, unknown>>,
  ) => { readonly apiCall: (method: string, args?: object) => Promise<unknown> }
}

const callMs = 15_000
const maxAnswerBytes = 2 * 1024 * 1024
const word = /^[a-z0-9_]{1,80}$/

const ignore = (): void => {}
const silent = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  setLevel: ignore,
  getLevel: () => 'error',
  setName: ignore,
}

interface Seen {
  readonly status: number
  readonly retryAfterMs: number | null
}

const dataOf = (error: unknown): Readonly<Record<string, unknown>> => {
  const { data, body } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>
  const found = data ?? body
  return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : {}
}

/** Slack's other hosts are neighbours of the API's: `files.slack.com`, `hooks.slack.com` (and so on slack-gov.com). A
 *  proxy serves them itself. */
const neighbourUrl = (text: string, apiBase: string): URL | null => {
  const base = URL.parse(apiBase)
  const neighbours = base?.protocol === 'https:' ? [`files.${base.hostname}`, `hooks.${base.hostname}`] : []
  return trustedUrl(text, (host) => neighbours.includes(host), apiBase)
}

export const openClient = (settings: ClientSettings): SlackClient => {
  const { apiBase, fetch, now } = settings
  const redact = redactor(settings.secrets)
  /** Until when a method is refused in a workspace: Slack counts each pair by itself (facts/slack §7). */
  const limited = new Map<string, number>()
  let loading: Promise<WebApi> | null = null

  // A client for each call: its options hold the token, and its fetch this call's signal. None of its own retries,
  // which repeat posts, and no waiting inside (facts/sdk §2).
  const run = async ({ method, args, token }: ApiCall, signal: AbortSignal, saw: (seen: Seen) => void) => {
    loading ??= import('@slack/web-api') as unknown as Promise<WebApi>
    const { WebClient } = await loading
    const send: typeof globalThis.fetch = async (input, init) => {
      const response = await fetch(input, { ...init, redirect: 'manual', signal })
      const text = await readText(response, maxAnswerBytes)
      const { status, headers } = response
      saw({ status, retryAfterMs: retryAfterMs(headers.get('retry-after'), now()) })
      const kept = ['retry-after', 'x-oauth-scopes'].map((name) => [name, headers.get(name) ?? ''] as const)
      return new Response(text === '' ? null : text, { status, headers: Object.fromEntries(kept) })
    }
    const client = new WebClient(token, {
      slackApiUrl: `${apiBase}/`,
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      allowAbsoluteUrls: false,
      logger: silent,
      fetch: send,
    })
    return client.apiCall(method, { ...args })
  }

  const told = (method: Method, error: unknown, seen: Seen | null): SlackError => {
    if (seen === null) {
      const { code, delivered } = networkFault(error)
      return new SlackError(method, { words: `network trouble (${code})`, delivered })
    }
    const { status, retryAfterMs: afterMs } = seen
    const { error: said, needed, provided } = dataOf(error)
    const known = typeof said === 'string' && word.test(said) ? said : null
    const scopes = [needed, provided].filter((one) => typeof one === 'string').join(' of ')
    const words = known === null ? `${status} without a reason` : scopes === '' ? known : `${known} (${scopes})`
    const code = status === 429 ? 'ratelimited' : status === 200 ? known : null
    // Taken, as the status says, but by whom? What it did is not known then.
    const delivered = status === 200 && known === null ? 'maybe' : 'no'
    return new SlackError(method, { words: redact(words), code, status, retryAfterMs: afterMs, delivered })
  }

  const call: SlackClient['call'] = async (request, signal) => {
    const { method, workspace = '', timeoutMs = callMs } = request
    if (signal.aborted) throw new SlackError(method, { words: 'stopped before it was sent' })
    const pair = `${workspace} ${method}`
    const waitMs = (limited.get(pair) ?? 0) - now()
    if (waitMs > 0) {
      const words = 'still limited from an earlier call'
      throw new SlackError(method, { words, code: 'ratelimited', retryAfterMs: waitMs })
    }
    let seen: Seen | null = null
    let deadline = signal
    try {
      return await withDeadline(signal, timeoutMs, (both) => {
        deadline = both
        return run(request, both, (one) => {
          seen = one
        })
      })
    } catch (error) {
      if (deadline.aborted && seen === null) {
        const words = signal.aborted ? 'stopped' : `no answer within ${timeoutMs} ms`
        throw new SlackError(method, { words, delivered: 'maybe' })
      }
      const failure = told(method, error, seen)
      // Posts are limited by channel, and the core waits for the channel.
      if (failure.code === 'ratelimited' && !method.startsWith('chat.post')) {
        if (limited.size > 1000) limited.clear()
        limited.set(pair, now() + (failure.retryAfterMs ?? 1000))
      }
      throw failure
    }
  }

  const request: SlackClient['request'] = async (what, text, init, signal) => {
    const url = neighbourUrl(text, apiBase)
    if (url === null) throw new SlackError(what, { words: 'the address is not one of Slack', code: 'foreign_address' })
    try {
      const response = await fetch(url, { ...init, redirect: 'manual', signal })
      // A new Response, because the original one remembers its URL, and a key is in it.
      return new Response(response.body, { status: response.status, headers: response.headers })
    } catch (error) {
      const { code, delivered } = networkFault(error)
      throw new SlackError(what, {
        words: `network trouble (${code})`,
        delivered: signal.aborted ? 'maybe' : delivered,
      })
    }
  }

  return { call, request }
}
