/** The backend freezes for as long as this (backend-contract, 0.3): who waits less proves nothing about it. */
const longestFreezeMs = 30_000

/** Ends a request when time is up or the caller stops, and knows afterwards which of both it was. */
export function createLeash(timeoutMs: number, outer: AbortSignal | undefined) {
  const inner = new AbortController()
  let ended: 'timeout' | 'stopped' | null = null
  let timer: NodeJS.Timeout | undefined
  const end = (why: 'timeout' | 'stopped') => {
    ended ??= why
    const silence = why === 'timeout' && timeoutMs > longestFreezeMs
    inner.abort(
      new DOMException(why === 'timeout' ? 'the backend stalled' : 'stopped', silence ? 'TimeoutError' : 'AbortError'),
    )
  }
  const stop = () => end('stopped')
  outer?.addEventListener('abort', stop, { once: true })
  return {
    signal: inner.signal,
    why: () => ended,
    /** Starts the time limit anew. */
    arm: () => {
      clearTimeout(timer)
      timer = setTimeout(() => end('timeout'), timeoutMs)
    },
    disarm: () => clearTimeout(timer),
    /** To be called when the request is over: nothing of it stays behind. */
    release: () => {
      clearTimeout(timer)
      outer?.removeEventListener('abort', stop)
    },
  }
}

export type Leash = ReturnType<typeof createLeash>

/** The text of a body, or null when it is longer than allowed; then the rest is not read. */
export async function textWithin(response: Response, maxBytes: number): Promise<string | null> {
  if (response.body === null) return ''
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let tooLarge = Number(response.headers.get('content-length') ?? 0) > maxBytes
  let text = ''
  let bytes = 0
  while (!tooLarge) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    bytes += value.byteLength
    tooLarge = bytes > maxBytes
    text += decoder.decode(value, { stream: true })
  }
  await reader.cancel()
  return null
}

/** Passes a body on, failing when it stalls or passes `maxBytes`. Only the time spent waiting for the backend counts,
 *  so a slow reader of ours never looks like a stall. */
export function guarded(body: ReadableStream<Uint8Array>, leash: Leash, maxBytes: number): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let bytes = 0
  const next = async () => {
    leash.arm()
    try {
      return await reader.read()
    } catch (error) {
      leash.release()
      throw error
    } finally {
      leash.disarm()
    }
  }
  return new ReadableStream<Uint8Array>(
    {
      pull: async (out) => {
        const { done, value } = await next()
        bytes += value?.byteLength ?? 0
        if (!done && bytes <= maxBytes) return out.enqueue(value)
        leash.release()
        if (done) return out.close()
        await reader.cancel()
        out.error(new Error('the file is larger than allowed'))
      },
      cancel: async (reason) => {
        leash.release()
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
