// A client of our own: the SDK's gives up for good after one failed reconnect, connects after it was told to stop, and
// goes without a connection for seconds at each routine change (facts/sdk §2).
import * as v from 'valibot'
import type { WebSocket } from 'ws'
import type { AdapterDeps, Deliver, Report, Stream } from '../../src/contract/index.ts'
import { StreamError } from '../../src/contract/index.ts'
import { withDeadline } from '../kit/http.ts'
import type { SlackClient } from './client.ts'
import type { DeliveryKind, Take } from './connect.ts'
import { isScopeTrouble, SlackError, tokenTroubleOf } from './errors.ts'
import { frame, socketUrl } from './wire.ts'

export interface SocketDeps extends Pick<AdapterDeps, 'now' | 'random' | 'sleep' | 'log'> {
  readonly client: SlackClient
  readonly appToken: string
  readonly apiBase: string
  readonly take: Take
}

const openMs = 15_000
const pingEveryMs = 5_000
/** Lines last for hours. So many may be changed while they are young; behind that each waits. */
const [youngMs, mostYoung] = [10_000, 3]
/** Three pings without an answer. */
const deadAfterMs = 16_000
const maxFrameBytes = 4 * 1024 * 1024
const kinds: ReadonlySet<string> = new Set<DeliveryKind>(['events_api', 'interactive', 'slash_commands'])
const variable = 'OPENCLAW_CONNECTOR_SLACK_APP_TOKEN'

interface Line {
  readonly socket: WebSocket
  /** Resolves when it is closed, to the reason. */
  readonly closed: Promise<string>
  /** Deliveries that are being kept at the moment. */
  readonly pending: Set<Promise<void>>
  /** Resolves when everything so far has been read: what came first is handed over first. */
  read: Promise<unknown>
}

interface Hearing {
  readonly deliver: Deliver
  /** Slack announces the end of this line. */
  readonly asked: (reason: string) => void
  readonly greeted: () => void
}

const offAbout = 'Socket Mode was switched off for the app: switch it on in its settings, and start again'

const fatalError = (error: SlackError): StreamError | null => {
  const { code, message } = error
  if (tokenTroubleOf(code) !== null || isScopeTrouble(code) || code === 'forbidden_team' || code === 'missing_args')
    return new StreamError(`${message}; set an app-level token (xapp-…) with connections:write as ${variable}`, {
      fatal: true,
    })
  return null
}

