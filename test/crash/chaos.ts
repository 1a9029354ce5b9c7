import { parseArgs } from 'node:util'
import { chaos, type Figures } from './chaos-run.ts'

// npm run chaos -- --rounds 300 [--seed 7]
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '300' }, seed: { type: 'string' }, log: { type: 'boolean' } },
})
const rounds = Math.max(1, Number(values.rounds) || 300)
const seed = Number(values.seed ?? Date.now() % 1_000_000) || 1
const out = (text: string): void => void process.stdout.write(`${text}\n`)

const table = (figures: Figures): string => {
  const { accepted, run, answered, repeated, lost, double } = figures
  const columns = {
    rounds,
    kills: figures.kills,
    accepted,
    run,
    answered,
    repeated,
    lost: lost.length,
    double: double.length,
  }
  const names = Object.keys(columns)
  const numbers = Object.values(columns).map(String)
  const widths = names.map((name, i) => Math.max(name.length, numbers[i]?.length ?? 0))
  const row = (cells: readonly string[]): string => cells.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  ')
  return `${row(names)}\n${row(numbers)}`
}

out(`chaos: ${rounds} rounds, seed ${seed}`)
const figures = await chaos({
  rounds,
  seed,
  onRound: (round, { said, kills }) => {
    if (round % 25 === 0) out(`round ${round}: ${said} commands given, ${kills} kills`)
  },
})
out(table(figures))
out(`${Math.round(figures.tookMs / 1000)} s`)
for (const line of figures.lost) out(`lost: ${line}`)
for (const line of figures.double) out(`double: ${line}`)
for (const line of figures.untrue) out(`untrue: ${line}`)
for (const line of figures.open) out(`open: ${line}`)
if (values.log) for (const line of figures.log) out(line)
const { lost, double, untrue, open } = figures
process.exitCode = lost.length + double.length + untrue.length + open.length > 0 ? 1 : 0
