import { crc32 } from 'node:zlib'
import type { Pieces } from './strip-jpeg.ts'

/** What decoding, colour, size and animation need (PNG, third edition, section 11). Everything else is left out: texts,
 *  EXIF, times, and private chunks, which carry whole workflows. */
const kept = new Set(
  'IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD hIST pHYs sPLT acTL fcTL fdAT'.split(' '),
)
const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

export const stripPng = (bytes: Uint8Array): Pieces | null => {
  if (!signature.every((byte, i) => bytes[i] === byte)) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const pieces: Uint8Array[] = [bytes.subarray(0, 8)]
  let drawn = false
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at)
    const end = at + 12 + length
    if (end > bytes.length) return null
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    if ((at === 8) !== (name === 'IHDR')) return null
    if (kept.has(name)) {
      if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) return null
      pieces.push(bytes.subarray(at, end))
    } else if (!isOptional(name)) {
      return null
    }
    drawn ||= name === 'IDAT'
    if (name === 'IHDR' && (length !== 13 || view.getUint32(at + 8) === 0 || view.getUint32(at + 12) === 0)) return null
    if (name === 'IEND') return drawn ? pieces : null
    at = end
  }
  return null
}

/** A chunk that begins with a small letter can be done without (section 5.4). */
const isOptional = (name: string): boolean => /^[a-z][A-Za-z]{3}$/.test(name)
