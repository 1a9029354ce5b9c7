import { numbersFrom } from './picture.ts'

const rate = 16_000
const noteMs = 240
const scale = [0, 2, 4, 7, 9, 12, 14, 16]

/** A short melody, mono, 16 bit: eight plucked notes picked by the text. */
export function composeWav(text: string): Buffer {
  const next = numbersFrom(text)
  const perNote = (rate * noteMs) / 1000
  const samples = Buffer.alloc(perNote * 2 * 9)
  const notes = Array.from({ length: 8 }, () => scale[Math.floor(next() * scale.length)] as number)
  for (let i = 0; i < samples.length / 2; i++) {
    let sum = 0
    // Every note rings on into the next one.
    for (const index of [Math.floor(i / perNote), Math.floor(i / perNote) - 1]) {
      const note = notes[index]
      if (note === undefined) continue
      const t = i / rate - (index * noteMs) / 1000
      const hz = 261.63 * 2 ** (note / 12)
      const pluck = Math.min(1, t * 200) * Math.exp(-t * 6)
      sum += pluck * (Math.sin(2 * Math.PI * hz * t) + 0.3 * Math.sin(4 * Math.PI * hz * t))
    }
    samples.writeInt16LE(Math.round(sum * 9000), i * 2)
  }
  const head = Buffer.alloc(44)
  head.write('RIFF', 0, 'latin1')
  head.writeUInt32LE(36 + samples.length, 4)
  head.write('WAVEfmt ', 8, 'latin1')
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(rate, 24)
  head.writeUInt32LE(rate * 2, 28)
  head.writeUInt16LE(2, 32)
  head.writeUInt16LE(16, 34)
  head.write('data', 36, 'latin1')
  head.writeUInt32LE(samples.length, 40)
  return Buffer.concat([head, samples])
}
