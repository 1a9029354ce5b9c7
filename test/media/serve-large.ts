// Run as a process of its own, so that its memory is measured alone: serves 50 MB, prints its link, then, between the
// lines `start` and `stop` on its input, watches how far memory grows.
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { openBlobs } from '../../src/media/blobs.ts'
import { createLinks } from '../../src/media/links.ts'
import { mediaRoutes } from '../../src/media/serve.ts'
import { keepingLog } from '../kit/deps.ts'

const largeBytes = 50 * 1024 * 1024
const chunkBytes = 64 * 1024

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < largeBytes; sent += chunkBytes) yield new Uint8Array(chunkBytes)
}

const say = (line: string | number): void => {
  process.stdout.write(`${line}\n`)
}

const blobs = await openBlobs({
  dir: process.argv[2] ?? '',
  maxTotalBytes: 2 * largeBytes,
  now: Date.now,
  newId: () => randomBytes(16).toString('hex'),
  log: keepingLog(),
})
const put = await blobs.put(chunks(), { name: 'large', maxBytes: largeBytes })

const app = new Hono()
const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false })
server.listen(0, '127.0.0.1', () => {
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const links = createLinks({ key: randomBytes(32), base, ttlMs: 60_000, now: Date.now })
  app.route('/media', mediaRoutes({ links, blobs, now: Date.now }))
  say(put.ok ? (links.link(put.blob.id) ?? '') : put.why)
})

let beforeBytes = 0
let highestBytes = 0
const look = (): void => {
  highestBytes = Math.max(highestBytes, process.memoryUsage.rss())
}
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'start') {
    beforeBytes = process.memoryUsage.rss()
    setInterval(look, 5).unref()
    say('watching')
  } else {
    look()
    say(highestBytes - beforeBytes)
    break
  }
}
server.close()
if ('closeAllConnections' in server) server.closeAllConnections()
