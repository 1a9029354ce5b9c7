/** Measures what the project promises about speed and memory, and prints a table. Ratios compare two things measured
 *  in turns, in one run on one machine; absolute times depend on the machine.
 *
 *    npm run bench                      everything, several minutes
 *    npm run bench -- --quick           a small version
 *    npm run bench -- --only a,c        only these
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openSimulator } from '../../src/simulator/index.ts'
import { measureInline } from './inline.ts'
import { measureKeep } from './keep.ts'
import { measureMedia } from './media.ts'
import { measureMembers } from './members.ts'
import { measurePassive } from './passive.ts'
import { measureResult } from './result.ts'
import { type Measure, type Row, table } from './row.ts'
import { measureSenders } from './senders.ts'
import { measureSigned } from './signed.ts'
import { measureModules, measureStart, measureStartOfAll } from './start.ts'
import { measureStored } from './stored.ts'
import { measureUnreachable } from './unreachable.ts'

const benches: Readonly<Record<string, Measure>> = {
  a: measureInline,
  b: measureKeep,
  c: measureResult,
  d: measureStart,
  e: measureSenders,
  f: measureStored,
  g: measureSigned,
  h: measurePassive,
  i: measureUnreachable,
  j: measureMedia,
  k: measureStartOfAll,
  l: measureModules,
  m: measureMembers,
}

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
})
const only = values.only.split(',').filter((name) => name !== '')
const unknown = only.filter((name) => !Object.hasOwn(benches, name))
if (unknown.length > 0) throw new Error(`there is no bench ${unknown.join(', ')}; there are ${Object.keys(benches)}`)

const say = (line: string): boolean => process.stderr.write(`${line}\n`)
const dir = mkdtempSync(join(tmpdir(), 'connector-bench-'))
process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const backend = await openSimulator({ templates: [] })
const rows: Row[] = []
for (const [name, measure] of Object.entries(benches)) {
  if (only.length > 0 && !only.includes(name)) continue
  say(`${name} …`)
  const own = join(dir, name)
  mkdirSync(own)
  rows.push(...(await measure({ quick: values.quick, dir: own, backend: backend.url, say })))
  rmSync(own, { recursive: true, force: true })
}
await backend.close()
process.stdout.write(`${table(rows)}\n`)
process.exitCode = rows.some(({ pass }) => pass === false) ? 1 : 0
