import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Stands in front of a server: while it holds, requests are taken and nothing is said; then they go their way. */
export interface Hold {
  readonly origin: string
  readonly hold: () => void
  readonly release: () => void
  readonly held: () => number
  readonly close: () => Promise<void>
}

const bytesOf = async (request: IncomingMessage): Promise<Buffer<ArrayBuffer>> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** What belongs to one connection, or to a body that was unpacked on the way. */
const ownHeaders = new Set(['host', 'connection', 'content-length', 'content-encoding', 'transfer-encoding', 'upgrade'])
const passed = (headers: Iterable<readonly [string, unknown]>): Record<string, string> =>
  Object.fromEntries(
    [...headers].filter(([name]) => !ownHeaders.has(name)).map(([name, value]) => [name, String(value)]),
  )

export const startHold = async (target: string): Promise<Hold> => {
  let door: Promise<void> = Promise.resolve()
  let open = (): void => {}
  let held = 0

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/', headers } = request
    const body = await bytesOf(request)
    held += 1
    await door
    held -= 1
    if (response.destroyed) return
    const answer = await fetch(target + url, {
      method,
      headers: passed(Object.entries(headers)),
      ...(body.byteLength > 0 ? { body } : {}),
    })
    response.writeHead(answer.status, passed(answer.headers)).end(await answer.bytes())
  }
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: () => {
      door = new Promise((resolve) => {
        open = resolve
      })
    },
    release: () => open(),
    held: () => held,
    close: async () => {
      open()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
