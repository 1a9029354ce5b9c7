import type { CommandInfo, CommandLine, InboundEvent } from '../contract/index.ts'
import { nearest } from './nearest.ts'
import { type Parsed, parse, print } from './parse.ts'

/** What an event asks of us. */
export type Route<C extends CommandInfo = CommandInfo> =
  | { readonly kind: 'call'; readonly command: C; readonly line: CommandLine }
  | { readonly kind: 'press'; readonly action: string; readonly message: string | null }
  /** A slash word we do not know, said to us. */
  | { readonly kind: 'unknown'; readonly word: string; readonly nearest: string | null }
  /** One of our commands with a quote or a backslash that leads nowhere. */
  | { readonly kind: 'unparsable'; readonly command: C; readonly why: 'unbalanced' }
  /** Ordinary words said to us: worth a hint at `/help`, nothing more. */
  | { readonly kind: 'talk' }
  /** Words a machine heard: to be confirmed. */
  | { readonly kind: 'heard'; readonly text: string }
  /** A message was taken back. */
  | { readonly kind: 'unsent'; readonly message: string }
  /** Something that can't be used. */
  | { readonly kind: 'other' }
  | { readonly kind: 'ignore'; readonly why: 'empty' | 'talk' | 'for-another' | 'unknown-in-group' }

/** The command of this word, by name or alias, exactly as the table spells it. */
export const findCommand = <C extends CommandInfo>(commands: readonly C[], word: string): C | null =>
  commands.find((c) => c.name === word || c.aliases.includes(word)) ?? null

const nearestOf = (commands: readonly CommandInfo[], word: string): string | null =>
  nearest(
    word,
    commands.flatMap((c) => [c.name, ...c.aliases.filter((alias) => alias.startsWith('/'))]),
  )

/** Decides what an event is. Pure; any text is fine. */
export function route<C extends CommandInfo>(event: InboundEvent, commands: readonly C[]): Route<C> {
  const { body } = event
  if (body.kind === 'press') return { kind: 'press', action: body.action, message: body.message ?? null }
  if (body.kind === 'command') return routeNative(body.name, body.options, commands)
  if (body.kind === 'heard')
    return body.text.trim() === '' ? { kind: 'other' } : { kind: 'heard', text: body.text.trim() }
  if (body.kind === 'unsent') return body
  // Among people a sticker is nothing that was meant for us.
  if (body.kind === 'other') return event.where.kind === 'dm' ? { kind: 'other' } : { kind: 'ignore', why: 'talk' }
  return routeText(event, body.text, body.addressed || event.where.kind === 'dm', commands)
}

function routeNative<C extends CommandInfo>(
  name: string,
  options: Readonly<Record<string, string>>,
  commands: readonly C[],
): Route<C> {
  const plain = name.trim().toLowerCase()
  const word = plain.startsWith('/') ? plain : `/${plain}`
  const command = findCommand(commands, word) ?? findCommand(commands, plain)
  if (command === null) return { kind: 'unknown', word, nearest: nearestOf(commands, word) }
  const args = Object.entries(options).map(([key, value]) => `${key}=${value}`)
  return { kind: 'call', command, line: { word, args, rest: print('', args).trim() } }
}

function routeText<C extends CommandInfo>(
  event: InboundEvent,
  text: string,
  addressed: boolean,
  commands: readonly C[],
): Route<C> {
  // Answering one of our messages with "thanks" addresses us, but is no more than talk among people.
  const spokenTo = event.where.kind === 'dm' || (addressed && event.replyTo === undefined)
  const parsed: Parsed = parse(text)
  if (!parsed.ok && parsed.why === 'empty') {
    const mentionOnly = event.where.kind === 'group' && spokenTo && event.media.length === 0
    return mentionOnly ? { kind: 'talk' } : { kind: 'ignore', why: 'empty' }
  }
  if (parsed.named !== null && !addressed) return { kind: 'ignore', why: 'for-another' }
  const word = parsed.ok ? parsed.line.word : parsed.word
  const slash = word.startsWith('/')
  const command = slash || spokenTo ? findCommand(commands, word) : null
  if (command !== null && parsed.ok) return { kind: 'call', command, line: parsed.line }
  if (command !== null && slash) return { kind: 'unparsable', command, why: 'unbalanced' }
  if (slash && addressed) return { kind: 'unknown', word, nearest: nearestOf(commands, word) }
  if (slash) return { kind: 'ignore', why: 'unknown-in-group' }
  return spokenTo ? { kind: 'talk' } : { kind: 'ignore', why: 'talk' }
}
