// Run as a process of its own, so that its memory is measured alone: puts 50 MB, prints how far memory grew.
import { randomBytes } from 'node:crypto'
import { openBlobs } from '../../src/media/blobs.ts'
import { keepingLog } from '../kit/deps.ts'

const largeBytes = 50 * 1024 * 1024
const chunkBytes = 64 * 1024

const blobs = await openBlobs({
  dir: process.argv[2] ?? '',
  maxTotalBytes: 10 * largeBytes,
  now: Date.now,
  newId: () => randomBytes(16).toString('hex'),
  log: keepingLog(),
})

async function* chunks(total: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < total; sent += chunkBytes) yield new Uint8Array(chunkBytes).fill(sent / chunkBytes)
}

const put = async (total: number): Promise<number> => {
  const result = await blobs.put(chunks(total), { name: 'large', maxBytes: total })
  return result.ok ? result.blob.bytes : 0
}

// Once small, so that code and buffers that every put needs are not counted.
await put(4 * 1024 * 1024)
const beforeBytes = process.memoryUsage.rss()
let highestBytes = beforeBytes
const watch = setInterval(() => {
  highestBytes = Math.max(highestBytes, process.memoryUsage.rss())
}, 5)
const bytes = await put(largeBytes)
clearInterval(watch)
process.stdout.write(
  JSON.stringify({ bytes, grownBytes: Math.max(highestBytes, process.memoryUsage.rss()) - beforeBytes }),
)
