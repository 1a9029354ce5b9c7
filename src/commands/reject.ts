import { type Command, usage } from './command.ts'
import { decideOn } from './decision.ts'

const longestReason = 500

export const reject: Command = {
  name: '/reject',
  aliases: ['reject'],
  class: 'admin',
  own: false,
  needsToken: true,
  section: 'decide',
  usage: '/reject <id> [reason]',
  about: 'Turn a request down; the reason reaches whoever asked',
  example: '/reject apr_0123456789ab too many steps',
  run: async (call, deps) => {
    const [id, ...words] = call.line.args
    return id ? decideOn('rejecting', words.join(' ').slice(0, longestReason) || null, call, deps) : usage(reject)
  },
}
