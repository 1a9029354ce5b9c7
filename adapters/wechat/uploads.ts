// A file of its own: what was uploaded can be shown again for three days, also where nothing can be uploaded.
import type { AdapterDeps, Artifact } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Client } from './connect.ts'
import { beforeShowing } from './errors.ts'
import { readMediaId } from './wire.ts'

type Kind = 'image' | 'voice' | 'video' | 'thumb'

export interface Uploads {
  /** The id of the file at the platform, uploaded if need be. Throws SendError and WechatError. */
  readonly put: (
    kind: Kind,
    media: Pick<Artifact, 'blob' | 'mime' | 'bytes' | 'name'>,
    signal: AbortSignal,
  ) => Promise<string>
  readonly known: (kind: Kind, blob: string) => string | null
  /** The platform no longer knows it. */
  readonly forget: (kind: Kind, blob: string) => void
}

/** They live three days; given up a little earlier. */
const lifeMs = 70 * 60 * 60_000
const maxKnown = 500
/** A minute, and more for size: 250 kB/s is the slowest line we wait for. */
const timeoutMs = (bytes: number): number => 60_000 + Math.ceil(bytes / 250)

const fileName = (name: string): string => name.replace(/["\\;/]|\p{Cc}/gu, '_').slice(-200) || 'file'

export const makeUploads = (client: Client, { media, now }: Pick<AdapterDeps, 'media' | 'now'>): Uploads => {
  const byFile = new Map<string, { readonly id: string; readonly untilMs: number }>()
  const keyOf = (kind: Kind, blob: string): string => `${kind} ${blob}`
  const known: Uploads['known'] = (kind, blob) => {
    const found = byFile.get(keyOf(kind, blob))
    return found && found.untilMs > now() ? found.id : null
  }
  return {
    known,
    forget: (kind, blob) => void byFile.delete(keyOf(kind, blob)),
    put: async (kind, { blob, mime, bytes, name }, signal) => {
      const before = known(kind, blob)
      if (before !== null) return before
      const file = await media.open(blob).catch((error: unknown) => {
        throw new SendError('rejected', 'the file to send is no longer there', { cause: error })
      })
      const form = new FormData()
      form.append('media', file.slice(0, file.size, mime), fileName(name))
      const path = `/cgi-bin/media/upload?type=${kind}`
      const answer = await client.call(path, form, signal, timeoutMs(bytes)).catch((error: unknown) => {
        throw beforeShowing(error)
      })
      const id = readMediaId(answer)
      if (id === null) throw new SendError('unavailable', 'WeChat media/upload: the answer names no media id')
      byFile.set(keyOf(kind, blob), { id, untilMs: now() + lifeMs })
      const oldest = byFile.keys().next()
      if (byFile.size > maxKnown && !oldest.done) byFile.delete(oldest.value)
      return id
    },
  }
}
