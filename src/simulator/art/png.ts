import { crc32, deflateSync } from 'node:zlib'
import type { Pixels } from './canvas.ts'

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

function chunk(type: string, data: Uint8Array): Buffer {
  const out = Buffer.alloc(data.length + 12)
  out.writeUInt32BE(data.length, 0)
  out.write(type, 4, 'latin1')
  out.set(data, 8)
  out.writeUInt32BE(crc32(out.subarray(4, data.length + 8)), data.length + 8)
  return out
}

/** A valid PNG file. `padTo` grows it to that many bytes (a chunk more at the most) by a private chunk that readers skip. */
export function encodePng({ width, height, rgb }: Pixels, padTo = 0): Buffer {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 2, 0, 0, 0], 8)
  const stride = width * 3
  // Filter 2 (Up): each row as its difference to the one above, which suits skies.
  const raw = Buffer.alloc((stride + 1) * height)
  for (let y = 0; y < height; y++) {
    raw[y * (stride + 1)] = 2
    for (let i = 0; i < stride; i++) {
      const above = y === 0 ? 0 : (rgb[(y - 1) * stride + i] as number)
      raw[y * (stride + 1) + 1 + i] = (rgb[y * stride + i] as number) - above
    }
  }
  const body = [signature, chunk('IHDR', head), chunk('IDAT', deflateSync(raw)), chunk('IEND', Buffer.alloc(0))]
  const missing = padTo - body.reduce((sum, part) => sum + part.length, 0)
  // An empty chunk takes twelve bytes: what lacks fewer becomes a little longer.
  if (missing > 0) body.splice(2, 0, chunk('siMu', Buffer.alloc(Math.max(0, missing - 12))))
  return Buffer.concat(body)
}
