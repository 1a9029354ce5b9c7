import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import { appId, type Delivery } from './slack-hooks.ts'

interface Waiting {
  readonly delivery: Delivery
  attempt: number
  envelopeId: string
  timer: NodeJS.Timeout | null
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
  /** Tells every connection that it will be closed, or (`link_disabled`) that Socket Mode was switched off. */
  readonly disconnect: (reason: 'warning' | 'refresh_requested' | 'link_disabled' | 'too_many_websockets') => void
  /** Cuts every connection without a word. */
  readonly cut: () => void
  /** From now on no connection that exists says or hears anything, but none is closed either. */
  readonly halfOpen: () => void
  /** The next connections get no `hello`. */
  readonly withholdHello: (yes: boolean) => void
  readonly raw: (frame: string) => void
  readonly close: () => void
}

const ackWithinMs = 150

export const makeSocketHost = (): SocketHost => {
  const tickets = new Set<string>()
  const sockets = new Set<WebSocket>()
  const deaf = new Set<WebSocket>()
  const waiting = new Map<string, Waiting>()
  const acks: string[] = []
  const wss = new WebSocketServer({ noServer: true })
  let opened = 0
  let turn = 0
  let helloWithheld = false
  let closed = false

  const live = (): readonly WebSocket[] => [...sockets].filter((one) => one.readyState === one.OPEN)

  const send = (one: Waiting): void => {
    one.timer = null
    const all = live()
    const socket = all[turn++ % Math.max(1, all.length)]
    if (!socket || closed) return
    const { kind, payload } = one.delivery
    if (one.attempt > 0) {
      waiting.delete(one.envelopeId)
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
    if (!deaf.has(socket)) socket.send(JSON.stringify(frame))
    // Commands and presses are not repeated; the person is shown an error (Slack, interactivity).
    if (kind === 'events_api') one.timer = setTimeout(() => send(one), ackWithinMs)
  }

  const heard = (text: string): void => {
    const { envelope_id: id } = JSON.parse(text) as { envelope_id?: string }
    if (id === undefined) return
    acks.push(id)
    const one = waiting.get(id)
    if (one?.timer) clearTimeout(one.timer)
    waiting.delete(id)
  }

  wss.on('connection', (socket: WebSocket) => {
    opened += 1
    sockets.add(socket)
    socket.on('message', (data) => {
      if (!deaf.has(socket)) heard(String(data))
    })
    socket.on('close', () => void sockets.delete(socket))
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
  })

  return {
    open: (origin) => {
      const ticket = randomUUID()
      tickets.add(ticket)
      return `${origin.replace(/^http/, 'ws')}/link/?ticket=${ticket}&app_id=${appId}`
    },
    attach: (server) => {
      server.on('upgrade', (request, socket, head) => {
        const ticket = new URL(request.url ?? '/', 'http://x').searchParams.get('ticket') ?? ''
        if (!tickets.delete(ticket)) return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
        wss.handleUpgrade(request, socket, head, (ws) => wss.emit('connection', ws))
      })
    },
    push: (delivery) => {
      const one: Waiting = { delivery, attempt: 0, envelopeId: randomUUID(), timer: null }
      waiting.set(one.envelopeId, one)
      send(one)
    },
    idle: () => waiting.size === 0,
    connections: () => live().length,
    opened: () => opened,
    acks: () => acks,
    disconnect: (reason) => {
      for (const socket of live())
        socket.send(JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'applink-fake-1' } }))
    },
    cut: () => {
      for (const socket of sockets) socket.terminate()
    },
    halfOpen: () => {
      for (const socket of sockets) {
        deaf.add(socket)
        socket.pause()
      }
    },
    withholdHello: (yes) => {
      helloWithheld = yes
    },
    raw: (frame) => {
      for (const socket of live()) socket.send(frame)
    },
    close: () => {
      closed = true
      for (const { timer } of waiting.values()) if (timer) clearTimeout(timer)
      for (const socket of sockets) socket.terminate()
      wss.close()
    },
  }
}
