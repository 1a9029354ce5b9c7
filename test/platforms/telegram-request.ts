import type { IncomingMessage } from 'node:http'
import { bad } from './telegram-world.ts'

/** Parameters of a call, from JSON, a query string or multipart; nested values come as objects in all of them. */
export interface Params {
  readonly value: (name: string) => unknown
  readonly text: (name: string) => string | null
  readonly integer: (name: string) => number | null
  readonly object: (name: string) => Readonly<Record<string, unknown>> | null
  /** The file a field names: `attach://part`, or a part of that name. */
  readonly file: (reference: unknown) => File | null
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

export async function paramsOf(request: IncomingMessage, url: URL, body: Buffer<ArrayBuffer>): Promise<Params> {
  const type = request.headers['content-type'] ?? ''
  const fields = new Map<string, unknown>(url.searchParams)
  const files = new Map<string, File>()
  if (type.startsWith('multipart/form-data')) {
    const form = await new Request('http://form/', {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    }).formData()
    for (const [name, value] of form) typeof value === 'string' ? fields.set(name, value) : files.set(name, value)
  } else if (type.startsWith('application/json') && body.length > 0) {
    for (const [name, value] of Object.entries(JSON.parse(body.toString()) as object)) fields.set(name, value)
  }
  const value = (name: string): unknown => {
    const found = fields.get(name)
    return typeof found === 'string' &&
      /^[{[]/.test(found) &&
      /markup|parameters|options|media$|commands|scope|updates/.test(name)
      ? JSON.parse(found)
      : found
  }
  return {
    value,
    text: (name) => {
      const found = fields.get(name)
      return found === undefined || found === null ? null : String(found)
    },
    integer: (name) => {
      const found = fields.get(name)
      if (found === undefined || found === null) return null
      if (!/^-?\d{1,16}$/.test(String(found))) throw bad(`invalid ${name} specified`)
      return Number(found)
    },
    object: (name) => {
      const found = value(name)
      if (found === undefined || found === null) return null
      if (typeof found !== 'object') throw bad(`can't parse ${name} JSON object`)
      return found as Record<string, unknown>
    },
    file: (reference) => {
      const part = /^attach:\/\/(.+)$/.exec(String(reference))?.[1]
      return (part === undefined ? null : files.get(part)) ?? null
    },
  }
}
