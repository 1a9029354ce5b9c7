import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'

export const intentBits = {
  guilds: 1,
  guildMessages: 512,
  directMessages: 4096,
  content: 32_768,
} as const
/** Members, presences and message content need a switch in the portal. */
const privileged = [2, 256, intentBits.content]
const known = 2 ** 26 - 1

interface Dispatched {
  readonly s: number
  readonly t: string
  readonly d: unknown
}

interface Session {
  readonly id: string
  readonly intents: number
  readonly log: Dispatched[]
  seq: number
  socket: WebSocket | null
}

export interface GatewayOptions {
  readonly token: () => string
  readonly allowedIntents: () => number
  /** The data of READY without session and resume address. */
  readonly ready: () => object
  /** Sent behind READY. */
  readonly afterReady: () => readonly { readonly t: string; readonly d: unknown }[]
}

export interface FakeGateway {
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** Where it is; set once the server listens. */
  url: string
  /** What READY names for resumes; null: the same. */
  resumeUrl: string | null
  /** Brings an event to every session; `d` may depend on what the session asked for. Null: not for this session. */
  readonly dispatch: (t: string, d: (intents: number) => unknown) => void
  /** Brings the last event of that kind again. */
  readonly again: (t: string) => void
  readonly sendRaw: (text: string) => void
  readonly close: (code: number) => void
  /** The network goes away without a word. */
  readonly cut: () => void
  /** Half open: takes everything, says nothing more. */
  readonly freeze: () => void
  readonly askReconnect: () => void
  readonly invalidate: (resumable: boolean) => void
  /** Resumes are refused from now on. */
  readonly forgetSessions: () => void
  readonly stats: {
    identifies: number
    resumes: number
    heartbeats: number
    connections: number
    readonly frames: { readonly op: number; readonly d: unknown }[]
  }
  readonly limits: { heartbeatMs: number; identifyEveryMs: number; remaining: number; closeNext: number | null }
  readonly open: () => number
  readonly shutdown: () => void
}

