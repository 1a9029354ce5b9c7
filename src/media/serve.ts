import { type Context, Hono } from 'hono'
import type { Blobs } from './blobs.ts'
import type { Links, LinkTarget } from './links.ts'
import { type ByteRange, readRange } from './range.ts'
import type { StoredBlob } from './stock.ts'

export interface ServeMediaDeps {
  readonly links: Links
  readonly blobs: Blobs
  readonly now: () => number
}

/** Answers `GET` and `HEAD` of `/<token>`; to be mounted under the path of the links. Whatever is not a valid link
 *  gets the same 404. */
export const mediaRoutes = (deps: ServeMediaDeps): Hono => {
  const app = new Hono()
  app.get('/:token', (c) => serve(c, deps))
  app.all('*', notFound)
  return app
}

const notFound = (c: Context): Response =>
  c.text('Not found', 404, { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' })

const serve = async (c: Context, { links, blobs, now }: ServeMediaDeps): Promise<Response> => {
  const target = links.check(c.req.param('token') ?? '')
  const stored = target && blobs.stat(target.blob)
  if (!target || !stored) return notFound(c)

  const headers = headersOf(stored, target, now())
  const range = rangeOf(c, stored)
  if (range === 'unsatisfiable')
    return c.body(null, 416, { ...headers, 'Content-Range': `bytes */${stored.bytes}`, 'Content-Length': '0' })

  const { start, end } = range ?? { start: 0, end: stored.bytes }
  const answer = {
    ...headers,
    'Content-Length': String(end - start),
    ...(range ? { 'Content-Range': `bytes ${start}-${end - 1}/${stored.bytes}` } : {}),
  }
  const status = range ? 206 : 200
  if (c.req.method === 'HEAD') return c.body(null, status, answer)
  const body = await blobs.read(stored.id, { start, end })
  return body ? c.body(body, status, answer) : notFound(c)
}

const rangeOf = (c: Context, stored: StoredBlob): ByteRange | 'unsatisfiable' | null => {
  const condition = c.req.header('If-Range')
  if (condition !== undefined && condition !== etagOf(stored)) return null
  return readRange(c.req.header('Range'), stored.bytes)
}

const headersOf = ({ format, ...stored }: StoredBlob, target: LinkTarget, nowMs: number): Record<string, string> => ({
  'Content-Type': format.passive ? format.mime : 'application/octet-stream',
  'Content-Disposition': `${format.plain ? 'inline' : 'attachment'}; filename="${stored.name}"`,
  'Cache-Control': `private, max-age=${Math.max(0, Math.floor((target.expiresAtMs - nowMs) / 1000))}`,
  'Accept-Ranges': 'bytes',
  ETag: etagOf(stored),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
})

/** What lies under an id never changes. */
const etagOf = ({ id }: Pick<StoredBlob, 'id'>): string => `"${id}"`
