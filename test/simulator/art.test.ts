import { inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { imageSize } from 'image-size'
import { expect, test } from 'vitest'
import type { Pixels } from '../../src/simulator/art/canvas.ts'
import { encodeGif } from '../../src/simulator/art/gif.ts'
import { encodeJpeg } from '../../src/simulator/art/jpeg.ts'
import { paintPicture } from '../../src/simulator/art/picture.ts'
import { encodePng } from '../../src/simulator/art/png.ts'
import { composeWav } from '../../src/simulator/art/wav.ts'
import { encodeAnimation, encodeWebp } from '../../src/simulator/art/webp.ts'

const anyPixels: fc.Arbitrary<Pixels> = fc
  .record({ width: fc.integer({ min: 1, max: 20 }), height: fc.integer({ min: 1, max: 20 }) })
  .chain(({ width, height }) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((rgb) => ({ width, height, rgb })),
  )

/** Undoes filter 2 (Up). */
function decodePng(file: Buffer): Uint8Array {
  const { width = 0, height = 0 } = imageSize(file)
  const at = file.indexOf('IDAT')
  const raw = inflateSync(file.subarray(at + 4, at + 4 + file.readUInt32BE(at - 4)))
  const stride = width * 3
  const rgb = new Uint8Array(stride * height)
  for (let i = 0; i < rgb.length; i++) {
    const row = Math.floor(i / stride)
    rgb[i] = (raw[i + row + 1] as number) + (rgb[i - stride] ?? 0)
  }
  return rgb
}

/** The colour indices of the first frame. */
function decodeGif(file: Buffer): number[] {
  let at = file.indexOf(Buffer.from([0x2c, 0, 0, 0, 0])) + 11
  const data: number[] = []
  for (let length = file[at] as number; length > 0; length = file[at] as number) {
    data.push(...file.subarray(at + 1, at + 1 + length))
    at += length + 1
  }
  const out: number[] = []
  let table: number[][] = []
  let before: number[] | null = null
  let size = 9
  const reset = () => {
    table = Array.from({ length: 258 }, (_, i) => [i])
    before = null
    size = 9
  }
  reset()
  for (let bit = 0; ; ) {
    let code = 0
    for (let i = 0; i < size; i++, bit++) code |= (((data[bit >> 3] as number) >> (bit & 7)) & 1) << i
    if (code === 257) return out
    if (code === 256) {
      reset()
      continue
    }
    const last: number[] | null = before
    const entry: number[] = table[code] ?? [...(last ?? []), (last ?? [])[0] as number]
    out.push(...entry)
    if (last !== null && table.length < 4096) table.push([...last, entry[0] as number])
    if (table.length === 1 << size && size < 12) size++
    before = entry
  }
}

test('a PNG gives back every pixel, padded or not', () => {
  fc.assert(
    fc.property(anyPixels, fc.integer({ min: 0, max: 5000 }), (pixels, padTo) => {
      const file = encodePng(pixels, padTo)
      expect(Buffer.from(decodePng(file)).equals(Buffer.from(pixels.rgb))).toBe(true)
      expect(file.length).toBeGreaterThanOrEqual(padTo)
    }),
    { numRuns: 60 },
  )
})

test('a GIF holds one colour index per pixel, over the end of its code table too', () => {
  const noise = { width: 120, height: 120, rgb: new Uint8Array(43200).map((_, i) => (i * 7919 * i) % 251) }
  for (const pixels of [noise, paintPicture({ prompt: 'x', seed: '1', width: 90, height: 70, fox: 0.6 })]) {
    const file = encodeGif([pixels, pixels], 100)
    const indices = decodeGif(file)
    expect(indices).toHaveLength(pixels.width * pixels.height)
    expect(Math.max(...indices)).toBeLessThan(252)
    expect(imageSize(file)).toMatchObject({ type: 'gif', width: pixels.width, height: pixels.height })
  }
})

test('JPEG and WebP state the size of any picture and end where they say', () => {
  fc.assert(
    fc.property(anyPixels, fc.integer({ min: 1, max: 100 }), (pixels, quality) => {
      const { width, height } = pixels
      const [jpeg, webp] = [encodeJpeg(pixels, quality), encodeWebp(pixels, quality)]
      expect(imageSize(jpeg)).toMatchObject({ type: 'jpg', width, height })
      expect([...jpeg.subarray(-2)]).toEqual([0xff, 0xd9])
      expect(imageSize(webp)).toMatchObject({ type: 'webp', width, height })
      expect(webp.readUInt32LE(4)).toBe(webp.length - 8)
      const moving = encodeAnimation([pixels, pixels], 100)
      expect(imageSize(moving)).toMatchObject({ type: 'webp', width, height })
      expect(moving.readUInt32LE(4)).toBe(moving.length - 8)
    }),
    { numRuns: 40 },
  )
})

test('a melody is as long as its header says, and not silent', () => {
  const wav = composeWav('a fox')
  expect(wav.readUInt32LE(40)).toBe(wav.length - 44)
  expect(Math.max(...new Int16Array(wav.buffer.slice(wav.byteOffset + 44)))).toBeGreaterThan(5000)
})
