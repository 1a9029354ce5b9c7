/** Frames of the long connection as the platform writes and reads them: its own protobuf, by hand, so that it does not
 *  take the adapter's word for what is right. `uint64` are bigints. */
export interface WireFrame {
  readonly seq: bigint
  readonly log: bigint
  readonly service: number
  readonly method: number
  readonly headers: Readonly<Record<string, string>>
  readonly payload: Buffer
}

const varint = (given: bigint): number[] => {
  const bytes: number[] = []
  for (let rest = given; ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)]
    bytes.push(Number(rest & 127n) | 128)
  }
}
const field = (id: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([(id << 3) | 2, ...varint(BigInt(bytes.length))]), bytes])
const number = (id: number, value: bigint): Buffer => Buffer.from([id << 3, ...varint(value)])

export const writeFrame = ({ seq, log, service, method, headers, payload }: WireFrame): Buffer =>
  Buffer.concat([
    number(1, seq),
    number(2, log),
    number(3, BigInt(service)),
    number(4, BigInt(method)),
    ...Object.entries(headers).map(([key, value]) =>
      field(5, Buffer.concat([field(1, Buffer.from(key)), field(2, Buffer.from(value))])),
    ),
    ...(payload.length > 0 ? [field(8, payload)] : []),
    field(9, Buffer.from('FAKELOGIDNEW')),
  ])

const fieldsOf = (bytes: Buffer): [number, bigint | Buffer][] => {
  const found: [number, bigint | Buffer][] = []
  let at = 0
  const read = (): bigint => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined || shift > 63n) throw new Error('a frame that is cut off')
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = Number(read())
    const value = read()
    if ((tag & 7) === 0) found.push([tag >> 3, value])
    else if ((tag & 7) === 2) {
      const end = at + Number(value)
      if (end > bytes.length) throw new Error('a frame that is cut off')
      found.push([tag >> 3, bytes.subarray(at, end)])
      at = end
    } else throw new Error(`wire type ${tag & 7}`)
  }
  return found
}

/** Throws for what the platform would close the connection for: missing required fields, broken bytes. */
export const readFrame = (bytes: Buffer): WireFrame => {
  const all = fieldsOf(bytes)
  const need = (id: number): bigint => {
    const value = all.find(([one]) => one === id)?.[1]
    if (typeof value !== 'bigint') throw new Error(`the required field ${id} is missing`)
    return value
  }
  const headers = all
    .filter(([id]) => id === 5)
    .map(([, value]) => {
      const parts = fieldsOf(value as Buffer)
      const text = (id: number) => String(parts.find(([one]) => one === id)?.[1] ?? '')
      return [text(1), text(2)] as const
    })
  const payload = all.find(([id]) => id === 8)?.[1]
  return {
    seq: need(1),
    log: need(2),
    service: Number(need(3)),
    method: Number(need(4)),
    headers: Object.fromEntries(headers),
    payload: payload instanceof Buffer ? payload : Buffer.alloc(0),
  }
}
