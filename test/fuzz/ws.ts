import { isUtf8 } from 'node:buffer'
import { deflateRawSync } from 'node:zlib'
import type { Random } from './random.ts'

/** What is said over a WebSocket. */
export interface Message {
  readonly payload: Buffer
  readonly isBinary: boolean
}

const op = { more: 0, text: 1, binary: 2, unknown: 3, close: 8, ping: 9 } as const
const last = 0x80
const compressed = 0x40
const masked = 0x80

/** One frame as a server sends it (RFC 6455, 5.2). */
const frameOf = (first: number, payload: Buffer): Buffer => {
  const { length } = payload
  if (length < 126) return Buffer.concat([Buffer.from([first, length]), payload])
  const head = Buffer.alloc(length < 65_536 ? 4 : 10)
  head[0] = first
  head[1] = length < 65_536 ? 126 : 127
  if (length < 65_536) head.writeUInt16BE(length, 2)
  else head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, payload])
}

export const textFrame = (text: string): Buffer => frameOf(last | op.text, Buffer.from(text))
export const binaryFrame = (bytes: Buffer): Buffer => frameOf(last | op.binary, bytes)

/** A message as a connection has to take it: now and then in several frames, a ping between them. */
export const framesOf = ({ payload, isBinary }: Message, random: Random): Buffer => {
  const kind = isBinary ? op.binary : op.text
  if (!random.chance(0.1) || payload.length < 2) return frameOf(last | kind, payload)
  const at = 1 + random.below(payload.length - 1)
  const between = random.chance(0.5) ? [frameOf(last | op.ping, Buffer.from('fuzz'))] : []
  return Buffer.concat([
    frameOf(kind, payload.subarray(0, at)),
    ...between,
    frameOf(op.more, Buffer.alloc(0)),
    frameOf(last | op.more, payload.subarray(at)),
  ])
}

/** Damaged bytes as a message: text where they are some, though now and then called binary, packed, or much longer. */
export const messageOf = (payload: Buffer, random: Random): Message => {
  if (random.chance(0.01)) return { payload: deflateRawSync(payload), isBinary: true }
  if (random.chance(0.001)) return messageOf(Buffer.concat([payload, Buffer.alloc(2_000_000, 0x20)]), random)
  return { payload, isBinary: !isUtf8(payload) || random.chance(0.03) }
}

const claimed = (length: bigint): Buffer => {
  const head = Buffer.alloc(10)
  head[0] = last | op.text
  head[1] = 127
  head.writeBigUInt64BE(length, 2)
  return head
}

/** Bytes after which no WebSocket goes on. */
export const broken: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['text that is no UTF-8', frameOf(last | op.text, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]))],
  ['a frame that claims to be compressed', frameOf(last | compressed | op.text, Buffer.from('{}'))],
  ['an unknown kind of frame', frameOf(last | op.unknown, Buffer.from('{}'))],
  ['a masked frame', Buffer.from([last | op.text, masked | 2, 1, 2, 3, 4, 0x7a, 0x7f])],
  ['the end of a message that never began', frameOf(last | op.more, Buffer.from('{}'))],
  ['a message within a message', Buffer.concat([frameOf(op.text, Buffer.from('{')), textFrame('{}')])],
  ['a ping in parts', frameOf(op.ping, Buffer.from('x'))],
  ['a ping too long', frameOf(last | op.ping, Buffer.alloc(200))],
  ['a frame of 64 MB', claimed(64n * 1024n * 1024n)],
  ['a frame of 2^63 bytes', claimed(2n ** 63n)],
  ['a good-bye with a code that must not be sent', frameOf(last | op.close, Buffer.from([0x03, 0xed]))],
  ['half a good-bye', frameOf(last | op.close, Buffer.from([3]))],
  ['HTTP', Buffer.from('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad')],
]
