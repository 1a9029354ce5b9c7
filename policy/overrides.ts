import type { CommandClass, CommandInfo, ConfigProblem } from '../src/contract/index.ts'
import { quoted, shortened } from './ids.ts'

const variable = 'OPENCLAW_COMMAND_OVERRIDES'
const example = `{"run":"admin","/status":"public"}`
const classes: readonly CommandClass[] = ['public', 'run', 'admin']

export interface Overrides {
  /** By canonical command name. */
  readonly overrides: ReadonlyMap<string, CommandClass>
  readonly problems: readonly ConfigProblem[]
}

const slashed = (name: string): string => {
  const plain = name.trim().toLowerCase()
  return plain.startsWith('/') ? plain : `/${plain}`
}

const classIn = (value: unknown): CommandClass | null =>
  typeof value === 'string' ? (classes.find((c) => c === value.trim().toLowerCase()) ?? null) : null

const refused = (read: string, cure: string): Overrides => ({
  overrides: new Map(),
  problems: [{ variable, read, cure }],
})

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** All pairs of an object, repeated keys included: `JSON.parse` keeps only the last of them, without a word. The text
 *  is valid JSON here and holds no nested object, so every string in front of a colon is a key. */
function pairsOf(json: string, object: object): readonly (readonly [string, unknown])[] {
  const pairs = Object.entries(object)
  if (pairs.some(([, value]) => typeof value === 'object' && value !== null)) return pairs
  const pair = /("(?:[^"\\]|\\.)*")\s*:\s*("(?:[^"\\]|\\.)*"|[^\s,}]+)/g
  return [...json.matchAll(pair)].map(([, key = '""', value = 'null']) => [JSON.parse(key), JSON.parse(value)])
}

/** Reads the JSON object of command → class. Any alias names its command; whatever is not understood is a problem and
 *  leaves the command's own class in force. */
export function readOverrides(json: string | undefined, commands: readonly CommandInfo[]): Overrides {
  if (json === undefined || json.trim() === '') return { overrides: new Map(), problems: [] }
  const object = parsed(json)
  if (object === undefined) return refused(quoted(json), `This is not valid JSON. Write for example ${example}.`)
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    return refused(quoted(json), `A JSON object is needed, for example ${example}.`)
  }
  const canonical = new Map(commands.flatMap((c) => [c.name, ...c.aliases].map((word) => [slashed(word), c.name])))
  const overrides = new Map<string, CommandClass>()
  const problems: ConfigProblem[] = []
  for (const [key, value] of pairsOf(json, object)) {
    const read = shortened(`${JSON.stringify(key)}: ${JSON.stringify(value)}`)
    const name = canonical.get(slashed(key))
    const wanted = classIn(value)
    const before = name === undefined ? undefined : overrides.get(name)
    if (name === undefined) {
      const known = commands.map((c) => c.name).join(' ')
      problems.push({ variable, read, cure: `No such command. Known: ${known}` })
    } else if (wanted === null) {
      problems.push({ variable, read, cure: `The class of ${name} must be "public", "run" or "admin".` })
    } else if (before !== undefined && before !== wanted) {
      problems.push({
        variable,
        read,
        cure: `${name} is already "${before}" under another spelling. Keep one of them.`,
      })
    } else overrides.set(name, wanted)
  }
  return { overrides, problems }
}
