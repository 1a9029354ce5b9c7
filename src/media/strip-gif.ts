import type { Pieces } from './strip-jpeg.ts'

const image = 0x2c
const extension = 0x21
const trailer = 0x3b
const control = 0xf9
const application = 0xff

/** GIF89a: keeps frames with their timing and the looping; drops comments, texts and what applications wrote (XMP). */
export const stripGif = (bytes: Uint8Array): Pieces | null => {
  const ascii = (from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to))
  if (!/^GIF8[79]a$/.test(ascii(0, 6)) || bytes.length < 14) return null
  const start = 13 + tableBytes(bytes[10] ?? 0)
  const pieces: Uint8Array[] = [bytes.subarray(0, start)]
  let drawn = false
  for (let at = start; at < bytes.length; ) {
    const kind = bytes[at]
    if (kind === trailer) return drawn ? [...pieces, bytes.subarray(at, at + 1)] : null
    if (kind !== image && kind !== extension) return null
    const blocks = kind === image ? at + 11 + tableBytes(bytes[at + 9] ?? 0) : at + 2
    const end = behindBlocks(bytes, blocks)
    if (end === null) return null
    const loops = bytes[at + 1] === application && /^(NETSCAPE2\.0|ANIMEXTS1\.0)$/.test(ascii(at + 3, at + 14))
    if (kind === image || bytes[at + 1] === control || loops) pieces.push(bytes.subarray(at, end))
    drawn ||= kind === image
    at = end
  }
  return null
}

const tableBytes = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)

const behindBlocks = (bytes: Uint8Array, from: number): number | null => {
  let at = from
  while (at < bytes.length) {
    const length = bytes[at] ?? 0
    at += length + 1
    if (length === 0) return at
  }
  return null
}
