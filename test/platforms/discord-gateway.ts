import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Bringing, deafen, sendInPieces } from './lines.ts'

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
  /** The client has asked to go on behind this one: it has what was before. */
  kept: number
  /** Its client said that it heard everything up to here. */
  heard: number
  socket: WebSocket | null
}

export interface GatewayOptions extends Bringing {
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
  /** Called with the data of events whose session is gone, as far as it never said to have them: they never come again. */
  readonly onLost: (lost: (events: readonly unknown[]) => void) => void
  /** All that happened has been heard, as heartbeats tell. */
  readonly settled: () => boolean
  /** Data of what was said while there was no session, or went down with one before its client confirmed it: nobody
   *  ever gets that again. */
  readonly missed: () => readonly unknown[]
  readonly stats: {
    identifies: number
    resumes: number
    heartbeats: number
    connections: number
    readonly frames: { readonly op: number; readonly d: unknown }[]
  }
  readonly limits: {
    heartbeatMs: number
    identifyEveryMs: number
    remaining: number
    closeNext: number | null
    /** Handshakes are refused with this status. */
    refuse: number | null
    /** How late heartbeats are answered. */
    beatBackMs: number
  }
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
    refuse: null,
    beatBackMs: 0,
  }
  const { jitterMs = () => 0, pieces = () => 1 } = options
  const raws = new WeakMap<WebSocket, Duplex>()
  const missed: unknown[] = []
  const jittering = new Set<NodeJS.Timeout>()
  const frozen = new WeakSet<WebSocket>()
  let lastIdentifyMs = Number.NEGATIVE_INFINITY
  let tellLost: (events: readonly unknown[]) => void = () => {}

  const put = (socket: WebSocket, frame: object): void => {
    if (!frozen.has(socket)) sendInPieces(socket, JSON.stringify(frame), pieces())
  }
  const live = (): readonly WebSocket[] => [...server.clients].filter((one) => !frozen.has(one))
  const forgetSessions = (): void => {
    for (const { log, kept, heard } of sessions.values()) {
      tellLost(log.filter(({ s }) => s > kept).map(({ d }) => d))
      missed.push(
        ...log.filter(({ s, t }) => s > heard && t.endsWith('_CREATE') && t !== 'GUILD_CREATE').map(({ d }) => d),
      )
    }
    sessions.clear()
  }
  const bring = (t: string, d: (intents: number) => unknown): void => {
    if (sessions.size > 0) forEach(t, d)
    else if (stats.identifies === 0) early.push({ t, d })
    else {
      const data = d(known)
      missed.push(data)
      // Whoever says it shall know its id by then.
      setImmediate(() => tellLost([data]))
    }
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
    const late = (): void => {
      // Nothing of a farewell would come through.
      if (!frozen.has(socket)) socket.close(4009)
    }
    let beat = setTimeout(late, limits.heartbeatMs * 1.5)
    put(socket, { op: 10, s: null, t: null, d: { heartbeat_interval: limits.heartbeatMs, _trace: [] } })
    socket.on('error', () => socket.terminate())
    socket.on('close', (code) => {
      // With one of these, from either side, the session is over as well.
      if (session && (code === 1000 || code === 1001) && sessions.has(session.id)) {
        if (!frozen.has(socket)) session.heard = session.seq
        forgetSessions()
      }
      clearInterval(minute)
      clearTimeout(beat)
      if (session?.socket === socket) session.socket = null
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
        beat = setTimeout(late, limits.heartbeatMs * 1.5)
        if (session) session.heard = Math.max(session.heard, Number(frame.d) || 0)
        if (limits.beatBackMs === 0) return put(socket, { op: 11 })
        return void setTimeout(() => put(socket, { op: 11 }), limits.beatBackMs).unref()
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
    const id = randomBytes(16).toString('hex')
    const session: Session = { id, intents, log: [], seq: 0, kept: 0, heard: 0, socket }
    forgetSessions()
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
    session.heard = Math.max(session.heard, seq)
    if (session.socket && session.socket !== socket && !frozen.has(session.socket)) session.socket.close(4000)
    session.socket = socket
    session.kept = Math.max(session.kept, seq)
    for (const one of session.log.filter(({ s }) => s > seq)) put(socket, { op: 0, ...one })
    record(session, 'RESUMED', { _trace: [] })
    return session
  }

  const gateway: FakeGateway = {
    url: '',
    resumeUrl: null,
    upgrade: (request, socket, head) => {
      const { searchParams } = new URL(request.url ?? '/', 'http://fake')
      if (limits.refuse !== null) return void socket.end(`HTTP/1.1 ${limits.refuse} Refused\r\n\r\n`)
      server.handleUpgrade(request, socket, head, (opened) => {
        if (searchParams.get('v') !== '10') return opened.close(4012)
        if (searchParams.get('encoding') !== 'json') return opened.close(4002)
        raws.set(opened, socket)
        serve(opened)
      })
    },
    dispatch: (t, d) => {
      const afterMs = jitterMs()
      if (afterMs === 0) return bring(t, d)
      const timer = setTimeout(() => {
        jittering.delete(timer)
        bring(t, d)
      }, afterMs)
      jittering.add(timer)
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
      for (const socket of live()) socket.close(code)
    },
    cut: () => {
      for (const socket of server.clients) socket.terminate()
    },
    freeze: () => {
      for (const socket of live()) {
        const raw = raws.get(socket)
        frozen.add(socket)
        if (raw) deafen(raw)
      }
      for (const session of sessions.values()) session.socket = null
    },
    askReconnect: () => {
      for (const socket of server.clients) put(socket, { op: 7, d: null })
    },
    invalidate: (resumable) => {
      // Its client hears that behind everything else.
      for (const one of sessions.values()) if (one.socket && !frozen.has(one.socket)) one.heard = one.seq
      if (!resumable) forgetSessions()
      for (const socket of live()) put(socket, { op: 9, d: resumable })
    },
    forgetSessions,
    onLost: (lost) => {
      tellLost = lost
    },
    settled: () =>
      early.length === 0 && [...sessions.values()].every(({ socket, heard, seq }) => socket !== null && heard >= seq),
    missed: () => missed,
    stats,
    limits,
    open: () => server.clients.size,
    shutdown: () => {
      for (const timer of jittering) clearTimeout(timer)
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
