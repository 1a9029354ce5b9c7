import { openAsBlob } from 'node:fs'
import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log, MediaKind } from '../contract/index.ts'
import { blobFile, isBlobId, readBlobFile, unfinishedName } from './blob-names.ts'
import { inspect } from './inspect.ts'
import type { ByteRange } from './range.ts'
import { readFileRange } from './read.ts'
import { type ByteStream, isDiskFull, receive } from './receive.ts'
import { bytesOf, type Entry, type StoredBlob, sizeOf, syncDirectory, takeStock } from './stock.ts'

/** What was found out about bytes that were just kept. */
export interface BlobInfo {
  readonly id: string
  readonly kind: MediaKind
  readonly mime: string
  readonly bytes: number
  readonly width?: number
  readonly height?: number
  readonly animated?: boolean
}

export type PutResult =
  | { readonly ok: true; readonly blob: BlobInfo }
  | { readonly ok: false; readonly why: 'too_large' | 'full' | 'interrupted' }

export interface PutOptions {
  /** As the sender calls it; only letters, digits, `-` and `_` of it are kept. */
  readonly name: string
  /** What the sender says it is. The bytes decide; this is only written to the log. */
  readonly mimeHint?: string | null
  readonly maxBytes: number
}

export interface SweepOptions {
  readonly keep: (id: string) => boolean
  /** Younger files stay, so that what was just put can find its row. */
  readonly olderThanMs: number
}

export interface Blobs {
  /** Reads the stream into a file. On disk, whole and synced, when it resolves with `ok`. Null: an empty body. */
  readonly put: (source: ByteStream | null, options: PutOptions) => Promise<PutResult>
  /** The bytes, read from disk as they are needed. Rejects when there is no such blob. */
  readonly open: (id: string) => Promise<Blob>
  /** A range of the bytes as a stream, to be read to its end or cancelled. Null when there is no such blob. */
  readonly read: (id: string, range: ByteRange) => Promise<ReadableStream<Uint8Array> | null>
  readonly stat: (id: string) => StoredBlob | null
  readonly remove: (ids: Iterable<string>) => Promise<void>
  readonly sweep: (options: SweepOptions) => Promise<{ readonly removed: number; readonly bytes: number }>
  readonly usage: () => { readonly files: number; readonly bytes: number; readonly maxBytes: number }
}

export interface BlobsOptions {
  /** Ours; created with mode 0700. Files in it that don't bear our names are never touched. */
  readonly dir: string
  readonly maxTotalBytes: number
  readonly now: () => number
  /** 128 random bits as 32 hex digits. */
  readonly newId: () => string
  readonly log: Log
}

/** Opens the store: takes stock of what it holds and removes writes that never ended. One process at a time. */
export const openBlobs = async ({ dir, maxTotalBytes, now, newId, log }: BlobsOptions): Promise<Blobs> => {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await chmod(dir, 0o700)
  const entries = await takeStock(dir)
  let total = bytesOf(entries.values())

  /** Takes room while bytes come in, so that parallel writes together stay below the limit. */
  const reserve = (bytes: number): boolean => {
    if (total + bytes > maxTotalBytes) return false
    total += bytes
    return true
  }

  const put: Blobs['put'] = async (source, { name, mimeHint, maxBytes }) => {
    const id = newId()
    if (!isBlobId(id)) throw new Error('a blob id is 32 hex digits')
    const part = join(dir, unfinishedName(id))
    let reserved = 0
    const take = (bytes: number): boolean => {
      if (!reserve(bytes)) return false
      reserved += bytes
      return true
    }
    try {
      const createdMs = now()
      const got = await receive(source, part, { maxBytes, reserve: take, createdMs })
      if (!got.ok) {
        log.info({ why: got.why, mimeHint, error: got.error }, 'file not kept')
        await rm(part, { force: true })
        total -= reserved
        return { ok: false, why: got.why }
      }
      const { format, ...looks } = inspect(got.head, name)
      const file = blobFile(id, name, format)
      await rename(part, join(dir, file))
      await syncDirectory(dir)
      entries.set(id, { id, name: readBlobFile(file)?.name ?? file, format, bytes: got.bytes, createdMs, file })
      return { ok: true, blob: { id, kind: format.kind, mime: format.mime, bytes: got.bytes, ...looks } }
    } catch (error) {
      await rm(part, { force: true })
      total -= reserved
      if (!isDiskFull(error)) throw error
      log.warn({ mimeHint, error: String(error) }, 'file not kept: the disk is full')
      return { ok: false, why: 'full' }
    }
  }

  // Only who takes the entry out gives back its room: two removals may overlap.
  const forget = ({ id, bytes }: Entry): void => {
    if (entries.delete(id)) total -= bytes
  }

  const removeOne = async (id: string): Promise<void> => {
    const entry = entries.get(id)
    if (!entry) return
    await rm(join(dir, entry.file), { force: true })
    forget(entry)
  }

  /** Null when it is not known, and when it is not there: somebody else took the file away. */
  const found = async (id: string): Promise<Entry | null> => {
    const entry = entries.get(id)
    if (!entry) return null
    const size = await sizeOf(join(dir, entry.file))
    if (size === entry.bytes) return entry
    if (size === null) forget(entry)
    return null
  }

  return {
    put,
    open: async (id) => {
      const entry = await found(id)
      if (!entry) throw new Error('this file is no longer kept')
      return openAsBlob(join(dir, entry.file), { type: entry.format.mime })
    },
    read: async (id, range) => {
      const entry = await found(id)
      return entry && readFileRange(join(dir, entry.file), range)
    },
    stat: (id) => entries.get(id) ?? null,
    remove: async (ids) => {
      for (const id of ids) await removeOne(id)
    },
    sweep: async ({ keep, olderThanMs }) => {
      const before = now() - olderThanMs
      const old = [...entries.values()].filter(({ id, createdMs }) => createdMs < before && !keep(id))
      for (const { id } of old) await removeOne(id)
      return { removed: old.length, bytes: bytesOf(old) }
    },
    usage: () => ({ files: entries.size, bytes: total, maxBytes: maxTotalBytes }),
  }
}
