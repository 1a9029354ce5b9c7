import type { Capabilities, InboundEvent } from '../src/contract/index.ts'

export type Refusal = 'self' | 'bot' | 'stale' | 'future'

/** Clocks differ. Platforms whose protocol demands a narrower window check it in their own adapter, where the
 *  signed timestamp is; here only a time that no clock drift explains is refused. */
const maxAheadMs = 10 * 60_000

/**
 * Whether an event must not be run: our own message coming back, another bot's, or one from another time. Whether it
 * was seen before is the inbox's question. With `staleAfterMs` null the event's time is the time of receiving, which
 * says nothing, so neither age nor future is looked at.
 */
export function refuse(event: InboundEvent, nowMs: number, caps: Pick<Capabilities, 'staleAfterMs'>): Refusal | null {
  if (event.from.self) return 'self'
  if (event.from.bot) return 'bot'
  if (caps.staleAfterMs === null) return null
  if (!Number.isFinite(event.at) || nowMs - event.at > caps.staleAfterMs) return 'stale'
  return event.at - nowMs > maxAheadMs ? 'future' : null
}
