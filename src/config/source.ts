import type { ConfigProblem, EnvRow } from '../contract/index.ts'
import { type Env, readSmallFile } from './env-file.ts'

/** Rows whose value may lie in a file, named by `<NAME>_FILE` (Docker and systemd hand secrets over so). */
export const mayComeFromFile = (name: string, row: EnvRow): boolean =>
  (row.kind === 'text' || row.kind === 'ids') && name !== 'OPENCLAW_CONNECTOR_ENV_FILE'

export interface Raw {
  /** Trimmed; undefined when unset or blank. */
  readonly text: string | undefined
  /** Where it came from: the variable itself or its `_FILE` form. */
  readonly variable: string
  readonly problem?: ConfigProblem
}

const filled = (text: string | undefined): string | undefined => text?.trim() || undefined

/** The text of one setting, from the variable itself or from the file its `_FILE` form names. */
export function rawOf(name: string, row: EnvRow, env: Env, readFile: (path: string) => string): Raw {
  const direct = filled(env[name])
  if (!mayComeFromFile(name, row)) return { text: direct, variable: name }
  const variable = `${name}_FILE`
  const path = filled(env[variable])
  if (path === undefined) return { text: direct, variable: name }
  if (direct !== undefined) {
    const problem = { variable, read: `is set, and ${name} is set too`, cure: 'Keep one of them.' }
    return { text: direct, variable: name, problem }
  }
  const reading = readSmallFile(path, readFile)
  if (!reading.ok) return { text: undefined, variable, problem: { variable, ...reading.problem } }
  const text = filled(reading.text)
  if (text !== undefined) return { text, variable }
  return { text, variable, problem: { variable, read: 'the file it names is empty', cure: 'Write the value into it.' } }
}
