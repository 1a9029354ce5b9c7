/** Loaded before a measured program (`--import`): tells its memory over the channel to the parent when asked. */
export interface Memory {
  readonly rss: number
  readonly heapUsed: number
}

process.on('message', () => {
  // As small as it gets: an ordinary collection leaves the young generation at the size the last load gave it.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  const { rss, heapUsed } = process.memoryUsage()
  process.send?.({ rss, heapUsed } satisfies Memory)
})
// Asking must not keep the program alive.
process.channel?.unref()
