import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Bringing, deafen, sendInPieces } from './lines.ts'
import { appId, type Delivery } from './slack-hooks.ts'

interface Line {
  readonly socket: WebSocket
  readonly raw: Duplex
  /** Half open: nothing is said or heard on it. */
  deaf: boolean
}

interface Waiting {
  readonly delivery: Delivery
  attempt: number
  envelopeId: string
  timer: NodeJS.Timeout | null
  /** Some try went to a line that worked, and stayed unconfirmed all the same. */
  ignored: boolean
  /** Confirmed, though that was lost on its way. */
  taken: boolean
}

export interface SocketHost {
  /** A one-time address, as apps.connections.open gives it. */
  readonly open: (origin: string) => string
  readonly attach: (server: Server) => void
  /** Hands it to one of the connections; again, as a new envelope, while nobody confirms it. */
  readonly push: (delivery: Delivery) => void
  /** Everything that was pushed has been confirmed. */
  readonly idle: () => boolean
  readonly connections: () => number
  /** How many connections there ever were. */
  readonly opened: () => number
  readonly acks: () => readonly string[]
  /** What our side confirmed, also where that was lost on its way. */
  readonly confirmed: () => readonly Delivery[]
  /** Brought as often as the platform does, never confirmed; `ignored` when it reached a line that worked. */
  readonly givenUp: () => readonly { readonly delivery: Delivery; readonly ignored: boolean }[]
  /** Tells every connection that it will be closed, or (`link_disabled`) that Socket Mode was switched off; and closes
   *  them after so long, where that is said. */
  readonly disconnect: (
    reason: 'warning' | 'refresh_requested' | 'link_disabled' | 'too_many_websockets',
    closeAfterMs?: number,
  ) => void
  /** Closes every connection with this code. */
  readonly drop: (code: number) => void
  /** Cuts every connection without a word. */
  readonly cut: () => void
  /** From now on no connection that exists says or hears anything, but none is closed either. For so long after its
   *  client has left, the platform believes in such a connection and brings it events. */
  readonly halfOpen: (ghostMs?: number) => void
  /** The next connections get no `hello`. */
  readonly withholdHello: (yes: boolean) => void
  /** Handshakes are refused with this status. */
  readonly refuse: (status: number | null) => void
  /** So many of the next confirmations are lost on their way. */
  readonly loseAcks: (count: number) => void
  readonly raw: (frame: string) => void
  readonly close: () => void
}

