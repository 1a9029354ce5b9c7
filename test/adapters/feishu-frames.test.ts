import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeJoiner } from '../../adapters/feishu/fragments.ts'
import { decodeFrame, encodeFrame, type Frame } from '../../adapters/feishu/frame.ts'
import { readFrame, writeFrame } from '../platforms/feishu-frames.ts'
import { bytesOf, golden, goldenNames } from './feishu-kit.ts'

const raise = (name: string): never => {
  throw new Error(name)
}
describe('recorded frames', () => {
  const whole = goldenNames('ws.').filter((name) => golden(name).frame?.decoded !== undefined)

  it.each(whole)('%s is read and written to the last bit', (name) => {
    const { decoded } = golden(name).frame ?? raise(name)
    const { SeqID, LogID, service, method, headers, LogIDNew } = decoded ?? raise(name)
    const frame = decodeFrame(bytesOf(name)) ?? raise(name)
    expect(frame).toMatchObject({ seqId: BigInt(SeqID), logId: BigInt(LogID), service, method, headers })
    expect(frame.logIdNew).toBe(LogIDNew)
    expect(Buffer.from(encodeFrame(frame))).toEqual(bytesOf(name))
    // And by a codec that is not ours.
    expect(readFrame(bytesOf(name))).toMatchObject({ seq: BigInt(SeqID), log: BigInt(LogID), service, method })
  })

  it('ws.malformed is no frame', () => {
    expect(decodeFrame(bytesOf('ws.malformed'))).toBeNull()
  })
})

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const words = fc.string({ unit: 'grapheme', maxLength: 40 })
const header = fc.record({ key: words, value: words })
const bytes = fc.uint8Array({ maxLength: 400 })
const frames: fc.Arbitrary<Frame> = fc.record(
  {
    seqId: uint64,
    logId: uint64,
    service: int32,
    method: int32,
    headers: fc.array(header, { maxLength: 8 }),
    payloadEncoding: words,
    payloadType: words,
    payload: bytes,
    logIdNew: words,
  },
  { requiredKeys: ['seqId', 'logId', 'service', 'method', 'headers'] },
)

describe('the codec', () => {
  it('gives back every frame as it was', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const read = decodeFrame(encodeFrame(frame)) ?? raise('no frame')
        expect({ ...read, payload: read.payload && Uint8Array.from(read.payload) }).toEqual({
          ...frame,
          payload: frame.payload,
        })
      }),
    )
  })

  it('agrees with another one, both ways', () => {
    const positive = fc.integer({ min: 0, max: 2 ** 31 - 1 })
    fc.assert(
      fc.property(
        uint64,
        uint64,
        positive,
        fc.constantFrom(0, 1),
        words,
        bytes,
        (seq, log, service, method, type, payload) => {
          const theirs = { seq, log, service, method, headers: { type }, payload: Buffer.from(payload) }
          const read = decodeFrame(writeFrame(theirs)) ?? raise('no frame')
          expect(read).toMatchObject({
            seqId: seq,
            logId: log,
            service,
            method,
            headers: [{ key: 'type', value: type }],
          })
          expect(readFrame(Buffer.from(encodeFrame(read)))).toEqual(theirs)
        },
      ),
    )
  })

  it('takes any bytes, and any frame cut anywhere, without falling over', () => {
    fc.assert(fc.property(bytes, (some) => void decodeFrame(some)))
    fc.assert(
      fc.property(frames, fc.nat(), (frame, cut) => {
        const all = encodeFrame(frame)
        const part = all.subarray(0, cut % all.byteLength)
        const read = decodeFrame(part)
        // Cut between two fields it is shorter, but never longer or other than it was.
        if (read !== null) expect(read.seqId).toBe(frame.seqId)
      }),
    )
  })

  it('skips fields that it does not know, and refuses frames without those that are required', () => {
    const [start, end] = [encodeFrame({ seqId: 1n, logId: 2n, service: 3, method: 1, headers: [] }), 'later']
    const unknown = Buffer.concat([start, Buffer.from([0x52, end.length]), Buffer.from(end), Buffer.from([0x58, 7])])
    expect(decodeFrame(unknown)).toMatchObject({ seqId: 1n, method: 1 })
    expect(decodeFrame(start.subarray(2))).toBeNull()
    expect(decodeFrame(new Uint8Array())).toBeNull()
  })
})

