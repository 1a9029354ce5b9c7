import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openDb } from '../../src/store/open.ts'
import { startDaemon, stateDirOf } from './daemon.ts'
import { runLoad } from './load.ts'
import { type Measure, ms, times } from './row.ts'
import { skillRequests } from './skill.ts'
import { inTurns, median, percentile, ratioOf } from './stats.ts'

const target = 1.2
/** Few, so that the time of an answer is its own and not that of a queue. */
const connections = 4
const people = 5000

/** (f) The slowest answers of a daemon that remembers a million, as a multiple of those of an empty one. */
export const measureStored: Measure = async ({ quick, dir, backend, say }) => {
  const count = quick ? 100_000 : 1_000_000
  const full = join(dir, 'full')
  mkdirSync(stateDirOf(full), { recursive: true })
  const startMs = performance.now()
  fill(join(stateDirOf(full), 'connector.db'), count)
  say(`  ${count} rows written in ${ms(performance.now() - startMs)}`)
  const [a, b] = [await startDaemon({ dir: join(dir, 'empty'), backend }), await startDaemon({ dir: full, backend })]

  let run = 0
  const p50: { a: number[]; b: number[] } = { a: [], b: [] }
  const p99 = async (who: 'a' | 'b'): Promise<number> => {
    const request = skillRequests('/help', `f${run++}`)
    const { port } = who === 'a' ? a : b
    const total = quick ? 1500 : 4000
    const { bad, latenciesMs } = await runLoad({ port, connections, total, request: (n) => request(n % people, n) })
    if (bad > 0) throw new Error(`${bad} answers were wrong`)
    p50[who].push(percentile(latenciesMs, 0.5))
    const value = percentile(latenciesMs, 0.99)
    say(`  ${who === 'a' ? 'empty' : 'full'}: p50 ${ms(p50[who].at(-1) ?? 0)}, p99 ${ms(value)}`)
    return value
  }
  const seen = await inTurns(
    () => p99('a'),
    () => p99('b'),
    { warmUp: 1, rounds: quick ? 3 : 9 },
  )
  await Promise.all([a.stop(), b.stop()])
  const ratio = ratioOf(seen)
  return [
    {
      name: `f  p99 of /help with ${count.toLocaleString('en')} settled events and answers`,
      figure: `${ms(median(seen.b))} against ${ms(median(seen.a))} empty (p50 ${ms(median(p50.b))}, ${ms(median(p50.a))})`,
      ratio: times(ratio),
      target: `≤ ${times(target)}`,
      pass: ratio <= target,
    },
  ]
}

/** Yesterday's events, each settled and answered, with keys as the daemon makes them. The person in front of a key is
 *  a digest, so that new rows find their places all over the indexes; here they are evenly spread and in order, which
 *  an index takes quickly. */
const fill = (file: string, count: number): void => {
  openDb(file).close()
  const db = new DatabaseSync(file)
  const id = `printf('kakao:000000000000000000fa4eb0:%08x%024x:bench-%d', i * (4294967295 / ${count}), i, i)`
  const lane = `printf('kakao 000000000000000000fa4eb0  %064x', i)`
  const day = Date.now() - 20 * 60 * 60_000
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`
  const part = JSON.stringify({ items: [{ kind: 'text', text: 'What was answered to somebody. '.repeat(12) }] })
  db.exec(`
    PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;
    BEGIN;
    INSERT INTO inbox (id, lane, state, verdict, kept_at, settled_at, outcome, answer, event)
      ${numbers} SELECT ${id}, ${lane}, 'settled', 'run', ${day} + i, ${day} + i, '/help', ${id} || '#0', NULL FROM n;
    INSERT INTO outbox (key, lane, state, attempts, next_at, part, via, created_at, done_at)
      ${numbers} SELECT ${id} || '#0', ${lane}, 'sent', 0, ${day}, '${part}', 'inline', ${day} + i, ${day} + i FROM n;
    COMMIT;
    PRAGMA wal_checkpoint(TRUNCATE);
  `)
  db.close()
}
