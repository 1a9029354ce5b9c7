import * as v from 'valibot'
import type { Answer, CallOptions, Http } from './http.ts'
import { take } from './wire.ts'

/** A file of the backend. ComfyUI checks names and folders itself (400, 403, 404 with empty bodies). */
export interface FileRef {
  readonly filename: string
  readonly subfolder: string
  readonly type: 'output' | 'temp' | 'input'
}

export interface ViewOptions extends CallOptions {
  /** Re-encodes a picture, for platforms with size limits. Quality 1 to 100. */
  readonly preview?: { readonly format: 'webp' | 'jpeg'; readonly quality: number }
  /** The stream fails when more comes; an announced larger size is refused at once. */
  readonly maxBytes?: number
}

/** The name under which ComfyUI really keeps it, which may differ from the one sent. */
export interface Uploaded {
  readonly name: string
  readonly subfolder: string
  readonly type: string
  /** What a LoadImage node takes. */
  readonly input: string
}

const largestFileBytes = 512 * 1024 * 1024
/** ComfyUI's own limit is 100 MB, which takes its time on a slow line. */
const uploadTimeoutMs = 120_000

const stored = v.object({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(512)),
  subfolder: v.fallback(v.pipe(v.string(), v.maxLength(512)), ''),
  type: v.fallback(v.pipe(v.string(), v.maxLength(32)), 'input'),
})

function readUploaded(json: unknown): Uploaded | null {
  const body = take(stored, json)
  return body && { ...body, input: body.subfolder === '' ? body.name : `${body.subfolder}/${body.name}` }
}

export function mediaCalls(http: Http) {
  return {
    /** The file as a stream. The caller reads it to its end or cancels it. */
    view: (file: FileRef, options: ViewOptions = {}): Promise<Answer<Response>> => {
      const { preview, maxBytes = largestFileBytes } = options
      const quality = preview && Math.min(100, Math.max(1, Math.round(preview.quality)))
      const query = {
        filename: file.filename,
        subfolder: file.subfolder,
        type: file.type,
        preview: preview && `${preview.format};${quality}`,
      }
      return http.open({ method: 'GET', route: '/view', path: '/view', query, changes: false, maxBytes }, options)
    },

    /** Puts a picture among the inputs. The same bytes under the same name again are reused, different ones renamed. */
    upload: (
      image: { readonly bytes: Blob; readonly name: string; readonly subfolder?: string },
      options: CallOptions = {},
    ): Promise<Answer<Uploaded>> => {
      const form = new FormData()
      form.set('image', image.bytes, image.name)
      if (image.subfolder !== undefined) form.set('subfolder', image.subfolder)
      form.set('type', 'input')
      const route = '/upload/image'
      const call = { method: 'POST', route, path: route, changes: true, form, timeoutMs: uploadTimeoutMs } as const
      return http.call(call, readUploaded, options)
    },
  }
}
