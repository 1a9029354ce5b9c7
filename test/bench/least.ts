import { type Child, residentBytes } from './child.ts'

const sampleMs = 1000

/** As the operating system sees it, the least of a quiet quarter of a minute (or so many seconds): in quiet times the
 *  daemon gives back what a busy spell has left. */
export const leastBytes = async (daemon: Child, samples = 15): Promise<number> => {
  const seen: number[] = []
  for (let i = 0; i < samples; i++) {
    await new Promise((resolve) => setTimeout(resolve, sampleMs))
    seen.push(residentBytes(daemon.pid) ?? Number.POSITIVE_INFINITY)
  }
  return Math.min(...seen)
}
