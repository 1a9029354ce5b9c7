import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Sink {
  readonly origin: string
  readonly calls: () => number
  readonly close: () => Promise<void>
}

/** Stands for a server that answers everything with this; null: it takes connections and never says a word. */
export const openSink = async (answer: string | null): Promise<Sink> => {
  let calls = 0
  const server = createServer((request, response) => {
    calls++
    if (answer === null) return
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: () => calls,
    close: () => {
      server.closeAllConnections()
      return new Promise((done) => server.close(() => done()))
    },
  }
}
