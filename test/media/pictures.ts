import { crc32 } from 'node:zlib'
import type { Pixels } from '../../src/simulator/art/canvas.ts'
import { encodeGif } from '../../src/simulator/art/gif.ts'
import { encodeJpeg } from '../../src/simulator/art/jpeg.ts'
import { encodePng } from '../../src/simulator/art/png.ts'
import { encodeAnimation, encodeWebp } from '../../src/simulator/art/webp.ts'

/** Whole pictures of every kind that is taken, and what cameras and programs write into them. */
export const pixels = (width: number, height: number): Pixels => ({
  width,
  height,
  rgb: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256),
})

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1')

export const jpegOf = (size: Pixels): Buffer => encodeJpeg(size, 80)
export const pngOf = (size: Pixels): Buffer => encodePng(size)
export const gifOf = (size: Pixels): Buffer => encodeGif([size], 100)
export const webpOf = (size: Pixels): Buffer => encodeWebp(size, 90)
export const movingWebpOf = (size: Pixels): Buffer => encodeAnimation([size, size], 100)

export const segment = (marker: number, data: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([0xff, marker, (data.length + 2) >> 8, (data.length + 2) & 255]), data])

/** EXIF as cameras write it: the way up, then whatever they want to remember. */
export const exif = (orientation: number, secret: Uint8Array, little = false): Buffer => {
  const tiff = Buffer.alloc(26)
  const put16 = (at: number, value: number) => (little ? tiff.writeUInt16LE(value, at) : tiff.writeUInt16BE(value, at))
  const put32 = (at: number, value: number) => (little ? tiff.writeUInt32LE(value, at) : tiff.writeUInt32BE(value, at))
  tiff.write(little ? 'II' : 'MM', 'latin1')
  put16(2, 42)
  put32(4, 8)
  put16(8, 1)
  put16(10, 0x0112)
  put16(12, 3)
  put32(14, 1)
  put16(18, orientation)
  return Buffer.concat([ascii('Exif\0\0'), tiff, secret])
}

/** Behind the first marker and its JFIF segment. */
export const inJpeg = (jpeg: Buffer, ...segments: readonly Buffer[]): Buffer =>
  Buffer.concat([jpeg.subarray(0, 20), ...segments, jpeg.subarray(20)])

export const pngChunk = (name: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([ascii(name), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}

/** Behind the header. */
export const inPng = (png: Buffer, ...chunks: readonly Buffer[]): Buffer =>
  Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)])

const riffChunk = (name: string, data: Uint8Array): Buffer => {
  const head = Buffer.from(`${name}    `, 'latin1')
  head.writeUInt32LE(data.length, 4)
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)])
}

/** A plain WebP with the extended header that announces EXIF and XMP, and both behind the picture. */
export const inWebp = (webp: Buffer, { width, height }: Pixels, secret: Uint8Array): Buffer => {
  const head = Buffer.alloc(10)
  head[0] = 0x0c
  head.writeUIntLE(width - 1, 4, 3)
  head.writeUIntLE(height - 1, 7, 3)
  const body = Buffer.concat([
    ascii('WEBP'),
    riffChunk('VP8X', head),
    webp.subarray(12),
    riffChunk('EXIF', secret),
    riffChunk('XMP ', secret),
  ])
  const riff = Buffer.from('RIFF    ', 'latin1')
  riff.writeUInt32LE(body.length, 4)
  return Buffer.concat([riff, body])
}

/** Comment and XMP, in front of the first frame. */
export const inGif = (gif: Buffer, secret: Uint8Array): Buffer => {
  const block = (data: Uint8Array) => Buffer.concat([Buffer.from([data.length]), data])
  const start = 13 + 768
  return Buffer.concat([
    gif.subarray(0, start),
    Buffer.from([0x21, 0xfe]),
    block(secret),
    Buffer.from([0, 0x21, 0xff]),
    block(ascii('XMP DataXMP')),
    block(secret),
    Buffer.from([0]),
    gif.subarray(start),
  ])
}
