// A file of its own: events that come in parts, in any order, over one connection.
import { type Frame, headerIn } from './frame.ts'

export type Joined =
  | { readonly kind: 'whole'; readonly payload: Uint8Array }
  | { readonly kind: 'part' }
  | { readonly kind: 'broken'; readonly why: string }

/** Parts that lie longer are dropped: the event comes again as a whole (facts/feishu §6). */
const keepMs = 10_000
const mostParts = 1000
const mostOpen = 200
const longestId = 200
const mostBytes = 4 * 1024 * 1024

interface Open {
  readonly parts: Map<number, Uint8Array>
  readonly sum: number
  readonly sinceMs: number
}

const whole = /^\d{1,6}$/

/** Bytes are joined, not texts: the cut may go through a character. */
export const makeJoiner = (now: () => number): ((frame: Frame) => Joined) => {
  const open = new Map<string, Open>()

  const bytesHeld = (): number =>
    [...open.values()].flatMap(({ parts }) => [...parts.values()]).reduce((sum, part) => sum + part.byteLength, 0)

  return (frame) => {
    const payload = frame.payload ?? new Uint8Array()
    const [sumText = '1', seqText = '0'] = [headerIn(frame, 'sum'), headerIn(frame, 'seq')]
    if (!whole.test(sumText) || !whole.test(seqText)) return { kind: 'broken', why: 'part numbers that are none' }
    const [sum, seq] = [Number(sumText), Number(seqText)]
    if (sum <= 1) return { kind: 'whole', payload }
    const id = headerIn(frame, 'message_id')
    if (id === undefined || id.length > longestId || seq >= sum || sum > mostParts)
      return { kind: 'broken', why: 'a part that fits nowhere' }
    for (const [key, { sinceMs }] of open) if (now() - sinceMs > keepMs) open.delete(key)
    if (!open.has(id) && open.size >= mostOpen) return { kind: 'broken', why: 'too many in parts' }
    const known = open.get(id) ?? { parts: new Map<number, Uint8Array>(), sum, sinceMs: now() }
    if (known.sum !== sum) return { kind: 'broken', why: 'parts of two different wholes' }
    if (bytesHeld() + payload.byteLength > mostBytes) return { kind: 'broken', why: 'too much in parts' }
    // A copy: the bytes may belong to a buffer of the socket.
    known.parts.set(seq, Uint8Array.from(payload))
    open.set(id, known)
    if (known.parts.size < sum) return { kind: 'part' }
    open.delete(id)
    const inOrder = [...known.parts].toSorted(([a], [b]) => a - b).map(([, part]) => part)
    return { kind: 'whole', payload: Buffer.concat(inOrder) }
  }
}
