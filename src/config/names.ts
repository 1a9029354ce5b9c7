import type { ConfigProblem, EnvRow } from '../contract/index.ts'

/** Platforms of the Python connector (and the next ones) that this version does not speak yet. Their variables may
 *  stand in an environment that is shared with it. */
const laterPlatforms = ['KOOK']

const ours = /^OPENCLAW_(?:CONNECTOR|COMMAND)_/
const maxNames = 500
const maxNameLength = 120

/** Rows whose misspelling would silently open or close something. */
const guards = (name: string, row: EnvRow): boolean =>
  row.kind === 'ids' || (row.kind === 'text' && row.secret === true) || name === 'OPENCLAW_COMMAND_OVERRIDES'

/** Levenshtein distance, one row of the matrix at a time. */
export function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, above[j]! + 1, row[j - 1]! + 1))
    }
    above = row
  }
  return above[b.length]!
}

function nearest(name: string, known: Iterable<string>): { readonly name: string; readonly off: number } | null {
  let best: { name: string; off: number } | null = null
  for (const other of known) {
    // A difference in length alone is already that far.
    if (Math.abs(other.length - name.length) > (best?.off ?? Number.POSITIVE_INFINITY)) continue
    const off = distance(name, other)
    if (best === null || off < best.off) best = { name: other, off }
  }
  return best
}

export interface NameCheck {
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly string[]
}

/** Looks at the variables no row reads. `known`: every full name (with `_FILE` forms) and its row; `platforms`: ids
 *  of the adapters of this version. Values are never looked at. */
export function checkNames(
  set: readonly string[],
  known: ReadonlyMap<string, EnvRow>,
  platforms: readonly string[],
): NameCheck {
  const present = new Set(platforms.map((id) => id.toUpperCase()))
  const later = laterPlatforms.filter((id) => !present.has(id))
  const guarding = [...known].filter(([name, row]) => guards(name, row)).map(([name]) => name)
  const problems: ConfigProblem[] = []
  const warnings: string[] = []
  const unavailable = new Set<string>()

  const unread = set.filter((name) => name.startsWith('OPENCLAW_') && !known.has(name) && name.length <= maxNameLength)
  for (const name of unread.slice(0, maxNames)) {
    const platform = later.find((id) => name.startsWith(`OPENCLAW_CONNECTOR_${id}_`))
    if (platform !== undefined) {
      unavailable.add(platform)
      continue
    }
    const guard = nearest(name, guarding)
    if (guard !== null && guard.off <= 2) {
      problems.push({
        variable: name,
        read: `is set, but no setting has this name; ${guard.name} does`,
        cure: 'A misspelt security setting stops the start: correct the name or remove it.',
      })
      continue
    }
    if (!ours.test(name)) continue
    const near = nearest(name, known.keys())
    const hint = near !== null && near.off <= 6 ? `; did you mean ${near.name}?` : ''
    warnings.push(`${name}: no setting has this name${hint}`)
  }
  for (const id of unavailable) {
    warnings.push(
      `OPENCLAW_CONNECTOR_${id}_*: this platform is not available in this version; its variables are ignored`,
    )
  }
  return { problems, warnings }
}
