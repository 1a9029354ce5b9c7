import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { readFrame, type WireFrame, writeFrame } from './feishu-frames.ts'
import { type Bringing, deafen } from './lines.ts'

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
  /** A callback: not brought again where the platform's own patience is played. */
  readonly once: boolean
  attempt: number
  /** Some try went to a line that worked, and stayed unacknowledged all the same. */
  ignored: boolean
  /** Acknowledged, though that was lost on its way. */
  taken: boolean
}

interface Line {
  readonly socket: WebSocket
  readonly raw: Duplex
  readonly appId: string
  /** Half open: nothing is said or heard on it. */
  deaf: boolean
}

export interface SocketHost {
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** A URL good for one connection. */
  readonly url: (origin: string, appId: string) => string
  /** Sends an event to one connection of the app, now or when there is one; again until it is acknowledged. */
  readonly push: (appId: string, payload: string, more?: { type?: string; parts?: number; once?: boolean }) => void
  /** Bytes as they are, to every connection. */
  readonly raw: (bytes: Buffer) => void
  readonly acks: () => readonly Acknowledged[]
  /** Nothing waits for its acknowledgement or for another try. */
  readonly idle: () => boolean
  /** Brought as often as the platform does, never acknowledged; `ignored` when it reached a line that worked. */
  readonly givenUp: () => readonly { readonly payload: string; readonly ignored: boolean }[]
  readonly pings: () => readonly WireFrame[]
  readonly open: () => number
  /** How many connections there have been. */
  readonly opened: () => number
  readonly config: () => ClientConfig
  readonly setConfig: (config: Partial<ClientConfig>) => void
  /** From now on the next connections are refused at the handshake with this code. */
  readonly refuse: (code: number | null) => void
  /** Connections stay open, and nothing comes back over them any more. */
  readonly goSilent: (silent: boolean) => void
  /** The server closes every connection (a server-ordered reconnect), with 1000 or another code; `hard` cuts the line
   *  instead. */
  readonly drop: (how?: 'close' | 'hard' | number) => void
  /** From now on nothing goes over the connections that exist, but none is closed. For so long after its client has
   *  left, the platform believes in such a connection and brings it events. */
  readonly halfOpen: (ghostMs?: number) => void
  /** Brings an acknowledged event once more, which the platform does now and then (facts/feishu §2). */
  readonly again: () => void
  /** So many of the next acknowledgements are lost on their way. */
  readonly loseAcks: (count: number) => void
  readonly close: () => void
}

/** Between a refused event and its return. The platform's own steps are 15 s, 5 min, 1 h and 6 h. */
export const againMs = 20

