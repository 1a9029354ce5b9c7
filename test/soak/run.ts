import { parseArgs } from 'node:util'
import { type Figures, faults, soak } from './soak.ts'

// npm run soak -- --minutes 10 [--seed 7] [--log]
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' }, log: { type: 'boolean' } },
})
const minutes = Math.max(0.1, Number(values.minutes) || 10)
const seed = Number(values.seed ?? Date.now() % 1_000_000) || 1
const out = (text: string): void => void process.stdout.write(`${text}\n`)

const table = (rows: readonly (readonly (string | number | null)[])[]): string => {
  const cells = rows.map((row) => row.map((cell) => String(cell ?? '-')))
  const widths = (cells[0] ?? []).map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)))
  return cells.map((row) => row.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  ')).join('\n')
}

const result = (figures: Figures): string => {
  const { said, accepted, run, answered, repeated, forfeited, lost, double, lines, start, most, end } = figures
  const holdings = [
    'files',
    'sockets',
    'netSockets',
    'timers',
    'listeners',
    'signals',
    'emitters',
    'heapMiB',
    'rssMiB',
  ] as const
  const outside: Partial<Record<(typeof holdings)[number], number | null>> = most
  return [
    table([
      ['minutes', 'said', 'accepted', 'run', 'answered', 'repeated', 'forfeited', 'lost', 'double'],
      [minutes, said, accepted, run, answered, repeated, forfeited, lost.length, double.length],
    ]),
    table([
      ['platform', 'connections', 'open now'],
      ...lines.map(({ platform, opened, open }) => [platform, opened, open]),
    ]),
    ...lines.map(({ platform, troubles }) => {
      const list = Object.entries(troubles).map(([name, count]) => `${name} ${count}`)
      return `${platform}: ${list.join(', ')}`
    }),
    table([
      ['daemon', 'warmed up', 'most', 'end'],
      ...holdings.map((name) => [name, start[name], outside[name] ?? null, end[name]]),
    ]),
  ].join('\n\n')
}

out(`soak: ${minutes} minutes, seed ${seed}`)
const figures = await soak({
  seed,
  forMs: minutes * 60_000,
  actEveryMs: 700,
  // Rarely enough that the waits before another try, which double up to a minute, leave the lines some life.
  troubleEveryMs: 14_000,
  // As a server may set them; with Discord's 41 s and Feishu's 120 s a dead line would take up half of the run.
  heartbeatMs: 15_000,
  pingSec: 12,
  againMs: [0, 15_000, 60_000],
  refusesMs: 4000,
  ghostMs: 20_000,
  slowDeaths: true,
  patienceMs: 240_000,
  // Servers of Node keep a connection for the next call for five seconds.
  restMs: 8000,
  onProgress: out,
})
out(`\n${result(figures)}\n`)
out(
  `${Math.round(figures.tookMs / 1000)} s, ${figures.errors.length} errors and ${figures.warnings.length} warnings logged`,
)
const wrong = faults(figures)
for (const line of wrong) out(line)
for (const line of figures.errors.slice(0, 20)) out(`error: ${line}`)
if (values.log) for (const line of figures.warnings) out(line)
process.exitCode = wrong.length > 0 ? 1 : 0
