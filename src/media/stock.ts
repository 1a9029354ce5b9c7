import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isUnfinished, readBlobFile } from './blob-names.ts'
import type { Format } from './formats.ts'

/** What is known of a blob by its file alone, also after a restart. */
export interface StoredBlob {
  readonly id: string
  /** A harmless file name to download it under. */
  readonly name: string
  readonly format: Format
  readonly bytes: number
  readonly createdMs: number
}

/** A blob with the name of its file. */
export interface Entry extends StoredBlob {
  readonly file: string
}

export const bytesOf = (entries: Iterable<Entry>): number => {
  let sum = 0
  for (const { bytes } of entries) sum += bytes
  return sum
}

/** Every blob in the folder; removes writes that never ended. Other files are passed over. */
export const takeStock = async (dir: string): Promise<Map<string, Entry>> => {
  const entries = new Map<string, Entry>()
  for (const item of await readdir(dir, { withFileTypes: true })) {
    if (!item.isFile()) continue
    if (isUnfinished(item.name)) await rm(join(dir, item.name), { force: true })
    const read = readBlobFile(item.name)
    if (!read) continue
    const { size, mtimeMs } = await stat(join(dir, item.name))
    entries.set(read.id, { ...read, bytes: size, createdMs: mtimeMs, file: item.name })
  }
  return entries
}

/** Null when there is no such file. */
export const sizeOf = async (path: string): Promise<number | null> => {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'ENOENT') return null
    throw error
  }
}

/** The new name itself has to survive a power cut. */
export const syncDirectory = async (dir: string): Promise<void> => {
  const handle = await open(dir, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
