// A file of its own: files go up before the message that shows them.
import * as v from 'valibot'
import type { AdapterDeps, Artifact } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Client } from './client.ts'
import { fileNameOf, type Handed, uploadType } from './encode.ts'
import { FeishuError } from './errors.ts'
import { uploadedFile, uploadedImage } from './wire.ts'

export type Uploads = Pick<AdapterDeps, 'media' | 'log'>

/** A minute, and more for size: 250 kB/s is the slowest line we wait for. */
const uploadMs = (bytes: number): number => 60_000 + Math.ceil(bytes / 250)

/** Nothing is seen of an upload, so none of its failures leaves a doubt. */
const certainly = async <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    if (!(error instanceof FeishuError)) throw error
    const { words, status, code, retryAfterMs } = error
    throw new FeishuError({ words, status, code, retryAfterMs })
  })

const opened = async (media: Uploads['media'], blob: string, mime: string): Promise<Blob> => {
  const file = await media.open(blob).catch((error: unknown) => {
    throw new SendError('rejected', 'the file to send is no longer there', { cause: error })
  })
  return file.slice(0, file.size, mime)
}

/** Hands a file over. Throws FeishuError, and SendError where it never gets that far. */
export const upload = async (
  client: Client,
  artifact: Artifact,
  as: string,
  { media, log }: Uploads,
  signal: AbortSignal,
): Promise<Handed> => {
  const file = await opened(media, artifact.blob, artifact.mime)
  if (as === 'image') return { kind: 'image', key: await imageKey(client, file, artifact.name, signal) }
  if (as === 'audio' && (await isVorbis(file))) throw new SendError('media_rejected', 'only Opus can be played')
  const { preview } = artifact
  const cover =
    as !== 'video' || preview === undefined
      ? null
      : await opened(media, preview.blob, preview.mime)
          .then((picture) => imageKey(client, picture, 'cover', signal))
          .catch((error: unknown) => {
            log.debug({ about: String(error) }, 'a video goes without a cover')
            return null
          })
  const name = fileNameOf(artifact.name)
  const form = (): FormData => {
    const fields = new FormData()
    fields.set('file_type', uploadType(as, name))
    fields.set('file_name', name)
    fields.set('file', file, name)
    return fields
  }
  const call = client.call({ method: 'POST', path: '/im/v1/files', form }, signal, uploadMs(artifact.bytes))
  const read = v.safeParse(uploadedFile, await certainly(call))
  if (!read.success) throw new FeishuError({ words: 'the upload was answered without a key' })
  return { kind: 'file', key: read.output.data.file_key, ...(cover === null ? {} : { cover }) }
}

const imageKey = async (client: Client, picture: Blob, name: string, signal: AbortSignal): Promise<string> => {
  const form = (): FormData => {
    const fields = new FormData()
    fields.set('image_type', 'message')
    fields.set('image', picture, fileNameOf(name))
    return fields
  }
  const call = client.call({ method: 'POST', path: '/im/v1/images', form }, signal, uploadMs(picture.size))
  const read = v.safeParse(uploadedImage, await certainly(call))
  if (!read.success) throw new FeishuError({ words: 'the upload was answered without a key' })
  return read.output.data.image_key
}

/** Ogg holds either; the codec's name stands in the first page (RFC 7845, Vorbis I §4.2.1). */
const isVorbis = async (file: Blob): Promise<boolean> =>
  Buffer.from(await file.slice(0, 128).arrayBuffer()).includes('\u0001vorbis', 'latin1')