export const makeGateway = (options: GatewayOptions): FakeGateway => {
  const server = new WebSocketServer({ noServer: true, maxPayload: 4096, perMessageDeflate: false })
  const sessions = new Map<string, Session>()
  /** Said before anybody ever connected: people speak when they see the bot, so it is theirs to hear. */
  const early: { readonly t: string; readonly d: (intents: number) => unknown }[] = []
  const stats: FakeGateway['stats'] = { identifies: 0, resumes: 0, heartbeats: 0, connections: 0, frames: [] }
  const limits: FakeGateway['limits'] = {
    heartbeatMs: 41_250,
    identifyEveryMs: 5000,
    remaining: 1000,
    closeNext: null,
  }
  const frozen = new Set<WebSocket>()
  let lastIdentifyMs = Number.NEGATIVE_INFINITY

  const put = (socket: WebSocket, frame: object): void => {
    if (!frozen.has(socket)) socket.send(JSON.stringify(frame))
  }
  const record = (session: Session, t: string, d: unknown): void => {
    const one = { s: ++session.seq, t, d }
    session.log.push(one)
    if (session.socket) put(session.socket, { op: 0, ...one })
  }
  const forEach = (t: string, d: (intents: number) => unknown): void => {
    for (const session of sessions.values()) {
      const data = d(session.intents)
      if (data !== null) record(session, t, data)
    }
  }

  const serve = (socket: WebSocket): void => {
    stats.connections++
    let session: Session | null = null
    let frames = 0
    const code = limits.closeNext
    limits.closeNext = null
    if (code !== null) {
      socket.close(code)
      return
    }
    const minute = setInterval(() => {
      frames = 0
    }, 60_000)
    let beat = setTimeout(() => socket.close(4009), limits.heartbeatMs * 1.5)
    put(socket, { op: 10, s: null, t: null, d: { heartbeat_interval: limits.heartbeatMs, _trace: [] } })
    socket.on('error', () => socket.terminate())
    socket.on('close', (code) => {
      clearInterval(minute)
      clearTimeout(beat)
      if (session?.socket !== socket) return
      session.socket = null
      // Said good-bye to in the ordinary way, a session is over.
      if (code === 1000 || code === 1001) sessions.delete(session.id)
    })
    socket.on('message', (raw) => {
      if (frozen.has(socket)) return
      if (++frames > 120) return socket.close(4008)
      const frame = parsed(String(raw))
      if (frame === null) return socket.close(4002)
      stats.frames.push(frame)
      if (frame.op === 1) {
        stats.heartbeats++
        clearTimeout(beat)
        beat = setTimeout(() => socket.close(4009), limits.heartbeatMs * 1.5)
        return put(socket, { op: 11 })
      }
      if (frame.op === 2) session = session ? refuse(socket, 4005) : identify(socket, frame.d)
      else if (frame.op === 6) session = session ? refuse(socket, 4005) : resume(socket, frame.d)
      else if (!session) socket.close(4003)
      else if (![3, 4, 8].includes(frame.op)) socket.close(4001)
    })
  }

  const refuse = (socket: WebSocket, code: number): null => {
    socket.close(code)
    return null
  }

  const identify = (socket: WebSocket, data: Record<string, unknown>): Session | null => {
    stats.identifies++
    limits.remaining--
    if (data.token !== options.token()) return refuse(socket, 4004)
    const intents = Number(data.intents)
    if (!Number.isSafeInteger(intents) || intents > known) return refuse(socket, 4013)
    const wanted = privileged.filter((bit) => (intents & bit) !== 0)
    if (wanted.some((bit) => (options.allowedIntents() & bit) === 0)) return refuse(socket, 4014)
    const early9 = Date.now() - lastIdentifyMs < limits.identifyEveryMs || limits.remaining < 0
    if (early9) {
      put(socket, { op: 9, d: false })
      return null
    }
    lastIdentifyMs = Date.now()
    const session: Session = { id: randomBytes(16).toString('hex'), intents, log: [], seq: 0, socket }
    sessions.clear()
    sessions.set(session.id, session)
    record(session, 'READY', {
      ...options.ready(),
      session_id: session.id,
      resume_gateway_url: gateway.resumeUrl ?? gateway.url,
    })
    for (const { t, d } of options.afterReady()) record(session, t, d)
    for (const { t, d } of early.splice(0)) forEach(t, d)
    return session
  }

  const resume = (socket: WebSocket, data: Record<string, unknown>): Session | null => {
    stats.resumes++
    if (data.token !== options.token()) return refuse(socket, 4004)
    const session = sessions.get(String(data.session_id))
    if (!session) {
      put(socket, { op: 9, d: false })
      return null
    }
    const seq = Number(data.seq)
    if (seq > session.seq) return refuse(socket, 4007)
    if (session.socket && session.socket !== socket) session.socket.close(4000)
    session.socket = socket
    for (const one of session.log.filter(({ s }) => s > seq)) put(socket, { op: 0, ...one })
    record(session, 'RESUMED', { _trace: [] })
    return session
  }

  const gateway: FakeGateway = {
    url: '',
    resumeUrl: null,
    upgrade: (request, socket, head) => {
      const { searchParams } = new URL(request.url ?? '/', 'http://fake')
      server.handleUpgrade(request, socket, head, (opened) => {
        if (searchParams.get('v') !== '10') return opened.close(4012)
        if (searchParams.get('encoding') !== 'json') return opened.close(4002)
        serve(opened)
      })
    },
    dispatch: (t, d) => {
      if (sessions.size === 0) early.push({ t, d })
      else forEach(t, d)
    },
    again: (t) => {
      for (const session of sessions.values()) {
        const last = session.log.findLast((one) => one.t === t)
        if (last) record(session, t, last.d)
      }
    },
    sendRaw: (text) => {
      for (const socket of server.clients) socket.send(text)
    },
    close: (code) => {
      // Closed by the server with an ordinary code, the session is over as well.
      for (const socket of server.clients) socket.close(code)
    },
    cut: () => {
      for (const socket of server.clients) socket.terminate()
    },
    freeze: () => {
      for (const socket of server.clients) {
        frozen.add(socket)
        socket.pause()
      }
      for (const session of sessions.values()) session.socket = null
    },
    askReconnect: () => {
      for (const socket of server.clients) put(socket, { op: 7, d: null })
    },
    invalidate: (resumable) => {
      if (!resumable) sessions.clear()
      for (const socket of server.clients) put(socket, { op: 9, d: resumable })
    },
    forgetSessions: () => sessions.clear(),
    stats,
    limits,
    open: () => server.clients.size,
    shutdown: () => {
      for (const socket of server.clients) socket.terminate()
      server.close()
    },
  }
  return gateway
}

function parsed(text: string): { op: number; d: Record<string, unknown> } | null {
  try {
    const frame = JSON.parse(text) as { op?: unknown; d?: unknown }
    if (typeof frame.op !== 'number') return null
    return { op: frame.op, d: (frame.d ?? {}) as Record<string, unknown> }
  } catch {
    return null
  }
}
