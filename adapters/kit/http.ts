import { SendError } from '../../src/contract/index.ts'

/** What went wrong below HTTP, in a word fit for a log, and whether the request can have reached the other side. */
export interface NetworkFault {
  readonly code: string
  readonly delivered: 'no' | 'maybe'
}

/** Failures of resolving, connecting or of our own body: the other side never held a complete request.
 *  (Codes of Node's errors documentation and of undici's errors.) */
const neverArrived = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'NotReadableError',
])

/** Reads the chain of causes. Only codes and names come out: messages of fetch errors may hold a URL with a secret. */
export function networkFault(error: unknown): NetworkFault {
  let code: string | null = null
  let name = 'unknown'
  let at: unknown = error
  for (let depth = 0; depth < 8 && typeof at === 'object' && at !== null; depth++) {
    const { code: ownCode, name: ownName, syscall, cause, errors, error: wrapped } = at as Record<string, unknown>
    if (typeof ownCode === 'string') code = ownCode
    if (typeof ownName === 'string') name = ownName
    if (neverArrived.has(code ?? name) || syscall === 'connect' || syscall === 'getaddrinfo')
      return { code: code ?? name, delivered: 'no' }
    // Several addresses were tried: any of the errors tells. grammY wraps in `error`.
    at = cause ?? (Array.isArray(errors) ? errors[0] : undefined) ?? wrapped
  }
  return { code: code ?? name, delivered: 'maybe' }
}

/** Runs `work` with a signal that also fires after `ms`; leaves no timer behind. */
export async function withDeadline<T>(
  signal: AbortSignal,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const both = new AbortController()
  const stop = () => both.abort(signal.reason)
  const timer = setTimeout(() => both.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError')), ms)
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  try {
    return await work(both.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

/** The body as text, cut off with an error behind `maxBytes`. */
export async function readText(response: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    // Leaving the loop cancels the stream, so nothing more is read.
    if (bytes > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** `Retry-After` as milliseconds from now (RFC 9110 §10.2.3: seconds, by some with a fraction, or a date); null when
 *  absent or unreadable. */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  const text = header?.trim() ?? ''
  if (/^\d{1,9}(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000)
  // Dates have a month by name; without one, numbers of any kind would be read as some.
  const date = /[a-z]{3}/i.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs)
}

/** What an HTTP status means where the platform says nothing more exact. */
export function statusError(about: string, status: number, afterMs: number | null): SendError {
  if (status === 429) return new SendError('rate_limited', about, { retryAfterMs: afterMs })
  // 503 says that the request was not handled (RFC 9110 §15.6.4); the other 5xx may come after it was.
  if (status === 503) return new SendError('unavailable', about, { retryAfterMs: afterMs })
  if (status === 408 || status >= 500)
    return new SendError('unavailable', about, { delivered: 'maybe', retryAfterMs: afterMs })
  if (status === 401) return new SendError('auth', about)
  if (status === 413 || status === 415) return new SendError('media_rejected', about)
  // A redirect is never followed: our credentials belong to the configured host only.
  if (status >= 300 && status < 400) return new SendError('unavailable', about)
  return new SendError('rejected', about)
}

/** A failed fetch of what a person sent: what may pass keeps its code, all else is said as refused. */
export const fetchError = ({ code, message }: SendError): SendError =>
  new SendError(code === 'unavailable' || code === 'rate_limited' || code === 'auth' ? code : 'rejected', message)

/** Takes secrets out of texts that come from elsewhere. */
export const redactor =
  (secrets: readonly string[]) =>
  (text: string): string =>
    secrets
      .filter((secret) => secret !== '')
      .flatMap((secret) => [secret, encodeURIComponent(secret)])
      .reduce((clean, secret) => clean.replaceAll(secret, '[secret]'), text)
