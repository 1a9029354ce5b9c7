import type { EnvRow } from '../contract/index.ts'
import { mask, quote } from './mask.ts'
import { readUrl } from './url.ts'

export type Value = string | number | boolean | readonly string[] | undefined

/** What a text means for one row. `value` is usable even beside a warning; beside a problem it is the fallback. */
export interface Reading {
  readonly value: Value
  readonly problem?: { readonly read: string; readonly cure: string }
  readonly warning?: string
}

export interface ValueRules {
  /** How far plain http may go in a URL. */
  readonly plain: 'loopback' | 'private'
  /** A flag that guards nothing: another word warns instead of stopping the start. */
  readonly lenient: boolean
  /** Platform ids that can stand before the colon of a qualified id. */
  readonly platforms: readonly string[]
  /** The platform whose list this is; null for the lists that span all. */
  readonly own: string | null
}

const maxLength = 65_536
const yes = ['true', '1', 'yes', 'on']
const no = ['false', '0', 'no', 'off']

export const fallbackOf = (row: EnvRow): Value =>
  row.kind === 'ids' ? [] : 'fallback' in row ? row.fallback : undefined

/** Reads one text (already trimmed, blank counts as undefined) by its row. Pure; never throws. */
export function readValue(row: EnvRow, raw: string | undefined, rules: ValueRules): Reading {
  if (raw === undefined) return { value: fallbackOf(row) }
  if (raw.length > maxLength) {
    return bad(row, `is ${raw.length} characters long`, `At most ${maxLength} are taken.`)
  }
  switch (row.kind) {
    case 'int':
      return readInt(row, raw)
    case 'port':
      return readPort(row.fallback, raw)
    case 'flag':
      return readFlag(row, raw, rules.lenient)
    case 'choice':
      return readChoice(row, raw)
    case 'url': {
      const reading = readUrl(raw, rules.plain)
      return reading.ok ? { value: reading.url } : bad(row, reading.read, reading.cure)
    }
    case 'ids':
      return readIds(row, raw, rules)
    case 'text':
      return readText(row, raw)
  }
}

const bad = (row: EnvRow, read: string, cure: string): Reading => ({ value: fallbackOf(row), problem: { read, cure } })

const wholeNumber = (raw: string): number | null => (/^[+-]?\d+$/.test(raw) ? Number(raw) : null)

function readInt(row: EnvRow & { kind: 'int' }, raw: string): Reading {
  const number = wholeNumber(raw)
  if (number === null) {
    return { value: row.fallback, warning: `${quote(raw)} is not a whole number; ${row.fallback} is used` }
  }
  const value = Math.min(Math.max(number, row.min), row.max)
  if (value === number) return { value }
  return { value, warning: `${quote(raw)} is outside ${row.min}..${row.max}; ${value} is used` }
}

function readPort(fallback: number, raw: string): Reading {
  const number = wholeNumber(raw)
  if (number !== null && number >= 1 && number <= 65_535) return { value: number }
  const instead = fallback === 0 ? 'it counts as unset' : `${fallback} is used`
  return { value: fallback, warning: `${quote(raw)} is not a port (1..65535); ${instead}` }
}

function readFlag(row: EnvRow & { kind: 'flag' }, raw: string, lenient: boolean): Reading {
  const word = raw.toLowerCase()
  if (yes.includes(word)) return { value: true }
  if (no.includes(word)) return { value: false }
  if (lenient) return { value: row.fallback, warning: `${quote(raw)} is neither 1 nor 0; ${row.fallback} is used` }
  return bad(row, `${quote(raw)} is neither true nor false`, 'Write true or false.')
}

function readChoice(row: EnvRow & { kind: 'choice' }, raw: string): Reading {
  const word = raw.toLowerCase()
  const value = row.options.find((option) => option.toLowerCase() === word)
  if (value !== undefined) return { value }
  return bad(row, `${quote(raw)} is not one of the choices`, `Choose from: ${row.options.join(', ')}.`)
}

function readText(row: EnvRow & { kind: 'text' }, raw: string): Reading {
  const shown = row.secret ? mask(raw) : quote(raw)
  // A line break in a token would end a header or a URL early; JSON in a variable may have them.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  const unwanted = row.secret ? /[\u0000-\u001f\u007f]/ : /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/
  if (unwanted.test(raw)) return bad(row, `${shown} contains a control character`, 'Copy the value again.')
  if (row.matches !== undefined && !row.matches.test(raw)) {
    const like = row.example === undefined ? '' : `, like ${row.example}`
    return bad(row, `${shown} does not have the form it should have`, `Copy the value again${like}.`)
  }
  return { value: raw }
}

function readIds(row: EnvRow & { kind: 'ids' }, raw: string, rules: ValueRules): Reading {
  const ids = [...new Set(raw.split(',').map((id) => id.trim()))].filter((id) => id !== '')
  const odd = ids.find((id) => id.length > 256 || /[\s"'`[\]{}()<>;|*]/.test(id))
  const form = `Write the ids with commas between them, without quotes or brackets: ${row.example ?? 'id1,id2'}.`
  if (odd !== undefined) return bad(row, `${quote(odd)} is not an id, so this is not a list of ids`, form)

  const usable = ids.filter((id) => canMatch(row, id, rules))
  if (usable.length === ids.length) return { value: ids }
  const left = ids.filter((id) => !usable.includes(id))
  if (usable.length === 0) return bad(row, `nothing in it (${quote(left.join(','))}) is an id of this kind`, form)
  // Leaving an entry out only ever takes rights away.
  return { value: usable, warning: `${quote(left.join(','))} is not an id of this kind and is left out` }
}

/** Whether the row's own form fits. Another platform's prefix is left to policy, which refuses it with a reason. */
function canMatch(row: EnvRow & { kind: 'ids' }, id: string, rules: ValueRules): boolean {
  if (row.matches === undefined) return true
  const prefix = rules.platforms.find((platform) => id.toLowerCase().startsWith(`${platform}:`))
  if (prefix !== undefined && prefix !== rules.own) return true
  return row.matches.test(prefix === undefined ? id : id.slice(prefix.length + 1))
}
