import { join } from 'node:path'
import { startChild } from './child.ts'
import { startDaemon } from './daemon.ts'
import { type SignedHook, signedCall, signedHooks } from './hooks.ts'
import { runLoad } from './load.ts'
import { type Bench, type Measure, ms, perSecond, type Row, times } from './row.ts'
import { openSink } from './sink.ts'
import { inTurns, median, percentile, ratioOf } from './stats.ts'

const connections = 32
const people = 5000
const target = 0.3

/** (g) Signed webhook calls accepted durably by the real daemon, as a multiple of a server that checks the signature,
 *  parses, and only answers. Meanwhile the daemon sends its answers to the platform, as it does in life. */
export const measureSigned: Measure = async (bench) => {
  const { dir } = bench
  const bare = await startChild({
    script: 'test/bench/bare-signed.ts',
    cwd: dir,
    env: {},
    logFile: join(dir, 'bare.log'),
    ready: 'bare ready',
  })
  const { port } = JSON.parse(bare.log()) as { readonly port: number }
  const rows: Row[] = []
  for (const hook of signedHooks) rows.push(await measureHook(hook, port, bench))
  await bare.stop()
  return rows
}

const measureHook = async (hook: SignedHook, barePort: number, { quick, dir, backend, say }: Bench): Promise<Row> => {
  const api = await openSink(hook.sent)
  const daemon = await startDaemon({ dir: join(dir, hook.name), backend, settings: hook.settings(api.origin) })
  const ack = Buffer.from(hook.ack)
  const latenciesMs: number[] = []
  let runs = 0
  const load = async (who: 'bare' | 'daemon', total: number): Promise<number> => {
    const run = runs++
    const request = (n: number): string => signedCall(hook, hook.body(n % people, `G${run}N${n}`, '/help'))
    const isGood = (body: Buffer): boolean => body.equals(ack)
    const port = who === 'bare' ? barePort : daemon.port
    const result = await runLoad({ port, connections, total, request, isGood })
    if (result.bad > 0) throw new Error(`${hook.name}, ${who}: ${result.bad} answers were wrong`)
    if (who === 'daemon') latenciesMs.push(percentile(result.latenciesMs, 0.99))
    const load = Math.round(result.clientLoad * 100)
    say(`  ${hook.name}, ${who}: ${perSecond(result.perSecond)}, client at ${load} % of a core`)
    return result.perSecond
  }
  const rounds = { warmUp: quick ? 1 : 2, rounds: quick ? 3 : 9 }
  const rate = await inTurns(
    () => load('bare', quick ? 4000 : 16_000),
    () => load('daemon', quick ? 2000 : 8000),
    rounds,
  )
  if (api.calls() === 0) throw new Error(`${hook.name}: nobody was answered`)
  await Promise.all([daemon.stop(), api.close()])
  const ratio = ratioOf(rate)
  const p99 = median(latenciesMs.slice(rounds.warmUp))
  return {
    name: `g  ${hook.name} accepted, signed and kept durably, ${connections} connections`,
    figure: `${perSecond(median(rate.b))} of ${perSecond(median(rate.a))} bare, p99 ${ms(p99)}`,
    ratio: times(ratio),
    target: `≥ ${times(target)}`,
    pass: ratio >= target,
  }
}
