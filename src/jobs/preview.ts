import type { Backend } from '../backend/client.ts'
import type { OutcomeFile } from '../backend/outcome.ts'
import type { Artifact, Log } from '../contract/index.ts'
import type { Blobs } from '../media/blobs.ts'
import { playTile } from '../media/tile.ts'

export interface PreviewDeps {
  readonly backend: Pick<Backend, 'view'>
  readonly blobs: Blobs
  readonly log: Log
}

type Preview = NonNullable<Artifact['preview']>

/** From good to hardly recognisable: ComfyUI re-encodes a picture, but never makes it smaller in pixels. */
const qualities = [75, 45, 20, 5]
const taken: ReadonlySet<string> = new Set(['image/jpeg', 'image/png'])

/** A small still picture of a file, as a blob of its own: ComfyUI's own preview for pictures, else a neutral tile.
 *  Undefined when not even that can be kept. */
export const previewOf = async (
  file: OutcomeFile,
  { kind }: Pick<Artifact, 'kind'>,
  maxBytes: number,
  deps: PreviewDeps,
  signal: AbortSignal,
): Promise<Preview | undefined> =>
  (kind === 'image' ? await pictured(file, maxBytes, deps, signal) : null) ??
  (await kept([playTile()], maxBytes, deps)) ??
  undefined

const pictured = async (
  file: OutcomeFile,
  maxBytes: number,
  deps: PreviewDeps,
  signal: AbortSignal,
): Promise<Preview | null> => {
  for (const quality of qualities) {
    signal.throwIfAborted()
    const answer = await deps.backend.view(file, { preview: { format: 'jpeg', quality }, maxBytes, signal })
    if (!answer.ok && answer.kind !== 'too_large') {
      deps.log.info({ kind: answer.kind }, 'no preview to be had')
      return null
    }
    const preview = answer.ok && answer.value.body ? await kept(answer.value.body, maxBytes, deps) : null
    if (preview) return preview
  }
  return null
}

const kept = async (
  source: AsyncIterable<Uint8Array> | readonly Uint8Array[],
  maxBytes: number,
  { blobs }: PreviewDeps,
): Promise<Preview | null> => {
  const put = await blobs.put(chunks(source), { name: 'preview', maxBytes })
  if (!put.ok) return null
  const { id, mime, bytes } = put.blob
  if (taken.has(mime)) return { blob: id, mime, bytes }
  await blobs.remove([id])
  return null
}

async function* chunks(source: AsyncIterable<Uint8Array> | readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* source
}
