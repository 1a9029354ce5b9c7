import { SendError } from '../contract/index.ts'
import type { Blobs, PutResult } from './blobs.ts'
import type { ByteStream } from './receive.ts'

/** `gone`: the platform does not hand it out (any more), or could not be reached. `refused`: it hands us nothing, so
 *  only the operator can help. `late`: it took too long. */
export type Fetched =
  | PutResult
  | { readonly ok: false; readonly why: 'gone' | 'refused' | 'late'; readonly error?: string }

export interface FetchOptions {
  readonly name: string
  readonly maxBytes: number
  /** For the whole transfer, from asking to the last byte. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Brings what an adapter's `download` gives into our own folder, chunk by chunk. An announced size that is too large
 *  is refused at once; what really comes is counted all the same. */
export const fetchInto = async (
  blobs: Blobs,
  download: (signal: AbortSignal) => Promise<Response>,
  { name, maxBytes, timeoutMs, signal }: FetchOptions,
): Promise<Fetched> => {
  const time = AbortSignal.timeout(timeoutMs)
  const both = AbortSignal.any([signal, time])
  const lost = (error: unknown): Fetched => {
    const isRefused = error instanceof SendError && error.code === 'auth'
    return { ok: false, why: time.aborted ? 'late' : isRefused ? 'refused' : 'gone', error: String(error) }
  }
  const response = await download(both).catch(lost)
  if ('why' in response || !('body' in response)) return response
  if (!response.ok) {
    await response.body?.cancel()
    return lost(`answered ${response.status}`)
  }
  if (Number(response.headers.get('content-length') ?? 0) > maxBytes) {
    await response.body?.cancel()
    return { ok: false, why: 'too_large' }
  }
  const source = response.body && until(response.body, both)
  const put = await blobs.put(source, { name, mimeHint: response.headers.get('content-type'), maxBytes })
  return !put.ok && put.why === 'interrupted' && time.aborted ? { ok: false, why: 'late' } : put
}

/** The body as long as the signal stands, also where the adapter does not pass the signal on to it. */
async function* until(body: ReadableStream<Uint8Array>, signal: AbortSignal): ByteStream & AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  // That a cancelled transfer can fail as well is of no interest: nothing more is wanted from it.
  const cancel = (): Promise<void> => reader.cancel().catch(() => undefined)
  const stop = (): void => void cancel()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for (;;) {
      const { done, value } = await reader.read()
      // A cancelled reader says "done", as a whole file does.
      signal.throwIfAborted()
      if (done) return
      yield value
    }
  } finally {
    signal.removeEventListener('abort', stop)
    await cancel()
  }
}
