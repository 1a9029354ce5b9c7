import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from './child.ts'
import { startDaemon } from './daemon.ts'
import { type LoadResult, runLoad } from './load.ts'
import { type Measure, ms, perSecond, times } from './row.ts'
import { secret, skillRequests } from './skill.ts'
import { inTurns, median, percentile, ratioOf } from './stats.ts'

const connections = 32
/** Enough that nobody passes 600 commands a minute. */
const people = 5000
const target = 0.5

/** (a) Answers kept durably by the real daemon, as a multiple of a server that only answers. */
export const measureInline: Measure = async ({ quick, dir, backend, say }) => {
  const daemon = await startDaemon({ dir: join(dir, 'daemon'), backend })
  const answer = await firstAnswer(daemon.port)
  const answerFile = join(dir, 'answer.json')
  writeFileSync(answerFile, answer)
  const bare = await startChild({
    script: 'test/bench/bare.ts',
    cwd: dir,
    env: { BENCH_SECRET: secret, BENCH_ANSWER: answerFile },
    logFile: join(dir, 'bare.log'),
    ready: 'bare ready',
  })
  const { port: barePort } = JSON.parse(bare.log()) as { readonly port: number }

  const rounds = { warmUp: quick ? 1 : 2, rounds: quick ? 3 : 9 }
  const results: { readonly who: string; readonly result: LoadResult }[] = []
  const load = async (who: string, port: number, total: number): Promise<number> => {
    const request = skillRequests('/help', `a${results.length}`)
    const isGood = (body: Buffer): boolean => body.equals(answer)
    const result = await runLoad({ port, connections, total, request: (n) => request(n % people, n), isGood })
    if (result.bad > 0) throw new Error(`${who}: ${result.bad} answers were wrong`)
    results.push({ who, result })
    say(`  ${who} ${perSecond(result.perSecond)}, client at ${Math.round(result.clientLoad * 100)} % of a core`)
    return result.perSecond
  }
  const rate = await inTurns(
    () => load('bare', barePort, quick ? 6000 : 20_000),
    () => load('daemon', daemon.port, quick ? 3000 : 8000),
    rounds,
  )
  await Promise.all([bare.stop(), daemon.stop()])

  const ratio = ratioOf(rate)
  const late = results.filter(({ who }) => who === 'daemon').slice(rounds.warmUp)
  const p99 = median(late.map(({ result }) => percentile(result.latenciesMs, 0.99)))
  return [
    {
      name: `a  /help inline, kept durably, ${connections} connections`,
      figure: `${perSecond(median(rate.b))} of ${perSecond(median(rate.a))} bare, p99 ${ms(p99)}`,
      ratio: times(ratio),
      target: `≥ ${times(target)}`,
      pass: ratio >= target,
    },
  ]
}

const firstAnswer = async (port: number): Promise<Buffer> => {
  const request = skillRequests('/help', 'first')
  let answer = Buffer.alloc(0)
  const isGood = (body: Buffer): boolean => {
    answer = Buffer.from(body)
    return body.includes('simpleText')
  }
  const { bad } = await runLoad({ port, connections: 1, total: 1, request: (n) => request(people, n), isGood })
  if (bad > 0) throw new Error(`no help: ${answer.toString('utf8').slice(0, 500)}`)
  return answer
}
