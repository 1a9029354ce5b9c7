import { decide } from '../../policy/decide.ts'
import { helpFor, usageOf } from '../router/help.ts'
import { findCommand } from '../router/route.ts'
import { texts } from '../texts/index.ts'
import { type Call, type Command, type CommandDeps, type Outcome, say } from './command.ts'

const decisionOf = (command: Command, call: Call, deps: CommandDeps) =>
  decide(deps.rules, command, call.asker.who, { forceApproval: false, hasAdminToken: deps.hasAdminToken })

export const help: Command = {
  name: '/help',
  aliases: ['help', '/start', 'start'],
  class: 'public',
  instant: true,
  own: false,
  needsToken: false,
  section: 'look',
  usage: '/help [command]',
  about: 'What you can do here, or how one command works',
  example: '/help run',
  run: async (call, deps): Promise<Outcome> => {
    const [asked] = call.line.args
    const usable = (command: Command): boolean =>
      (command.fits?.(call.capabilities) ?? true) && decisionOf(command, call, deps).kind !== 'deny'
    if (asked && call.line.word !== '/start') {
      const word = asked.toLowerCase()
      const command = findCommand(deps.commands(), word) ?? findCommand(deps.commands(), `/${word}`)
      if (!command || !usable(command)) return say(texts.unknown(word.startsWith('/') ? word : `/${word}`, null))
      const { usage, about, example, also } = usageOf(command)
      return say(
        [about, texts.usage(usage, example), also.length > 0 ? texts.help.also(also) : '']
          .filter((line) => line !== '')
          .join('\n'),
      )
    }
    const sections = helpFor(deps.commands(), usable).flatMap(({ section, lines }) => [
      '',
      `${texts.help.sections[section]}:`,
      ...lines.map(({ usage, about }) => `${usage}\n    ${about}`),
    ])
    const run = findCommand(deps.commands(), '/run')
    const viaApproval = run && decisionOf(run, call, deps).kind === 'approval'
    const head = call.line.word === '/start' || call.line.word === 'start' ? texts.help.start : texts.help.intro
    return say([head, ...sections, '', ...(viaApproval ? [texts.help.approvalNote] : []), texts.help.foot].join('\n'))
  },
}
