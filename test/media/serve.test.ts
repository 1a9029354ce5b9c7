import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, unlink } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Blobs } from '../../src/media/blobs.ts'
import { createLinks, type Links } from '../../src/media/links.ts'
import { mediaRoutes } from '../../src/media/serve.ts'
import { kept, newId, openIn, tempDir } from './media-kit.ts'
import { heads, png } from './samples.ts'

interface Served {
  readonly dir: string
  readonly blobs: Blobs
  readonly links: Links
  readonly clock: { nowMs: number }
  /** The same process as the one that is asked, by its own public address. */
  readonly linkTo: (id: string) => string
}

const serve = async (over: Partial<Blobs> = {}): Promise<Served> => {
  const dir = await tempDir()
  const clock = { nowMs: 1_000_000 }
  const now = () => clock.nowMs
  const blobs = await openIn(dir, { now })
  const app = new Hono()
  const server = createAdaptorServer({ fetch: (request) => app.fetch(request), overrideGlobalObjects: false })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const links = createLinks({ key: randomBytes(32), base, ttlMs: 300_000, now })
  app.route('/media', mediaRoutes({ links, blobs: { ...blobs, ...over }, now }))
  return { dir, blobs, links, clock, linkTo: (id) => links.link(id) ?? '' }
}

const seen = async (response: Response) => ({
  status: response.status,
  body: await response.text(),
  headers: Object.fromEntries([...response.headers].filter(([name]) => !/^(date|connection|keep-alive)$/.test(name))),
})

const digits = '0123456789'
const range = (value: string, more: Record<string, string> = {}): RequestInit => ({
  headers: { Range: value, ...more },
})

describe('a media link', () => {
  test('gives the bytes with the headers of a plain picture', async () => {
    const { blobs, linkTo } = await serve()
    const response = await fetch(linkTo(await kept(blobs, png(2, 2), 'fox.png')))
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(png(2, 2).length),
      'content-disposition': 'inline; filename="fox.png"',
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, max-age=300',
      'accept-ranges': 'bytes',
    })
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(png(2, 2))
  })

  test.each([
    ['svg', 'application/octet-stream'],
    ['html', 'application/octet-stream'],
    ['xml', 'application/octet-stream'],
    ['bytes without meaning', 'application/octet-stream'],
    ['pdf', 'application/pdf'],
    ['text', /^text\/plain/],
    ['tiff', 'image/tiff'],
  ])('hands %s over as an attachment', async (sample, type) => {
    const { blobs, linkTo } = await serve()
    const [head = new Uint8Array()] = heads[sample] ?? []
    const { headers, body } = await seen(await fetch(linkTo(await kept(blobs, head, 'a.png'))))
    expect(headers['content-type']).toEqual(typeof type === 'string' ? type : expect.stringMatching(type))
    expect(headers['content-disposition']).toMatch(/^attachment; filename="a\.[a-z]+"$/)
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(body.length).toBeGreaterThan(0)
  })

  test('is cached no longer than it lives', async () => {
    const { blobs, linkTo, clock } = await serve()
    const link = linkTo(await kept(blobs, digits))
    clock.nowMs += 299_500
    expect((await fetch(link)).headers.get('cache-control')).toBe('private, max-age=0')
  })

  test('answers HEAD like GET, without the bytes', async () => {
    const { blobs, linkTo } = await serve()
    const link = linkTo(await kept(blobs, digits))
    const [head, get] = [await seen(await fetch(link, { method: 'HEAD' })), await seen(await fetch(link))]
    expect(head).toEqual({ ...get, body: '' })
    expect(head.headers['content-length']).toBe('10')
  })

  test('answers wrong, expired, unknown and vanished links alike', async () => {
    const { dir, blobs, linkTo, clock } = await serve()
    const expired = linkTo(await kept(blobs, digits))
    clock.nowMs += 300_000
    const removed = await kept(blobs, digits)
    const links = [expired, linkTo(newId()), linkTo(removed), `${expired}x`, expired.replace(/[^/]+$/, '..%2f..%2fetc')]
    await blobs.remove([removed])
    const answers = await Promise.all(links.map(async (link) => seen(await fetch(link))))
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(answers[0]).toMatchObject({ status: 404, body: 'Not found', headers: { 'cache-control': 'no-store' } })
    expect(await readdir(dir)).toHaveLength(1)
  })

  test.each(['POST', 'PUT', 'DELETE'])('answers %s with 404', async (method) => {
    const { blobs, linkTo } = await serve()
    expect((await fetch(linkTo(await kept(blobs, digits)), { method })).status).toBe(404)
  })

  test('stops reading when the other side goes away', async () => {
    const cancelled = Promise.withResolvers<void>()
    const read = async () =>
      new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(new Uint8Array(1000)),
        cancel: () => cancelled.resolve(),
      })
    const { blobs, linkTo } = await serve({ read })
    const stop = new AbortController()
    const response = await fetch(linkTo(await kept(blobs, 'x'.repeat(900_000))), { signal: stop.signal })
    stop.abort()
    await cancelled.promise
    expect(response.status).toBe(200)
  })

  test('to a file that somebody took away is a 404 like any other', async () => {
    const { dir, blobs, linkTo } = await serve()
    const link = linkTo(await kept(blobs, digits))
    for (const file of await readdir(dir)) await unlink(join(dir, file))
    expect((await seen(await fetch(link))).status).toBe(404)
    expect(blobs.usage()).toMatchObject({ files: 0, bytes: 0 })
  })
})

