import type { IncomingHttpHeaders } from 'node:http'
import * as v from 'valibot'
import type { WebSocket as Socket } from 'ws'
import type { AdapterDeps, Deliver, Stream } from '../../src/contract/index.ts'
import { StreamError, vouch } from '../../src/contract/index.ts'
import { jsonObject } from '../kit/webhook.ts'
import { type App, isFatal } from './app.ts'
import { cureOf, FeishuError, isCrowded } from './errors.ts'
import { makeJoiner } from './fragments.ts'
import { decodeFrame, encodeFrame, type Frame, headerIn } from './frame.ts'
import { openEnvelope } from './occurrence.ts'
import { type ClientConfig, clientConfig } from './wire.ts'

const handshakeMs = 15_000
const maxPayload = 4 * 1024 * 1024
/** Events under way at once; behind that the socket is not read any further. */
const mostPending = 64
const usualPingMs = 120_000
const tooManyMs = 5 * 60_000
/** The app may not connect at all, said of the address and of the handshake alike. */
const forbidden = 403

type Deps = Pick<AdapterDeps, 'log' | 'now' | 'random' | 'sleep'>

/** Takes events over a connection that we open. They are acknowledged after they were kept. */
export const longConnection = (app: App, deps: Deps): Stream => {
  const { account } = app.binding
  const { client, identity } = app.at(undefined)
  // As the platform last told it, also for the way back after a failure.
  let config: ClientConfig = {}

  const run: Stream['run'] = async (deliver, report, signal) => {
    try {
      // Loaded here, so that nobody pays for it who takes events by webhook.
      const { WebSocket } = await import('ws')
      const bot = await identity.ask(signal)
      await app.enter()
      const address = await client.endpoint(signal)
      config = address.config
      const url = safeUrl(address.url, app.binding.origin)
      const socket = new WebSocket(url, { handshakeTimeout: handshakeMs, maxPayload, perMessageDeflate: false })
      const about = `connected as ${bot.name || bot.openId}`
      const up = (): void => {
        report('up', `${account}: ${about}`)
        // The console saves this way of events only while a connection is up, so it has to be seen.
        deps.log.info({ account }, about)
      }
      await session(socket, serviceIn(url), deliver, up, signal)
    } catch (error) {
      if (signal.aborted) return
      throw streamError(error)
    }
  }

  const streamError = (error: unknown): unknown => {
    if (!(error instanceof FeishuError)) return error
    const about = `${account}: ${[error.message, cureOf(error)].filter((one) => one !== null).join('; ')}`
    const usualMs = isCrowded(error) ? tooManyMs : (config.ReconnectInterval ?? 0) * 1000
    const waitMs = error.retryAfterMs ?? usualMs
    return new StreamError(about, { fatal: isFatal(error), retryAfterMs: waitMs })
  }

  /** Rejects when the connection ends, and leaves nothing behind. */
  const session = async (
    socket: Socket,
    service: number,
    deliver: Deliver,
    up: () => void,
    signal: AbortSignal,
  ): Promise<void> => {
    const over = new AbortController()
    const cut = (): void => socket.terminate()
    const reader = makeReader(app, deps, deliver, over.signal)
    let heardMs = deps.now()
    let pending = 0

    const send = (frame: Frame): void => {
      if (socket.readyState === socket.OPEN) socket.send(encodeFrame(frame))
    }
    const take = async (bytes: Uint8Array): Promise<void> => {
      heardMs = deps.now()
      const frame = decodeFrame(bytes)
      if (frame === null) return deps.log.warn({ account, bytes: bytes.byteLength }, 'a frame that is none is dropped')
      if (frame.method === 0) {
        config = { ...config, ...toldBy(frame) }
        return
      }
      if (frame.method !== 1)
        return deps.log.warn({ account, method: frame.method }, 'a frame of no known kind is dropped')
      pending += 1
      if (pending > mostPending) socket.pause()
      const startedMs = deps.now()
      const code = await reader(frame)
      pending -= 1
      if (socket.isPaused && pending <= mostPending / 2) socket.resume()
      if (code !== null) send(acknowledgement(frame, code, deps.now() - startedMs))
    }
    const ping = async (): Promise<void> => {
      while (!over.signal.aborted) {
        send({ seqId: 0n, logId: 0n, service, method: 0, headers: [{ key: 'type', value: 'ping' }] })
        const everyMs = Math.max(1000, (config.PingInterval ?? 0) * 1000 || usualPingMs)
        await deps.sleep(everyMs, over.signal)
        // Every ping is answered: silence means that the line is dead, whatever the system says.
        if (!over.signal.aborted && deps.now() - heardMs >= 2 * everyMs) {
          deps.log.warn({ account }, 'nothing was heard for two pings, connecting anew')
          cut()
        }
      }
    }

    // Listening before the handshake is through: the first event may come in the same packet.
    socket.on('message', (data) => void take(bytesOf(data)))
    const ended = new Promise<never>((_, reject) => {
      socket.on('unexpected-response', (request, response) => {
        reject(handshakeError(response.statusCode ?? 0, response.headers))
        request.destroy()
      })
      socket.on('error', (error) => reject(networkError(error)))
      socket.on('close', (code) => reject(closedError(code)))
    })
    socket.on('open', () => {
      up()
      void ping()
    })
    if (signal.aborted) cut()
    else signal.addEventListener('abort', cut, { once: true })
    try {
      await ended
    } finally {
      signal.removeEventListener('abort', cut)
      over.abort()
      cut()
    }
  }

  /** Everybody who was on that server comes back at once: each after a random part of the time it names. */
  const spreadMs = (): number => Math.round(deps.random() * (config.ReconnectNonce ?? 0) * 1000)
  const closedError = (code: number): StreamError =>
    new StreamError(`${account}: the connection ended (${code})`, { retryAfterMs: spreadMs() })
  /** Only the code: messages may hold the address, and a ticket is in it. */
  const networkError = (error: Error): StreamError => {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
    return new StreamError(`${account}: network trouble (${code})`, { retryAfterMs: spreadMs() })
  }

  return { kind: 'stream', run }
}

