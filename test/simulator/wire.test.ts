import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { openStage } from './kit.ts'

/** A client that says exactly the bytes it is told to. */
async function raw(
  url: string,
  headers: readonly string[] = [],
): Promise<{ socket: Socket; read: (n: number) => Promise<Buffer> }> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let held = Buffer.alloc(0)
  let wake = () => {}
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk])
    wake()
  })
  socket.on('close', () => wake())
  const read = async (n: number) => {
    while (held.length < n && !socket.destroyed) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    const out = held.subarray(0, n)
    held = held.subarray(n)
    return out
  }
  const lines = [
    'GET /ws HTTP/1.1',
    `Host: ${hostname}:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    ...headers,
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  return { socket, read }
}

const shake = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']

const frame = (first: number, payload: Buffer): Buffer => {
  const mask = randomBytes(4)
  const masked = Buffer.from(payload.map((byte, i) => byte ^ (mask[i % 4] as number)))
  const length =
    payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 255]
  return Buffer.concat([Buffer.from([first, ...length]), mask, masked])
}

/** Past the handshake and the first status. */
async function opened(url: string) {
  const wire = await raw(url, shake)
  for (let line = ''; !line.endsWith('\r\n\r\n'); ) line += (await wire.read(1)).toString('latin1')
  const [, length = 0] = await wire.read(2)
  await wire.read(length)
  return wire
}

test('the handshake is answered with the key of RFC 6455', async () => {
  await using stage = await openStage()
  const wire = await raw(stage.sim.url, shake)
  const head = (await wire.read(129)).toString('latin1')
  expect(head).toMatch(/^HTTP\/1\.1 101 /)
  expect(head).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  wire.socket.destroy()
})

test('an upgrade without a key, or of another version, is refused', async () => {
  await using stage = await openStage()
  for (const headers of [[], [shake[0] as string, 'Sec-WebSocket-Version: 8']]) {
    const wire = await raw(stage.sim.url, headers)
    expect((await wire.read(12)).toString('latin1')).toBe('HTTP/1.1 400')
    wire.socket.destroy()
  }
})

test('a ping comes back as a pong, whole or in pieces, between the parts of a message too', async () => {
  await using stage = await openStage()
  const wire = await opened(stage.sim.url)
  wire.socket.write(frame(0x01, Buffer.from('{"type":"feature_flags",')))
  const ping = frame(0x89, Buffer.from('hello'))
  wire.socket.write(ping.subarray(0, 3))
  await new Promise((resolve) => setImmediate(resolve))
  wire.socket.write(ping.subarray(3))
  expect(await wire.read(7)).toEqual(Buffer.from([0x8a, 5, ...Buffer.from('hello')]))
  wire.socket.write(frame(0x80, Buffer.from('"data":{}}')))
  const [first, length] = await wire.read(2)
  expect([first, length]).toEqual([0x81, 126])
  expect((await wire.read(2 + 30)).toString('utf8')).toContain('"type":"feature_flags"')
  wire.socket.destroy()
})

test('a close frame is answered with the same code, and the connection ends', async () => {
  await using stage = await openStage()
  const wire = await opened(stage.sim.url)
  wire.socket.write(frame(0x88, Buffer.from([0x03, 0xe8])))
  expect(await wire.read(4)).toEqual(Buffer.from([0x88, 2, 0x03, 0xe8]))
  await wire.read(1)
  expect(wire.socket.readableEnded || wire.socket.destroyed).toBe(true)
})

test('unmasked frames and endless ones end the connection', async () => {
  await using stage = await openStage()
  for (const [bytes, code] of [
    [Buffer.from([0x81, 0x01, 0x61]), 1002],
    [Buffer.from([0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4]), 1009],
  ] as const) {
    const wire = await opened(stage.sim.url)
    wire.socket.write(bytes)
    expect((await wire.read(4)).readUInt16BE(2)).toBe(code)
    wire.socket.destroy()
  }
})
