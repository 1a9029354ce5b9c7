import { looseWords } from '../jobs/words.ts'
import { parseRun, placeWords } from '../router/inputs.ts'
import { nearest } from '../router/nearest.ts'
import { texts } from '../texts/index.ts'
import { type Call, type Command, type CommandDeps, type Outcome, say } from './command.ts'
import { submit } from './submission.ts'

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
    const asked = parseRun(call.line.args)
    if (!asked.templateId) return howTo(call, deps)
    // Known after a restart as well: the row of this event already holds what was understood the first time.
    const list = await deps.templates.get({ signal: call.signal })
    const known = list.ok ? list.value : []
    const template = known.find((one) => one.id === asked.templateId)
    if (list.ok && !list.trouble && known.length > 0 && !template) {
      return say(
        texts.backend.templateUnknown(
          asked.templateId,
          nearest(
            asked.templateId,
            known.map((one) => one.id),
          ),
        ),
      )
    }
    const { inputs, dropped } =
      !list.ok && asked.words !== null
        ? { inputs: { ...asked.inputs, [looseWords]: asked.words }, dropped: null }
        : placeWords(asked, template?.allowedInputs ?? null)
    const outcome = await submit(
      { template: asked.templateId, inputs, approval: call.approvalOnly || asked.forceApproval },
      call,
      deps,
    )
    if (dropped === null || !outcome.reply) return outcome
    return {
      ...outcome,
      reply: { ...outcome.reply, text: `${outcome.reply.text ?? ''}\n${texts.jobs.wordsDropped(dropped)}` },
    }
  },
}

const mostNames = 12

const howTo = async (call: Call, deps: CommandDeps): Promise<Outcome> => {
  const list = await deps.templates.get({ signal: call.signal })
  const names = list.ok ? list.value.map((one) => one.id) : []
  const choice = names.length > 0 ? [texts.jobs.choose(names.slice(0, mostNames), names.length - mostNames)] : []
  return say([texts.usage(run.usage, run.example), ...choice].join('\n'))
}
