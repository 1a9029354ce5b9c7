import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Blobs, type BlobsOptions, openBlobs } from '../../src/media/blobs.ts'
import { keepingLog } from '../kit/deps.ts'

export const newId = (): string => randomBytes(16).toString('hex')

export const tempDir = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'media-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

export const openIn = (dir: string, over: Partial<BlobsOptions> = {}): Promise<Blobs> =>
  openBlobs({ dir, maxTotalBytes: 10_000_000, now: Date.now, newId, log: keepingLog(), ...over })

export const streamOf = (...chunks: readonly (Uint8Array | string)[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
      controller.close()
    },
  })

/** Puts something and returns its id. */
export const kept = async (blobs: Blobs, content: Uint8Array | string, name = 'fox'): Promise<string> => {
  const put = await blobs.put(streamOf(content), { name, maxBytes: 1_000_000 })
  if (!put.ok) throw new Error(put.why)
  return put.blob.id
}
