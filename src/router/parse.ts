import type { CommandLine } from '../contract/index.ts'

export type Parsed =
  /** `named`: whom the line names, as in `/status@somebot` or `@somebot /status`, without the @. Adapters cut off our
   *  own name where they know it, so what is left may be somebody else's. */
  | { readonly ok: true; readonly line: CommandLine; readonly named: string | null }
  | { readonly ok: false; readonly why: 'empty' }
  /** `word` and `named` as far as they could be read. */
  | { readonly ok: false; readonly why: 'unbalanced'; readonly word: string; readonly named: string | null }

interface Token {
  readonly value: string
  /** Index in the text behind its last character. */
  readonly end: number
}

/** Straight and typographic quotes: phones turn the first into the others while people type. */
const quotes = '"“”„＂'
const isQuote = (char: string): boolean => quotes.includes(char)

type Closes = (opened: string, char: string) => boolean
const sameKind: Closes = (opened, char) => isQuote(char) && (opened === '"') === (char === '"')
const anyKind: Closes = (_opened, char) => isQuote(char)

/**
 * Splits like the predecessor's tokenizer (POSIX shell words): white space of any kind separates, a quote may open in
 * the middle of a word, apostrophes and # are ordinary. Outside quotes a backslash takes the next character as it is;
 * inside quotes it does so only before a quote or a backslash, so that `"\(blonde\)"` and `"C:\new"` arrive unharmed.
 */
function split(text: string, closes: Closes): { readonly tokens: readonly Token[]; readonly balanced: boolean } {
  const tokens: Token[] = []
  let value: string | null = null
  let opened: string | null = null
  let dangling = false
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i)
    if (char === '\\') {
      const next = text.charAt(i + 1)
      dangling = next === ''
      const literal = opened !== null && next !== '\\' && !isQuote(next)
      value = `${value ?? ''}${literal ? char : ''}${next}`
      i++
    } else if (opened !== null) {
      if (closes(opened, char)) opened = null
      else value = `${value ?? ''}${char}`
    } else if (isQuote(char)) {
      opened = char
      value ??= ''
    } else if (!/\s/.test(char)) {
      value = `${value ?? ''}${char}`
    } else if (value !== null) {
      tokens.push({ value, end: i })
      value = null
    }
  }
  if (value !== null) tokens.push({ value, end: text.length })
  return { tokens, balanced: opened === null && !dangling }
}

/** Full-width slashes, letters and @ (Asian keyboards) count as the plain ones, in the command word only. */
const plainWord = (word: string): string => word.normalize('NFKC').toLowerCase()

/** Takes a command line apart. Knows no command: whether the word means anything is the router's question. */
export function parse(text: string): Parsed {
  const strict = split(text, sameKind)
  // Mixed pairs like `"fox”` are forgiven only where the line would not come out even otherwise.
  const { tokens, balanced } = strict.balanced ? strict : split(text, anyKind)
  const [first, second] = tokens
  if (first === undefined) return { ok: false, why: 'empty' }
  const greeting = plainWord(first.value)
  const greeted = greeting.startsWith('@') && second !== undefined && plainWord(second.value).startsWith('/')
  const head = greeted ? second : first
  const full = plainWord(head.value)
  const at = full.startsWith('/') ? full.indexOf('@') : -1
  const word = at < 0 ? full : full.slice(0, at)
  const named = at < 0 ? (greeted ? greeting.slice(1) : null) : full.slice(at + 1)
  if (!balanced) return { ok: false, why: 'unbalanced', word, named }
  const args = tokens.slice(greeted ? 2 : 1).map((token) => token.value)
  return { ok: true, line: { word, args, rest: text.slice(head.end).trim() }, named }
}

const needsQuotes = /[\s"“”„＂\\]/

const printed = (word: string): string =>
  word === '' || needsQuotes.test(word) ? `"${word.replace(/["\\]/g, '\\$&')}"` : word

/** The inverse of `parse`: a line a person could send. */
export const print = (word: string, args: readonly string[]): string => [word, ...args.map(printed)].join(' ')
