import type { Backend } from '../backend/client.ts'
import type { Outcome, OutcomeFile } from '../backend/outcome.ts'
import type { Artifact, Log } from '../contract/index.ts'
import type { Blobs } from '../media/blobs.ts'
import { jobs as say } from '../texts/jobs.ts'
import { previewOf } from './preview.ts'

export interface CollectDeps {
  readonly backend: Backend
  readonly blobs: Blobs
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly log: Log
  readonly maxImages: number
  readonly maxImageBytes: number
  /** How small a still picture of it has to be where it goes; null: none is wanted. */
  readonly previewBytes: (artifact: Artifact) => number | null
}

export interface Collected {
  readonly media: readonly Artifact[]
  /** What could not be fetched, and why, in words for the requester. */
  readonly notes: readonly string[]
}

/** The upper clamp of OPENCLAW_CONNECTOR_DELIVERY_MAX_BYTES, which speaks of pictures; longer things get all of it. */
const maxFileBytes = 52_428_800
/** Files of other kinds a job may bring. */
const maxOthers = 10
/** A restart of ComfyUI takes a minute or two; its files are there afterwards. */
const patienceMs = 10 * 60_000
const longestWaitMs = 20_000

/** Brings everything a job produced into our own store, so that a restart of ComfyUI can't take it away any more. */
export const collect = async (outcome: Outcome, deps: CollectDeps, signal: AbortSignal): Promise<Collected> => {
  const images = outcome.files.filter((file) => file.kind === 'image')
  const others = outcome.files.filter((file) => file.kind !== 'image')
  const wanted = [...images.slice(0, deps.maxImages), ...others.slice(0, maxOthers)]
  const media: Artifact[] = []
  const notes: string[] = []
  for (const file of wanted) {
    const got = await fetchFile(file, deps, signal)
    if (typeof got === 'string') notes.push(got)
    else media.push(got)
  }
  if (images.length > deps.maxImages) notes.push(say.leftOut(images.length - deps.maxImages, deps.maxImages))
  if (others.length > maxOthers) notes.push(say.leftOut(others.length - maxOthers, maxOthers))
  return { media, notes }
}

const fetchFile = async (file: OutcomeFile, deps: CollectDeps, signal: AbortSignal): Promise<Artifact | string> => {
  const maxBytes = file.kind === 'image' ? deps.maxImageBytes : maxFileBytes
  const startedMs = deps.now()
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    const answer = await deps.backend.view(file, { signal, maxBytes: maxBytes + 1 })
    if (answer.ok) {
      const { body } = answer.value
      const put = await deps.blobs.put(body, {
        name: file.filename,
        mimeHint: answer.value.headers.get('content-type'),
        maxBytes,
      })
      if (put.ok) {
        const artifact: Artifact = {
          kind: put.blob.kind,
          blob: put.blob.id,
          name: file.filename,
          mime: put.blob.mime,
          bytes: put.blob.bytes,
          width: put.blob.width,
          height: put.blob.height,
          animated: put.blob.animated || file.animated,
        }
        const previewBytes = deps.previewBytes(artifact)
        if (previewBytes === null) return artifact
        return { ...artifact, preview: await previewOf(file, artifact, previewBytes, deps, signal) }
      }
      if (put.why === 'too_large') return say.fileTooLarge(file.filename, maxBytes)
      if (put.why === 'full') return say.diskFull(file.filename)
    } else if (answer.kind === 'too_large') {
      return say.fileTooLarge(file.filename, maxBytes)
    } else if (answer.kind === 'missing' || answer.kind === 'refused' || answer.kind === 'denied') {
      return say.fileMissing(file.filename)
    }
    deps.log.warn({ attempt }, 'result file not fetched yet')
    if (deps.now() - startedMs > patienceMs) return say.fileMissing(file.filename)
    await deps.sleep(Math.min(longestWaitMs, 500 * 2 ** attempt), signal)
  }
}
