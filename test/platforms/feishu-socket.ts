import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { readFrame, type WireFrame, writeFrame } from './feishu-frames.ts'

/** Seconds, as the platform tells them. */
export interface ClientConfig {
  readonly ReconnectCount: number
  readonly ReconnectInterval: number
  readonly ReconnectNonce: number
  readonly PingInterval: number
}

export interface Acknowledged {
  readonly code: number
  readonly headers: Readonly<Record<string, string>>
  readonly data?: unknown
  readonly seq: bigint
  readonly log: bigint
}

interface Delivery {
  readonly appId: string
  readonly payload: string
  readonly type: string
  readonly parts: number
}

export interface SocketHost {
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** A URL good for one connection. */
  readonly url: (origin: string, appId: string) => string
  /** Sends an event to one connection of the app, now or when there is one; again until it is acknowledged. */
  readonly push: (appId: string, payload: string, more?: { type?: string; parts?: number }) => void
  /** Bytes as they are, to every connection. */
  readonly raw: (bytes: Buffer) => void
  readonly acks: () => readonly Acknowledged[]
  readonly pings: () => readonly WireFrame[]
  /** Everything that was pushed has been acknowledged. */
  readonly idle: () => boolean
  readonly open: () => number
  /** How many connections there have been. */
  readonly opened: () => number
  readonly config: () => ClientConfig
  readonly setConfig: (config: Partial<ClientConfig>) => void
  /** From now on the next connections are refused at the handshake with this code. */
  readonly refuse: (code: number | null) => void
  /** Connections stay open, and nothing comes back over them any more. */
  readonly goSilent: (silent: boolean) => void
  /** The server closes every connection (a server-ordered reconnect); `hard` cuts the line instead. */
  readonly drop: (how?: 'close' | 'hard') => void
  readonly close: () => void
}

/** Between a refused event and its return. The platform's own steps are 15 s, 5 min, 1 h and 6 h. */
export const againMs = 20

export const makeSocketHost = (deps: { readonly ackMs: number }): SocketHost => {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  const tickets = new Map<string, string>()
  const sockets = new Map<WebSocket, string>()
  const waiting: Delivery[] = []
  const unacked = new Map<string, { readonly delivery: Delivery; readonly timer: NodeJS.Timeout }>()
  const acks: Acknowledged[] = []
  const pings: WireFrame[] = []
  const timers = new Set<NodeJS.Timeout>()
  let config: ClientConfig = { ReconnectCount: -1, ReconnectInterval: 1, ReconnectNonce: 0, PingInterval: 120 }
  let refusal: number | null = null
  let silent = false
  let opened = 0
  let seq = 0n

  const later = (ms: number, work: () => void): NodeJS.Timeout => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      work()
    }, ms)
    timers.add(timer)
    return timer
  }

  const send = (delivery: Delivery): void => {
    const { appId, payload, type, parts } = delivery
    const all = [...sockets].filter(([, id]) => id === appId).map(([socket]) => socket)
    // One connection gets it, never all of them.
    const socket = all[Math.floor(Math.random() * all.length)]
    if (!socket) return void waiting.push(delivery)
    const id = randomUUID()
    const bytes = Buffer.from(payload)
    const size = Math.ceil(bytes.length / parts)
    // Parts come in any order: those with odd numbers first.
    const order = Array.from({ length: parts }, (_, i) => i).toSorted((a, b) => (b % 2) - (a % 2) || a - b)
    for (const i of order) {
      seq += 1n
      const headers = { type, message_id: id, sum: String(parts), seq: String(i), trace_id: `trace-${id}` }
      const part = bytes.subarray(i * size, (i + 1) * size)
      // More than a number can hold exactly: it has to come back as it went.
      socket.send(writeFrame({ seq, log: 2n ** 63n - 806n, service: 33554678, method: 1, headers, payload: part }))
    }
    const again = (): void => {
      unacked.delete(id)
      send(delivery)
    }
    unacked.set(id, { delivery, timer: later(deps.ackMs, again) })
  }

  const acknowledged = (frame: WireFrame): void => {
    const answer = JSON.parse(frame.payload.toString('utf8')) as { code: number; data?: string }
    const data = answer.data === undefined ? {} : { data: JSON.parse(Buffer.from(answer.data, 'base64').toString()) }
    acks.push({ code: answer.code, headers: frame.headers, seq: frame.seq, log: frame.log, ...data })
    const id = frame.headers.message_id ?? ''
    const known = unacked.get(id)
    if (!known) return
    clearTimeout(known.timer)
    timers.delete(known.timer)
    unacked.delete(id)
    if (answer.code !== 200) later(againMs, () => send(known.delivery))
  }

  const heard = (socket: WebSocket, data: Buffer) => {
    const frame = readFrame(data)
    if (frame.method === 1) return acknowledged(frame)
    if (frame.headers.type !== 'ping') throw new Error('a control frame that is no ping')
    pings.push(frame)
    if (silent) return
    socket.send(writeFrame({ ...frame, headers: { type: 'pong' }, payload: Buffer.from(JSON.stringify(config)) }))
  }

  server.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    const ticket = new URL(request.url ?? '/', 'http://localhost').searchParams.get('ticket') ?? ''
    const appId = tickets.get(ticket) ?? ''
    tickets.delete(ticket)
    opened += 1
    sockets.set(socket, appId)
    socket.on('message', (data: Buffer) => heard(socket, data))
    socket.on('error', () => socket.terminate())
    socket.on('close', () => sockets.delete(socket))
    // At once, in the same moment as the handshake: a client must be listening by then.
    for (const delivery of waiting.splice(0)) send(delivery)
  })

  return {
    upgrade: (request, socket, head) => {
      const url = new URL(request.url ?? '/', 'http://localhost')
      const known = url.pathname === '/ws/v2' && tickets.has(url.searchParams.get('ticket') ?? '')
      if (refusal === null && known) {
        server.handleUpgrade(request, socket, head, (ws) => server.emit('connection', ws, request))
        return
      }
      const code = refusal ?? 514
      const words = code === 1000040350 ? 'exceed conn limit' : 'auth failed'
      const lines = ['HTTP/1.1 403 Forbidden', 'handshake-status: 514', `handshake-msg: ${words}`]
      socket.end(`${[...lines, `handshake-autherrcode: ${code}`, 'content-length: 0'].join('\r\n')}\r\n\r\n`)
    },
    url: (origin, appId) => {
      const ticket = `FAKETICKET${randomUUID()}`
      tickets.set(ticket, appId)
      const query = `fpid=1&aid=2&device_id=7000000000000000001&access_key=FAKEACCESSKEY&service_id=33554678&ticket=${ticket}`
      return `${origin.replace('http', 'ws')}/ws/v2?${query}`
    },
    push: (appId, payload, { type = 'event', parts = 1 } = {}) => send({ appId, payload, type, parts }),
    raw: (bytes) => {
      for (const socket of sockets.keys()) socket.send(bytes)
    },
    acks: () => acks,
    pings: () => pings,
    idle: () => waiting.length === 0 && timers.size === 0,
    open: () => sockets.size,
    opened: () => opened,
    config: () => config,
    setConfig: (given) => {
      config = { ...config, ...given }
    },
    refuse: (code) => {
      refusal = code
    },
    goSilent: (now) => {
      silent = now
    },
    drop: (how = 'close') => {
      for (const socket of sockets.keys()) {
        if (how === 'close') socket.close(1000)
        else socket.terminate()
      }
    },
    close: () => {
      for (const timer of timers) clearTimeout(timer)
      for (const socket of sockets.keys()) socket.terminate()
      server.close()
    },
  }
}
