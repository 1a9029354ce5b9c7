// Beside the usual file names: a terminal can't hold files, so they are copied into a folder and the path is printed.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import { SendError } from '../../src/contract/index.ts'

const TRIES = 999

/** A file name of our own making: no folders, no hidden files, nothing a shell or a file system trips over. */
export const safeName = (name: string): string => {
  const base = name.split(/[/\\]/).at(-1) ?? ''
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const clean = base.replaceAll(/[\x00-\x1f\x7f-\x9f<>:"|?*]/g, '_').replace(/^[.\s-]+/, '')
  const extension = /^\.[a-zA-Z0-9]{1,10}$/.test(extname(clean)) ? extname(clean) : ''
  // 55 characters of four bytes, a number and an extension stay below the 255 bytes file systems allow.
  const stem = [...clean.slice(0, clean.length - extension.length)].slice(0, 55).join('')
  return `${stem || 'file'}${extension}`
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : error instanceof Error ? error.name : 'unknown'

/**
 * Copies a file into the folder, under its own name or the next free one, and returns the absolute path.
 * Throws SendError: `media_rejected` when the folder can't take it, so that the answer still names the file.
 */
export const saveCopy = async (folder: string, name: string, blob: Blob, signal: AbortSignal): Promise<string> => {
  const wanted = safeName(name)
  const extension = extname(wanted)
  const stem = wanted.slice(0, wanted.length - extension.length)
  try {
    await mkdir(resolve(folder), { recursive: true })
    for (let nth = 1; nth <= TRIES; nth++) {
      const path = join(resolve(folder), nth === 1 ? wanted : `${stem}-${nth}${extension}`)
      if (await wrote(path, blob, signal)) return path
    }
  } catch (error) {
    if (signal.aborted) throw new SendError('unavailable', 'stopped while saving a file', { cause: error })
    throw new SendError('media_rejected', `cannot save into ${folder} (${codeOf(error)})`, { cause: error })
  }
  throw new SendError('media_rejected', `${folder} holds ${TRIES} files named like ${wanted}`)
}

/** False when the name is taken. A half-written file is removed again. */
const wrote = async (path: string, blob: Blob, signal: AbortSignal): Promise<boolean> => {
  try {
    await writeFile(path, blob.stream(), { flag: 'wx', signal })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    await rm(path, { force: true })
    throw error
  }
}
