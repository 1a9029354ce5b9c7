/** Terminals act on control characters and on text direction marks; a log line must not. */
const escapeControls = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function shown(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
  if (isRecord(value) && typeof value.type === 'string' && typeof value.message === 'string') {
    const code = value.code === undefined ? '' : ` (${value.code})`
    const cause = value.cause === undefined ? '' : ` < ${isRecord(value.cause) ? shown(value.cause) : value.cause}`
    return JSON.stringify(`${value.type}: ${value.message}${code}${cause}`)
  }
  return JSON.stringify(value) ?? String(value)
}

const stacks = (record: Record<string, unknown>): readonly string[] =>
  Object.values(record).flatMap((value) => (isRecord(value) && typeof value.stack === 'string' ? [value.stack] : []))

const two = (number: number): string => String(number).padStart(2, '0')

function clock(time: unknown): string {
  const date = new Date(typeof time === 'string' ? time : Number.NaN)
  if (Number.isNaN(date.getTime())) return '--:--:--'
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** `03:14:25 INFO message key=value`, in local time; call stacks follow indented when asked for. */
export function pretty(record: Readonly<Record<string, unknown>>, withStacks: boolean): string {
  const { level, time, msg, ...fields } = record
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${shown(value)}`)
  const line = `${clock(time)} ${String(level).toUpperCase().padEnd(5)} ${msg ?? ''}${rest.join('')}`
  const below = withStacks ? stacks(fields).flatMap((stack) => stack.split('\n').slice(1)) : []
  return [line, ...below.map((frame) => `    ${frame.trim()}`)].map(escapeControls).join('\n')
}
