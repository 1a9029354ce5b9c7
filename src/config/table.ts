import type { FoundSecret } from '../../policy/secret-refs.ts'
import type { ConfigProblem, EnvRow, EnvTable } from '../contract/index.ts'
import type { Env } from './env-file.ts'
import { type Raw, rawOf } from './source.ts'
import { readValue, type Value } from './value.ts'

/** A finding with the whole text it is about, which may turn out to hold the secret of another variable. */
export type Found<T> = T & { readonly raw?: string | undefined }

/** What reading the tables needs and finds. The three lists grow while tables are read. */
export interface Reader {
  readonly env: Env
  readonly readFile: (path: string) => string
  readonly platforms: readonly string[]
  readonly problems: Found<ConfigProblem>[]
  readonly warnings: Found<{ readonly text: string }>[]
  readonly secrets: string[]
  /** Every secret there is a row for, set or not. */
  readonly foundSecrets: FoundSecret[]
}

export interface TableReading {
  readonly settings: Readonly<Record<string, Value>>
  /** Keys that were set to something, whether or not it could be used. */
  readonly set: ReadonlySet<string>
}

/** ComfyUI often listens on the same private network (a container beside us); everything else needs TLS. */
const plainFor = (variable: string): 'loopback' | 'private' =>
  variable === 'OPENCLAW_CONNECTOR_URL' ? 'private' : 'loopback'

const isLenient = (variable: string): boolean => variable === 'OPENCLAW_CONNECTOR_DEBUG'

/** The prefix of an adapter's variables. */
export const prefixOf = (platform: string): string => `OPENCLAW_CONNECTOR_${platform.toUpperCase()}_`

const isSecret = (row: EnvRow): boolean => row.kind === 'text' && row.secret === true

/** Where a setting stands, as diagnostics name it: `telegram.token`, `admin_token`. */
const pathOf = (key: string, own: string | null): string =>
  own === null ? key.replace(/^OPENCLAW_(?:CONNECTOR_)?/, '').toLowerCase() : `${own}.${key.toLowerCase()}`

const sourceOf = (raw: Raw, name: string): Pick<FoundSecret, 'source' | 'value'> => ({
  source: raw.variable === name ? 'env' : 'file',
  value: raw.text,
})

/** Reads every row of one table. `own`: the platform the table belongs to, null for the common one. */
export function readTable(reader: Reader, table: EnvTable, own: string | null): TableReading {
  const settings: Record<string, Value> = {}
  const set = new Set<string>()
  for (const [key, row] of Object.entries(table)) {
    const name = own === null ? key : prefixOf(own) + key
    const raw = rawOf(name, row, reader.env, reader.readFile)
    if (raw.problem) reader.problems.push(raw.problem)
    if (raw.text !== undefined) set.add(key)
    if (raw.text !== undefined && isSecret(row)) reader.secrets.push(raw.text)
    if (isSecret(row)) reader.foundSecrets.push({ path: pathOf(key, own), name, ...sourceOf(raw, name) })
    // A secret row masks what it quotes by itself.
    const about = isSecret(row) ? undefined : raw.text

    const rules = { plain: plainFor(name), lenient: isLenient(name), platforms: reader.platforms, own }
    const reading = readValue(row, raw.text, rules)
    if (reading.problem) reader.problems.push({ variable: raw.variable, raw: about, ...reading.problem })
    if (reading.warning) reader.warnings.push({ text: `${raw.variable}: ${reading.warning}`, raw: about })
    settings[key] = reading.value
  }
  return { settings, set }
}
