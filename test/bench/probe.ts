/** Loaded before a measured program (`--import`): tells its memory over the channel to the parent when asked. */
export interface Memory {
  readonly rss: number
  readonly heapUsed: number
}

process.on('message', () => {
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  process.send?.({ rss, heapUsed } satisfies Memory)
})
// Asking must not keep the program alive.
process.channel?.unref()
