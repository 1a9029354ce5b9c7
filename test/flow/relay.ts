import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** How a platform is gone: nobody listens, connections are dropped, or its front answers 503. */
export type Death = 'port_gone' | 'drops' | 'refuses'

/** Stands in front of a server, whatever is spoken, and dies and comes back at the same address. */
export interface Relay {
  readonly origin: string
  readonly die: (how: Death) => Promise<void>
  readonly revive: () => Promise<void>
  readonly close: () => Promise<void>
}

const unavailable = 'HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'

export const startRelay = async (target: string, port: number): Promise<Relay> => {
  const { hostname, port: targetPort } = new URL(target)
  const sockets = new Set<Socket>()
  let death: Death | null = null

  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  }
  const pass = (from: Socket): void => {
    const to = connect(Number(targetPort), hostname)
    keep(to)
    from.pipe(to).pipe(from)
    from.on('close', () => to.destroy())
    to.on('close', () => from.destroy())
  }
  const server = createServer((socket) => {
    keep(socket)
    if (death === null) return pass(socket)
    if (death === 'drops') socket.destroy()
    else socket.once('data', () => socket.end(unavailable))
  })
  const listen = async (): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const shut = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  await listen()

  return {
    origin: `http://127.0.0.1:${port}`,
    die: async (how) => {
      death = how
      if (how === 'port_gone') await shut()
      else for (const socket of sockets) socket.destroy()
    },
    revive: async () => {
      death = null
      if (!server.listening) await listen()
    },
    close: shut,
  }
}