export const makeSocketHost = (deps: Bringing & { readonly ackMs: number }): SocketHost => {
  const { jitterMs = () => 0, pieces = () => 1, pick = (count) => Math.floor(Math.random() * count) } = deps
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  const tickets = new Map<string, string>()
  const lines = new Set<Line>()
  const waiting: Delivery[] = []
  const unacked = new Map<string, { readonly delivery: Delivery; readonly timer: NodeJS.Timeout }>()
  const acks: Acknowledged[] = []
  const pings: WireFrame[] = []
  const timers = new Set<NodeJS.Timeout>()
  const givenUp: { payload: string; ignored: boolean }[] = []
  let lastKept: Delivery | null = null
  let underWay = 0
  let acksToLose = 0
  let ghostsMs = 0
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

  const isOpen = ({ socket }: Line): boolean => socket.readyState === socket.OPEN
  const live = (): readonly Line[] => [...lines].filter((line) => isOpen(line) && !line.deaf)

  const afterwards = (ms: number, delivery: Delivery): void => {
    underWay += 1
    later(ms, () => {
      underWay -= 1
      send(delivery)
    })
  }

  /** Again, as long as the platform has patience. */
  const unacknowledged = (delivery: Delivery, afterMs: number): void => {
    const waitMs = deps.againMs ? deps.againMs[delivery.attempt - 1] : afterMs
    if (delivery.once && deps.againMs) return
    if (waitMs !== undefined) afterwards(waitMs, delivery)
    else if (!delivery.taken) givenUp.push({ payload: delivery.payload, ignored: delivery.ignored })
  }

  const send = (delivery: Delivery): void => {
    const { appId, payload, type, parts } = delivery
    const all = [...lines].filter((line) => line.appId === appId && (isOpen(line) || line.deaf))
    // One connection gets it, never all of them.
    const line = all[pick(all.length)]
    if (!line && !deps.againMs) return void waiting.push(delivery)
    delivery.attempt += 1
    if (!line) {
      unacknowledged(delivery, 0)
      return
    }
    const { socket, deaf } = line
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
      const frame = { seq, log: 2n ** 63n - 806n, service: 33554678, method: 1, headers, payload: part }
      if (!deaf) socket.send(writeFrame(frame))
    }
    const timer = later(deps.ackMs, () => {
      if (isOpen(line) && !line.deaf) delivery.ignored = true
      unacked.delete(id)
      unacknowledged(delivery, 0)
    })
    unacked.set(id, { delivery, timer })
  }

  const acknowledged = (frame: WireFrame): void => {
    const answer = JSON.parse(frame.payload.toString('utf8')) as { code: number; data?: string }
    const data = answer.data === undefined ? {} : { data: JSON.parse(Buffer.from(answer.data, 'base64').toString()) }
    acks.push({ code: answer.code, headers: frame.headers, seq: frame.seq, log: frame.log, ...data })
    const id = frame.headers.message_id ?? ''
    const known = unacked.get(id)
    if (!known) return
    if (answer.code === 200) known.delivery.taken = true
    if (acksToLose > 0) {
      acksToLose -= 1
      return
    }
    clearTimeout(known.timer)
    timers.delete(known.timer)
    unacked.delete(id)
    if (answer.code !== 200) unacknowledged(known.delivery, againMs)
    else if (!known.delivery.once) lastKept = known.delivery
  }

  const heard = (socket: WebSocket, data: Buffer) => {
    const frame = readFrame(data)
    if (frame.method === 1) return acknowledged(frame)
    if (frame.headers.type !== 'ping') throw new Error('a control frame that is no ping')
    pings.push(frame)
    if (silent) return
    socket.send(writeFrame({ ...frame, headers: { type: 'pong' }, payload: Buffer.from(JSON.stringify(config)) }))
  }

  const connected = (socket: WebSocket, request: IncomingMessage, raw: Duplex): void => {
    const ticket = new URL(request.url ?? '/', 'http://localhost').searchParams.get('ticket') ?? ''
    const appId = tickets.get(ticket) ?? ''
    tickets.delete(ticket)
    opened += 1
    const line: Line = { socket, raw, appId, deaf: false }
    lines.add(line)
    socket.on('message', (data: Buffer) => heard(socket, data))
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      if (line.deaf && ghostsMs > 0) later(ghostsMs, () => lines.delete(line))
      else lines.delete(line)
    })
    // At once, in the same moment as the handshake: a client must be listening by then.
    for (const delivery of waiting.splice(0)) send(delivery)
  }

  return {
    upgrade: (request, socket, head) => {
      const url = new URL(request.url ?? '/', 'http://localhost')
      const known = url.pathname === '/ws/v2' && tickets.has(url.searchParams.get('ticket') ?? '')
      if (refusal === null && known) {
        server.handleUpgrade(request, socket, head, (ws) => connected(ws, request, socket))
        return
      }
      const code = refusal ?? 514
      const words = code === 1000040350 ? 'exceed conn limit' : 'auth failed'
      // Only what is said of the app's right to connect has a code of its own.
      const facts =
        code < 1000 ? [`handshake-status: ${code}`] : ['handshake-status: 514', `handshake-autherrcode: ${code}`]
      const lines = ['HTTP/1.1 403 Forbidden', ...facts, `handshake-msg: ${words}`, 'content-length: 0']
      socket.end(`${lines.join('\r\n')}\r\n\r\n`)
    },
    url: (origin, appId) => {
      const ticket = `FAKETICKET${randomUUID()}`
      tickets.set(ticket, appId)
      const query = `fpid=1&aid=2&device_id=7000000000000000001&access_key=FAKEACCESSKEY&service_id=33554678&ticket=${ticket}`
      return `${origin.replace('http', 'ws')}/ws/v2?${query}`
    },
    push: (appId, payload, { type = 'event', parts = pieces(), once = false } = {}) => {
      const delivery = { appId, payload, type, parts, once, attempt: 0, ignored: false, taken: false }
      const afterMs = jitterMs()
      if (afterMs > 0) afterwards(afterMs, delivery)
      else send(delivery)
    },
    raw: (bytes) => {
      for (const { socket } of live()) socket.send(bytes)
    },
    acks: () => acks,
    idle: () => waiting.length + unacked.size + underWay === 0,
    givenUp: () => givenUp,
    pings: () => pings,
    open: () => [...lines].filter(isOpen).length,
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
      for (const { socket } of live()) {
        if (how === 'hard') socket.terminate()
        else socket.close(how === 'close' ? 1000 : how)
      }
    },
    halfOpen: (ghostMs = 0) => {
      ghostsMs = ghostMs
      for (const line of live()) {
        line.deaf = true
        deafen(line.raw)
      }
    },
    again: () => {
      if (lastKept) send({ ...lastKept, attempt: 0, ignored: false })
    },
    loseAcks: (count) => {
      acksToLose = count
    },
    close: () => {
      for (const timer of timers) clearTimeout(timer)
      for (const { socket } of lines) socket.terminate()
      server.close()
    },
  }
}
