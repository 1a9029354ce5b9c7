import { commonGroups, type EnvGroup } from '../../src/config/env.ts'
import { mayComeFromFile } from '../../src/config/source.ts'
import { prefixOf } from '../../src/config/table.ts'
import type { AdapterModule, Capabilities, CommandInfo, EnvRow, MediaKind } from '../../src/contract/index.ts'

/** Every group of variables: the common ones, then one for each platform. */
export const groupsOf = (modules: readonly AdapterModule[]): readonly EnvGroup[] => [
  ...commonGroups,
  ...modules.map(({ id, env, capabilities }) => ({
    heading: capabilities.name,
    rows: Object.fromEntries(Object.entries(env).map(([key, row]) => [prefixOf(id) + key, row])),
  })),
]

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)

function fallbackText(row: EnvRow): string {
  if (row.kind === 'port' && row.fallback === 0) return ''
  return 'fallback' in row && row.fallback !== undefined ? String(row.fallback) : ''
}

function formOf(row: EnvRow): string {
  switch (row.kind) {
    case 'int':
      return `${row.min}..${row.max}`
    case 'port':
      return 'port'
    case 'flag':
      return 'true or false'
    case 'choice':
      return row.options.join(', ')
    case 'url':
      return 'URL'
    case 'ids':
      return 'ids, commas between'
    case 'text':
      return row.secret ? 'secret' : 'text'
  }
}

const cell = (text: string): string => text.replaceAll('|', '\\|')
const code = (text: string): string => (text === '' ? '' : `\`${text}\``)

/** A table with padded columns, the form in which the formatter keeps Markdown. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map(cell))
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]!.length)))
  const line = (row: readonly string[]) => `| ${row.map((text, column) => text.padEnd(widths[column]!)).join(' | ')} |`
  const [first = [], ...rest] = cells
  return [first, widths.map((width) => '-'.repeat(width)), ...rest].map(line).join('\n')
}

/** The tables of variables, one under each heading. */
export const variablesText = (groups: readonly EnvGroup[]): string =>
  groups
    .map(({ heading, rows }) => {
      const lines = Object.entries(rows).map(([name, row]) => [
        code(name),
        code(fallbackText(row)),
        formOf(row),
        sentence(row.about),
      ])
      return `### ${heading}\n\n${table(['Variable', 'Default', 'Form', 'What it does'], lines)}`
    })
    .join('\n\n')

const kinds: Readonly<Record<MediaKind, string>> = { image: 'pictures', video: 'video', audio: 'audio', file: 'files' }
const mb = (bytes: number): string =>
  bytes < 1024 ** 3 ? `${Math.round(bytes / 1024 ** 2)} MB` : `${Math.round(bytes / 1024 ** 3)} GB`

function mediaText(media: Capabilities['media']): string {
  const taken = (Object.keys(kinds) as MediaKind[]).filter((kind) => media[kind].length > 0)
  const largest = taken.map((kind) => media[kind].reduce((a, b) => (b.maxBytes > a.maxBytes ? b : a)))
  const parts = taken.map(
    (kind, i) => `${kinds[kind]} ${mb(largest[i]!.maxBytes)}${largest[i]!.by === 'url' ? ' (links)' : ''}`,
  )
  return parts.join(', ') || 'no'
}

const buttonsText = { press: 'yes', type: 'quick replies' } as const
const hours = (ms: number): string => `for ${Math.round(ms / 3_600_000)} h after they wrote`
const pushOf = ({ push, windowMs }: Capabilities['answer']): string =>
  push !== 'never' && windowMs !== null ? `${pushText[push]}, ${hours(windowMs)}` : pushText[push]
const pushText = { always: 'yes', quota: 'within a quota', never: 'no, answers wait in /inbox' } as const

const connections: Readonly<Record<string, string>> = {
  stream: 'outgoing only',
  webhook: 'webhook, needs public https',
  'stream webhook': 'outgoing, or webhook',
  'webhook stream': 'webhook, or outgoing',
}
const connectionText = ({ intakes }: Capabilities): string => connections[intakes.join(' ')] ?? intakes.join(', ')

/** What each platform can do, from its capability data. */
export const platformsText = (modules: readonly AdapterModule[]): string =>
  table(
    ['Platform', 'Connection', 'Text', 'Media, up to', 'Buttons', 'Edits its messages', 'Threads', 'Writes first'],
    modules.map(({ capabilities: can }) => [
      can.name,
      connectionText(can),
      `${can.text.max} ${can.text.unit === 'byte' ? 'bytes' : 'characters'}`,
      mediaText(can.media),
      can.buttons === null ? 'no' : buttonsText[can.buttons.kind],
      can.edit === null ? 'no' : 'yes',
      can.threads ? 'yes' : 'no',
      pushOf(can.answer),
    ]),
  )

const reachText = ({ intakes }: Capabilities): string => {
  if (!intakes.includes('webhook')) return 'no'
  return intakes.includes('stream') ? 'only where it calls us' : 'yes'
}

/** Which platforms have to reach us from outside, and at which port of ours. */
export const reachableText = (modules: readonly AdapterModule[]): string =>
  table(
    ['Platform', 'Needs a public https address', 'Port'],
    modules.map(({ env, capabilities: can }) => [
      can.name,
      reachText(can),
      can.intakes.includes('webhook')
        ? Object.values(env)
            .flatMap((row) => (row.kind === 'port' ? [row.fallback] : []))
            .join(' ')
        : '',
    ]),
  )

/** Every command in the order of the list. */
export const commandsText = (commands: readonly CommandInfo[]): string =>
  table(
    ['Command', 'Class', 'What it does', 'Also as'],
    commands.map((command) => [
      code(command.usage),
      command.class + (command.own ? ' (one’s own: everyone)' : command.costs ? ' (not for strangers)' : ''),
      sentence(command.about),
      command.aliases.map(code).join(' '),
    ]),
  )

function commentOf(name: string, row: EnvRow): string {
  const example = 'example' in row && row.example !== undefined ? `; e.g. ${row.example}` : ''
  return `# ${sentence(row.about)} (${formOf(row)}${mayComeFromFile(name, row) ? ', or file' : ''}${example})`
}

/** The whole `.env.example`: every variable, commented out, with its default. */
export function envExampleText(groups: readonly EnvGroup[]): string {
  const intro = [
    '# Settings of openclaw-connector. Copy this file to .env and remove the "#" in front of what you set.',
    '# What the real environment sets wins over the file. What is marked "or file" can also be read from a file:',
    '# OPENCLAW_CONNECTOR_ADMIN_TOKEN_FILE=/run/secrets/admin_token instead of OPENCLAW_CONNECTOR_ADMIN_TOKEN=…',
  ]
  const sections = groups.map(({ heading, rows }) => {
    const entries = Object.entries(rows).map(([name, row]) => `${commentOf(name, row)}\n# ${name}=${fallbackText(row)}`)
    return [`# ---- ${heading} ----`, ...entries].join('\n\n')
  })
  return `${[intro.join('\n'), ...sections].join('\n\n')}\n`
}

/** Replaces what stands between `<!-- generated:NAME -->` and `<!-- /generated -->`. Unknown names throw. */
export function fill(text: string, parts: Readonly<Record<string, string>>): string {
  return text.replace(/(<!-- generated:(\w+) -->\n)[\s\S]*?(<!-- \/generated -->)/g, (_, open, name, close) => {
    const part = parts[name]
    if (part === undefined) throw new Error(`nothing is generated under the name ${name}`)
    return `${open}\n${part}\n\n${close}`
  })
}
