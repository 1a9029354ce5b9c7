import { type Format, formatOf } from './formats.ts'

// The id, what people see as the file's name, and an extension of ours: everything a link needs after a restart.
const pattern = /^([0-9a-f]{32})(?:-([A-Za-z0-9_-]{1,64}))?\.([a-z0-9]{1,5})$/
const unfinished = /^[0-9a-f]{32}\.part$/

export const isBlobId = (id: string): boolean => /^[0-9a-f]{32}$/.test(id)

/** Whether a file is a write of ours that never ended. */
export const isUnfinished = (file: string): boolean => unfinished.test(file)

export const unfinishedName = (id: string): string => `${id}.part`

export const blobFile = (id: string, name: string, format: Format): string => {
  const stem = name
    .replace(/\.[^.]*$/, '')
    .replace(/[^A-Za-z0-9_-]+/g, '_')
    .slice(0, 64)
  return stem === '' ? `${id}.${format.ext}` : `${id}-${stem}.${format.ext}`
}

/** What a file name of ours says; null for any other file. */
export const readBlobFile = (
  file: string,
): { readonly id: string; readonly name: string; readonly format: Format } | null => {
  const [, id, stem, ext] = pattern.exec(file) ?? []
  if (!id || !ext || ext === 'part') return null
  return { id, name: `${stem ?? id}.${ext}`, format: formatOf(ext) }
}
