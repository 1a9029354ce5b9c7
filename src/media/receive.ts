import { type FileHandle, open } from 'node:fs/promises'
import { headBytes } from './inspect.ts'

/** A body as it comes in: a web stream or anything that gives chunks. */
export type ByteStream = AsyncIterable<Uint8Array>

export type Received =
  | { readonly ok: true; readonly bytes: number; readonly head: Uint8Array }
  | { readonly ok: false; readonly why: 'too_large' | 'full' | 'interrupted'; readonly error?: string }

export interface ReceiveOptions {
  readonly maxBytes: number
  /** Asks for room for so many further bytes. */
  readonly reserve: (bytes: number) => boolean
  readonly createdMs: number
}

/** Writes a stream into a new file, chunk by chunk, and syncs it. What was written of a failed one is left to the
 *  caller. The stream is cancelled when it is not read to its end. */
export const receive = async (source: ByteStream | null, path: string, options: ReceiveOptions): Promise<Received> => {
  const reader = source?.[Symbol.asyncIterator]() ?? null
  const handle = await open(path, 'wx', 0o600).catch(async (error: unknown) => {
    if (reader) await stop(reader)
    throw error
  })
  try {
    const received = await copy(reader, handle, options)
    if (!received.ok) return received
    // The file's own time tells its age after a restart, by the same clock as everything else.
    await handle.utimes(options.createdMs / 1000, options.createdMs / 1000)
    await handle.sync()
    return received
  } finally {
    await handle.close()
  }
}

/** Ends a transfer. That it can fail as well is of no interest: nothing more is wanted from it. */
const stop = async (reader: AsyncIterator<Uint8Array>): Promise<void> => {
  await Promise.resolve(reader.return?.()).catch(() => undefined)
}

const copy = async (
  reader: AsyncIterator<Uint8Array> | null,
  handle: FileHandle,
  { maxBytes, reserve }: ReceiveOptions,
): Promise<Received> => {
  const head: Uint8Array[] = []
  let bytes = 0
  if (reader === null) return { ok: true, bytes, head: new Uint8Array() }
  let isOpen = true
  try {
    for (;;) {
      const next = await reader.next().catch((error: unknown) => String(error))
      isOpen = typeof next !== 'string' && next.done !== true
      if (typeof next === 'string') return { ok: false, why: 'interrupted', error: next }
      if (next.done) return { ok: true, bytes, head: Buffer.concat(head) }
      const chunk = next.value
      if (bytes + chunk.length > maxBytes) return { ok: false, why: 'too_large' }
      if (!reserve(chunk.length)) return { ok: false, why: 'full' }
      if (bytes < headBytes) head.push(new Uint8Array(chunk.subarray(0, headBytes - bytes)))
      bytes += chunk.length
      await handle.appendFile(chunk)
    }
  } finally {
    if (isOpen) await stop(reader)
  }
}

export const isDiskFull = (error: unknown): boolean => {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'ENOSPC' || code === 'EDQUOT'
}
