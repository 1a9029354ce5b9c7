import { describe, expect, it } from 'vitest'
import { durationOf } from '../../adapters/line/duration.ts'

const box = (name: string, ...content: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(content)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + body.length)
  head.write(name, 4, 'latin1')
  return Buffer.concat([head, body])
}

/** A movie header (ISO/IEC 14496-12, 8.2.2) of version 0 or 1. */
const movieHeader = (version: 0 | 1, scale: number, units: number): Buffer => {
  const body = Buffer.alloc(version === 0 ? 100 : 112)
  body.writeUInt8(version)
  body.writeUInt32BE(scale, version === 0 ? 12 : 20)
  if (version === 0) body.writeUInt32BE(units, 16)
  else body.writeBigUInt64BE(BigInt(units), 24)
  return box('mvhd', body)
}
const ftyp = box('ftyp', Buffer.from('M4A \0\0\0\0'))
const mdat = box('mdat', Buffer.alloc(90_000))

/** MPEG 1 layer III, 128 kbit/s, 44.1 kHz, stereo. */
const frameHead = Buffer.from([0xff, 0xfb, 0x90, 0x00])
const frames = (count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, () => Buffer.concat([frameHead, Buffer.alloc(413)])))
const tag = Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\x01\x00', 'latin1'), Buffer.alloc(128, 0x41)])

const xing = (count: number): Buffer => {
  const info = Buffer.alloc(12)
  info.write('Xing', 'latin1')
  info.writeUInt32BE(1, 4)
  info.writeUInt32BE(count, 8)
  return Buffer.concat([frameHead, Buffer.alloc(32), info, Buffer.alloc(400)])
}

const blob = (...parts: readonly Buffer[]): Blob => new Blob(parts.map((part) => new Uint8Array(part)))

describe('the length of an audio file', () => {
  it.each([
    ['an M4A with its header in front', blob(ftyp, box('moov', movieHeader(0, 44_100, 185_220)), mdat), 4200],
    ['an M4A with its header at the end', blob(ftyp, mdat, box('moov', movieHeader(0, 1000, 61_000))), 61_000],
    ['an M4A with a long header', blob(ftyp, box('moov', movieHeader(1, 48_000, 96_000))), 2000],
    ['an MP3 of a constant rate', blob(frames(100)), 2606],
    ['an MP3 behind a tag', blob(tag, frames(100)), 2606],
    ['an MP3 of a variable rate', blob(tag, xing(383)), 10_005],
  ])('is read from %s', async (_, file, ms) => {
    expect(await durationOf(file)).toBe(ms)
  })

  it.each([
    ['of an unknown form', blob(Buffer.alloc(16_000))],
    ['with a header that lies', blob(ftyp, Buffer.from('ffffffff6d6f6f76', 'hex'), Buffer.alloc(15_976))],
    ['with an empty header', blob(ftyp, box('moov', movieHeader(0, 0, 0)), Buffer.alloc(15_868))],
  ])('%s is estimated from its size', async (_, file) => {
    expect(await durationOf(file)).toBe(Math.round(file.size / 16))
  })

  it('is never nothing and never more than a day', async () => {
    expect(await durationOf(blob())).toBe(1)
    expect(await durationOf(blob(ftyp, box('moov', movieHeader(0, 1, 1_000_000))))).toBe(86_400_000)
  })
})
