import { parseEnv } from 'node:util'
import type { ConfigProblem } from '../contract/index.ts'

export type Env = Readonly<Record<string, string | undefined>>

export interface EnvFile {
  readonly values: Env
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly string[]
}

const ourName = /^\s*(?:export\s+)?(OPENCLAW_\w+)(.*)$/

/** Parses the text of an env file. Only our variables are taken: a `.env` in a working directory may be anyone's. */
export function parseEnvFile(text: string): EnvFile {
  const parsed = parseEnv(text.replace(/^\uFEFF/, ''))
  const values: Record<string, string> = {}
  for (const [name, value] of Object.entries(parsed)) {
    if (name.startsWith('OPENCLAW_') && value !== undefined) values[name] = value
  }
  const problems: ConfigProblem[] = []
  const warnings: string[] = []
  for (const line of text.split(/\r?\n/)) {
    const [, name, rest] = ourName.exec(line) ?? []
    if (name === undefined || rest === undefined) continue
    if (!/^\s*=/.test(rest) && !(name in values)) {
      problems.push({
        variable: name,
        read: 'stands in the env file without a "="',
        cure: `Write ${name}=value on one line.`,
      })
    }
    // util.parseEnv begins a comment at any "#" outside quotes, even in the middle of a token.
    if (/^\s*=\s*[^\s"'`#][^#]*[^\s#]#/.test(rest)) {
      warnings.push(`${name}: in the env file the value ends at the "#"; put quotes around it if the "#" belongs to it`)
    }
  }
  return { values, problems, warnings }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unreadable'

export type FileReading =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly code: string; readonly problem: Omit<ConfigProblem, 'variable'> }

const maxFileLength = 262_144

/** Reads a small text file named by a variable. `readFile` throws when it can't. */
export function readSmallFile(path: string, readFile: (path: string) => string): FileReading {
  let text: string
  try {
    text = readFile(path)
  } catch (error) {
    const code = codeOf(error)
    const problem = { read: `the file it names cannot be read (${code})`, cure: 'Check the path and who may read it.' }
    return { ok: false, code, problem }
  }
  if (text.length <= maxFileLength) return { ok: true, text }
  const problem = {
    read: `the file it names has ${text.length} characters`,
    cure: `At most ${maxFileLength} are read.`,
  }
  return { ok: false, code: 'EFBIG', problem }
}

/** The environment with the env file below it. The default file may be missing, a named one may not. */
export function withEnvFile(env: Env, fallbackPath: string, readFile: (path: string) => string): EnvFile {
  const variable = 'OPENCLAW_CONNECTOR_ENV_FILE'
  const named = env[variable]?.trim()
  const reading = readSmallFile(named || fallbackPath, readFile)
  if (!reading.ok) {
    if (!named && reading.code === 'ENOENT') return { values: env, problems: [], warnings: [] }
    const read = named ? reading.problem.read : `${fallbackPath} cannot be read (${reading.code})`
    return { values: env, problems: [{ variable, read, cure: reading.problem.cure }], warnings: [] }
  }
  const file = parseEnvFile(reading.text)
  const set = Object.entries(env).filter(([, value]) => value !== undefined)
  return { ...file, values: { ...file.values, ...Object.fromEntries(set) } }
}
