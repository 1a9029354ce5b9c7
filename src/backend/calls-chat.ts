import * as v from 'valibot'
import type { Answer, CallOptions, Failure, Http } from './http.ts'
import { clipped, isRecord, take } from './wire.ts'

export interface ChatRequest {
  readonly system?: string
  readonly userMessage: string
  readonly temperature?: number
  readonly maxTokens?: number
}

/** The backend retries inside (a provider's 429 took 14 s to come back) and gives its provider 120 s. */
const chatTimeoutMs = 150_000

/**
 * The language model's provider passes its status through, so its 401 looks like ours. Only provider errors name the
 * `provider`. Codes: `provider_auth`, `provider_limited`, `provider_unavailable`, `provider_error` and
 * `llm_not_configured`; everything else is the backend's own.
 */
function judgeChat(failure: Failure, json: unknown): Failure {
  if (!isRecord(json)) return failure
  const status = typeof json.status_code === 'number' ? json.status_code : failure.status
  if (typeof json.provider === 'string' || typeof json.status_code === 'number') {
    if (status === 401 || status === 403) return { ...failure, kind: 'refused', code: 'provider_auth' }
    if (status === 429) return { ...failure, kind: 'limited', code: 'provider_limited' }
    const code = status !== null && status >= 500 ? 'provider_unavailable' : 'provider_error'
    return { ...failure, kind: 'refused', code }
  }
  if (failure.status === 400 && /not configured|api key|base.?url|provider/i.test(failure.said ?? '')) {
    return { ...failure, code: 'llm_not_configured' }
  }
  return failure
}

const chatAnswer = v.object({ ok: v.optional(v.literal(true)), text: clipped(200_000) })

export function chatCalls(http: Http) {
  const route = '/openclaw/llm/chat'
  return {
    /** The model's text, which may be empty. Stateless; counts against the 20 a minute. */
    chat: (request: ChatRequest, options: CallOptions = {}): Promise<Answer<string>> => {
      const json = {
        ...(request.system === undefined ? {} : { system: request.system }),
        user_message: request.userMessage,
        temperature: request.temperature ?? 0.7,
        max_tokens: request.maxTokens ?? 1024,
      }
      const call = { method: 'POST', route, path: route, changes: false, timeoutMs: chatTimeoutMs, json } as const
      return http.call(call, (body) => take(chatAnswer, body)?.text ?? null, options, judgeChat)
    },
  }
}
