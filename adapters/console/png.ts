// Beside the usual file names: reads the PNGs that image models write, so that a terminal can show a small copy.
import { promisify } from 'node:util'
import { inflate } from 'node:zlib'

export interface Pixels {
  readonly width: number
  readonly height: number
  /** Red, green, blue of a pixel, transparency over black. */
  readonly at: (x: number, y: number) => readonly [number, number, number]
}

const inflated = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflate)
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
const MAX_PIXELS = 4 * 1024 * 1024

interface Chunks {
  readonly header: Buffer
  readonly palette: Buffer
  readonly data: Buffer
}

function chunksOf(file: Buffer): Chunks | null {
  if (!file.subarray(0, 8).equals(SIGNATURE)) return null
  const found: Record<string, Buffer[]> = { IHDR: [], PLTE: [], IDAT: [] }
  for (let at = 8; at + 12 <= file.length; ) {
    const length = file.readUInt32BE(at)
    const type = file.toString('latin1', at + 4, at + 8)
    if (at + 12 + length > file.length) return null
    found[type]?.push(file.subarray(at + 8, at + 8 + length))
    at += 12 + length
  }
  const header = found.IHDR?.[0]
  if (header?.length !== 13) return null
  return { header, palette: Buffer.concat(found.PLTE ?? []), data: Buffer.concat(found.IDAT ?? []) }
}

/** Undoes the five line filters (PNG specification, third edition, section 9.2) in place. */
function unfilter(raw: Buffer, height: number, stride: number, step: number): Buffer {
  const out = Buffer.alloc(height * stride)
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)] ?? 0
    const from = y * (stride + 1) + 1
    const to = y * stride
    for (let x = 0; x < stride; x++) {
      const left = x >= step ? (out[to + x - step] ?? 0) : 0
      const above = y > 0 ? (out[to + x - stride] ?? 0) : 0
      const corner = x >= step && y > 0 ? (out[to + x - stride - step] ?? 0) : 0
      out[to + x] = (raw[from + x] ?? 0) + predicted(filter, left, above, corner)
    }
  }
  return out
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  if (filter === 1) return left
  if (filter === 2) return above
  if (filter === 3) return (left + above) >> 1
  if (filter !== 4) return 0
  const guess = left + above - corner
  const [byLeft, byAbove, byCorner] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)]
  if (byLeft <= byAbove && byLeft <= byCorner) return left
  return byAbove <= byCorner ? above : corner
}

/** Null for what is not a PNG of 8 bits a channel without interlacing, is damaged, or has over four million pixels. */
export async function decodePng(bytes: Uint8Array): Promise<Pixels | null> {
  const chunks = chunksOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  if (!chunks) return null
  const [width, height] = [chunks.header.readUInt32BE(0), chunks.header.readUInt32BE(4)]
  const [depth, colour, , , interlace] = chunks.header.subarray(8)
  const channels = CHANNELS[colour ?? -1]
  if (depth !== 8 || interlace !== 0 || !channels || width * height === 0 || width * height > MAX_PIXELS) return null
  const stride = width * channels
  const size = height * (stride + 1)
  const raw = await inflated(chunks.data, { maxOutputLength: size }).catch(() => null)
  if (raw?.length !== size) return null
  const flat = unfilter(raw, height, stride, channels)
  return {
    width,
    height,
    at: (x, y) => {
      const at = y * stride + x * channels
      const byte = (offset: number): number => flat[at + offset] ?? 0
      if (colour === 3) {
        const entry = byte(0) * 3
        return [chunks.palette[entry] ?? 0, chunks.palette[entry + 1] ?? 0, chunks.palette[entry + 2] ?? 0]
      }
      const alpha = colour === 6 ? byte(3) / 255 : colour === 4 ? byte(1) / 255 : 1
      const grey = channels < 3
      const over = (offset: number): number => Math.round(byte(grey ? 0 : offset) * alpha)
      return [over(0), over(1), over(2)]
    },
  }
}
