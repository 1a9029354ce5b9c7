import type { Pixels } from './canvas.ts'

/** Baseline JPEG, no subsampling, one quantisation and one pair of Huffman tables for all components. The tables are
 *  ours (any complete ones are legal, ITU-T T.81 annex C): a few short codes for what is frequent, ten bits for the rest. */
export function encodeJpeg(pixels: Pixels, quality: number): Buffer {
  const { width, height } = pixels
  const steps = zigzag.map((at) => quantum(at, quality))
  const frame = [8, height >> 8, height & 255, width >> 8, width & 255, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, [0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]),
    segment(0xdb, [0, ...steps]),
    segment(0xc0, frame),
    segment(0xc4, [0x00, ...counts(dcLengths), ...dcSymbols]),
    segment(0xc4, [0x10, ...counts(acLengths), ...acSymbols]),
    segment(0xda, [3, 1, 0, 2, 0, 3, 0, 0, 63, 0]),
    scan(pixels, steps),
    Buffer.from([0xff, 0xd9]),
  ])
}

const zigzag = Array.from({ length: 64 }, (_, at) => at).sort((a, b) => {
  const [ra, ca, rb, cb] = [a >> 3, a & 7, b >> 3, b & 7]
  if (ra + ca !== rb + cb) return ra + ca - rb - cb
  return (ra + ca) % 2 === 0 ? rb - ra : ra - rb
})

const cosines = Float64Array.from({ length: 64 }, (_, i) => {
  const [u, x] = [i >> 3, i & 7]
  return (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16)
})

const dcSymbols = Array.from({ length: 12 }, (_, size) => size)
const dcLengths = dcSymbols.map(() => 4)
const shortAc = [0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x12, 0x21, 0x31, 0x05, 0x41]
const otherAc = Array.from({ length: 256 }, (_, symbol) => symbol).filter(
  (symbol) => (symbol === 0xf0 || ((symbol & 15) >= 1 && (symbol & 15) <= 10)) && !shortAc.includes(symbol),
)
const acSymbols = [...shortAc, ...otherAc]
const acLengths = acSymbols.map((_, i) => (i === 0 ? 2 : i <= 2 ? 3 : i < shortAc.length ? 5 : 10))

const counts = (lengths: readonly number[]): number[] =>
  Array.from({ length: 16 }, (_, i) => lengths.filter((length) => length === i + 1).length)

/** Canonical codes by symbol: `[code, length]`. */
function codes(symbols: readonly number[], lengths: readonly number[]): Map<number, readonly [number, number]> {
  const table = new Map<number, readonly [number, number]>()
  let code = 0
  for (const [i, symbol] of symbols.entries()) {
    const length = lengths[i] as number
    table.set(symbol, [code, length])
    code = (code + 1) << ((lengths[i + 1] ?? length) - length)
  }
  return table
}

const dcCodes = codes(dcSymbols, dcLengths)
const acCodes = codes(acSymbols, acLengths)

const quantum = (at: number, quality: number): number => {
  const rough = (10 + 6 * ((at >> 3) + (at & 7))) * (quality >= 50 ? 2 - quality / 50 : 50 / Math.max(1, quality))
  return Math.min(255, Math.max(1, Math.round(rough)))
}

const segment = (marker: number, body: readonly number[]): Buffer =>
  Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255, ...body])

function scan({ width, height, rgb }: Pixels, steps: readonly number[]): Buffer {
  const out: number[] = []
  let held = 0
  let bits = 0
  const put = (value: number, length: number) => {
    for (let i = length - 1; i >= 0; i--) {
      held = (held << 1) | ((value >> i) & 1)
      if (++bits < 8) continue
      out.push(held)
      if (held === 0xff) out.push(0)
      held = 0
      bits = 0
    }
  }
  const value = (table: Map<number, readonly [number, number]>, run: number, amount: number) => {
    const size = 32 - Math.clz32(Math.abs(amount))
    put(...(table.get((run << 4) | size) as readonly [number, number]))
    put(amount < 0 ? amount + (1 << size) - 1 : amount, size)
  }
  const before = [0, 0, 0]
  const block = new Float64Array(64)
  for (let top = 0; top < height; top += 8) {
    for (let left = 0; left < width; left += 8) {
      for (let part = 0; part < 3; part++) {
        for (let i = 0; i < 64; i++) {
          const y = Math.min(height - 1, top + (i >> 3))
          const at = (y * width + Math.min(width - 1, left + (i & 7))) * 3
          block[i] = component(part, rgb[at] as number, rgb[at + 1] as number, rgb[at + 2] as number)
        }
        const waves = transform(block)
        const levels = zigzag.map((at, i) => Math.round((waves[at] as number) / (steps[i] as number)))
        value(dcCodes, 0, (levels[0] as number) - (before[part] as number))
        before[part] = levels[0] as number
        let run = 0
        for (let i = 1; i < 64; i++) {
          const level = levels[i] as number
          if (level === 0) run++
          else {
            for (; run > 15; run -= 16) put(...(acCodes.get(0xf0) as readonly [number, number]))
            value(acCodes, run, Math.min(1023, Math.max(-1023, level)))
            run = 0
          }
        }
        if (run > 0) put(...(acCodes.get(0) as readonly [number, number]))
      }
    }
  }
  if (bits > 0) put(0x7f, 8 - bits)
  return Buffer.from(out)
}

const component = (part: number, r: number, g: number, b: number): number => {
  if (part === 0) return 0.299 * r + 0.587 * g + 0.114 * b - 128
  if (part === 1) return -0.168736 * r - 0.331264 * g + 0.5 * b
  return 0.5 * r - 0.418688 * g - 0.081312 * b
}

/** Two-dimensional DCT-II of 8 × 8 values, rows first. */
function transform(block: Float64Array): Float64Array {
  const half = new Float64Array(64)
  const full = new Float64Array(64)
  for (let y = 0; y < 8; y++) {
    for (let u = 0; u < 8; u++) {
      let sum = 0
      for (let x = 0; x < 8; x++) sum += (block[y * 8 + x] as number) * (cosines[u * 8 + x] as number)
      half[y * 8 + u] = sum
    }
  }
  for (let u = 0; u < 8; u++) {
    for (let v = 0; v < 8; v++) {
      let sum = 0
      for (let y = 0; y < 8; y++) sum += (half[y * 8 + u] as number) * (cosines[v * 8 + y] as number)
      full[v * 8 + u] = sum
    }
  }
  return full
}
