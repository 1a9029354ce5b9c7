import { once } from 'node:events'
import { Agent, createServer, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { makeClose } from '../../src/intake/closing.ts'

const open = async (): Promise<{ close: () => Promise<void>; port: number; next: () => Promise<ServerResponse> }> => {
  const server: Server = createServer({ keepAliveTimeout: 30_000 })
  const close = makeClose(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => server.closeAllConnections())
  const next = async (): Promise<ServerResponse> => {
    const [, response] = await once(server, 'request')
    return response
  }
  return { close, port: (server.address() as AddressInfo).port, next }
}

const tookMs = async (what: Promise<unknown>): Promise<number> => {
  const startedMs = performance.now()
  await what
  return performance.now() - startedMs
}

/** A caller that keeps its connection for the next request. */
const caller = (port: number) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  return () => {
    const call = request({ agent, port, host: '127.0.0.1' })
    call.end()
    return call
  }
}

const bodyOf = async (call: ReturnType<typeof request>): Promise<readonly [string | undefined, string]> => {
  const [response] = await once(call, 'response')
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return [response.headers.connection, text]
}

test('connections that are kept open for later, or never said anything, do not hold up the end', async () => {
  const { close, port, next } = await open()
  const call = caller(port)
  const answered = bodyOf(call())
  const response = await next()
  response.end('hello')
  expect(await answered).toEqual(['keep-alive', 'hello'])
  const silent = connect(port, '127.0.0.1')
  await once(silent, 'connect')
  const gone = once(silent, 'close')
  expect(await tookMs(close())).toBeLessThan(300)
  await gone
})

test('a request that runs is answered in full, as the last of its connection, and then the end is there', async () => {
  const { close, port, next } = await open()
  const answered = bodyOf(caller(port)())
  const response = await next()
  const closed = tookMs(close())
  response.end('x'.repeat(1_000_000))
  const [connection, text] = await answered
  expect([connection, text.length]).toEqual(['close', 1_000_000])
  expect(await closed).toBeLessThan(300)
})

test('an answer that had begun before is finished as well', async () => {
  const { close, port, next } = await open()
  const answered = bodyOf(caller(port)())
  const response = await next()
  response.write('half ')
  const closed = tookMs(close())
  response.end('and half')
  expect((await answered)[1]).toBe('half and half')
  expect(await closed).toBeLessThan(300)
})

test('who never gets an answer is cut off after a moment', async () => {
  const { close, port, next } = await open()
  const call = caller(port)()
  const cut = once(call, 'error')
  await next()
  expect(await tookMs(close())).toBeLessThan(2500)
  await cut
})
