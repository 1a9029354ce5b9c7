import { connect, type Socket } from 'node:net'
import type { Frame } from './frames.ts'

export interface Reply {
  /** Null: the connection ended, or nothing came, without an answer. */
  readonly status: number | null
  readonly body: string
}

const none: Reply = { status: null, body: '' }
/** The daemon answers within half a second, or waits for the rest of a request that never comes. */
const patienceMs = 8000
const halfMs = 300

interface Parsed extends Reply {
  /** The server keeps the connection open. */
  readonly stays: boolean
}

const parsed = (data: Buffer): Parsed | null => {
  const end = data.indexOf('\r\n\r\n')
  if (end < 0) return null
  const head = data.toString('latin1', 0, end)
  const length = Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  const chunks = /\ntransfer-encoding: *chunked/i.test(head)
  const body = data.subarray(end + 4)
  if (chunks ? !body.includes('0\r\n\r\n') : body.length < length) return null
  return {
    status: Number(head.slice(9, 12)),
    body: body.toString('utf8', 0, length),
    stays: !chunks && !/\nconnection: *close/i.test(head),
  }
}

/** Sends frames; sound ones over a connection that is kept, the others over one of their own. */
export const openWire = (port: number) => {
  let kept: Socket | null = null

  const dial = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => resolve(socket))
      socket.once('error', reject)
    })

  const talk = (socket: Socket, frame: Frame): Promise<Parsed | null> =>
    new Promise((resolve) => {
      let data = Buffer.alloc(0)
      const end = (reply: Parsed | null): void => {
        clearTimeout(timer)
        socket.removeAllListeners('data').removeAllListeners('close')
        resolve(reply)
      }
      const timer = setTimeout(() => end(null), frame.kind === 'broken' ? halfMs : patienceMs)
      socket.on('data', (chunk: Buffer) => {
        data = Buffer.concat([data, chunk])
        const reply = parsed(data)
        if (reply) end(reply)
      })
      socket.on('close', () => end(parsed(data)))
      for (const piece of frame.pieces) socket.write(piece)
      if (frame.leave) setTimeout(() => end(null), 1)
    })

  const send = async (frame: Frame): Promise<Reply> => {
    const used = frame.sound ? kept : null
    kept = frame.sound ? null : kept
    const socket = used ?? (await dial())
    // A reset is one of the answers here.
    if (!used) socket.on('error', () => {})
    const reply = await talk(socket, frame)
    if (frame.sound && reply?.stays && !socket.destroyed) kept = socket
    else socket.destroy()
    return reply ?? none
  }

  return { send, close: () => void kept?.destroy() }
}
