import type { Adapter, Capabilities, InboundEvent, Log } from '../contract/index.ts'

export interface TypingDeps {
  readonly outlet: (platform: string) => { readonly adapter: Adapter; readonly capabilities: Capabilities } | null
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly log: Log
  readonly signal: AbortSignal
}

/** Quick answers need no sign that somebody is at work. */
const quietMs = 700

/** Shows "working on it" while a command runs, where the platform can. Returns what ends it. */
export const makeTyping =
  ({ outlet, sleep, log, signal }: TypingDeps) =>
  (event: InboundEvent): (() => void) => {
    const way = outlet(event.where.platform)
    const show = way?.adapter.typing
    const everyMs = way?.capabilities.typing?.everyMs
    if (!show || !everyMs) return () => {}
    const stop = new AbortController()
    const ended = AbortSignal.any([signal, stop.signal])
    const loop = async (): Promise<void> => {
      await sleep(quietMs, ended)
      while (!ended.aborted) {
        await show(event.where, event.message, ended)
        await sleep(everyMs, ended)
      }
    }
    loop().catch((error: unknown) => {
      if (!ended.aborted) log.debug({ error: String(error) }, 'typing not shown')
    })
    return () => stop.abort()
  }
