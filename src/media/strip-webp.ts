import type { Pieces } from './strip-jpeg.ts'

/** developers.google.com/speed/webp/docs/riff_container: what decoding and animation need, and the colour profile. */
const kept = new Set(['VP8 ', 'VP8L', 'VP8X', 'ALPH', 'ANIM', 'ANMF', 'ICCP'])
const drawing = new Set(['VP8 ', 'VP8L', 'ANMF'])
const exifFlag = 0x08
const xmpFlag = 0x04

export const stripWebp = (bytes: Uint8Array): Pieces | null => {
  const word = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4))
  if (bytes.length < 20 || word(0) !== 'RIFF' || word(8) !== 'WEBP') return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const whole = view.getUint32(4, true) + 8
  if (whole > bytes.length) return null
  const chunks: Uint8Array[] = []
  let drawn = false
  let at = 12
  while (at + 8 <= whole) {
    const length = view.getUint32(at + 4, true)
    // Chunks are padded to an even length; writers forget it behind the last one.
    const end = Math.min(whole, at + 8 + length + (length & 1))
    if (at + 8 + length > whole) return null
    const name = word(at)
    if (kept.has(name)) chunks.push(name === 'VP8X' ? withoutFlags(bytes.subarray(at, end)) : bytes.subarray(at, end))
    drawn ||= drawing.has(name)
    at = end
  }
  if (!drawn || at !== whole) return null
  const head = new Uint8Array(bytes.subarray(0, 12))
  const body = chunks.reduce((sum, { length }) => sum + length, 0)
  new DataView(head.buffer).setUint32(4, body + 4, true)
  return [head, ...chunks]
}

const withoutFlags = (chunk: Uint8Array): Uint8Array => {
  const copy = new Uint8Array(chunk)
  copy[8] = (copy[8] ?? 0) & ~(exifFlag | xmpFlag)
  return copy
}