const part = (id: string, sum: number | string, seq: number | string, payload: Uint8Array): Frame => ({
  seqId: 0n,
  logId: 0n,
  service: 0,
  method: 1,
  headers: Object.entries({ message_id: id, sum: String(sum), seq: String(seq) }).map(([key, value]) => ({
    key,
    value,
  })),
  payload,
})

describe('parts of an event', () => {
  it('are joined in any order, byte for byte, with others between them', () => {
    const shuffled = fc
      .tuple(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), fc.integer({ min: 2, max: 9 }))
      .chain(([text, sum]) =>
        fc.tuple(
          fc.constant(text),
          fc.shuffledSubarray(
            Array.from({ length: sum }, (_, i) => i),
            { minLength: sum, maxLength: sum },
          ),
        ),
      )
    fc.assert(
      fc.property(shuffled, ([text, order]) => {
        const join = makeJoiner(() => 0)
        const all = Buffer.from(text)
        const size = Math.ceil(all.length / order.length)
        const results = order.map((seq) => {
          join(part('other', 2, 0, Buffer.from('x')))
          return join(part('one', order.length, seq, all.subarray(seq * size, (seq + 1) * size)))
        })
        expect(results.slice(0, -1)).toEqual(results.slice(0, -1).map(() => ({ kind: 'part' })))
        const last = results.at(-1)
        expect(last?.kind === 'whole' && Buffer.from(last.payload).toString()).toBe(text)
      }),
    )
  })

  it('are forgotten after ten seconds', () => {
    let now = 0
    const join = makeJoiner(() => now)
    join(part('one', 2, 0, Buffer.from('a')))
    now = 10_001
    expect(join(part('one', 2, 1, Buffer.from('b')))).toEqual({ kind: 'part' })
  })

  it('are dropped where they fit nowhere', () => {
    const join = makeJoiner(() => 0)
    for (const [sum, seq] of [
      [2, 2],
      [2, -1],
      ['two', 0],
      [1e9, 0],
      [2, '0x1'],
    ])
      expect(join(part('one', sum ?? 0, seq ?? 0, Buffer.from('a')))).toMatchObject({ kind: 'broken' })
    join(part('one', 3, 0, Buffer.from('a')))
    expect(join(part('one', 2, 1, Buffer.from('a')))).toMatchObject({ kind: 'broken' })
  })

  it('never fill the memory', () => {
    const join = makeJoiner(() => 0)
    const large = new Uint8Array(1024 * 1024)
    const kinds = Array.from({ length: 8 }, (_, i) => join(part(`${i}`, 2, 0, large)).kind)
    expect(kinds.filter((kind) => kind === 'part')).toHaveLength(4)
  })

  it('never fill the memory with parts of nothing either', () => {
    let now = 0
    const join = makeJoiner(() => now)
    const kinds = Array.from({ length: 1000 }, (_, i) => join(part(`${i}`, 2, 0, new Uint8Array())).kind)
    expect(kinds.filter((kind) => kind === 'part')).toHaveLength(200)
    expect(join(part('0', 2, 1, Buffer.from('x')))).toMatchObject({ kind: 'whole' })
    now = 10_001
    expect(join(part('late', 2, 0, new Uint8Array()))).toEqual({ kind: 'part' })
    expect(join(part('x'.repeat(201), 2, 0, new Uint8Array()))).toMatchObject({ kind: 'broken' })
  })
})
