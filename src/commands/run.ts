import { looseWords, mayBeReadSoon } from '../jobs/words.ts'
import { parseRun, placeWords, withSwitches, wordsKey } from '../router/inputs.ts'
import { nearest } from '../router/nearest.ts'
import { print } from '../router/parse.ts'
import { jobByKey } from '../store/jobs.ts'
import { texts } from '../texts/index.ts'
import { type Call, type Command, type CommandDeps, type Outcome, say, suggest } from './command.ts'
import { supplyFiles } from './files.ts'
import { submit, tooMany } from './submission.ts'
import { templatesWith } from './template-list.ts'

export const run: Command = {
  name: '/run',
  aliases: ['run'],
  class: 'run',
  own: false,
  needsToken: false,
  section: 'run',
  usage: '/run <template> [words] [key=value …] [--approval]',
  about: 'Make something: words go into the prompt, key=value sets an input',
  example: '/run portrait a red fox in the snow steps=20',
  run: async (call, deps): Promise<Outcome> => {
    // Known after a restart as well: the row of this event already holds what was understood the first time.
    const begun = deps.store.read((db) => jobByKey(db, call.event.id))
    if (begun) return submit(begun, call, deps)
    const asked = parseRun(call.line.args)
    if (!asked.templateId) return howTo(call, deps)
    const refused = tooMany(call, deps)
    if (refused) return refused
    const list = await templatesWith(asked.templateId, deps, call.signal)
    const known = list.ok ? list.value : []
    const template = known.find((one) => one.id === asked.templateId)
    if (list.ok && !list.trouble && known.length > 0 && !template) {
      const ids = known.map((one) => one.id)
      const near = nearest(asked.templateId, ids)
      const text = texts.backend.templateUnknown(asked.templateId, near)
      const at = call.line.args.indexOf(asked.templateId)
      const meant = near === null || at < 0 ? null : print(run.name, call.line.args.with(at, near))
      return suggest(text, near === null || meant === null ? null : { label: near, say: meant })
    }
    const files = await supplyFiles(asked, template ?? null, list.ok ? null : list, call, deps)
    if (!files.ok) return say(files.text)
    const named = { ...asked.inputs, ...files.inputs }
    const { inputs, dropped } =
      !list.ok && asked.words !== null && mayBeReadSoon(list)
        ? { inputs: { ...named, [looseWords]: asked.words }, dropped: null }
        : placeWords({ inputs: named, words: asked.words }, template?.allowedInputs ?? null)
    const outcome = await submit(
      {
        template: asked.templateId,
        inputs: withSwitches(inputs, template?.defaults ?? {}),
        approval: call.approvalOnly || asked.forceApproval,
      },
      call,
      deps,
    )
    const guessed = !list.ok && !mayBeReadSoon(list) && asked.words !== null && dropped === null
    const notes = [
      files.note,
      dropped === null ? null : texts.jobs.wordsDropped(dropped),
      guessed ? texts.jobs.wordsGuessed(asked.templateId, wordsKey(null)) : null,
    ]
    return withNotes(
      outcome,
      notes.filter((note) => note !== null),
    )
  },
}

const withNotes = (outcome: Outcome, notes: readonly string[]): Outcome =>
  notes.length === 0 || !outcome.reply
    ? outcome
    : { ...outcome, reply: { ...outcome.reply, text: [outcome.reply.text ?? '', ...notes].join('\n') } }

const mostNames = 12

const howTo = async (call: Call, deps: CommandDeps): Promise<Outcome> => {
  const list = await deps.templates.get({ signal: call.signal })
  const names = list.ok ? list.value.map((one) => one.id) : []
  const choice = names.length > 0 ? [texts.jobs.choose(names.slice(0, mostNames), names.length - mostNames)] : []
  return say([texts.usage(run.usage, run.example), ...choice].join('\n'))
}
