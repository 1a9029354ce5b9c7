import type { Part } from '../contract/index.ts'

/** Open requests that wait for their answer, by event id. */
export interface Slots {
  /** Takes a place to wait in for the answer of an event. */
  readonly wait: (eventId: string, timeoutMs: number) => Waiting
  /** Somebody waits for this event. */
  readonly open: (eventId: string) => boolean
  /** Hands the part to whoever waits; false when nobody does any more. */
  readonly offer: (eventId: string, part: Part | null) => boolean
}

export interface Waiting {
  readonly outcome: Promise<SlotOutcome>
  /** The caller hung up: the place is free again, and an answer is not handed to it. */
  readonly leave: () => void
}

/** The first part of the answer; `none`: settled without one; `late`: time is up; `gone`: nobody waits any more. */
export type SlotOutcome =
  | { readonly kind: 'part'; readonly part: Part }
  | { readonly kind: 'none' }
  | { readonly kind: 'late' }
  | { readonly kind: 'gone' }

/** A repeated delivery of an event may wait beside the first: both get the same answer. */
export const makeSlots = (): Slots => {
  const slots = new Map<string, Set<(outcome: SlotOutcome) => void>>()

  const wait = (eventId: string, timeoutMs: number): Waiting => {
    const waiting = slots.get(eventId) ?? new Set()
    slots.set(eventId, waiting)
    let end = (_: SlotOutcome): void => {}
    const outcome = new Promise<SlotOutcome>((resolve) => {
      const timer = setTimeout(() => end({ kind: 'late' }), timeoutMs)
      end = (how) => {
        clearTimeout(timer)
        waiting.delete(end)
        if (waiting.size === 0 && slots.get(eventId) === waiting) slots.delete(eventId)
        resolve(how)
      }
      waiting.add(end)
    })
    return { outcome, leave: () => end({ kind: 'gone' }) }
  }

  return {
    wait,
    open: (eventId) => slots.has(eventId),
    offer: (eventId, part) => {
      const waiting = slots.get(eventId)
      if (!waiting) return false
      for (const end of [...waiting]) end(part ? { kind: 'part', part } : { kind: 'none' })
      return true
    },
  }
}
