import { createBits } from './bits.ts'
import type { Pixels } from './canvas.ts'

/** An endless GIF loop in a fixed palette of 6 × 7 × 6 colours, dithered. */
export function encodeGif(frames: readonly Pixels[], frameMs: number): Buffer {
  const { width, height } = frames[0] as Pixels
  const screen = Buffer.alloc(7)
  screen.writeUInt16LE(width, 0)
  screen.writeUInt16LE(height, 2)
  screen[4] = 0xf7
  const palette = Buffer.alloc(768)
  for (let i = 0; i < 252; i++) {
    palette.set([Math.floor(i / 42) * 51, (Math.floor(i / 6) % 7) * 42.5, (i % 6) * 51], i * 3)
  }
  const parts: Buffer[] = [
    Buffer.from('GIF89a', 'latin1'),
    screen,
    palette,
    Buffer.from('\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00', 'latin1'),
  ]
  for (const frame of frames) {
    const delay = Math.round(frameMs / 10)
    parts.push(Buffer.from([0x21, 0xf9, 4, 0, delay & 255, delay >> 8, 0, 0]))
    parts.push(Buffer.from([0x2c, 0, 0, 0, 0, width & 255, width >> 8, height & 255, height >> 8, 0, 8]))
    parts.push(...blocks(compress(dither(frame))), Buffer.from([0]))
  }
  return Buffer.concat([...parts, Buffer.from([0x3b])])
}

function dither({ width, height, rgb }: Pixels): Uint8Array {
  const bayer = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5]
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const nudge = ((bayer[(Math.floor(i / width) % 4) * 4 + ((i % width) % 4)] as number) + 0.5) / 16
    const level = (channel: number, levels: number) =>
      Math.min(levels - 1, Math.floor(((rgb[i * 3 + channel] as number) / 255) * (levels - 1) + nudge))
    return level(0, 6) * 42 + level(1, 7) * 6 + level(2, 6)
  })
}

/** LZW of 8-bit values; the table is cleared when it is full. */
function compress(pixels: Uint8Array): Buffer {
  const bits = createBits()
  let table = new Map<number, number>()
  let next = 258
  let size = 9
  bits.put(256, size)
  let prefix = pixels[0] as number
  for (const value of pixels.subarray(1)) {
    const key = (prefix << 8) | value
    const known = table.get(key)
    if (known !== undefined) {
      prefix = known
      continue
    }
    bits.put(prefix, size)
    table.set(key, next)
    if (next === 1 << size) size++
    next++
    prefix = value
    if (next < 4096) continue
    bits.put(256, size)
    table = new Map()
    next = 258
    size = 9
  }
  bits.put(prefix, size)
  bits.put(257, size)
  return bits.end()
}

function blocks(data: Buffer): Buffer[] {
  const out: Buffer[] = []
  for (let at = 0; at < data.length; at += 255) {
    const part = data.subarray(at, at + 255)
    out.push(Buffer.from([part.length]), part)
  }
  return out
}