const bytesOf = (data: Buffer | ArrayBuffer | readonly Buffer[]): Uint8Array =>
  data instanceof ArrayBuffer ? new Uint8Array(data) : data instanceof Uint8Array ? data : Buffer.concat(data)

/** What pings name; 0 where the address names none that is one. */
const serviceIn = ({ searchParams }: URL): number => {
  const id = searchParams.get('service_id') ?? ''
  return /^\d{1,10}$/.test(id) ? Number(id) : 0
}

const safeUrl = (text: string, origin: string): URL => {
  const url = URL.parse(text)
  // An origin without TLS is on this machine (the variable allows no other).
  const isSafe = url?.protocol === 'wss:' || (url?.protocol === 'ws:' && origin.startsWith('http:'))
  if (!url || !isSafe) throw new FeishuError({ words: 'the address for the long connection is not encrypted' })
  return url
}

/** The code says why, the platform's words how it calls that; what is as long as a ticket is taken out of them. */
const handshakeError = (status: number, headers: IncomingHttpHeaders): FeishuError => {
  const [reason, told] = [headers['handshake-autherrcode'], headers['handshake-status']].map((one) => Number(one ?? ''))
  // The status 514 stands for a ticket of yesterday too: that is no reason to stay away.
  const code = reason || (told === forbidden ? forbidden : 0)
  const said = String(headers['handshake-msg'] ?? '').replaceAll(/[^ -~]|[\w-]{20,}/g, '')
  const words = ['the connection was refused', ...(said === '' ? [] : [said.slice(0, 100)])].join(': ')
  return new FeishuError({ words, status, code: code > 0 ? code : null })
}

const toldBy = (frame: Frame): ClientConfig => {
  const read = v.safeParse(clientConfig, frame.payload === undefined ? null : jsonObject(frame.payload))
  return read.success ? read.output : {}
}

/** The frame as it came, how long it took, and what became of it: 200 kept, 500 bring it again. */
const acknowledgement = (
  { payloadEncoding: _, payloadType: __, ...frame }: Frame,
  code: number,
  tookMs: number,
): Frame => ({
  ...frame,
  headers: [...frame.headers, { key: 'biz_rt', value: String(Math.max(0, Math.round(tookMs))) }],
  payload: Buffer.from(JSON.stringify({ code })),
})

/** What to say to a data frame; null: nothing, more parts are to come, or it was none. */
const makeReader = (app: App, { log, now }: Deps, deliver: Deliver, signal: AbortSignal) => {
  const join = makeJoiner(now)
  const { account, appId } = app.binding
  let turn: Promise<unknown> = Promise.resolve()

  /** Handed over in the order in which they came, but kept side by side. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = turn.then(work, work)
    turn = next.catch(() => {})
    return next
  }

  return async (frame: Frame): Promise<number | null> => {
    const joined = join(frame)
    if (joined.kind === 'part') return null
    if (joined.kind === 'broken') {
      log.warn({ account, why: joined.why }, 'a part of an event is dropped')
      return null
    }
    const body = jsonObject(joined.payload)
    const opened = body === null ? null : openEnvelope(body)
    if (opened === null || (opened.appId !== undefined && opened.appId !== appId)) {
      log.warn({ account, type: headerIn(frame, 'type') }, 'an event that is none of ours is ignored')
      return 200
    }
    try {
      const { kept } = await inTurn(async () => {
        if (!(await app.admits(opened.occurrence))) {
          log.warn({ account }, 'an event of another tenant, or of one that is switched off, is ignored')
          return { kept: null }
        }
        // It came over TLS from where the platform sent us, with our secret: no token is asked for here.
        const events = await app.read(vouch(opened.occurrence, 'tls'), signal)
        return { kept: events.length > 0 ? deliver(events) : null }
      })
      await kept
      return 200
    } catch (error) {
      log.warn({ account, error: String(error) }, 'an event was not kept and is asked for again')
      return 500
    }
  }
}
