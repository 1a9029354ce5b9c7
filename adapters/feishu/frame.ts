// A file of its own: frames of the long connection, in protobuf's wire format (protobuf.dev, Encoding). Two message
// types do not need a library; the numbers are 64 bits wide and have to be given back exactly.

export interface FrameHeader {
  readonly key: string
  readonly value: string
}

export interface Frame {
  readonly seqId: bigint
  readonly logId: bigint
  readonly service: number
  /** 0: control (ping, pong), 1: data. */
  readonly method: number
  readonly headers: readonly FrameHeader[]
  readonly payloadEncoding?: string
  readonly payloadType?: string
  readonly payload?: Uint8Array
  readonly logIdNew?: string
}

const mask64 = (1n << 64n) - 1n
const mostHeaders = 100
const [wireVarint, wire64, wireBytes, wire32] = [0, 1, 2, 5]

const varint = (value: bigint): Uint8Array => {
  const bytes: number[] = []
  let rest = value & mask64
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  return Uint8Array.from([...bytes, Number(rest)])
}

const tagged = (field: number, type: number, ...pieces: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat([varint(BigInt((field << 3) | type)), ...pieces])
const numberField = (field: number, value: bigint): Uint8Array => tagged(field, wireVarint, varint(value))
const bytesField = (field: number, bytes: Uint8Array): Uint8Array =>
  tagged(field, wireBytes, varint(BigInt(bytes.byteLength)), bytes)
const textField = (field: number, text: string | undefined): readonly Uint8Array[] =>
  text === undefined ? [] : [bytesField(field, Buffer.from(text, 'utf8'))]

/** The first four fields are required, also where they are 0. */
export const encodeFrame = (frame: Frame): Uint8Array =>
  Buffer.concat([
    numberField(1, frame.seqId),
    numberField(2, frame.logId),
    numberField(3, BigInt(frame.service)),
    numberField(4, BigInt(frame.method)),
    ...frame.headers.map(({ key, value }) =>
      bytesField(5, Buffer.concat([...textField(1, key), ...textField(2, value)])),
    ),
    ...textField(6, frame.payloadEncoding),
    ...textField(7, frame.payloadType),
    ...(frame.payload === undefined ? [] : [bytesField(8, frame.payload)]),
    ...textField(9, frame.logIdNew),
  ])

type Field = readonly [field: number, value: bigint | Uint8Array]

/** Null for bytes that are no message: cut off, too long numbers, unknown wire types. */
const fieldsOf = (bytes: Uint8Array): readonly Field[] | null => {
  const fields: Field[] = []
  let at = 0
  const read = (): bigint | null => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at]
      if (byte === undefined) return null
      at += 1
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value & mask64
    }
    return null
  }
  const take = (length: number): Uint8Array | null => {
    if (length > bytes.byteLength - at) return null
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.byteLength) {
    const tag = read()
    if (tag === null || tag >> 3n === 0n || tag >> 3n > 0x1fffffffn) return null
    const [field, type] = [Number(tag >> 3n), Number(tag & 7n)]
    let value: bigint | Uint8Array | null = null
    if (type === wireVarint) value = read()
    else if (type === wireBytes) {
      const length = read()
      value = length === null || length > BigInt(bytes.byteLength) ? null : take(Number(length))
    } else if (type === wire64 || type === wire32) value = take(type === wire64 ? 8 : 4)
    if (value === null) return null
    fields.push([field, value])
  }
  return fields
}

/** The last one counts, as protobuf says. */
const last = (fields: readonly Field[], field: number): bigint | Uint8Array | undefined =>
  fields.findLast(([one]) => one === field)?.[1]
const textOf = (fields: readonly Field[], field: number): string | undefined => {
  const value = last(fields, field)
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : undefined
}

const headerOf = (bytes: bigint | Uint8Array): FrameHeader | null => {
  const fields = bytes instanceof Uint8Array ? fieldsOf(bytes) : null
  return fields === null ? null : { key: textOf(fields, 1) ?? '', value: textOf(fields, 2) ?? '' }
}

/** Null for anything that is no frame. */
export const decodeFrame = (bytes: Uint8Array): Frame | null => {
  const fields = fieldsOf(bytes)
  if (fields === null) return null
  const [seqId, logId, service, method] = [1, 2, 3, 4].map((field) => last(fields, field))
  const allNumbers = typeof seqId === 'bigint' && typeof logId === 'bigint'
  if (!allNumbers || typeof service !== 'bigint' || typeof method !== 'bigint') return null
  const headers = fields.filter(([field]) => field === 5).map(([, value]) => headerOf(value))
  if (headers.length > mostHeaders) return null
  const known = headers.filter((header) => header !== null)
  if (known.length < headers.length) return null
  const [payloadEncoding, payloadType, logIdNew] = [textOf(fields, 6), textOf(fields, 7), textOf(fields, 9)]
  const payload = last(fields, 8)
  return {
    seqId,
    logId,
    service: Number(BigInt.asIntN(32, service)),
    method: Number(BigInt.asIntN(32, method)),
    headers: known,
    ...(payloadEncoding === undefined ? {} : { payloadEncoding }),
    ...(payloadType === undefined ? {} : { payloadType }),
    ...(payload instanceof Uint8Array ? { payload } : {}),
    ...(logIdNew === undefined ? {} : { logIdNew }),
  }
}

export const headerIn = ({ headers }: Frame, key: string): string | undefined =>
  headers.find((header) => header.key === key)?.value
