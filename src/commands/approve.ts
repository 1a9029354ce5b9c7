import { type Command, usage } from './command.ts'
import { decideOn } from './decision.ts'

export const approve: Command = {
  name: '/approve',
  aliases: ['approve'],
  class: 'admin',
  own: false,
  needsToken: true,
  section: 'decide',
  usage: '/approve <id>',
  about: 'Approve a request: it runs at once, the result goes to whoever asked',
  example: '/approve apr_0123456789ab',
  run: async (call, deps) => (call.line.args[0] ? decideOn('approving', null, call, deps) : usage(approve)),
}
