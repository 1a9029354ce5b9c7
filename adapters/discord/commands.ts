// A file of its own: registering slash commands is no part of listening, and its failure never stops it.
import { createHash } from 'node:crypto'
import * as v from 'valibot'
import type { AdapterDeps, Body, MenuEntry, TemplateHint } from '../../src/contract/index.ts'
import type { Api } from './client.ts'
import { limits } from './limits.ts'
import { application } from './wire.ts'

const callMs = 20_000
const runCommand = 'run'
/** Our own options of /run; a template's input of the same name is reached through `inputs`. */
export const own = {
  template: 'template',
  prompt: 'prompt',
  image: 'image',
  more: 'inputs',
  rest: 'arguments',
} as const
const reserved: readonly string[] = [own.template, own.image, own.more]

const optionName = /^[a-z0-9_-]{1,32}$/
const text = 3
const file = 11

type Options = Readonly<Record<string, string>>
type Menu = AdapterDeps['menu']

/** Pure. The inputs that become options: those most templates share first, then by name, as many as there is room. */
export const sharedInputs = (templates: readonly TemplateHint[]): readonly string[] => {
  const counts = new Map<string, number>()
  for (const { inputs } of templates)
    for (const { name } of inputs)
      if (optionName.test(name) && !reserved.includes(name)) counts.set(name, (counts.get(name) ?? 0) + 1)
  counts.delete(own.prompt)
  return [...counts]
    .toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([name]) => name)
    .slice(0, limits.options - 4)
}

const optional = (name: string, description: string, type = text): object => ({ name, description, type })

const runOptions = (inputs: readonly string[]): readonly object[] => [
  { ...optional(own.template, 'What to make; start typing to choose'), required: true, autocomplete: true },
  optional(own.prompt, 'What to make, in words'),
  ...inputs.map((name) => optional(name, `Input ${name} of the template`)),
  optional(own.image, 'A picture, for templates that take one', file),
  optional(own.more, 'Further inputs: name=value name="some words"'),
]

const commandOf = ({ command, about }: MenuEntry, inputs: readonly string[], open: boolean): object => ({
  name: command,
  description: about.slice(0, limits.description100),
  type: 1,
  // In servers and in direct chats with us; never in chats we are not in, where no result could follow.
  contexts: [0, 1],
  integration_types: [0],
  // Commands for admins: shown to a server's administrators, who may show them to others. Who may use them is ours to say.
  default_member_permissions: open ? null : '0',
  options: command === runCommand ? runOptions(inputs) : [optional(own.rest, 'What follows the command, e.g. an id')],
})

/** Pure. The whole list, as it is registered. */
export const commandsOf = ({ everyone, admin, admins }: Menu, inputs: readonly string[]): readonly object[] => {
  const open = new Set(everyone.map(({ command }) => command))
  const all = admins.length > 0 ? [...everyone, ...admin.filter(({ command }) => !open.has(command))] : everyone
  return all
    .filter(({ command }) => /^[a-z0-9_-]{1,32}$/.test(command))
    .slice(0, limits.commands)
    .map((entry) => commandOf(entry, inputs, open.has(entry.command)))
}

/** The input that words without a name fill, as for typed commands. */
const wordsInput = (template: string, templates: readonly TemplateHint[]): string => {
  const names = templates.find(({ id }) => id === template)?.inputs.map(({ name }) => name) ?? []
  if (names.length === 1) return names[0] ?? ''
  return (
    ['positive_prompt', 'prompt', 'text', 'positive', 'caption'].find((name) => names.includes(name)) ??
    'positive_prompt'
  )
}

const pair = /([A-Za-z_][A-Za-z0-9_.-]*)=(?:"((?:[^"\\]|\\.)*)"|(\S+))/g

/** Pure. What a slash command means: /run with its inputs by name, any other as if it had been typed. */
export const bodyOf = (name: string, options: Options, templates: readonly TemplateHint[]): Body => {
  if (name !== runCommand) {
    const rest = options[own.rest]?.trim() ?? ''
    if (rest === '') return { kind: 'command', name, options: {} }
    return { kind: 'text', text: `/${name} ${rest}`, addressed: true }
  }
  const { [own.more]: more = '', [own.prompt]: words, ...named } = options
  const further = [...more.matchAll(pair)].map(([, key = '', quoted, bare]) => {
    return [key, quoted?.replaceAll(/\\(.)/g, '$1') ?? bare ?? ''] as const
  })
  const spoken = words === undefined ? {} : { [wordsInput(named[own.template] ?? '', templates)]: words }
  return { kind: 'command', name, options: { ...spoken, ...Object.fromEntries(further), ...named } }
}

export interface Commands {
  /** Registers what changed since last time. Never throws. */
  readonly sync: (templates: readonly TemplateHint[], signal: AbortSignal) => Promise<void>
}

const noted = v.object({ hash: v.string(), inputs: v.array(v.string()) })

export const makeCommands = (
  api: Api,
  /** `application`: null while nobody said it. */
  us: { readonly account: string; readonly application: () => string | null },
  deps: Pick<AdapterDeps, 'log' | 'memo' | 'menu'>,
): Commands => {
  let busy: Promise<void> | null = null

  const register = async (templates: readonly TemplateHint[], signal: AbortSignal): Promise<void> => {
    const read = v.safeParse(v.pipe(v.string(), v.parseJson(), noted), deps.memo.get('commands') ?? '')
    const last = read.success ? read.output : null
    // Empty: the backend can't be asked. Then the inputs stay as they were.
    const inputs = templates.length > 0 ? sharedInputs(templates) : (last?.inputs ?? [])
    const json = commandsOf(deps.menu, inputs)
    const hash = createHash('sha256')
      .update(JSON.stringify([us.account, json]))
      .digest('base64url')
      .slice(0, 22)
    if (last?.hash === hash) return
    const id = us.application() ?? (await asked(signal))
    await api.call({ method: 'PUT', path: `/applications/${id}/commands`, json }, signal, callMs)
    await deps.memo.set('commands', JSON.stringify({ hash, inputs }))
    deps.log.info({ commands: json.length, inputs: inputs.length }, 'slash commands registered')
  }

  const asked = async (signal: AbortSignal): Promise<string> =>
    v.parse(application, await api.call({ method: 'GET', path: '/applications/@me' }, signal, callMs)).id

  const sync: Commands['sync'] = (templates, signal) => {
    busy ??= register(templates, signal)
      .catch((error: unknown) => {
        if (!signal.aborted) deps.log.warn({ about: String(error) }, 'the slash commands could not be registered')
      })
      .finally(() => {
        busy = null
      })
    return busy
  }
  return { sync }
}
