import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Open requests get this long to be answered, then they are cut. */
const graceMs = 2000

/** Returns what closes a server: requests that run are answered, each as the last of its connection; connections
 *  without one end at once, also those that never said anything, which node itself would wait for. Call it before the
 *  server listens. */
export const makeClose = (server: Server): (() => Promise<void>) => {
  const sockets = new Set<Socket>()
  const running = new Map<ServerResponse, Socket>()
  let closing = false

  const asLast = (response: ServerResponse): void => {
    if (!response.headersSent) response.setHeader('connection', 'close')
  }
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('request', (request, response) => {
    const { socket } = request
    running.set(response, socket)
    if (closing) asLast(response)
    response.once('close', () => {
      running.delete(response)
      // What was written may still be on its way out.
      if (closing) socket.destroySoon()
    })
  })

  return () =>
    new Promise((done) => {
      closing = true
      const cut = setTimeout(() => server.closeAllConnections(), graceMs)
      cut.unref()
      server.close(() => {
        clearTimeout(cut)
        done()
      })
      for (const response of running.keys()) asLast(response)
      const busy = new Set(running.values())
      for (const socket of sockets) if (!busy.has(socket)) socket.destroySoon()
    })
}
