import { isRecord } from './wire.ts'

export interface SocketDeps {
  /** Base URL of the backend (http or https), with or without a path. */
  readonly url: string
  /** Called for every connection. A fresh id each time, or the id of one of our own jobs to hear its progress: a
   *  second socket with an id makes the first deaf, so a browser's id must never be used. */
  readonly clientId: () => string
  readonly WebSocket: typeof WebSocket
  /** Said to everybody after each change of the queue. A job that is done is in the history by then. */
  readonly onStatus?: (queueRemaining: number) => void
  /** Every other message of known shape. */
  readonly onMessage?: (type: string, data: Readonly<Record<string, unknown>>) => void
  readonly onUp?: () => void
  /** Only after an `onUp`. Not called when the signal ended it. */
  readonly onDown?: () => void
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly random: () => number
  /** The backend can freeze for 30 s. */
  readonly openTimeoutMs?: number
}

const firstDelayMs = 500
const lastDelayMs = 30_000
/** A connection that held this long was a good one: the next delay starts small again. */
const goodAfterMs = 10_000
/** Longer messages (an error with printed tensors) are passed over; they are in the history anyway. */
const maxMessageLength = 1024 * 1024

/** Between half of the doubling delay and all of it, so that many connectors do not come back in step. */
export const reconnectDelayMs = (failures: number, random: number): number =>
  Math.min(lastDelayMs, firstDelayMs * 2 ** Math.min(failures, 10)) * (0.5 + random / 2)

function parsed(text: string): { readonly type: string; readonly data: Readonly<Record<string, unknown>> } | null {
  if (text.length > maxMessageLength) return null
  try {
    const json: unknown = JSON.parse(text)
    if (!isRecord(json) || typeof json.type !== 'string') return null
    return { type: json.type, data: isRecord(json.data) ? json.data : {} }
  } catch {
    // Not from ComfyUI. The socket is only a hint, so there is nothing to lose.
    return null
  }
}

function queueRemainingIn(data: Readonly<Record<string, unknown>>): number | null {
  const info = isRecord(data.status) && isRecord(data.status.exec_info) ? data.status.exec_info : {}
  const { queue_remaining: remaining } = info
  return typeof remaining === 'number' && Number.isInteger(remaining) && remaining >= 0 ? remaining : null
}

/** One connection from opening to its end. Says whether it was ever open. Rejects only when a callback throws. */
function connect(deps: SocketDeps, address: string, signal: AbortSignal): Promise<{ readonly opened: boolean }> {
  return new Promise((resolve, reject) => {
    let opened = false
    const socket = new deps.WebSocket(address)
    socket.binaryType = 'arraybuffer'
    const leave = new AbortController()
    const end = () => {
      leave.abort()
      socket.close()
      resolve({ opened })
    }
    const guard =
      <E>(handle: (event: E) => void) =>
      (event: E) => {
        try {
          handle(event)
        } catch (error) {
          reject(error)
          end()
        }
      }
    const listening = { signal: leave.signal }
    const timer = setTimeout(end, deps.openTimeoutMs ?? 40_000)
    leave.signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
    signal.addEventListener('abort', end, listening)
    socket.addEventListener(
      'open',
      guard(() => {
        opened = true
        clearTimeout(timer)
        deps.onUp?.()
      }),
      listening,
    )
    socket.addEventListener(
      'message',
      guard((event: { readonly data: unknown }) => {
        // Binary messages are previews and live texts, which nobody here shows.
        const message = typeof event.data === 'string' ? parsed(event.data) : null
        if (message === null) return
        const remaining = message.type === 'status' ? queueRemainingIn(message.data) : null
        if (remaining !== null) deps.onStatus?.(remaining)
        else if (message.type !== 'status') deps.onMessage?.(message.type, message.data)
      }),
      listening,
    )
    socket.addEventListener('error', end, listening)
    socket.addEventListener('close', end, listening)
  })
}

/**
 * Keeps a socket to the backend open until the signal aborts; then it resolves at once. It does not notice a peer that
 * fell silent without closing: what it tells is a hint, and the caller looks by itself from time to time.
 */
export function watchSocket(deps: SocketDeps): (signal: AbortSignal) => Promise<void> {
  const base = new URL(deps.url)
  const root = `${base.protocol === 'https:' ? 'wss:' : 'ws:'}//${base.host}${base.pathname.replace(/\/+$/, '')}`
  return async (signal) => {
    let failures = 0
    while (!signal.aborted) {
      const startedMs = deps.now()
      const { opened } = await connect(deps, `${root}/ws?clientId=${encodeURIComponent(deps.clientId())}`, signal)
      if (signal.aborted) return
      if (opened) deps.onDown?.()
      failures = opened && deps.now() - startedMs >= goodAfterMs ? 0 : failures + 1
      await deps.sleep(reconnectDelayMs(Math.max(0, failures - 1), deps.random()), signal)
    }
  }
}
