export interface SlimDeps {
  /** Nothing is kept, worked on or sent at this moment. */
  readonly idle: () => boolean
  readonly memory: Memory
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/** The memory of this process. */
export interface Memory {
  readonly residentBytes: () => number
  /** Collects garbage and gives free pages back to the machine; takes some tens of milliseconds. */
  readonly release: () => void
}

/** What was only needed to start goes back soon after. */
const startedMs = 1000
const lookMs = 5000
/** Less is not worth the pause. */
const worthBytes = 8 * 1024 * 1024
/** So much is worth it in the middle of work too, once a minute: where answers always wait, it is never quiet. */
const worthBusyBytes = 48 * 1024 * 1024
const busyLooks = 12

/** After a busy spell the heap stays as large as it was. The machine's memory belongs to ComfyUI: what is free goes back
 *  once it has been quiet from one look to the next. */
export const keepSlim = async ({ idle, memory, sleep }: SlimDeps, signal: AbortSignal): Promise<void> => {
  await sleep(startedMs, signal)
  if (signal.aborted) return
  if (idle()) memory.release()
  let floorBytes = memory.residentBytes()
  let wasIdle = false
  let looks = 0
  while (!signal.aborted) {
    await sleep(lookMs, signal)
    if (signal.aborted) return
    looks++
    const quiet = wasIdle && idle()
    wasIdle = idle()
    const grownBytes = memory.residentBytes() - floorBytes
    if (quiet ? grownBytes < worthBytes : grownBytes < worthBusyBytes || looks < busyLooks) continue
    memory.release()
    looks = 0
    floorBytes = memory.residentBytes()
  }
}
