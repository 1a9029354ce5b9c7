import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

/** Half open from now on: what arrives is dropped unread, also pings and farewells; only the end of the line itself is
 *  still noticed. Whoever calls it writes nothing more either. */
export const deafen = (raw: Duplex): void => {
  raw.removeAllListeners('data')
  raw.on('data', () => {})
}

/** One message in several frames, as a server or something between may cut it. */
export const sendInPieces = (socket: WebSocket, text: string, pieces: number): void => {
  if (pieces <= 1) {
    socket.send(text)
    return
  }
  const bytes = Buffer.from(text)
  const size = Math.ceil(bytes.length / pieces)
  for (let at = 0; at < bytes.length; at += size)
    socket.send(bytes.subarray(at, at + size), { binary: false, fin: at + size >= bytes.length })
}

/** How a platform brings what nobody confirms, and in which order. Tests that say nothing get it at once, in order. */
export interface Bringing {
  /** How long a delivery may stay unconfirmed. */
  readonly ackMs?: number
  /** The waits before each further try; behind the last the platform gives up. Without them it never does. */
  readonly againMs?: readonly number[]
  /** How long a delivery is under way before it reaches a line; different ones overtake each other. */
  readonly jitterMs?: () => number
  /** In how many pieces a message comes. */
  readonly pieces?: () => number
  /** Which of so many lines is brought the next try; by lot where nobody says. */
  readonly pick?: (lines: number) => number
}
