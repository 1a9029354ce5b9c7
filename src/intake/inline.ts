import type { Part } from '../contract/index.ts'

/** Open requests that wait for their answer, by event id. */
export interface Slots {
  /** Waits for the answer of an event: its first part, `none` when it is settled without one, `late` when time is up. */
  readonly wait: (eventId: string, timeoutMs: number) => Promise<SlotOutcome>
  /** Somebody waits for this event. */
  readonly open: (eventId: string) => boolean
  /** Hands the part to whoever waits; false when nobody does any more. */
  readonly offer: (eventId: string, part: Part | null) => boolean
}

export type SlotOutcome =
  | { readonly kind: 'part'; readonly part: Part }
  | { readonly kind: 'none' }
  | { readonly kind: 'late' }

interface Slot {
  readonly resolve: (outcome: SlotOutcome) => void
  readonly timer: NodeJS.Timeout
}

/** A repeated delivery of an event may wait beside the first: both get the same answer. */
export const makeSlots = (): Slots => {
  const slots = new Map<string, Set<Slot>>()

  return {
    wait: (eventId, timeoutMs) =>
      new Promise((resolve) => {
        const waiting = slots.get(eventId) ?? new Set<Slot>()
        slots.set(eventId, waiting)
        const slot: Slot = {
          resolve,
          timer: setTimeout(() => {
            waiting.delete(slot)
            if (waiting.size === 0) slots.delete(eventId)
            resolve({ kind: 'late' })
          }, timeoutMs),
        }
        waiting.add(slot)
      }),
    open: (eventId) => slots.has(eventId),
    offer: (eventId, part) => {
      const waiting = slots.get(eventId)
      if (!waiting) return false
      slots.delete(eventId)
      for (const slot of waiting) {
        clearTimeout(slot.timer)
        slot.resolve(part ? { kind: 'part', part } : { kind: 'none' })
      }
      return true
    },
  }
}