describe('a range of a media link', () => {
  test.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=4-', '456789', 'bytes 4-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-30', digits, 'bytes 0-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
    ['bytes=9-9', '9', 'bytes 9-9/10'],
  ])('%s gives that part', async (header, body, contentRange) => {
    const { blobs, linkTo } = await serve()
    const answer = await seen(await fetch(linkTo(await kept(blobs, digits)), range(header)))
    expect(answer).toMatchObject({ status: 206, body })
    expect(answer.headers).toMatchObject({ 'content-range': contentRange, 'content-length': String(body.length) })
  })

  test.each(['bytes=10-', 'bytes=99-100', 'bytes=-0'])('%s lies outside', async (header) => {
    const { blobs, linkTo } = await serve()
    const answer = await seen(await fetch(linkTo(await kept(blobs, digits)), range(header)))
    expect(answer).toMatchObject({ status: 416, body: '', headers: { 'content-range': 'bytes */10' } })
  })

  test.each(['bytes=', 'bytes=-', 'bytes=5-2', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=a-b', 'bytes=0x1-2'])(
    '%s is answered with the whole',
    async (header) => {
      const { blobs, linkTo } = await serve()
      const answer = await seen(await fetch(linkTo(await kept(blobs, digits)), range(header)))
      expect(answer).toMatchObject({ status: 200, body: digits })
    },
  )

  test('under the condition of another version is answered with the whole', async () => {
    const { blobs, linkTo } = await serve()
    const link = linkTo(await kept(blobs, digits))
    const tag = (await fetch(link, { method: 'HEAD' })).headers.get('etag') ?? ''
    expect((await fetch(link, range('bytes=0-1', { 'If-Range': tag }))).status).toBe(206)
    expect((await fetch(link, range('bytes=0-1', { 'If-Range': '"other"' }))).status).toBe(200)
  })
})

test('50 MB through a link grow the memory of the server by 16 MB at most', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'serve-large.ts'), await tempDir()])
  onTestFinished(() => void child.kill())
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<string> => String((await lines.next()).value)
  const link = await next()
  const get = async (init?: RequestInit): Promise<number> => {
    let bytes = 0
    for await (const chunk of (await fetch(link, init)).body ?? []) bytes += chunk.length
    return bytes
  }
  await get(range('bytes=0-4194303'))
  child.stdin.write('start\n')
  expect(await next()).toBe('watching')
  expect(await get()).toBe(50 * 1024 * 1024)
  child.stdin.write('stop\n')
  expect(Number(await next())).toBeLessThan(16 * 1024 * 1024)
})
