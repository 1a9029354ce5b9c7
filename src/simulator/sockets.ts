import { isObject, type JsonObject } from './types.ts'
import type { Wire } from './ws.ts'

export interface Sockets {
  /** The newest socket of a client id takes its place; the one before stays open and hears nothing any more. */
  readonly attach: (clientId: string, wire: Wire) => Client
  readonly broadcast: (type: string, data: JsonObject) => void
  readonly send: (clientId: string, type: string, data: JsonObject) => void
  /** Progress and its picture; the order and the framing depend on what the client announced. */
  readonly progress: (clientId: string, data: JsonObject, preview: () => Buffer) => void
  readonly has: (clientId: string) => boolean
  readonly count: () => number
  readonly cutAll: () => void
}

export interface Client {
  readonly onText: (message: string) => void
  readonly onEnd: () => void
}

/** Set by the client's first message. */
interface Place {
  readonly wire: Wire
  metadata: boolean
}

/** `flags` is what the server answers to `feature_flags`; `delay` holds messages back while the server is frozen. */
export function createSockets(flags: JsonObject, delay: (send: () => void) => void): Sockets {
  const places = new Map<string, Place>()
  const wires = new Set<Wire>()
  const put = (wire: Wire, type: string, data: JsonObject) => delay(() => wire.text(JSON.stringify({ type, data })))

  return {
    attach: (clientId, wire) => {
      const place: Place = { wire, metadata: false }
      places.set(clientId, place)
      wires.add(wire)
      let first = true
      return {
        onText: (message) => {
          if (!first) return
          first = false
          const wishes = flagsIn(message)
          if (wishes === null) return
          place.metadata = wishes.supports_preview_metadata === true
          put(wire, 'feature_flags', flags)
        },
        // The clean-up forgets the client id, no matter whose socket stands there now.
        onEnd: () => {
          places.delete(clientId)
          wires.delete(wire)
        },
      }
    },
    broadcast: (type, data) => {
      for (const { wire } of places.values()) put(wire, type, data)
    },
    send: (clientId, type, data) => {
      const place = places.get(clientId)
      if (place !== undefined) put(place.wire, type, data)
    },
    progress: (clientId, data, preview) => {
      const place = places.get(clientId)
      if (place === undefined) return
      const picture = place.metadata ? withMetadata(data, preview()) : plainPreview(preview())
      if (place.metadata) delay(() => place.wire.binary(picture))
      put(place.wire, 'progress', data)
      if (!place.metadata) delay(() => place.wire.binary(picture))
    },
    has: (clientId) => places.has(clientId),
    count: () => wires.size,
    cutAll: () => {
      for (const wire of wires) wire.cut()
    },
  }
}

function flagsIn(message: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(message)
    return isObject(value) && value.type === 'feature_flags' && isObject(value.data) ? value.data : null
  } catch {
    return null
  }
}

const word = (value: number): Buffer => {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value)
  return out
}

/** Event 1, format 1: a JPEG. */
const plainPreview = (jpeg: Buffer): Buffer => Buffer.concat([word(1), word(1), jpeg])

/** Event 4: a JSON head of counted length, then the JPEG. */
function withMetadata(data: JsonObject, jpeg: Buffer): Buffer {
  const ids = { display_node_id: data.node, parent_node_id: null, real_node_id: data.node }
  const head = { node_id: data.node, prompt_id: data.prompt_id, ...ids, image_type: 'image/jpeg' }
  const bytes = Buffer.from(JSON.stringify(head))
  return Buffer.concat([word(4), word(bytes.length), bytes, jpeg])
}
