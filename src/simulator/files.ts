import { createHash } from 'node:crypto'
import type { Pixels } from './art/canvas.ts'
import { encodeJpeg } from './art/jpeg.ts'
import { paintPicture, type Scene } from './art/picture.ts'
import { encodePng } from './art/png.ts'
import { encodeWebp } from './art/webp.ts'

export type Folder = 'output' | 'temp' | 'input'

export interface FileRef {
  readonly filename: string
  readonly subfolder: string
  readonly type: Folder
}

/** A file that exists. Bytes are made when somebody looks: a picture takes a tenth of a second. */
export interface Stored {
  readonly bytes: () => Buffer
  /** Decoded form of pictures, for `preview=`. */
  readonly pixels?: () => Pixels
}

export interface Upload {
  readonly name: string
  readonly subfolder: string
  readonly type: Folder
}

export interface Files {
  readonly get: (ref: FileRef) => Stored | null
  /** Saves under `<prefix>_<counter>_.<extension>`; the prefix may begin with a subfolder. */
  readonly save: (prefix: string, extension: string, type: Folder, stored: Stored) => FileRef
  readonly upload: (upload: Upload, bytes: Buffer, overwrite: boolean) => Upload
  /** Finds what `LoadImage` names: `name` or `subfolder/name` in the input folder. */
  readonly input: (path: string) => Stored | null
}

/** Old files go first; a daemon in `demo` may run for weeks. Only uploads are held as bytes. */
const maxFiles = 4000
const maxUploadedBytes = 256 * 1024 * 1024

export function createFiles(): Files {
  const files = new Map<string, Stored>()
  const counters = new Map<string, number>()
  const keyOf = (type: Folder, subfolder: string, name: string) => `${type}/${subfolder}/${name}`
  const uploads = new Map<string, number>()
  const keep = (key: string, stored: Stored) => {
    files.set(key, stored)
    const oldest = files.keys().next().value
    if (files.size > maxFiles && oldest !== undefined) forget(oldest)
  }
  const forget = (key: string) => {
    files.delete(key)
    uploads.delete(key)
  }
  const makeRoom = () => {
    let held = uploads.values().reduce((sum, length) => sum + length, 0)
    for (const [key, length] of [...uploads].slice(0, -1)) {
      if (held <= maxUploadedBytes) return
      held -= length
      forget(key)
    }
  }
  keep(keyOf('input', '', 'example.png'), picture({ prompt: 'example', seed: '1', width: 256, height: 256, fox: 0 }))

  return {
    get: ({ type, subfolder, filename }) => files.get(keyOf(type, subfolder, filename)) ?? null,
    save: (prefix, extension, type, stored) => {
      const cut = prefix.lastIndexOf('/')
      const [subfolder, stem] = [prefix.slice(0, Math.max(0, cut)), prefix.slice(cut + 1)]
      const count = (counters.get(`${type}/${prefix}`) ?? 0) + 1
      counters.set(`${type}/${prefix}`, count)
      const filename = `${stem}_${String(count).padStart(5, '0')}_.${extension}`
      keep(keyOf(type, subfolder, filename), stored)
      return { filename, subfolder, type }
    },
    upload: ({ name, subfolder, type }, bytes, overwrite) => {
      const dot = name.lastIndexOf('.') < 0 ? name.length : name.lastIndexOf('.')
      let free = name
      for (let n = 1; !overwrite; n++) {
        const there = files.get(keyOf(type, subfolder, free))
        if (there === undefined || there.bytes().equals(bytes)) break
        free = `${name.slice(0, dot)} (${n})${name.slice(dot)}`
      }
      const key = keyOf(type, subfolder, free)
      keep(key, { bytes: () => bytes })
      uploads.set(key, bytes.length)
      makeRoom()
      return { name: free, subfolder, type }
    },
    input: (path) => {
      const cut = path.lastIndexOf('/')
      return files.get(keyOf('input', path.slice(0, Math.max(0, cut)), path.slice(cut + 1))) ?? null
    },
  }
}

/** A painted picture as a PNG file; `padTo` makes it that many bytes long. */
export function picture(scene: Scene, padTo = 0): Stored {
  const pixels = once(() => paintPicture(scene))
  return { pixels, bytes: padTo > 0 ? () => encodePng(pixels(), padTo) : once(() => encodePng(pixels())) }
}

/** The same picture again, as ComfyUI re-encodes it for `preview=<format>;<quality>`. */
export const reencode = (pixels: Pixels, format: 'webp' | 'jpeg', quality: number): Buffer =>
  format === 'jpeg' ? encodeJpeg(pixels, quality) : encodeWebp(pixels, quality)

/** What a picture made from these bytes depends on. */
export const fingerprint = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16)

export function once<T extends object>(make: () => T): () => T {
  // Held weakly: a long list of finished pictures must not fill the memory.
  let held: WeakRef<T> | null = null
  return () => {
    const there = held?.deref()
    if (there !== undefined) return there
    const made = make()
    held = new WeakRef(made)
    return made
  }
}
