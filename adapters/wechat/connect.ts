import { SendError } from '../../src/contract/index.ts'
import { networkFault, readText, redactor, retryAfterMs, statusError, withDeadline } from '../kit/http.ts'
import { beforeShowing, tokenCodes, WechatError } from './errors.ts'
import { makeTokens } from './token.ts'
import { type ApiAnswer, readAnswer, readToken } from './wire.ts'

export interface Client {
  /** One API call with the access token, repeated once with a fresh one when it is refused. Throws WechatError for an
   *  error code, SendError for everything below. */
  readonly call: (path: string, body: object | FormData, signal: AbortSignal, timeoutMs: number) => Promise<ApiAnswer>
  /** A file by its media id; the caller bounds and reads the body. */
  readonly file: (mediaId: string, signal: AbortSignal) => Promise<Response>
  /** How far our clock is ahead of Tencent's, by the last answer; null before the first. */
  readonly clockAheadMs: () => number | null
}

export interface ClientDeps {
  readonly apiBase: string
  readonly appId: string
  readonly appSecret: string
  readonly fetch: typeof fetch
  readonly now: () => number
}

const maxAnswerBytes = 65_536
const fileMs = 30_000

/** Files come as what they are, errors as JSON or text. */
const isWords = (response: Response): boolean =>
  /^\s*(?:application\/json|text\/)/i.test(response.headers.get('content-type') ?? '')

/** HTTP to api.weixin.qq.com. The token is in every URL and the secret in token requests, so neither URLs nor what
 *  fetch throws get out of here. */
export const openClient = ({ apiBase, appId, appSecret, fetch, now }: ClientDeps): Client => {
  let aheadMs: number | null = null

  const request = async (call: string, url: string, init: RequestInit, signal: AbortSignal): Promise<Response> => {
    if (signal.aborted) throw new SendError('unavailable', 'stopped before it was sent')
    const response = await fetch(url, { ...init, redirect: 'manual', signal }).catch((error: unknown) => {
      const { code, delivered } = networkFault(error)
      throw new SendError('unavailable', `WeChat ${call}: network trouble (${code})`, { delivered })
    })
    const date = Date.parse(response.headers.get('date') ?? '')
    if (!Number.isNaN(date)) aheadMs = now() - date
    if (response.ok) return response
    await response.body?.cancel()
    const afterMs = retryAfterMs(response.headers.get('retry-after'), now())
    throw statusError(`WeChat ${call}: HTTP ${response.status}`, response.status, afterMs)
  }

  const answerOf = async (call: string, response: Response): Promise<ApiAnswer> => {
    const text = await readText(response, maxAnswerBytes).catch((error: unknown) => {
      const { code } = networkFault(error)
      throw new SendError('unavailable', `WeChat ${call}: the answer broke off (${code})`, { delivered: 'maybe' })
    })
    const answer = readAnswer(text)
    if (answer === null)
      throw new SendError('unavailable', `WeChat ${call}: not an answer of the API`, { delivered: 'maybe' })
    return answer
  }

  const post = (body: object | FormData): RequestInit =>
    body instanceof FormData
      ? { method: 'POST', body }
      : { method: 'POST', headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(body) }

  const tokens = makeTokens({
    now,
    fetchToken: async (force, signal) => {
      const body = { grant_type: 'client_credential', appid: appId, secret: appSecret, force_refresh: force }
      const answer = await answerOf(
        'stable_token',
        await request('stable_token', `${apiBase}/cgi-bin/stable_token`, post(body), signal),
      )
      const read = readToken(answer)
      if (read !== null) return read
      throw new WechatError('stable_token', answer.errcode, redactor([appSecret])(answer.errmsg))
    },
  })

  /** Runs the call; once more when the token was refused. Null from `work`: refused. */
  const withToken = async <T>(signal: AbortSignal, work: (token: string) => Promise<T | WechatError>): Promise<T> => {
    for (const isLast of [false, true]) {
      const token = await tokens.get(signal).catch((error: unknown) => {
        throw beforeShowing(error)
      })
      const result = await work(token)
      if (!(result instanceof WechatError)) return result
      if (tokenCodes.has(result.errcode)) tokens.drop(token)
      if (isLast || !tokenCodes.has(result.errcode)) throw result
    }
    throw new Error('unreachable')
  }

  const told = (call: string, { errcode, errmsg }: ApiAnswer, token: string): WechatError =>
    new WechatError(call, errcode, redactor([token, appSecret])(errmsg))

  const urlOf = (path: string, token: string): string =>
    `${apiBase}${path}${path.includes('?') ? '&' : '?'}access_token=${encodeURIComponent(token)}`

  return {
    call: (path, body, signal, timeoutMs) => {
      const call = path.split('?', 1)[0]?.replace('/cgi-bin/', '') ?? ''
      return withToken(signal, async (token) => {
        const answer = await withDeadline(signal, timeoutMs, async (both) =>
          answerOf(call, await request(call, urlOf(path, token), post(body), both)),
        )
        return answer.errcode === 0 ? answer : told(call, answer, token)
      })
    },
    file: (mediaId, signal) =>
      withToken(signal, async (token) => {
        const both = AbortSignal.any([signal, AbortSignal.timeout(fileMs)])
        const path = `/cgi-bin/media/get?media_id=${encodeURIComponent(mediaId)}`
        const response = await request('media/get', urlOf(path, token), {}, both)
        if (isWords(response)) return told('media/get', await answerOf('media/get', response), token)
        // A new one, because the original remembers its URL, and the token is in it.
        return new Response(response.body, { headers: response.headers })
      }),
    clockAheadMs: () => aheadMs,
  }
}
