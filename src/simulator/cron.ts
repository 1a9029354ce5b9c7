/** Five fields of digits and `* , - /`: minute, hour, day of month, month, day of week (0 and 7 are Sunday). */
export const isCron = (value: unknown): value is string =>
  typeof value === 'string' && /^[\d*,/-]+( [\d*,/-]+){4}$/.test(value.trim())

/** Whether it fires in the minute of this time, in local time. */
export function cronFires(expression: string, atMs: number): boolean {
  const at = new Date(atMs)
  const values = [at.getMinutes(), at.getHours(), at.getDate(), at.getMonth() + 1, at.getDay()]
  return expression
    .trim()
    .split(' ')
    .every((field, i) => {
      const value = values[i] as number
      return field.split(',').some((part) => fits(part, value) || (i === 4 && value === 0 && fits(part, 7)))
    })
}

function fits(part: string, value: number): boolean {
  const [range = '', step = '1'] = part.split('/')
  const [from = 0, to = from] = range === '*' ? [0, 59] : range.split('-').map(Number)
  const last = part.includes('/') && !range.includes('-') ? 59 : to
  return value >= from && value <= last && (value - from) % Math.max(1, Number(step)) === 0
}