export const makeSocketHost = (options: Bringing = {}): SocketHost => {
  const { ackMs = 150, againMs, jitterMs = () => 0, pieces = () => 1 } = options
  const tickets = new Set<string>()
  const lines = new Set<Line>()
  const waiting = new Map<string, Waiting>()
  const acks: string[] = []
  const confirmed: Delivery[] = []
  const givenUp: { delivery: Delivery; ignored: boolean }[] = []
  const timers = new Set<NodeJS.Timeout>()
  const wss = new WebSocketServer({ noServer: true })
  let opened = 0
  let turn = 0
  let helloWithheld = false
  let refusal: number | null = null
  let acksToLose = 0
  let ghostsMs = 0
  let closed = false

  const isOpen = ({ socket }: Line): boolean => socket.readyState === socket.OPEN
  const live = (): readonly Line[] => [...lines].filter((line) => isOpen(line) && !line.deaf)
  const later = (ms: number, work: () => void): NodeJS.Timeout => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      if (!closed) work()
    }, ms)
    timers.add(timer)
    return timer
  }

  const forget = (one: Waiting): void => void waiting.delete(one.envelopeId)

  /** Commands and presses are not repeated; the person is shown an error (Slack, interactivity). */
  const unconfirmed = (one: Waiting, line: Line | undefined): void => {
    one.timer = null
    if (line && isOpen(line) && !line.deaf) one.ignored = true
    const isEvent = one.delivery.kind === 'events_api'
    if (!againMs && !isEvent) return
    const waitMs = againMs ? againMs[one.attempt - 1] : 0
    if (isEvent && waitMs !== undefined) one.timer = later(waitMs, () => send(one))
    else {
      forget(one)
      if (isEvent && !one.taken) givenUp.push({ delivery: one.delivery, ignored: one.ignored })
    }
  }

  const send = (one: Waiting): void => {
    one.timer = null
    // A line that ended unnoticed still gets its share.
    const ring = [...lines].filter((line) => isOpen(line) || line.deaf)
    const line = ring[turn++ % Math.max(1, ring.length)]
    if (closed || (!line && !againMs)) return
    const { kind, payload } = one.delivery
    if (one.attempt > 0) {
      forget(one)
      one.envelopeId = randomUUID()
      waiting.set(one.envelopeId, one)
    }
    const retry =
      kind === 'events_api' ? { retry_attempt: one.attempt, retry_reason: one.attempt ? 'timeout' : '' } : {}
    const frame = {
      envelope_id: one.envelopeId,
      payload,
      type: kind,
      accepts_response_payload: kind === 'slash_commands',
      ...retry,
    }
    one.attempt += 1
    if (line && !line.deaf) sendInPieces(line.socket, JSON.stringify(frame), pieces())
    if (againMs || kind === 'events_api') one.timer = later(line ? ackMs : 0, () => unconfirmed(one, line))
  }

  const heard = (text: string): void => {
    const { envelope_id: id } = JSON.parse(text) as { envelope_id?: string }
    if (id === undefined) return
    acks.push(id)
    const one = waiting.get(id)
    if (!one) return
    if (!one.taken) confirmed.push(one.delivery)
    one.taken = true
    if (acksToLose > 0) {
      acksToLose -= 1
      return
    }
    if (one.timer) clearTimeout(one.timer)
    forget(one)
  }

  const connected = (socket: WebSocket, raw: Duplex): void => {
    opened += 1
    const line: Line = { socket, raw, deaf: false }
    lines.add(line)
    socket.on('message', (data) => heard(String(data)))
    socket.on('close', () => {
      if (line.deaf && ghostsMs > 0) later(ghostsMs, () => lines.delete(line))
      else lines.delete(line)
    })
    socket.on('error', () => {})
    if (helloWithheld) return
    const debug = { host: 'applink-fake-1', build_number: 1, approximate_connection_time: 18060 }
    const hello = {
      type: 'hello',
      num_connections: live().length,
      debug_info: debug,
      connection_info: { app_id: appId },
    }
    socket.send(JSON.stringify(hello))
    for (const one of [...waiting.values()])
      if (one.timer === null && (one.attempt === 0 || one.delivery.kind === 'events_api')) send(one)
  }

  return {
    open: (origin) => {
      const ticket = randomUUID()
      tickets.add(ticket)
      return `${origin.replace(/^http/, 'ws')}/link/?ticket=${ticket}&app_id=${appId}`
    },
    attach: (server) => {
      server.on('upgrade', (request, socket, head) => {
        const ticket = new URL(request.url ?? '/', 'http://x').searchParams.get('ticket') ?? ''
        const known = tickets.delete(ticket)
        if (!known || refusal !== null) return socket.end(`HTTP/1.1 ${refusal ?? 403} Refused\r\n\r\n`)
        wss.handleUpgrade(request, socket, head, (ws) => connected(ws, socket))
      })
    },
    push: (delivery) => {
      const one: Waiting = { delivery, attempt: 0, envelopeId: randomUUID(), timer: null, ignored: false, taken: false }
      waiting.set(one.envelopeId, one)
      const afterMs = jitterMs()
      if (afterMs > 0) one.timer = later(afterMs, () => send(one))
      else send(one)
    },
    idle: () => waiting.size === 0,
    connections: () => [...lines].filter(isOpen).length,
    opened: () => opened,
    acks: () => acks,
    confirmed: () => confirmed,
    givenUp: () => givenUp,
    disconnect: (reason, closeAfterMs) => {
      const told = live()
      for (const { socket } of told)
        socket.send(JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'applink-fake-1' } }))
      if (closeAfterMs === undefined) return
      later(closeAfterMs, () => {
        for (const { socket, deaf } of told) if (!deaf) socket.close(1000)
      })
    },
    drop: (code) => {
      for (const { socket } of live()) socket.close(code)
    },
    cut: () => {
      for (const { socket } of lines) socket.terminate()
    },
    halfOpen: (ghostMs = 0) => {
      ghostsMs = ghostMs
      for (const line of live()) {
        line.deaf = true
        deafen(line.raw)
      }
    },
    withholdHello: (yes) => {
      helloWithheld = yes
    },
    refuse: (status) => {
      refusal = status
    },
    loseAcks: (count) => {
      acksToLose = count
    },
    raw: (frame) => {
      for (const { socket } of live()) socket.send(frame)
    },
    close: () => {
      closed = true
      for (const timer of timers) clearTimeout(timer)
      for (const { socket } of lines) socket.terminate()
      wss.close()
    },
  }
}
