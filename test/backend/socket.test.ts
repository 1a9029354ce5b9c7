import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { reconnectDelayMs, type SocketDeps, watchSocket } from '../../src/backend/socket.ts'
import { sleep } from '../kit/deps.ts'

const frame = (opcode: number, payload: Buffer): Buffer => {
  const head =
    payload.length < 126
      ? Buffer.from([0x80 | opcode, payload.length])
      : payload.length < 65_536
        ? Buffer.from([0x80 | opcode, 126, payload.length >> 8, payload.length & 255])
        : Buffer.concat([
            Buffer.from([0x80 | opcode, 127, 0, 0, 0, 0]),
            Buffer.from(Uint32Array.of(payload.length).buffer).swap32(),
          ])
  return Buffer.concat([head, payload])
}

interface Peer {
  readonly clientId: string | null
  readonly say: (message: unknown) => void
  readonly raw: (text: string) => void
  readonly binary: () => void
  readonly drop: () => void
  readonly gone: Promise<void>
}

/** A `/ws` of a few lines: hands each connection to the test. `deaf` never answers the upgrade. */
async function openSocketHost(mode: 'good' | 'deaf' | 'refuses' = 'good') {
  const peers: Peer[] = []
  const waiting: ((peer: Peer) => void)[] = []
  const sockets = new Set<Duplex>()
  const server = createServer()
  let attempts = 0
  server.on('upgrade', (request, socket) => {
    attempts += 1
    sockets.add(socket)
    const gone = new Promise<void>((resolve) => socket.once('close', resolve))
    socket.on('error', () => socket.destroy())
    if (mode === 'deaf') return
    if (mode === 'refuses') return socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
    const key = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`,
    )
    // A close frame is answered by hanging up, which is all the politeness a test needs.
    socket.on('data', (data: Buffer) => ((data[0] ?? 0) & 15) === 8 && socket.end(frame(8, Buffer.alloc(0))))
    const url = new URL(request.url ?? '/', 'http://host')
    const peer: Peer = {
      clientId: url.searchParams.get('clientId'),
      say: (message) => socket.write(frame(1, Buffer.from(JSON.stringify(message)))),
      raw: (text) => socket.write(frame(1, Buffer.from(text))),
      binary: () => socket.write(frame(2, Buffer.from([0, 0, 0, 1]))),
      drop: () => socket.destroy(),
      gone,
    }
    const next = waiting.shift()
    if (next) next(peer)
    else peers.push(peer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () =>
    new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy()
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    attempts: () => attempts,
    next: (): Promise<Peer> => {
      const peer = peers.shift()
      return peer ? Promise.resolve(peer) : new Promise((resolve) => waiting.push(resolve))
    },
    [Symbol.asyncDispose]: close,
  }
}

/** Runs a watcher and lets the test wait for what it reports. Sleeping costs no time. */
function watching(url: string, over: Partial<SocketDeps> = {}) {
  const heard: string[] = []
  const slept: number[] = []
  const waiters: { readonly word: string; readonly done: () => void }[] = []
  const note = (word: string) => {
    heard.push(word)
    for (const waiter of waiters.filter((one) => one.word === word)) waiter.done()
  }
  let count = 0
  const run = watchSocket({
    url,
    clientId: () => `id-${++count}`,
    WebSocket: globalThis.WebSocket,
    onStatus: (remaining) => note(`status ${remaining}`),
    onMessage: (type, data) => note(`${type} ${JSON.stringify(data)}`),
    onUp: () => note('up'),
    onDown: () => note('down'),
    now: () => Date.now(),
    sleep: async (ms) => {
      slept.push(ms)
      await new Promise((resolve) => setImmediate(resolve))
    },
    random: () => 1,
    ...over,
  })
  return {
    run,
    heard,
    slept,
    until: (word: string) =>
      heard.includes(word) ? Promise.resolve() : new Promise<void>((done) => waiters.push({ word, done })),
  }
}

const status = (remaining: number) => ({
  type: 'status',
  data: { status: { exec_info: { queue_remaining: remaining } } },
})

describe('the socket', () => {
  it('reports the queue and messages, and passes over what it does not know', async () => {
    await using host = await openSocketHost()
    const stop = new AbortController()
    const { run, heard, until } = watching(host.url)
    const running = run(stop.signal)
    const peer = await host.next()
    peer.say(status(2))
    peer.binary()
    peer.raw('no json')
    peer.raw('[1]')
    peer.say({ type: 7 })
    peer.say({ type: 'status', data: { status: { exec_info: { queue_remaining: -1 } } } })
    peer.say({ type: 'executed', data: { output: 'x'.repeat(1024 * 1024) } })
    peer.say({ type: 'executing', data: { node: '3' } })
    await until('executing {"node":"3"}')
    expect(heard).toEqual(['up', 'status 2', 'executing {"node":"3"}'])
    stop.abort()
    await running
    await peer.gone
    expect(heard).not.toContain('down')
  })

  it('comes back with a fresh id, later each time, and says when it was lost', async () => {
    await using host = await openSocketHost()
    const stop = new AbortController()
    const { run, heard, slept } = watching(host.url)
    const running = run(stop.signal)
    const ids: (string | null)[] = []
    for (let i = 0; i < 3; i++) {
      const peer = await host.next()
      ids.push(peer.clientId)
      peer.drop()
    }
    await host.next()
    expect(ids).toEqual(['id-1', 'id-2', 'id-3'])
    expect(heard.filter((word) => word === 'down')).toHaveLength(3)
    expect(slept).toEqual([500, 1000, 2000])
    stop.abort()
    await running
    expect(heard.filter((word) => word === 'down')).toHaveLength(3)
  })

  it('starts with short delays again after a connection that held', async () => {
    await using host = await openSocketHost()
    const stop = new AbortController()
    let now = 0
    const { run, slept } = watching(host.url, { now: () => now })
    const running = run(stop.signal)
    for (const heldMs of [0, 0, 10_000, 0]) {
      const peer = await host.next()
      now += heldMs
      peer.drop()
    }
    await host.next()
    expect(slept).toEqual([500, 1000, 500, 500])
    stop.abort()
    await running
  })

  it('keeps trying a host that refuses or is silent, without ever being up', async () => {
    for (const mode of ['refuses', 'deaf'] as const) {
      await using host = await openSocketHost(mode)
      const stop = new AbortController()
      let naps = 0
      const { run, heard } = watching(host.url, {
        openTimeoutMs: 30,
        sleep: async () => {
          naps += 1
          if (naps === 3) stop.abort()
        },
      })
      await run(stop.signal)
      expect(host.attempts()).toBe(3)
      expect(heard).toEqual([])
    }
  })

  it.each(['open', 'connecting', 'sleeping'] as const)('ends at once on abort while %s', async (when) => {
    await using host = await openSocketHost(when === 'connecting' ? 'deaf' : 'good')
    const stop = new AbortController()
    const asleep = Promise.withResolvers<void>()
    const { run } = watching(host.url, {
      sleep: (ms, signal) => {
        asleep.resolve()
        return sleep(ms * 100, signal)
      },
    })
    const running = run(stop.signal)
    if (when === 'open') await host.next()
    if (when === 'sleeping') {
      ;(await host.next()).drop()
      await asleep.promise
    }
    const started = performance.now()
    stop.abort()
    await running
    expect(performance.now() - started).toBeLessThan(100)
  })

  it('does nothing when it was stopped before', async () => {
    await using host = await openSocketHost()
    await watching(host.url).run(AbortSignal.abort())
    expect(host.attempts()).toBe(0)
  })

  it('brings a mistake in a callback to the surface', async () => {
    await using host = await openSocketHost()
    const { run } = watching(host.url, {
      onStatus: () => {
        throw new Error('mistake')
      },
    })
    const running = run(new AbortController().signal)
    ;(await host.next()).say(status(1))
    await expect(running).rejects.toThrow('mistake')
  })

  it('waits between half and all of a doubling delay, up to 30 s', () => {
    expect([0, 1, 2, 5, 6, 50].map((failures) => reconnectDelayMs(failures, 1))).toEqual([
      500, 1000, 2000, 16_000, 30_000, 30_000,
    ])
    expect(reconnectDelayMs(50, 0)).toBe(15_000)
  })
})
