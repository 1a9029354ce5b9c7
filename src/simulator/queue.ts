import type { JsonObject, Workflow } from './types.ts'

/** One accepted prompt. Lower numbers run first. */
export interface Item {
  readonly number: number
  readonly promptId: string
  readonly prompt: Workflow
  readonly extra: JsonObject
  /** Output nodes that passed validation. */
  readonly outputs: readonly string[]
}

export interface Queue {
  readonly put: (item: Item) => void
  /** Moves the first pending item to running; null when there is none. */
  readonly take: () => Item | null
  /** The running item is over. */
  readonly finish: () => void
  readonly running: () => Item | null
  /** In heap order: only the first one is sure to be the next. */
  readonly pending: () => readonly Item[]
  readonly remaining: () => number
  /** Removes a pending item. */
  readonly remove: (promptId: string) => boolean
  readonly clear: () => void
}

/** As on the wire, and inside history entries. */
export const asTuple = (item: Item): readonly unknown[] => [
  item.number,
  item.promptId,
  item.prompt,
  item.extra,
  item.outputs,
]

/** A binary heap laid out like Python's `heapq`, because `/queue` shows its bare array. */
export function createQueue(changed: () => void): Queue {
  let heap: Item[] = []
  let running: Item | null = null

  const before = (a: number, b: number): boolean => (heap[a] as Item).number < (heap[b] as Item).number
  const swap = (a: number, b: number) => {
    const held = heap[a] as Item
    heap[a] = heap[b] as Item
    heap[b] = held
  }
  const rise = (from: number) => {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!before(at, parent)) return
      swap(at, parent)
      at = parent
    }
  }
  /** Goes down to a leaf along the smaller children, then up again (heapq's way). */
  const sink = (from: number) => {
    let at = from
    for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && !before(child, child + 1)) child++
      swap(at, child)
      at = child
    }
    while (at > from && before(at, (at - 1) >> 1)) {
      swap(at, (at - 1) >> 1)
      at = (at - 1) >> 1
    }
  }

  return {
    put: (item) => {
      heap.push(item)
      rise(heap.length - 1)
      changed()
    },
    take: () => {
      const last = heap.pop()
      if (last === undefined) return null
      const first = heap[0] ?? last
      if (heap.length > 0) {
        heap[0] = last
        sink(0)
      }
      running = first
      changed()
      return first
    },
    finish: () => {
      running = null
      changed()
    },
    running: () => running,
    pending: () => [...heap],
    remaining: () => heap.length + (running === null ? 0 : 1),
    remove: (promptId) => {
      const at = heap.findIndex((item) => item.promptId === promptId)
      if (at < 0) return false
      heap.splice(at, 1)
      for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(i)
      changed()
      return true
    },
    clear: () => {
      heap = []
      changed()
    },
  }
}
