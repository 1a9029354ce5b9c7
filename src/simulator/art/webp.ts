import { type Bits, createBits, prefixLengths, writePrefixCode } from './bits.ts'
import type { Pixels } from './canvas.ts'

/** A lossless WebP (RFC 9649, section 3). `quality` below 90 rounds the colours first, which makes it smaller. */
export function encodeWebp(pixels: Pixels, quality: number): Buffer {
  return riff([chunk('VP8L', bitstream(pixels, quality))])
}

/** An endless loop of equally sized frames. */
export function encodeAnimation(frames: readonly Pixels[], frameMs: number): Buffer {
  const { width, height } = frames[0] as Pixels
  const canvas = Buffer.alloc(10)
  canvas[0] = 2
  canvas.writeUIntLE(width - 1, 4, 3)
  canvas.writeUIntLE(height - 1, 7, 3)
  const parts = [chunk('VP8X', canvas), chunk('ANIM', Buffer.alloc(6))]
  for (const frame of frames) {
    const head = Buffer.alloc(16)
    head.writeUIntLE(width - 1, 6, 3)
    head.writeUIntLE(height - 1, 9, 3)
    head.writeUIntLE(frameMs, 12, 3)
    parts.push(chunk('ANMF', Buffer.concat([head, chunk('VP8L', bitstream(frame, 80))])))
  }
  return riff(parts)
}

function chunk(type: string, data: Buffer): Buffer {
  const head = Buffer.from(`${type}    `, 'latin1')
  head.writeUInt32LE(data.length, 4)
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)])
}

function riff(parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from('WEBP', 'latin1'), ...parts])
  const head = Buffer.from('RIFF    ', 'latin1')
  head.writeUInt32LE(body.length, 4)
  return Buffer.concat([head, body])
}

/** Pixels as (green, red, blue) of what is left after both transforms; alpha is constant and costs nothing. */
function bitstream(pixels: Pixels, quality: number): Buffer {
  const planes = residuals(pixels, quality >= 90 ? 0 : quality >= 70 ? 2 : quality >= 40 ? 3 : 4)
  const bits = createBits()
  bits.put(0x2f, 8)
  bits.put(pixels.width - 1, 14)
  bits.put(pixels.height - 1, 14)
  bits.put(0, 4)
  bits.put(0b101, 3)
  bits.put(0b001, 3)
  bits.put(7, 3)
  bits.put(0, 1)
  // The predictor map is one colour: the mode in its green channel, everywhere.
  for (const symbol of [MODE, 0, 0, 0, 0]) writePrefixCode(bits, only(symbol))
  bits.put(0, 3)
  writePixels(bits, planes)
  return bits.end()
}

/** Predictor 12: left + above − above-left, clamped. */
const MODE = 12

const only = (symbol: number): number[] => Array.from({ length: symbol + 1 }, (_, i) => (i === symbol ? 1 : 0))

/** Literals, and runs of the pixel to the left (distance code 2). */
function writePixels(bits: Bits, [green, red, blue]: Planes): void {
  const tokens: { readonly at: number; readonly run: number }[] = []
  const same = (i: number, j: number) => green[i] === green[j] && red[i] === red[j] && blue[i] === blue[j]
  for (let at = 0; at < green.length; ) {
    let run = 0
    while (at > 0 && run < 4096 && at + run < green.length && same(at + run, at - 1)) run++
    tokens.push({ at, run: run > 3 ? run : 0 })
    at += run > 3 ? run : 1
  }
  const symbols = [new Array<number>(280).fill(0), new Array<number>(256).fill(0), new Array<number>(256).fill(0)]
  const count = (code: number, symbol: number) => {
    const counts = symbols[code] as number[]
    counts[symbol] = (counts[symbol] as number) + 1
  }
  for (const { at, run } of tokens) {
    count(0, run > 0 ? 256 + lengthCode(run).symbol : (green[at] as number))
    if (run > 0) continue
    count(1, red[at] as number)
    count(2, blue[at] as number)
  }
  const writers = symbols.map((counts) => writePrefixCode(bits, prefixLengths(counts, 15)))
  writePrefixCode(bits, only(0))
  writePrefixCode(bits, only(1))
  for (const { at, run } of tokens) {
    const length = lengthCode(run)
    writers[0]?.(run > 0 ? 256 + length.symbol : (green[at] as number))
    if (run > 0) bits.put(length.extra, length.bits)
    else {
      writers[1]?.(red[at] as number)
      writers[2]?.(blue[at] as number)
    }
  }
}

function lengthCode(run: number): { readonly symbol: number; readonly extra: number; readonly bits: number } {
  if (run <= 4) return { symbol: run - 1, extra: 0, bits: 0 }
  const high = 31 - Math.clz32(run - 1)
  const bits = high - 1
  return { symbol: 2 * high + (((run - 1) >> bits) & 1), extra: (run - 1) & ((1 << bits) - 1), bits }
}

type Planes = readonly [Uint8Array, Uint8Array, Uint8Array]

/** Subtract-green, then predictor 12: what left + above − above-left does not foretell, modulo 256. */
function residuals({ width, height, rgb }: Pixels, drop: number): Planes {
  const round = (value: number) => Math.min(255, ((value + ((1 << drop) >> 1)) >> drop) << drop)
  const planes = [1, 0, 2].map((channel) => {
    const plane = new Uint8Array(width * height)
    for (let i = 0; i < plane.length; i++) {
      const green = round(rgb[i * 3 + 1] as number)
      plane[i] = channel === 1 ? green : round(rgb[i * 3 + channel] as number) - green
    }
    return plane
  })
  const left = planes.map((plane) => {
    const rest = new Uint8Array(plane.length)
    for (let i = 0; i < plane.length; i++) {
      const [x, y] = [i % width, Math.floor(i / width)]
      const [l, t, c] = [plane[i - 1] ?? 0, plane[i - width] ?? 0, plane[i - width - 1] ?? 0]
      const guess = y === 0 ? (x === 0 ? 0 : l) : x === 0 ? t : Math.min(255, Math.max(0, l + t - c))
      rest[i] = (plane[i] as number) - guess
    }
    return rest
  })
  return left as unknown as Planes
}
