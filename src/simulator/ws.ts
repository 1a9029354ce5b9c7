import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** The server's end of one WebSocket (RFC 6455). Sends nothing once it is closed. */
export interface Wire {
  readonly text: (message: string) => void
  readonly binary: (message: Uint8Array) => void
  readonly close: (code: number) => void
  /** Ends the connection without a word, as a dying process does. */
  readonly cut: () => void
}

export interface WireEvents {
  readonly onText: (message: string) => void
  /** Exactly once, however the connection ended. */
  readonly onEnd: () => void
  /** Everything that comes in waits for this first. */
  readonly ready: () => Promise<void>
}

const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const maxMessage = 1 << 20

/** Answers the upgrade request, or refuses it with 400 and returns null. */
export function acceptWire(request: IncomingMessage, socket: Duplex, head: Buffer, events: WireEvents): Wire | null {
  const key = request.headers['sec-websocket-key']
  const upgrade = request.headers.upgrade?.toLowerCase()
  if (key === undefined || upgrade !== 'websocket' || request.headers['sec-websocket-version'] !== '13') {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    return null
  }
  const accept = createHash('sha1').update(`${key}${magic}`).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )

  let open = true
  const send = (opcode: number, payload: Uint8Array) => {
    if (open && socket.writable) socket.write(Buffer.concat([frameHead(opcode, payload.length), payload]))
  }
  const close = (code: number) => {
    const payload = Buffer.alloc(2)
    payload.writeUInt16BE(code)
    send(0x8, payload)
    open = false
    socket.end()
  }
  const receive = createReader((opcode, payload) => {
    if (opcode === 0x1) events.onText(payload.toString('utf8'))
    else if (opcode === 0x8) close(payload.length >= 2 ? payload.readUInt16BE(0) : 1000)
    else if (opcode === 0x9) send(0xa, payload)
  })
  let pending = Promise.resolve()
  const feed = (chunk: Buffer) => {
    pending = pending.then(events.ready).then(() => {
      if (!open) return
      const fault = receive(chunk)
      if (fault !== null) close(fault)
    })
  }
  socket.on('data', feed)
  // Upgraded sockets stay half open by default, and a reset is just another way to end.
  socket.on('end', () => socket.end())
  socket.on('error', () => socket.destroy())
  socket.once('close', () => {
    open = false
    events.onEnd()
  })
  if (head.length > 0) feed(head)
  return {
    text: (message) => send(0x1, Buffer.from(message)),
    binary: (message) => send(0x2, message),
    close,
    cut: () => {
      open = false
      socket.destroy()
    },
  }
}

/** Server frames are never masked and never fragmented here. */
function frameHead(opcode: number, length: number): Buffer {
  if (length < 126) return Buffer.from([0x80 | opcode, length])
  const wide = length > 0xffff
  const head = Buffer.alloc(wide ? 10 : 4)
  head[0] = 0x80 | opcode
  head[1] = wide ? 127 : 126
  if (wide) head.writeBigUInt64BE(BigInt(length), 2)
  else head.writeUInt16BE(length, 2)
  return head
}

/** Takes bytes as they come and hands out whole messages; returns a close code when the client breaks the rules. */
function createReader(message: (opcode: number, payload: Buffer) => void): (chunk: Buffer) => number | null {
  let held: Buffer = Buffer.alloc(0)
  let parts: Buffer[] = []
  let kind = 0
  return (chunk) => {
    held = Buffer.concat([held, chunk])
    for (;;) {
      if (held.length < 2) return null
      const [first, second] = [held[0] as number, held[1] as number]
      const short = second & 0x7f
      const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
      // Clients must mask (section 5.1).
      if ((second & 0x80) === 0 || (first & 0x70) !== 0) return 1002
      const start = 2 + lengthBytes + 4
      if (held.length < start) return null
      const length = short === 126 ? held.readUInt16BE(2) : short === 127 ? Number(held.readBigUInt64BE(2)) : short
      if (length > maxMessage) return 1009
      if (held.length < start + length) return null
      const mask = held.subarray(start - 4, start)
      const payload = Buffer.from(held.subarray(start, start + length).map((byte, i) => byte ^ (mask[i % 4] as number)))
      held = held.subarray(start + length)
      const opcode = first & 0xf
      if (opcode >= 0x8) {
        message(opcode, payload)
        continue
      }
      if (opcode !== 0) kind = opcode
      parts.push(payload)
      if (parts.reduce((sum, part) => sum + part.length, 0) > maxMessage) return 1009
      if ((first & 0x80) === 0) continue
      const whole = Buffer.concat(parts)
      parts = []
      message(kind, whole)
    }
  }
}
