// A file of its own so that app secret and tenant token stay behind one door.
import * as v from 'valibot'
import { networkFault, readText, redactor, retryAfterMs, withDeadline } from '../kit/http.ts'
import type { Binding } from './bindings.ts'
import { FeishuError, isToken } from './errors.ts'
import { makeTokens, type Tokens, withToken } from './token.ts'
import { type ClientConfig, endpoint, failure, tenantToken } from './wire.ts'

export interface FeishuCall {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT'
  /** Below `/open-apis`, with its query. */
  readonly path: string
  readonly json?: object
  readonly form?: () => FormData
}

export interface Client {
  /** One API call with the tenant token. A token that is refused is renewed once, and the call repeated as it stands.
   *  Throws FeishuError, whose message holds no secret. */
  readonly call: (call: FeishuCall, signal: AbortSignal, timeoutMs: number) => Promise<unknown>
  /** A body that is no JSON, following no redirect. The caller bounds it. */
  readonly file: (path: string, signal: AbortSignal) => Promise<Response>
  /** Whether the credentials give a token. */
  readonly check: (signal: AbortSignal) => Promise<void>
  /** An address for one long connection. It is a secret. */
  readonly endpoint: (signal: AbortSignal) => Promise<{ readonly url: string; readonly config: ClientConfig }>
}

const maxAnswerBytes = 1024 * 1024
const askMs = 15_000
const jsonType = { 'content-type': 'application/json; charset=utf-8' }

interface Ask {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | FormData
}

type Keys = Pick<Binding, 'appId' | 'appSecret' | 'origin' | 'verificationToken' | 'encryptKey'>
interface ClientDeps {
  readonly fetch: typeof globalThis.fetch
  readonly now: () => number
}

/** One request, never repeated; what is asked with, the caller puts in. */
const openDoor = (binding: Keys, { fetch, now }: ClientDeps) => {
  const { appSecret } = binding
  const redact = redactor([appSecret, binding.verificationToken ?? '', binding.encryptKey ?? ''])

  const refused = (response: Response, text: string): FeishuError => {
    const read = v.safeParse(v.pipe(v.string(), v.parseJson(), failure), text)
    const { code, msg } = read.success ? read.output : { code: null, msg: undefined }
    const logId = response.headers.get('x-tt-logid')?.slice(0, 80)
    const words = `${msg || 'no readable answer'}${logId ? ` (log id ${logId})` : ''}`
    const wait = response.headers.get('x-ogw-ratelimit-reset') ?? response.headers.get('retry-after')
    return new FeishuError({
      status: response.status,
      code: code === 0 ? null : code,
      // Tokens begin so; nothing of ours does.
      words: redact(words)
        .replaceAll(/\b[at]-[\w-]{8,}/g, '[token]')
        .slice(0, 500),
      retryAfterMs: retryAfterMs(wait, now()),
    })
  }

  const ask = async ({ method, url, headers, body }: Ask, signal: AbortSignal, timeoutMs: number): Promise<unknown> => {
    if (signal.aborted) throw new FeishuError({ words: 'stopped before it was sent' })
    try {
      return await withDeadline(signal, timeoutMs, async (both) => {
        const init = { method, headers, redirect: 'manual' as const, signal: both }
        const response = await fetch(url, body === undefined ? init : { ...init, body })
        const text = await readText(response, maxAnswerBytes)
        const read = v.safeParse(v.pipe(v.string(), v.parseJson(), failure), text)
        // The code decides: many refusals come with HTTP 200.
        if (!response.ok || (read.success && read.output.code !== 0)) throw refused(response, text)
        // Taken, as the status says, but by whom? What it did is not known then.
        if (!read.success) throw new FeishuError({ words: `${response.status} without JSON`, delivered: 'maybe' })
        return JSON.parse(text) as unknown
      })
    } catch (error) {
      if (error instanceof FeishuError) throw error
      if (signal.aborted) throw new FeishuError({ words: 'stopped', delivered: 'maybe' })
      const { code, delivered } = networkFault(error)
      throw new FeishuError({ words: `network trouble (${code})`, delivered })
    }
  }

  return { ask, refused }
}

