import { type ConfigProblem, qualified } from '../src/contract/index.ts'

/** Ids an operator listed. Qualified ones hold on their platform; bare ones on every platform that proves senders. */
export interface IdList {
  readonly qualified: ReadonlySet<string>
  readonly bare: ReadonlySet<string>
}

type Entry =
  | { readonly kind: 'bare'; readonly id: string }
  | { readonly kind: 'qualified'; readonly platform: string; readonly id: string }
  | { readonly kind: 'bad'; readonly cure: string }

/** No platform has ids with these: whoever wrote them meant a JSON list, a wildcard or another separator. */
const notAnId = /[\s;*[\]{}<>"'`]/
const prefixed = /^([a-z]+):(.*)$/i

/** What was read, short enough for one line of a problem. */
export const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text)
export const quoted = (text: string): string => JSON.stringify(shortened(text))

/** Reads one entry, bare or `platform:id`. A colon behind something that is no word belongs to the id itself. */
function readId(entry: string, platformIds: readonly string[]): Entry {
  if (notAnId.test(entry)) {
    return { kind: 'bad', cure: 'Write plain ids separated by commas, without quotes, brackets or wildcards.' }
  }
  const match = prefixed.exec(entry)
  if (match === null) return { kind: 'bare', id: entry }
  const [, word = '', id = ''] = match
  const platform = word.toLowerCase()
  if (!platformIds.includes(platform)) {
    return { kind: 'bad', cure: `No platform is called ${quoted(word)}. Known: ${platformIds.join(', ')}.` }
  }
  if (id === '') return { kind: 'bad', cure: `The id is missing behind the colon: write ${platform}:<id>.` }
  return { kind: 'qualified', platform, id }
}

const entriesOf = (raw: readonly string[]): readonly string[] => raw.map((e) => e.trim()).filter((e) => e !== '')

/** A list that holds for all platforms. Null when nothing was written: then the list is not configured. */
export function readGlobalList(
  raw: readonly string[],
  variable: string,
  platformIds: readonly string[],
): { readonly list: IdList | null; readonly problems: readonly ConfigProblem[] } {
  const entries = entriesOf(raw)
  const problems: ConfigProblem[] = []
  const full = new Set<string>()
  const bare = new Set<string>()
  for (const text of entries) {
    const entry = readId(text, platformIds)
    if (entry.kind === 'bad') problems.push({ variable, read: quoted(text), cure: entry.cure })
    else if (entry.kind === 'bare') bare.add(entry.id)
    else full.add(qualified(entry.platform, entry.id))
  }
  // A list of nothing but mistakes stays a configured list that nobody is in; it must not open the class.
  return { list: entries.length === 0 ? null : { qualified: full, bare }, problems }
}

/** A platform's own list: its ids, bare or with its own prefix. Returned bare. */
export function readPlatformList(
  raw: readonly string[],
  variable: string,
  platform: string,
  platformIds: readonly string[],
): { readonly ids: readonly string[]; readonly problems: readonly ConfigProblem[] } {
  const ids: string[] = []
  const problems: ConfigProblem[] = []
  for (const text of entriesOf(raw)) {
    const entry = readId(text, platformIds)
    if (entry.kind === 'bad') problems.push({ variable, read: quoted(text), cure: entry.cure })
    else if (entry.kind === 'bare' || entry.platform === platform) ids.push(entry.id)
    else {
      const cure = `This list is for ${platform} only. Move the id to the list of ${entry.platform}, or take it out.`
      problems.push({ variable, read: quoted(text), cure })
    }
  }
  return { ids, problems }
}
