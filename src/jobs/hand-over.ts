import { createHash } from 'node:crypto'
import type { Uploaded } from '../backend/calls-media.ts'
import type { Backend } from '../backend/client.ts'
import type { Answer, Failure } from '../backend/http.ts'
import type { Log, MediaKind, MediaRef } from '../contract/index.ts'
import type { Blobs } from '../media/blobs.ts'
import { fetchInto } from '../media/fetch.ts'
import { type Format, formats } from '../media/formats.ts'
import { headBytes, inspect } from '../media/inspect.ts'
import { isStrippable, type Pieces, strip } from '../media/strip.ts'
import type { InTurn } from '../media/turns.ts'
import type { OwnMedia } from '../store/sent-media.ts'

export interface HandOverDeps {
  readonly backend: Pick<Backend, 'upload'>
  readonly blobs: Blobs
  /** The platform's way to fetch what a person sent; null when it has none. */
  readonly download: (platform: string) => ((media: MediaRef, signal: AbortSignal) => Promise<Response>) | null
  readonly maxBytes: number
  readonly timeoutMs: number
  /** Pictures are held whole in memory while they are cleaned: one at a time. */
  readonly inTurn: InTurn
  readonly log: Log
}

/** `input`: what the template gets, the name under which ComfyUI keeps it. */
export type Handed =
  | { readonly ok: true; readonly input: string }
  | {
      readonly ok: false
      readonly why:
        | 'too_large'
        | 'gone'
        | 'refused'
        | 'late'
        | 'full'
        | 'interrupted'
        | 'unreadable'
        | 'too_many_pixels'
    }
  | { readonly ok: false; readonly why: 'kind'; readonly is: Format }
  | { readonly ok: false; readonly why: 'backend'; readonly failure: Failure }

export type HandOver = (
  platform: string,
  media: MediaRef | OwnMedia,
  wanted: MediaKind,
  signal: AbortSignal,
) => Promise<Handed>

/** ComfyUI holds four bytes and more for each pixel of a picture, whatever its file weighs. */
export const maxPixels = 64_000_000
const folder = 'openclaw-connector'
/** Of 64 hex digits; more would only lengthen what people read. */
const nameDigits = 24

/** Fetches what a person sent (what we sent lies here), looks what it really is, cleans it, and puts it among ComfyUI's
 *  inputs. Nothing of it stays here. */
export const makeHandOver =
  (deps: HandOverDeps): HandOver =>
  async (platform, media, wanted, signal) => {
    const { blobs, maxBytes, timeoutMs } = deps
    if ('blob' in media) return handOwn(media.blob, wanted, deps, signal)
    const download = deps.download(platform)
    if (!download) return { ok: false, why: 'gone' }
    if ((media.bytes ?? 0) > maxBytes) return { ok: false, why: 'too_large' }
    const held: string[] = []
    try {
      const name = media.name ?? 'input'
      const got = await fetchInto(blobs, (both) => download(media, both), { name, maxBytes, timeoutMs, signal })
      signal.throwIfAborted()
      if (!got.ok) {
        deps.log.info({ platform, ...got }, 'what a person sent could not be fetched')
        return { ok: false, why: got.why }
      }
      held.push(got.blob.id)
      const ready = await cleaned(got.blob.id, wanted, deps, held)
      if (typeof ready !== 'string') return ready
      return await upload(ready, deps, signal)
    } finally {
      await blobs.remove(held)
    }
  }

const handOwn = async (blob: string, wanted: MediaKind, deps: HandOverDeps, signal: AbortSignal): Promise<Handed> => {
  const stored = deps.blobs.stat(blob)
  if (!stored) return { ok: false, why: 'gone' }
  if (stored.bytes > deps.maxBytes) return { ok: false, why: 'too_large' }
  const held: string[] = []
  try {
    const ready = await cleaned(blob, wanted, deps, held)
    return typeof ready === 'string' ? await upload(ready, deps, signal) : ready
  } finally {
    await deps.blobs.remove(held)
  }
}

/** The blob to upload, or why there is none. */
const cleaned = async (
  blob: string,
  wanted: MediaKind,
  deps: HandOverDeps,
  held: string[],
): Promise<string | Extract<Handed, { ok: false }>> => {
  const format = deps.blobs.stat(blob)?.format
  if (!format) return { ok: false, why: 'interrupted' }
  if (wanted !== 'file' && format === formats.binary) return { ok: false, why: 'unreadable' }
  if (wanted !== 'file' && format.kind !== wanted) return { ok: false, why: 'kind', is: format }
  if (format.kind !== 'image') return blob
  if (!isStrippable(format)) return { ok: false, why: 'kind', is: format }
  return deps.inTurn(async () => {
    const bytes = new Uint8Array(await (await deps.blobs.open(blob)).arrayBuffer())
    const pieces = strip(bytes, format)
    if (!pieces) return { ok: false, why: 'unreadable' }
    const { width, height } = inspect(headOf(pieces), '')
    if (!width || !height) return { ok: false, why: 'unreadable' }
    if (width * height > maxPixels) return { ok: false, why: 'too_many_pixels' }
    const put = await deps.blobs.put(one(pieces), { name: 'input', maxBytes: bytes.length + 1024 })
    if (!put.ok) return put
    held.push(put.blob.id)
    return put.blob.id
  })
}

const headOf = (pieces: Pieces): Uint8Array => {
  const some: Uint8Array[] = []
  let bytes = 0
  for (const piece of pieces) {
    if (bytes >= headBytes) break
    some.push(piece.subarray(0, headBytes - bytes))
    bytes += piece.length
  }
  return Buffer.concat(some)
}

async function* one(pieces: Pieces): AsyncGenerator<Uint8Array> {
  yield* pieces
}

const upload = async (blob: string, deps: HandOverDeps, signal: AbortSignal): Promise<Handed> => {
  const bytes = await deps.blobs.open(blob)
  const hash = createHash('sha256')
  for await (const chunk of bytes.stream()) hash.update(chunk)
  const ext = deps.blobs.stat(blob)?.format.ext ?? 'bin'
  // The same bytes get the same name, and ComfyUI keeps them once: doing this again, after a crash, changes nothing.
  const name = `${hash.digest('hex').slice(0, nameDigits)}.${ext}`
  const send = (): Promise<Answer<Uploaded>> => deps.backend.upload({ bytes, name, subfolder: folder }, { signal })
  const first = await send()
  const answer = !first.ok && first.kind === 'unanswered' && !signal.aborted ? await send() : first
  signal.throwIfAborted()
  return answer.ok ? { ok: true, input: answer.value.input } : { ok: false, why: 'backend', failure: answer }
}
