import fc from 'fast-check'
import { imageSize } from 'image-size'
import { describe, expect, test } from 'vitest'
import { decodePng } from '../../adapters/console/png.ts'
import { type Format, formats } from '../../src/media/formats.ts'
import { strip } from '../../src/media/strip.ts'
import {
  exif,
  gifOf,
  inGif,
  inJpeg,
  inPng,
  inWebp,
  jpegOf,
  movingWebpOf,
  pixels,
  pngChunk,
  pngOf,
  segment,
  webpOf,
} from './pictures.ts'

const whole = (bytes: Uint8Array, format: Format): Buffer | null => {
  const pieces = strip(bytes, format)
  return pieces && Buffer.concat(pieces)
}

const size = fc.record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 40 }) })
const secret = fc
  .uint8Array({ minLength: 12, maxLength: 200 })
  .map((bytes) => Buffer.from(['S', 'E', 'C', ...bytes].join('')))

describe('what is left of a picture', () => {
  test('JPEG: the same scan and size, the way up, no other word of who took it where', () => {
    fc.assert(
      fc.property(size, secret, fc.integer({ min: 1, max: 8 }), fc.boolean(), (of, hidden, way, little) => {
        const plain = jpegOf(pixels(of.width, of.height))
        const told = inJpeg(
          plain,
          segment(0xe1, exif(way, hidden, little)),
          segment(0xe1, Buffer.concat([Buffer.from('http://ns.adobe.com/xap/1.0/\0'), hidden])),
          segment(0xe2, Buffer.concat([Buffer.from('MPF\0'), hidden])),
          segment(0xed, Buffer.concat([Buffer.from('Photoshop 3.0\0'), hidden])),
          segment(0xfe, hidden),
        )
        const left = whole(Buffer.concat([told, hidden]), formats.jpeg)
        expect(left?.includes(hidden)).toBe(false)
        expect(imageSize(left as Buffer)).toMatchObject({ ...of, type: 'jpg' })
        expect(imageSize(left as Buffer).orientation).toBe(way === 1 ? undefined : way)
        // Take out the block for the way up, and it is the picture as it was before anything was written into it.
        const exifBytes = way === 1 ? 0 : 36
        expect(Buffer.concat([(left as Buffer).subarray(0, 20), (left as Buffer).subarray(20 + exifBytes)])).toEqual(
          plain,
        )
      }),
      { numRuns: 60 },
    )
  })

  test('JPEG: colours stay as they were meant', () => {
    const profile = segment(0xe2, Buffer.from('ICC_PROFILE\0\x01\x01colours'))
    const adobe = segment(0xee, Buffer.from('Adobe\0d\0\0\0\0\x01'))
    const left = whole(inJpeg(jpegOf(pixels(8, 8)), profile, adobe, segment(0xef, Buffer.from('else'))), formats.jpeg)
    expect(left?.includes('colours')).toBe(true)
    expect(left?.includes('Adobe')).toBe(true)
    expect(left?.includes('else')).toBe(false)
  })

  test('JPEG: the small picture inside of the file header goes', () => {
    const plain = jpegOf(pixels(8, 8))
    const header = Buffer.concat([plain.subarray(6, 18), Buffer.from([1, 1]), Buffer.from('rgb')])
    const left = whole(Buffer.concat([plain.subarray(0, 2), segment(0xe0, header), plain.subarray(20)]), formats.jpeg)
    expect(left).toEqual(plain)
  })

  test('JPEG: what hides between two scans is found', () => {
    const plain = jpegOf(pixels(16, 16))
    const scan = plain.indexOf(Buffer.from([0xff, 0xda]))
    const twice = Buffer.concat([plain.subarray(0, -2), segment(0xfe, Buffer.from('hidden')), plain.subarray(scan)])
    const left = whole(twice, formats.jpeg)
    expect(left).toEqual(Buffer.concat([plain.subarray(0, -2), plain.subarray(scan)]))
  })

  test('PNG: every pixel, and no text, time, EXIF or private chunk', async () => {
    await fc.assert(
      fc.asyncProperty(size, secret, async (of, hidden) => {
        const plain = pngOf(pixels(of.width, of.height))
        const chunks = ['tEXt', 'zTXt', 'iTXt', 'eXIf', 'tIME', 'caBX', 'prVt'].map((name) => pngChunk(name, hidden))
        const left = whole(Buffer.concat([inPng(plain, ...chunks), hidden]), formats.png)
        expect(left).toEqual(plain)
        const [before, after] = await Promise.all([decodePng(plain), decodePng(left as Buffer)])
        expect(after?.at(of.width - 1, of.height - 1)).toEqual(before?.at(of.width - 1, of.height - 1))
      }),
      { numRuns: 40 },
    )
  })

  test('PNG: colours, size and transparency stay', () => {
    const chunks = ['gAMA', 'iCCP', 'pHYs', 'tRNS'].map((name) => pngChunk(name, Buffer.from('kept')))
    const told = inPng(pngOf(pixels(4, 4)), ...chunks)
    expect(whole(told, formats.png)).toEqual(told)
  })

  test('WebP: the picture alone, and a header that announces nothing else', () => {
    fc.assert(
      fc.property(size, secret, (of, hidden) => {
        const plain = webpOf(pixels(of.width, of.height))
        const left = whole(inWebp(plain, pixels(of.width, of.height), hidden), formats.webp) as Buffer
        expect(left.includes(hidden)).toBe(false)
        expect(left.readUInt32LE(4)).toBe(left.length - 8)
        expect((left[20] ?? 0) & 0x0c).toBe(0)
        expect(imageSize(left)).toMatchObject({ ...of, type: 'webp' })
        expect(left.includes(plain.subarray(12))).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  test('a WebP that moves keeps moving', () => {
    const moving = movingWebpOf(pixels(8, 8))
    expect(whole(moving, formats.webp)).toEqual(moving)
  })

  test('GIF: frames and their timing, no comment and no XMP', () => {
    fc.assert(
      fc.property(size, secret, (of, hidden) => {
        const plain = gifOf(pixels(of.width, of.height))
        expect(whole(inGif(plain, hidden.subarray(0, 200)), formats.gif)).toEqual(plain)
      }),
      { numRuns: 20 },
    )
  })
})

const samples: readonly (readonly [string, Format, Buffer])[] = [
  ['JPEG', formats.jpeg, inJpeg(jpegOf(pixels(12, 9)), segment(0xe1, exif(6, Buffer.from('x'))))],
  ['PNG', formats.png, inPng(pngOf(pixels(12, 9)), pngChunk('tEXt', Buffer.from('x')))],
  ['WebP', formats.webp, inWebp(webpOf(pixels(12, 9)), pixels(12, 9), Buffer.from('x'))],
  ['GIF', formats.gif, inGif(gifOf(pixels(12, 9)), Buffer.from('x'))],
]

describe.each(samples)('a broken %s', (_, format, sample) => {
  test('that ends too early is refused, wherever it ends', () => {
    for (let length = 0; length < sample.length; length++) {
      expect(strip(sample.subarray(0, length), format), `${length} bytes`).toBeNull()
    }
  })

  test('never throws, and what comes out is never longer than what went in', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: sample.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 }),
        (changes) => {
          const broken = Buffer.from(sample)
          for (const [at, byte] of changes) broken[at] = byte
          const left = whole(broken, format)
          expect(left === null || left.length <= broken.length + 36).toBe(true)
        },
      ),
    )
  })

  test('random bytes are refused', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => strip(bytes, format) === null))
  })
})

test('a PNG whose picture was damaged on the way is refused', () => {
  const png = pngOf(pixels(8, 8))
  const at = png.indexOf('IDAT') + 8
  png[at] = (png[at] ?? 0) ^ 1
  expect(strip(png, formats.png)).toBeNull()
})

test('other formats are not taken', () => {
  expect(strip(Buffer.from('BM'), formats.bmp)).toBeNull()
})
