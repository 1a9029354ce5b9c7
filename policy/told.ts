/** What was said to whom a short while ago, so that it is not said with every message. */
export interface Told {
  readonly everyMs: number
  readonly maxKeys: number
  /** When it was last said, the oldest first. */
  readonly atMs: Map<string, number>
}

export const newTold = (everyMs: number, maxKeys: number): Told => ({ everyMs, maxKeys, atMs: new Map() })

/** Whether this was told within the span; if not, it counts as told from now on. Changes `state`, which stays bounded. */
export function toldBefore(state: Told, key: string, nowMs: number): boolean {
  const last = state.atMs.get(key)
  if (last !== undefined && Math.abs(nowMs - last) < state.everyMs) return true
  state.atMs.delete(key)
  state.atMs.set(key, nowMs)
  if (state.atMs.size > state.maxKeys) state.atMs.delete(state.atMs.keys().next().value ?? '')
  return false
}
