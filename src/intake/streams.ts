import type { Deliver, Log, Report, Stream } from '../contract/index.ts'
import { StreamError } from '../contract/index.ts'

export interface StreamDeps {
  readonly deliver: Deliver
  readonly report: Report
  readonly now: () => number
  readonly random: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly log: Log
}

const firstMs = 1000
const mostMs = 60_000
/** What was up for this long was healthy: the next failure starts counting anew. */
const healthyMs = 10_000

/** Keeps a polling or gateway adapter running until the signal aborts, its source ends, or a fatal error says that
 *  trying again is of no use. Resolves then; never rejects. */
export const keepRunning = async (
  stream: Stream,
  deps: StreamDeps,
  signal: AbortSignal,
): Promise<'ended' | 'fatal'> => {
  let failures = 0
  while (!signal.aborted) {
    let upMs: number | null = null
    const report: Report = (state, about) => {
      upMs = state === 'up' ? (upMs ?? deps.now()) : null
      deps.report(state, about)
    }
    try {
      await stream.run(deps.deliver, report, signal)
      return 'ended'
    } catch (error) {
      if (signal.aborted) return 'ended'
      const about = error instanceof Error ? error.message : String(error)
      deps.report('down', about)
      if (error instanceof StreamError && error.fatal) {
        deps.log.error({ about }, 'intake stopped: it needs the operator')
        return 'fatal'
      }
      failures = upMs !== null && deps.now() - upMs > healthyMs ? 1 : failures + 1
      const asked = error instanceof StreamError ? (error.retryAfterMs ?? 0) : 0
      const waitMs = Math.max(asked, Math.min(mostMs, firstMs * 2 ** (failures - 1)) * (0.5 + deps.random() / 2))
      deps.log.warn({ about, retryInMs: Math.round(waitMs), failures }, 'intake interrupted')
      await deps.sleep(waitMs, signal)
    }
  }
  return 'ended'
}
