import { join } from 'node:path'
import type { Child } from './child.ts'
import { startDaemon } from './daemon.ts'
import { runLoad } from './load.ts'
import type { Memory } from './probe.ts'
import { MB, type Measure } from './row.ts'
import { skillRequests } from './skill.ts'

const targetBytes = 10e6
const connections = 16
const samples = 8
/** Until then every bounded table gets full. */
const warmUp = 20_000

/** (e) What remains in memory of people who wrote once, measured after garbage collections in a quiet daemon. */
export const measureSenders: Measure = async ({ quick, dir, backend, say }) => {
  const senders = quick ? 20_000 : 200_000
  const daemon = await startDaemon({ dir: join(dir, 'daemon'), backend, probed: true })
  const request = skillRequests('/help', 'e')
  const write = async (from: number, total: number): Promise<void> => {
    const { bad } = await runLoad({
      port: daemon.port,
      connections,
      total,
      request: (n) => request(from + n, from + n),
    })
    if (bad > 0) throw new Error(`${bad} answers were wrong`)
  }
  await write(0, warmUp)
  const before = await leastMemory(daemon)
  say(`  after ${warmUp} requests: RSS ${MB(before.rss)}, heap ${MB(before.heapUsed)}`)
  const step = senders / 10
  for (let done = 0; done < senders; done += step) {
    await write(warmUp + done, step)
    say(`  ${done + step} further senders`)
  }
  const after = await leastMemory(daemon)
  await daemon.stop()
  say(`  after them: RSS ${MB(after.rss)}, heap ${MB(after.heapUsed)}`)
  const [rss, heap] = [after.rss - before.rss, after.heapUsed - before.heapUsed]
  return [
    {
      name: `e  memory growth over ${senders.toLocaleString('en')} distinct senders`,
      figure: `RSS ${MB(rss)} (${MB(before.rss)} → ${MB(after.rss)}), heap ${MB(heap)}`,
      target: `≤ ${MB(targetBytes)}`,
      pass: rss <= targetBytes,
    },
  ]
}

/** The allocator gives pages back late and irregularly: what counts is the least of several looks. */
const leastMemory = async (daemon: Child): Promise<Memory> => {
  const seen: Memory[] = []
  for (let i = 0; i < samples; i++) {
    await new Promise((resolve) => setTimeout(resolve, 400))
    seen.push(await daemon.memory())
  }
  return { rss: Math.min(...seen.map(({ rss }) => rss)), heapUsed: Math.min(...seen.map(({ heapUsed }) => heapUsed)) }
}
