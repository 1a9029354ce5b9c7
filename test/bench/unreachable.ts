import { join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { signedCall, signedHooks } from './hooks.ts'
import { runLoad } from './load.ts'
import { type Measure, ms, type Row } from './row.ts'
import { openSink } from './sink.ts'
import { percentile } from './stats.ts'

const connections = 32
const people = 2000
const targetMs = 100
/** What only looks here, what asks the backend, and what makes it work. */
const texts = ['/help', '/status', '/run portrait prompt="a red fox"'] as const

/** (i) How long a platform waits for its acknowledgement while its own API takes calls and never answers them, and the
 *  backend does the same. */
export const measureUnreachable: Measure = async ({ quick, dir, say }) => {
  const rows: Row[] = []
  for (const hook of signedHooks) {
    const [api, backend] = [await openSink(null), await openSink(null)]
    const settings = hook.settings(api.origin)
    const daemon = await startDaemon({ dir: join(dir, hook.name), backend: backend.origin, settings })
    const ack = Buffer.from(hook.ack)
    const rounds: number[] = []
    for (let round = 0; round < (quick ? 2 : 4); round++) {
      const result = await runLoad({
        port: daemon.port,
        connections,
        total: quick ? 1000 : 2000,
        request: (n) => {
          const text = texts[n % texts.length] ?? texts[0]
          return signedCall(hook, hook.body(n % people, `I${round}N${n}`, text))
        },
        isGood: (body) => body.equals(ack),
      })
      if (result.bad > 0) throw new Error(`${hook.name}: ${result.bad} calls were not taken`)
      const p99 = percentile(result.latenciesMs, 0.99)
      const worst = Math.max(...result.latenciesMs)
      say(`  ${hook.name}: p99 ${ms(p99)}, worst ${ms(worst)}`)
      // The first finds code that was never run before.
      if (round > 0) rounds.push(p99)
    }
    if (api.calls() === 0) throw new Error(`${hook.name}: its API was never called`)
    await Promise.all([daemon.stop(), api.close(), backend.close()])
    const p99 = Math.max(...rounds)
    rows.push({
      name: `i  ${hook.name} accepted while its API and the backend hang, ${connections} connections`,
      figure: `p99 ${ms(p99)}`,
      target: `≤ ${ms(targetMs)}`,
      pass: p99 <= targetMs,
    })
  }
  return rows
}
