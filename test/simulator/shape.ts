import type { Got } from './kit.ts'
import type { Sample } from './replay.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Below these everything is free: it is what somebody put in, or what a Python traceback happens to look like. */
const free = [
  /\.queue_(running|pending)\.\d+\.2$/,
  /\.prompt\.2$/,
  /\.workflow\.prompt$/,
  /traceback/,
  /current_inputs/,
  /current_outputs/,
  /\.argv$/,
  /input_config/,
]

/** Strings that are part of the contract: they are compared letter by letter. */
const fixed = /^(error|code|detail|details|type|reason_code|status|status_str|cursor_status|reject_reason|health_code)$/

/** Ids differ from run to run, inside sentences too. */
const unify = (text: string): string =>
  text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>')
    .replaceAll(/(apr|sched|run)_[0-9a-f]{12}/g, '$1_<id>')

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'string' && isoTime.test(value) ? 'time' : typeof value
}

/** Where the answer differs from the recording: names, types, nesting, and the words that are fixed. */
export function differences(recorded: unknown, answered: unknown, partial: boolean, path = ''): string[] {
  if (free.some((pattern) => pattern.test(path))) return []
  const [want, have] = [kindOf(recorded), kindOf(answered)]
  if (want !== have) return [`${path}: ${have} instead of ${want}`]
  if (want === 'string') {
    const same = unify(String(recorded)) === unify(String(answered))
    return fixed.test(path.split('.').at(-1) ?? '') && !same ? [`${path}: "${answered}" instead of "${recorded}"`] : []
  }
  if (want === 'array') return inArray(recorded as unknown[], answered as unknown[], partial, path)
  if (want === 'object') {
    return inObject(recorded as Record<string, unknown>, answered as Record<string, unknown>, partial, path)
  }
  return want === 'boolean' && recorded !== answered ? [`${path}: ${answered} instead of ${recorded}`] : []
}

/** Lists may differ in length unless one is empty; every entry looks like the recorded one at its place, or the last. */
function inArray(recorded: readonly unknown[], answered: readonly unknown[], partial: boolean, path: string): string[] {
  if (recorded.length === 0 || answered.length === 0) {
    return recorded.length === answered.length ? [] : [`${path}: ${answered.length} entries, not ${recorded.length}`]
  }
  return answered.flatMap((value, i) =>
    differences(recorded[Math.min(i, recorded.length - 1)], value, partial, `${path}.${i}`),
  )
}

function inObject(
  recorded: Record<string, unknown>,
  answered: Record<string, unknown>,
  partial: boolean,
  path: string,
): string[] {
  const [want, have] = [byName(recorded), byName(answered)]
  const missing = Object.keys(want).filter((name) => name !== 'note' && !(name in have))
  const added = partial ? [] : Object.keys(have).filter((name) => !(name in want))
  const inside = Object.keys(want)
    .filter((name) => name in have)
    .flatMap((name) => differences(want[name], have[name], partial, `${path}.${name}`))
  return [
    ...missing.map((name) => `${path}.${name} is missing`),
    ...added.map((name) => `${path}.${name} is new`),
    ...inside,
  ]
}

/** A history is keyed by prompt id. */
const byName = (value: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).map(([name, inner]) => [uuid.test(name) ? '<uuid>' : name, inner]))

const exactHeaders = [
  'Content-Type',
  'Allow',
  'Deprecation',
  'X-OpenClaw-Canonical-Path',
  'X-OpenClaw-Compatibility-Key',
]

/** The whole answer: status, headers that matter, body. */
export function compare(sample: Sample, answer: Got, partial: boolean): string[] {
  const out: string[] = []
  if (answer.status !== sample.status) out.push(`status ${answer.status} instead of ${sample.status}`)
  for (const name of exactHeaders) {
    const [want, have] = [sample.headers[name] ?? null, answer.headers.get(name)]
    if (want !== have) out.push(`${name}: ${have} instead of ${want}`)
  }
  for (const name of ['Retry-After', 'Content-Disposition']) {
    const [want, have] = [sample.headers[name] !== undefined, answer.headers.has(name)]
    if (want !== have) out.push(`${name} is ${have ? 'new' : 'missing'}`)
  }
  const recorded = sample.body
  if (isBinary(recorded)) {
    const magic = answer.bytes.subarray(0, 4).toString('hex')
    const wanted = recorded.first_bytes_hex.slice(0, 8)
    return magic === wanted ? out : [...out, `file begins with ${magic}, not ${wanted}`]
  }
  if (typeof recorded === 'string' && recorded !== answer.body)
    out.push(`text "${answer.body}" instead of "${recorded}"`)
  return [...out, ...differences(recorded, answer.body, partial)]
}

const isBinary = (body: unknown): body is { readonly first_bytes_hex: string } =>
  typeof body === 'object' && body !== null && '_binary' in body
