// A file of its own: LINE shows the length of an audio message and wants it told (reference, Audio message).

/** Enough of an MP3 to get behind its tags' beginning and see a few frames. */
const headBytes = 64 * 1024
/** What an MP3 of unknown make is taken for. */
const usualBitsPerSecond = 128_000
const longestMs = 24 * 60 * 60 * 1000

/** Milliseconds, at least one: read from the file where its form tells, else estimated from its size. */
export async function durationOf(file: Blob): Promise<number> {
  const read = (await mp4Ms(file)) ?? (await mp3Ms(file)) ?? (file.size * 8000) / usualBitsPerSecond
  return Math.min(longestMs, Math.max(1, Math.round(read)))
}

const bytesOf = async (file: Blob, from: number, length: number): Promise<DataView> =>
  new DataView(await file.slice(from, from + length).arrayBuffer())

const nameAt = (view: DataView, at: number): string =>
  view.byteLength < at + 4 ? '' : String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)))

/** Walks the boxes of an MP4 (ISO/IEC 14496-12) to the movie header. */
async function mp4Ms(file: Blob): Promise<number | null> {
  if (nameAt(await bytesOf(file, 0, 8), 4) !== 'ftyp') return null
  let at = 0
  let end = file.size
  for (let boxes = 0; boxes < 200 && at + 8 <= end; boxes++) {
    const head = await bytesOf(file, at, 16)
    const size = sizeOf(head, end - at)
    const name = nameAt(head, 4)
    if (size === null) return null
    if (name === 'mvhd') return movieMs(await bytesOf(file, at + 8, 32))
    if (name === 'moov') {
      end = at + size
      at += 8
    } else at += size
  }
  return null
}

/** 1: a 64-bit size follows the name; 0: up to the end. */
function sizeOf(head: DataView, left: number): number | null {
  const size = head.getUint32(0)
  if (size === 0) return left
  const whole = size === 1 && head.byteLength >= 16 ? Number(head.getBigUint64(8)) : size
  return whole >= 8 && whole <= left ? whole : null
}

function movieMs(header: DataView): number | null {
  if (header.byteLength < 32) return null
  const long = header.getUint8(0) === 1
  const scale = header.getUint32(long ? 20 : 12)
  const units = long ? Number(header.getBigUint64(24)) : header.getUint32(16)
  // All ones: not known.
  if (scale === 0 || units === 0 || units >= 0xffff_ffff) return null
  return (units * 1000) / scale
}

/** kbit/s of layer III by index: MPEG 1, then MPEG 2 and 2.5 (ISO/IEC 11172-3, 13818-3). */
const bitrates = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const
const sampleRates = [44_100, 48_000, 32_000] as const

interface Frame {
  readonly bitsPerSecond: number
  readonly samplesPerSecond: number
  readonly samples: number
  /** Where a variable rate's header would lie. */
  readonly infoAt: number
}

async function mp3Ms(file: Blob): Promise<number | null> {
  const start = await behindTag(file)
  const view = await bytesOf(file, start, headBytes)
  for (let at = 0; at + 4 <= view.byteLength; at++) {
    const frame = frameAt(view, at)
    if (frame === null) continue
    const frames = framesTold(view, at + frame.infoAt)
    if (frames !== null) return (frames * frame.samples * 1000) / frame.samplesPerSecond
    return ((file.size - start - at) * 8000) / frame.bitsPerSecond
  }
  return null
}

/** The size of an ID3v2 tag is four times seven bits. */
async function behindTag(file: Blob): Promise<number> {
  const head = await bytesOf(file, 0, 10)
  if (head.byteLength < 10 || !nameAt(head, 0).startsWith('ID3')) return 0
  return 10 + [6, 7, 8, 9].reduce((size, at) => size * 128 + (head.getUint8(at) & 0x7f), 0)
}

function frameAt(view: DataView, at: number): Frame | null {
  if (view.getUint8(at) !== 0xff) return null
  const [second, third, fourth] = [1, 2, 3].map((i) => view.getUint8(at + i)) as [number, number, number]
  const version = (second >> 3) & 3
  const isLayer3 = ((second >> 1) & 3) === 1
  if (second < 0xe0 || version === 1 || !isLayer3) return null
  const mpeg1 = version === 3
  const kbits = bitrates[mpeg1 ? 0 : 1][third >> 4]
  const rate = sampleRates[(third >> 2) & 3]
  if (!kbits || !rate) return null
  const mono = fourth >> 6 === 3
  return {
    bitsPerSecond: kbits * 1000,
    samplesPerSecond: mpeg1 ? rate : version === 2 ? rate / 2 : rate / 4,
    samples: mpeg1 ? 1152 : 576,
    infoAt: 4 + (mpeg1 ? (mono ? 17 : 32) : mono ? 9 : 17),
  }
}

/** The number of frames a Xing or Info header tells. */
function framesTold(view: DataView, at: number): number | null {
  if (!['Xing', 'Info'].includes(nameAt(view, at)) || view.byteLength < at + 12) return null
  const frames = (view.getUint32(at + 4) & 1) === 1 ? view.getUint32(at + 8) : 0
  return frames > 0 ? frames : null
}
