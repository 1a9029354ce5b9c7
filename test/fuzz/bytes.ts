import type { Random } from './random.ts'

const invalid: readonly Buffer[] = [
  Buffer.from([0xff]),
  Buffer.from([0xc0, 0xaf]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xf8, 0x88, 0x80, 0x80, 0x80]),
  Buffer.from([0x80, 0x80, 0x80]),
  Buffer.from([0x00]),
  Buffer.from([0xef, 0xbb, 0xbf]),
  Buffer.from('\r\n\r\n'),
]

/** The bytes with damage as it happens on the way, or as somebody makes it on purpose. */
export const mutateBytes = (seed: Buffer, random: Random): Buffer => {
  const at = random.below(seed.length + 1)
  const to = Math.min(seed.length, at + random.below(40))
  const kinds = [
    () => flipped(seed, random),
    () => seed.subarray(0, at),
    () => seed.subarray(at),
    () => Buffer.concat([seed.subarray(0, at), seed.subarray(to)]),
    () => Buffer.concat([seed.subarray(0, to), seed.subarray(at)]),
    () => Buffer.concat([seed.subarray(0, at), random.pick(invalid), seed.subarray(at)]),
    () => Buffer.concat([seed, seed]),
    () => Buffer.from(seed.toString('utf8'), 'utf16le'),
    () => Buffer.from(seed.toString('utf8'), 'latin1'),
    () => Buffer.alloc(0),
    () => Buffer.alloc(random.below(3000), random.below(256)),
  ]
  return random.pick(kinds)()
}

const flipped = (seed: Buffer, random: Random): Buffer => {
  const copy = Buffer.from(seed)
  for (let left = 1 + random.below(8); left > 0 && copy.length > 0; left--) {
    const at = random.below(copy.length)
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8))
  }
  return copy
}
