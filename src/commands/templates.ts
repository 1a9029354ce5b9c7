import type { Template } from '../backend/wire.ts'
import type { Button, Capabilities } from '../contract/index.ts'
import { wordsKey } from '../router/inputs.ts'
import { nearest } from '../router/nearest.ts'
import { print } from '../router/parse.ts'
import { short } from '../texts/common.ts'
import { texts } from '../texts/index.ts'
import { type Command, say, sorry, suggest } from './command.ts'
import { templatesWith } from './template-list.ts'

const mostShown = 30
const mostDefault = 80
const mostDefaults = 30
const mostButtons = 9
const buttonTtlMs = 24 * 60 * 60_000

/** A line a person can copy: free words where the template takes a prompt. */
const exampleFor = (template: Template): string => {
  const key = wordsKey(template.allowedInputs)
  const takesWords = template.allowedInputs.length === 0 || template.allowedInputs.includes(key)
  const other = template.allowedInputs.find(
    (input) => input !== key && input !== 'seed' && String(template.defaults[input] ?? '') !== '',
  )
  return print('/run', [
    template.id,
    ...(takesWords ? ['a', 'red', 'fox'] : []),
    ...(other ? [`${other}=${template.defaults[other]}`] : []),
  ])
}

const look = (id: string): { readonly label: string; readonly say: string } => ({
  label: id,
  say: print('/templates', [id]),
})

/** The first of them to tap; one place is left for what else may have to hang on an answer. */
const buttonsFor = (list: readonly Template[], { buttons }: Capabilities): readonly Button[] =>
  list.slice(0, Math.max(0, Math.min(mostButtons, (buttons?.max ?? 0) - 1))).map(({ id }) => ({
    ...look(id),
    ttlMs: buttonTtlMs,
  }))

export const templates: Command = {
  name: '/templates',
  aliases: ['templates', '/template', 'template'],
  class: 'public',
  own: false,
  needsToken: false,
  section: 'run',
  usage: '/templates [id]',
  about: 'What can be made, and what each template takes',
  example: '/templates portrait',
  run: async (call, deps) => {
    const [wanted] = call.line.args
    const list = await templatesWith(wanted ?? '', deps, call.signal)
    if (!list.ok) return sorry(list, deps)
    const note = list.trouble ? [texts.backend.templatesOld(deps.now() - list.asOfMs)] : []
    const one = list.value.find((template) => template.id === wanted)
    if (one) {
      const defaults = Object.entries(one.defaults)
        .filter(([key]) => one.allowedInputs.length === 0 || one.allowedInputs.includes(key))
        .slice(0, mostDefaults)
        .map(([key, value]) => `  ${short(key, 40)}: ${short(String(value), mostDefault)}`)
      return say([texts.backend.template(one.id, one.allowedInputs, defaults, exampleFor(one)), ...note].join('\n'))
    }
    const matching = wanted
      ? list.value.filter((template) => template.id.toLowerCase().startsWith(wanted.toLowerCase()))
      : list.value
    if (wanted && matching.length === 0) {
      const ids = list.value.map((template) => template.id)
      const near = nearest(wanted, ids)
      return suggest(texts.backend.templateUnknown(wanted, near), near === null ? null : look(near))
    }
    const [first] = matching
    if (!first) return say(texts.backend.templatesNone)
    return say(
      [
        texts.backend.templatesHead(matching.length),
        ...matching
          .slice(0, mostShown)
          .map(
            (template) =>
              `- ${template.id}${template.allowedInputs.length > 0 ? `: ${short(template.allowedInputs.join(', '), 120)}` : ''}`,
          ),
        ...(matching.length > mostShown ? [texts.backend.templatesMore(matching.length - mostShown)] : []),
        texts.backend.templatesFoot(exampleFor(first)),
        ...note,
      ].join('\n'),
      { buttons: buttonsFor(matching, call.capabilities) },
    )
  },
}
