import type { Format } from './formats.ts'
import { formats } from './formats.ts'

const uint32 = (head: Uint8Array, at: number): number =>
  at + 4 <= head.length ? new DataView(head.buffer, head.byteOffset).getUint32(at) : 0

const ascii = (head: Uint8Array, from: number, to: number): string => String.fromCharCode(...head.subarray(from, to))

/** Whether a picture has more than one frame, as far as its first bytes tell. */
export const moves = (head: Uint8Array, format: Format): boolean => {
  if (format === formats.gif) return gifMoves(head)
  if (format === formats.png) return pngMoves(head)
  // VP8X chunk, animation flag (developers.google.com/speed/webp/docs/riff_container).
  if (format === formats.webp) return ascii(head, 12, 16) === 'VP8X' && ((head[20] ?? 0) & 0x02) !== 0
  return format === formats.avif && ascii(head, 8, 12) === 'avis'
}

/** An `acTL` chunk stands before the first `IDAT` (PNG, third edition, section 11.3.7.1). */
const pngMoves = (head: Uint8Array): boolean => {
  for (let at = 8; at + 8 <= head.length; ) {
    const name = ascii(head, at + 4, at + 8)
    if (name === 'acTL') return true
    if (name === 'IDAT') return false
    at += uint32(head, at) + 12
  }
  return false
}

/** Two image descriptors, or the looping extension (first frames can be larger than what is seen here). */
const gifMoves = (head: Uint8Array): boolean => {
  let images = 0
  let at = 13 + colourTableBytes(head[10] ?? 0)
  while (at < head.length) {
    if (head[at] === 0x2c) {
      if (++images > 1) return true
      at = afterBlocks(head, at + 11 + colourTableBytes(head[at + 9] ?? 0))
    } else if (head[at] === 0x21) {
      if (head[at + 1] === 0xff && ascii(head, at + 3, at + 14) === 'NETSCAPE2.0') return true
      at = afterBlocks(head, at + 2)
    } else {
      return false
    }
  }
  return false
}

const colourTableBytes = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)

const afterBlocks = (head: Uint8Array, from: number): number => {
  let at = from
  while (at < head.length && head[at] !== 0) at += (head[at] ?? 0) + 1
  return at + 1
}
