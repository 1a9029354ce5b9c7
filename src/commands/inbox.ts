import { laneOf } from '../contract/index.ts'
import { mailbox } from '../store/mailbox.ts'
import { texts } from '../texts/index.ts'
import { type Command, say } from './command.ts'

export const inbox: Command = {
  name: '/inbox',
  aliases: ['inbox'],
  class: 'public',
  own: false,
  needsToken: false,
  section: 'look',
  usage: '/inbox',
  about: 'Answers that are waiting for you here',
  example: '/inbox',
  fits: ({ answer }) => answer.push !== 'always',
  run: async (call, deps) => {
    const [first] = deps.store.read((db) => mailbox(db, laneOf(call.where), 1))
    return first ? { reply: null, release: [first.key] } : say(texts.mailboxEmpty)
  },
}