/** Asks for a token, with what stands in the body. Nothing is shown by that, so no failure of it leaves a doubt. */
export type AskToken = (path: string, json: object, signal: AbortSignal) => Promise<unknown>
export const openAskToken = (binding: Keys, deps: ClientDeps): AskToken => {
  const { ask } = openDoor(binding, deps)
  return (path, json, signal) => {
    const url = `${binding.origin}/open-apis/auth/v3${path}`
    return ask({ method: 'POST', url, headers: jsonType, body: JSON.stringify(json) }, signal, askMs).catch(certain)
  }
}

/** What an answer of either kind of app gives. */
export const tokenIn = (answer: unknown): { readonly token: string; readonly lifeMs: number } => {
  const read = v.safeParse(tenantToken, answer)
  if (!read.success) throw new FeishuError({ words: 'no tenant token in the answer' })
  return { token: read.output.tenant_access_token, lifeMs: read.output.expire * 1000 }
}

/** The one token of a custom app. */
const ownTokens = (binding: Keys, deps: ClientDeps): Tokens => {
  const askToken = openAskToken(binding, deps)
  const keys = { app_id: binding.appId, app_secret: binding.appSecret }
  return makeTokens({
    now: deps.now,
    fetchToken: async (signal) => tokenIn(await askToken('/tenant_access_token/internal', keys, signal)),
  })
}

export const openClient = (binding: Keys, deps: ClientDeps, tokens = ownTokens(binding, deps)): Client => {
  const { appId, appSecret, origin } = binding
  const { fetch } = deps
  const { ask, refused } = openDoor(binding, deps)

  const call: Client['call'] = async ({ method, path, json, form }, signal, timeoutMs) => {
    const once = (token: string): Promise<unknown> => {
      const url = `${origin}/open-apis${path}`
      const authorization = { authorization: `Bearer ${token}` }
      if (json === undefined && form === undefined)
        return ask({ method, url, headers: authorization }, signal, timeoutMs)
      return form === undefined
        ? ask(
            { method, url, headers: { ...jsonType, ...authorization }, body: JSON.stringify(json) },
            signal,
            timeoutMs,
          )
        : ask({ method, url, headers: authorization, body: form() }, signal, timeoutMs)
    }
    return withToken(tokens, isToken, signal, once)
  }

  const file: Client['file'] = async (path, signal) => {
    const once = async (token: string): Promise<Response> => {
      const response = await fetch(`${origin}/open-apis${path}`, {
        headers: { authorization: `Bearer ${token}` },
        redirect: 'manual',
        signal,
      }).catch((error: unknown) => {
        throw new FeishuError({ words: `network trouble (${networkFault(error).code})` })
      })
      // JSON alone says nothing: a workflow that somebody sent is JSON too.
      if (response.ok) return new Response(response.body, { headers: response.headers })
      throw refused(response, await readText(response, maxAnswerBytes))
    }
    return withToken(tokens, isToken, signal, once)
  }

  return {
    call,
    file,
    check: async (signal) => void (await tokens.get(signal)),
    endpoint: async (signal) => {
      const url = `${origin}/callback/ws/endpoint`
      const body = JSON.stringify({ AppID: appId, AppSecret: appSecret })
      const answer = await ask({ method: 'POST', url, headers: { ...jsonType, locale: 'zh' }, body }, signal, askMs)
      const read = v.safeParse(endpoint, answer)
      if (!read.success) throw new FeishuError({ words: 'no address for the long connection in the answer' })
      return { url: read.output.data.URL, config: read.output.data.ClientConfig }
    },
  }
}

const certain = (error: unknown): never => {
  if (!(error instanceof FeishuError)) throw error
  const { words, status, code, retryAfterMs: wait } = error
  throw new FeishuError({ words, status, code, retryAfterMs: wait })
}
