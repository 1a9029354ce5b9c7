/** One line of the result. */
export interface Row {
  /** The letter of the requirement, with a word where it has several lines. */
  readonly name: string
  readonly figure: string
  readonly ratio?: string
  readonly target: string
  /** Null: for information, there is no target. */
  readonly pass: boolean | null
}

export interface Bench {
  /** A small version that still exercises everything. */
  readonly quick: boolean
  /** A fresh folder for this bench alone; it is removed afterwards. */
  readonly dir: string
  /** The address of a backend that is up and has nothing to do. */
  readonly backend: string
  /** A word about what goes on. */
  readonly say: (line: string) => void
}

export type Measure = (bench: Bench) => Promise<readonly Row[]>

const headings: Row = { name: 'bench', figure: 'figure', ratio: 'ratio', target: 'target', pass: null }

export const table = (rows: readonly Row[]): string => {
  const cells = [headings, ...rows].map((row, i) => [
    row.name,
    row.figure,
    row.ratio ?? '',
    row.target,
    i === 0 ? 'pass' : row.pass === null ? '–' : row.pass ? 'yes' : 'NO',
  ])
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)))
  const lines = cells.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`)
  return [lines[0], `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...lines.slice(1)].join('\n')
}

export const times = (value: number): string => `${value.toFixed(2)}×`
export const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`
export const MB = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
export const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`
