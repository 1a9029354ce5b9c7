import { join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { leastBytes } from './least.ts'
import { runLoad } from './load.ts'
import { MB, type Measure } from './row.ts'
import { skillRequests } from './skill.ts'

const targetBytes = 10e6
const connections = 16
/** Until then every bounded table gets full. */
const warmUp = 20_000

/** (e) What remains in memory of people who wrote once, measured in a quiet daemon, from outside. */
export const measureSenders: Measure = async ({ quick, dir, backend, say }) => {
  const senders = quick ? 20_000 : 200_000
  const daemon = await startDaemon({ dir: join(dir, 'daemon'), backend })
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
  const before = await leastBytes(daemon)
  say(`  after ${warmUp} requests: RSS ${MB(before)}`)
  const step = senders / 10
  for (let done = 0; done < senders; done += step) {
    await write(warmUp + done, step)
    say(`  ${done + step} further senders`)
  }
  const after = await leastBytes(daemon)
  await daemon.stop()
  say(`  after them: RSS ${MB(after)}`)
  return [
    {
      name: `e  memory growth over ${senders.toLocaleString('en')} distinct senders`,
      figure: `RSS ${MB(after - before)} (${MB(before)} → ${MB(after)})`,
      target: `≤ ${MB(targetBytes)}`,
      pass: after - before <= targetBytes,
    },
  ]
}
