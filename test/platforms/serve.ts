import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Served {
  readonly server: Server
  readonly origin: string
  /** Cuts whatever is open. */
  readonly close: () => Promise<void>
}

/** A server on 127.0.0.1, on a port of the system. Who throws while serving cuts the connection. */
export const serveOn = async (
  serve: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void,
): Promise<Served> => {
  const server = createServer((request, response) => {
    Promise.resolve(serve(request, response)).catch((error: unknown) => response.destroy(error as Error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
