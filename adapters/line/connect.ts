// A small client of our own: the SDK's has no time limit, signal or size limit (and a cut download ends the process).
import { SendError } from '../../src/contract/index.ts'
import { networkFault, readText, withDeadline } from '../kit/http.ts'
import { lostError } from './errors.ts'

export interface LineAnswer {
  readonly status: number
  readonly header: (name: string) => string | null
  /** Parsed JSON, null when there was none. */
  readonly body: unknown
}

export interface Client {
  /** One call of the Messaging API. Any status is an answer; throws SendError when none came. */
  readonly call: (request: ApiCall, signal: AbortSignal) => Promise<LineAnswer>
  /** Asks for the bytes of a message; the caller reads and bounds the body. */
  readonly content: (message: string, signal: AbortSignal) => Promise<Response>
}

export interface ApiCall {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

const callMs = 10_000
const maxAnswerBytes = 256 * 1024

const dataHost = 'https://api-data.line.me'
export const apiHost = 'https://api.line.me'

/** Content lies on a host of its own; who overrides the one host means the other too. */
export const dataBaseOf = (apiBase: string, dataBase: string | undefined): string =>
  dataBase ?? (apiBase === apiHost ? dataHost : apiBase)

export function openClient(settings: {
  readonly accessToken: string
  readonly apiBase: string
  readonly dataBase: string
  readonly fetch: typeof fetch
}): Client {
  const authorization = `Bearer ${settings.accessToken}`

  const call: Client['call'] = async ({ method, path, body, headers, timeoutMs = callMs }, signal) => {
    if (signal.aborted) throw new SendError('unavailable', `LINE ${path}: stopped before it was sent`)
    const init: RequestInit = {
      method,
      redirect: 'manual',
      headers: { authorization, ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    }
    try {
      return await withDeadline(signal, timeoutMs, async (both) => {
        const response = await settings.fetch(settings.apiBase + path, { ...init, signal: both })
        const text = await readText(response, maxAnswerBytes)
        return { status: response.status, header: (name) => response.headers.get(name), body: parsed(text) }
      })
    } catch (error) {
      throw lostError(path, error)
    }
  }

  const content: Client['content'] = (message, signal) =>
    settings
      .fetch(`${settings.dataBase}/v2/bot/message/${encodeURIComponent(message)}/content`, {
        redirect: 'manual',
        headers: { authorization },
        signal,
      })
      .catch((error: unknown) => {
        throw new SendError('unavailable', `LINE content: no answer (${networkFault(error).code})`)
      })

  return { call, content }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
