import type { IncomingMessage } from 'node:http'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'

export interface Listener {
  readonly url: string
  /** Listens again, on the port it had. */
  readonly up: () => Promise<void>
  /** Stops listening and cuts all connections: from now on they are refused. */
  readonly down: () => Promise<void>
}

export interface Entrance {
  readonly request: RequestListener
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

const patienceMs = 2000

/** An HTTP server on 127.0.0.1 that can be switched off and on. Port 0 is settled the first time. */
export async function openListener(port: number, entrance: Entrance): Promise<Listener> {
  let running: { readonly server: Server; readonly sockets: Set<Socket> } | null = null
  let taken = port

  const up = async () => {
    if (running !== null) return
    const sockets = new Set<Socket>()
    const server = createServer(entrance.request)
    server.on('upgrade', entrance.upgrade)
    server.on('connection', (socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    await listen(server, taken)
    taken = (server.address() as AddressInfo).port
    running = { server, sockets }
  }
  const down = async () => {
    if (running === null) return
    const { server, sockets } = running
    running = null
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  await up()
  return { url: `http://127.0.0.1:${taken}`, up, down }
}

/** Somebody else may hold our port for a moment after we let go of it. */
async function listen(server: Server, port: number): Promise<void> {
  const started = performance.now()
  for (;;) {
    const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      server.once('error', resolve)
      server.listen(port, '127.0.0.1', () => {
        server.off('error', resolve)
        resolve(null)
      })
    })
    if (error === null) return
    if (error.code !== 'EADDRINUSE' || port === 0 || performance.now() - started > patienceMs) throw error
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
