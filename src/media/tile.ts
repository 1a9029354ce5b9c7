// A file of its own: a picture made of nothing. As JPEG, because some platforms take no other beside a film (WeChat).

const width = 320
const height = 180
/** Side of a block of JPEG; each is of one shade here. */
const block = 8
const ground = 0x2a
const sign = 0xd0

/** Inside of a triangle that points to the right, in the middle. */
const isSign = (x: number, y: number): boolean => {
  const [right, up] = [(x - width / 2 + 30) / 80, Math.abs(y - height / 2) / 46]
  return right >= 0 && up <= 1 - right
}

/** A marker with its length and content (ITU-T T.81, annex B). */
const segment = (marker: number, ...content: readonly number[]): readonly number[] => [
  0xff,
  marker,
  0,
  content.length + 2,
  ...content,
]

/** How many codes there are of each length (1 to 16 bits), then what they stand for. */
const codeTable = (kind: number, symbols: readonly number[]): readonly number[] =>
  segment(0xc4, kind, ...Array.from({ length: 16 }, (_, i) => (i < symbols.length ? 1 : 0)), ...symbols)

/** Sizes of the differences between the shades of two neighbours, the frequent one first: codes 0, 10, 110. */
const sizes = [0, 8, 7]

/** The difference to the block before, as bits: the code of its size, then itself (T.81, F.1.2.1); then a 0, which says
 *  that the block has no pattern. */
const blockBits = (difference: number): string => {
  const size = difference === 0 ? 0 : Math.floor(Math.log2(Math.abs(difference))) + 1
  const value = difference < 0 ? difference + 2 ** size - 1 : difference
  const digits = size === 0 ? '' : value.toString(2).padStart(size, '0')
  return `${'1'.repeat(sizes.indexOf(size))}0${digits}0`
}

const scan = (): readonly number[] => {
  let bits = ''
  let before = 0x80
  for (let y = 0; y < height; y += block) {
    for (let x = 0; x < width; x += block) {
      const shade = isSign(x + block / 2, y + block / 2) ? sign : ground
      bits += blockBits(shade - before)
      before = shade
    }
  }
  const bytes = bits.match(/.{1,8}/g) ?? []
  // Filled up with ones; a byte of ones is followed by a zero, as it would begin a marker.
  return bytes
    .map((byte) => Number.parseInt(byte.padEnd(8, '1'), 2))
    .flatMap((byte) => (byte === 0xff ? [byte, 0] : byte))
}

/** A neutral picture that stands for something to play, as a grey JPEG of 320 × 180 in less than a kilobyte. */
export const playTile = (): Buffer =>
  Buffer.from([
    ...[0xff, 0xd8],
    ...segment(0xe0, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0),
    // All steps are 8: a block's value is then its shade.
    ...segment(0xdb, 0, ...new Array<number>(64).fill(8)),
    ...segment(0xc0, 8, height >> 8, height & 0xff, width >> 8, width & 0xff, 1, 1, 0x11, 0),
    ...codeTable(0x00, sizes),
    ...codeTable(0x10, [0]),
    ...segment(0xda, 1, 1, 0, 0, 63, 0),
    ...scan(),
    ...[0xff, 0xd9],
  ])
