import type { CommandLine } from '../src/contract/index.ts'
import { hasShellCharacters } from './guard.ts'

const commands: readonly string[] = ['/run', '/status', '/help', '/jobs']
const key = /^[A-Za-z_][A-Za-z0-9_]*$/
const maxValueLength = 1000

export type FirewallRefusal = 'shell_characters' | 'unknown_command' | 'several_commands' | 'bad_key' | 'value_too_long'

export type Firewalled =
  | { readonly ok: true; readonly word: string; readonly args: readonly string[] }
  | { readonly ok: false; readonly why: FirewallRefusal }

/** The one command in a model's answer: the inside of its first fenced block, or all of it where there is no fence.
 *  Null when fences do not pair up or nothing is in there. */
export function candidateOf(answer: string): string | null {
  const pieces = answer.split('```')
  if (pieces.length % 2 === 0) return null
  const inside = (pieces[1] ?? answer).trim()
  const breakAt = inside.indexOf('\n')
  // The word behind an opening fence names a language; a command starts with a slash.
  const labelled = pieces.length > 1 && breakAt > 0 && !inside.startsWith('/')
  const candidate = labelled ? inside.slice(breakAt).trim() : inside
  return candidate === '' ? null : candidate
}

/**
 * Checks a command a language model wrote (`raw`, taken apart as `line`) before it is shown to a person. The order of
 * the arguments stays, as it carries meaning; `--input k=v` becomes `k=v`. It is never executed from here.
 */
export function firewall(raw: string, line: CommandLine): Firewalled {
  const refuse = (why: FirewallRefusal): Firewalled => ({ ok: false, why })
  if (hasShellCharacters(raw)) return refuse('shell_characters')
  if (!commands.includes(line.word)) return refuse('unknown_command')
  const args = line.args.filter((arg, i) => !(arg === '--input' && line.args[i + 1]?.includes('=')))
  if (args.some((arg) => /^\/\p{L}/u.test(arg))) return refuse('several_commands')
  for (const arg of args) {
    const at = arg.indexOf('=')
    if (at >= 0 && !key.test(arg.slice(0, at).trim())) return refuse('bad_key')
    if (arg.length - (at + 1) > maxValueLength) return refuse('value_too_long')
  }
  return { ok: true, word: line.word, args }
}