export const makeStream = (deps: SocketDeps): Stream => {
  const { client, appToken, apiBase, take, now, random, sleep, log } = deps

  const addressOf = async (signal: AbortSignal): Promise<URL> => {
    const answer = await client.call({ method: 'apps.connections.open', token: appToken }, signal).catch((error) => {
      if (!(error instanceof SlackError)) throw error
      throw fatalError(error) ?? new StreamError(error.message, { retryAfterMs: error.retryAfterMs })
    })
    const read = v.safeParse(socketUrl, answer)
    const url = read.success ? URL.parse(read.output.url) : null
    // Unencrypted only to where the API itself is asked unencrypted.
    const isTrusted = url?.protocol === 'wss:' || (url?.protocol === 'ws:' && apiBase.startsWith('http:'))
    if (url === null || !isTrusted) throw new StreamError('Slack named no usable address for Socket Mode')
    return url
  }

  const keep = async (kind: DeliveryKind, payload: unknown, line: Line, deliver: Deliver): Promise<void> => {
    const reading = line.read.then(() => take(kind, payload, 'tls'))
    line.read = reading.catch(() => {})
    const events = await reading
    if (events.length > 0) await deliver(events)
  }

  const hear = (text: string, line: Line, on: Hearing): void => {
    const read = v.safeParse(v.pipe(v.string(), v.parseJson(), frame), text)
    if (!read.success) {
      log.warn({}, 'a frame of Slack could not be read')
      return
    }
    const { type, envelope_id: id, payload, reason = 'unknown' } = read.output
    if (type === 'hello') on.greeted()
    else if (type === 'disconnect') on.asked(reason)
    else if (id === undefined || !kinds.has(type)) {
      log.debug({ type }, 'a frame of Slack is not used')
      // Slack wants each envelope confirmed, of whatever kind.
      if (id !== undefined) confirm(id, Promise.resolve(), line)
    } else confirm(id, keep(type as DeliveryKind, payload, line, on.deliver), line)
  }

  const confirm = (id: string, kept: Promise<void>, line: Line): void => {
    const work = kept.then(
      () => {
        if (line.socket.readyState === line.socket.OPEN) line.socket.send(JSON.stringify({ envelope_id: id }))
      },
      // Not confirmed, so Slack brings it again.
      (error: unknown) => log.warn({ error: String(error) }, 'not kept, Slack is left to bring it again'),
    )
    line.pending.add(work)
    void work.finally(() => line.pending.delete(work))
  }

  /** A line can die without a word; pings find out. */
  const watch = async (
    socket: WebSocket,
    state: { heardMs: number; end: string },
    signal: AbortSignal,
  ): Promise<void> => {
    while (!signal.aborted && socket.readyState === socket.OPEN) {
      socket.ping()
      await sleep(pingEveryMs, signal)
      if (now() - state.heardMs <= deadAfterMs) continue
      state.end = 'no sign of life'
      socket.terminate()
    }
  }

  /** Resolves once Slack has said hello. */
  const open = async (
    deliver: Deliver,
    asked: (reason: string) => void,
    signal: AbortSignal,
    lines: Set<Line>,
  ): Promise<Line> => {
    const url = await addressOf(signal)
    const { WebSocket: Socket } = await import('ws')
    if (signal.aborted) throw new StreamError('stopped')
    const socket = new Socket(url, { handshakeTimeout: openMs, maxPayload: maxFrameBytes, perMessageDeflate: false })
    const state = { heardMs: now(), end: 'closed' }
    const closed = new Promise<string>((resolve) => {
      socket.once('close', (code) => {
        lines.delete(line)
        resolve(`${state.end}, code ${code}`)
      })
    })
    const line: Line = { socket, closed, pending: new Set(), read: Promise.resolve() }
    lines.add(line)
    const alive = (): void => {
      state.heardMs = now()
    }
    socket.on('error', ({ message }) => {
      // The address holds a ticket.
      state.end = url.search === '' ? message : message.replaceAll(url.search, '')
    })
    socket.on('ping', alive)
    socket.on('pong', alive)
    const greeted = new Promise<void>((resolve) => {
      socket.on('message', (data) => {
        alive()
        hear(String(data), line, { deliver, asked, greeted: resolve })
      })
    })
    try {
      await withDeadline(signal, openMs, (both) =>
        Promise.race([greeted, closed.then(refusedBy), aborted(both).then(() => refusedBy('no hello in time'))]),
      )
    } catch (error) {
      socket.terminate()
      throw error
    }
    void watch(socket, state, signal)
    return line
  }

  /** Closed once nothing is being kept for it any more, so that all it brought is confirmed on it. */
  const retire = (line: Line | null): void => {
    if (line !== null) void Promise.allSettled(line.pending).then(() => line.socket.close(1000))
  }

  /** Keeps one line open, a second one while it is being changed. Ends with the signal; throws when there is no line. */
  const hold = async (deliver: Deliver, report: Report, signal: AbortSignal, lines: Set<Line>): Promise<void> => {
    const stopped = aborted(signal).then(() => null)
    let switchedOff = false
    let current: Line | null = null
    let [openedMs, young] = [now(), 0]
    for (;;) {
      const wish = Promise.withResolvers<string>()
      const asked = (reason: string): void => {
        if (reason === 'link_disabled') switchedOff = true
        wish.resolve(reason === 'too_many_websockets' ? 'crowded' : 'renew')
      }
      const standing: Line | null = current
      const line: Line | null = await open(deliver, asked, signal, lines).catch((error: unknown) => {
        // The old line still works; a while later there is another try.
        if (standing === null || !lines.has(standing) || signal.aborted || isFatal(error)) throw error
        log.warn({ about: String(error) }, 'no second line yet, the first one still stands')
        return null
      })
      if (line !== null) {
        retire(standing)
        current = line
        openedMs = now()
        report('up', 'connected by Socket Mode')
        log.info({}, 'Slack Socket Mode connected')
      }
      const outcome: string | null = await Promise.race([
        stopped,
        (line ?? standing)?.closed ?? 'closed',
        line === null ? sleep(1000 + 4000 * random(), signal).then(() => 'renew') : wish.promise,
      ])
      if (outcome === null) return
      if (switchedOff) throw new StreamError(offAbout, { fatal: true })
      if (outcome !== 'renew' && outcome !== 'crowded')
        throw new StreamError(`the connection to Slack ended (${outcome})`)
      young = now() - openedMs < youngMs ? young + 1 : 0
      // Ten lines an app; another one at once would only be turned away again.
      const pauseMs = outcome === 'crowded' ? 5000 : young > mostYoung ? 1000 : 0
      if (pauseMs > 0) await sleep(pauseMs * (1 + random()), signal)
      log.info({}, 'Slack asks for a new connection')
    }
  }

  return {
    kind: 'stream',
    run: async (deliver, report, signal) => {
      const run = new AbortController()
      const stop = (): void => run.abort()
      signal.addEventListener('abort', stop, { once: true })
      const lines = new Set<Line>()
      try {
        if (!signal.aborted) await hold(deliver, report, run.signal, lines)
      } finally {
        signal.removeEventListener('abort', stop)
        run.abort()
        for (const { socket } of lines) socket.terminate()
      }
    },
  }
}

const isFatal = (error: unknown): boolean => error instanceof StreamError && error.fatal

const refusedBy = (why: string): never => {
  throw new StreamError(`Slack did not open the connection: ${why}`)
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
