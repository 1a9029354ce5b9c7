import { explain } from '../../policy/explain.ts'
import { texts } from '../texts/index.ts'
import { type Command, say } from './command.ts'

export const whoami: Command = {
  name: '/whoami',
  aliases: ['whoami'],
  class: 'public',
  instant: true,
  own: false,
  needsToken: false,
  section: 'look',
  usage: '/whoami',
  about: 'Your id for the allow lists, and what you may do here and why',
  example: '/whoami',
  run: async (call, deps) => {
    const { trust, meaning, classes } = explain(deps.rules, call.asker.who)
    const lines = classes.map((one) => `- ${one.class}: ${texts.help.may[one.decision.kind]} (${one.meaning})`)
    return say(texts.help.whoami({ id: call.asker.id, trust, because: meaning, lines }), { audience: 'asker' })
  },
}
