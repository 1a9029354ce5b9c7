// A file of its own: one connection to the gateway, from the handshake to its end. Which one comes next is connect.ts.
import * as v from 'valibot'
import type { WebSocket as Socket } from 'ws'
import { type Frame, frame, hello } from './wire.ts'

export type SocketClass = typeof Socket

/** How a connection ended. */
export interface Ending {
  /** The close code, null where there was none (network, silence, our own wish). */
  readonly code: number | null
  readonly about: string
  /** Whether the session can be resumed. */
  readonly session: 'kept' | 'gone'
  /** How long events could come; null when it never got so far. */
  readonly upMs: number | null
}

export interface Talk {
  readonly open: SocketClass
  readonly url: string
  readonly token: string
  readonly intents: number
  /** What to go on from; null: a new session. */
  readonly resume: { readonly id: string; readonly seq: number } | null
  /** Every dispatch, in order. READY and RESUMED come through here too. */
  readonly hear: (event: Frame) => void
  readonly now: () => number
  readonly random: () => number
  readonly log: (about: string) => void
}

const handshakeMs = 15_000
/** For HELLO, and for READY or RESUMED behind our answer to it; replayed events count as life. */
const patienceMs = 30_000
/** Large servers come as one frame. */
const maxFrameBytes = 32 * 1024 * 1024
/** Any code but 1000 and 1001 leaves the session resumable (facts/discord §2). */
const comeAgain = 4000
const farewellMs = 1000
/** The session is no good any more: a wrong sequence, timed out. */
const ended = new Set([4007, 4009])

const op = { dispatch: 0, beat: 1, identify: 2, resume: 6, reconnect: 7, invalid: 9, hello: 10, ack: 11 } as const

/** Talks until the connection ends or the signal aborts (then at once). Never rejects. */
export const talk = (options: Talk, signal: AbortSignal): Promise<Ending> => {
  const { open, now, random, resume } = options
  return new Promise((resolve) => {
    const socket = new open(options.url, {
      handshakeTimeout: handshakeMs,
      perMessageDeflate: false,
      maxPayload: maxFrameBytes,
    })
    let over = false
    let seq = resume?.seq ?? null
    let acknowledged = true
    let upAtMs: number | null = null
    let trouble = 'the connection broke off'
    let beat: NodeJS.Timeout | undefined
    let patience: NodeJS.Timeout | undefined

    const end = (ending: Pick<Ending, 'code' | 'about' | 'session'>): void => {
      if (over) return
      over = true
      clearTimeout(beat)
      clearTimeout(patience)
      signal.removeEventListener('abort', stop)
      leave(socket)
      resolve({ ...ending, upMs: upAtMs === null ? null : now() - upAtMs })
    }
    const broke = (about: string, session: Ending['session'] = 'kept'): void => end({ code: null, about, session })
    const stop = (): void => broke('stopped')
    const wait = (about: string): void => {
      clearTimeout(patience)
      patience = setTimeout(() => broke(about), patienceMs + handshakeMs)
    }
    const put = (code: number, d: unknown): void => socket.send(JSON.stringify({ op: code, d }))

    const heartbeat = (everyMs: number, afterMs: number): void => {
      beat = setTimeout(() => {
        // A beat that was not answered: the line is dead, whatever the socket believes.
        if (acknowledged) {
          acknowledged = false
          put(op.beat, seq)
          heartbeat(everyMs, everyMs)
        } else broke('the gateway stopped answering')
      }, afterMs)
    }

    const greet = (d: unknown): void => {
      const read = v.safeParse(hello, d)
      if (!read.success || beat !== undefined) {
        broke('the gateway said hello in an unknown form')
        return
      }
      const everyMs = read.output.heartbeat_interval
      heartbeat(everyMs, everyMs * random())
      wait('the gateway did not take us in')
      const { token, intents } = options
      const properties = { os: 'linux', browser: 'openclaw-connector', device: 'openclaw-connector' }
      if (resume) put(op.resume, { token, session_id: resume.id, seq: resume.seq })
      else put(op.identify, { token, intents, properties, large_threshold: 50 })
    }

    const dispatched = (event: Frame): void => {
      seq = event.s ?? seq
      if (upAtMs === null) wait('the gateway did not take us in')
      if (event.t === 'READY' || event.t === 'RESUMED') {
        upAtMs ??= now()
        clearTimeout(patience)
      }
      options.hear(event)
    }

    const take = (raw: string): void => {
      const event = read(raw)
      if (event === null) options.log('the gateway sent something unreadable')
      else if (event.op === op.dispatch) dispatched(event)
      else if (event.op === op.ack) acknowledged = true
      else if (event.op === op.beat) put(op.beat, seq)
      else if (event.op === op.hello) greet(event.d)
      else if (event.op === op.reconnect) broke('the gateway asked to come again')
      else if (event.op === op.invalid)
        broke('the gateway does not know the session', event.d === true ? 'kept' : 'gone')
    }

    socket.on('error', (error: Error & { code?: unknown }) => {
      // Messages of socket errors may hold the address; codes are enough.
      trouble = `network trouble (${typeof error.code === 'string' ? error.code : error.name})`
    })
    socket.on('close', (code) => {
      const told = code !== 1006
      end({
        code: told ? code : null,
        about: told ? `the gateway closed (${code})` : trouble,
        session: ended.has(code) ? 'gone' : 'kept',
      })
    })
    socket.on('message', (data, isBinary) => {
      if (!over && !isBinary) take(String(data))
    })
    wait('the gateway said nothing')
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

const read = (raw: string): Frame | null => {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), frame), raw)
  return parsed.success ? parsed.output : null
}

/** Says good-bye so that the session stays; a line that does not answer is cut, and none is left open. */
const leave = (socket: Socket): void => {
  if (socket.readyState === socket.CONNECTING || socket.readyState === socket.CLOSED) {
    socket.terminate()
    return
  }
  socket.close(comeAgain)
  const cut = setTimeout(() => socket.terminate(), farewellMs)
  socket.once('close', () => clearTimeout(cut))
}
