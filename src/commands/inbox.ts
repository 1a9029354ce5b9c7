import { laneOf } from '../contract/index.ts'
import { mailbox } from '../store/mailbox.ts'
import { underWayCount } from '../store/outbox.ts'
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
    const lane = laneOf(call.where)
    const [first] = deps.store.read((db) => mailbox(db, lane, 1))
    if (first) return { reply: null, release: [first.key] }
    const underWay = deps.store.read((db) => underWayCount(db, lane, deps.now()))
    return say(underWay > 0 ? texts.mailboxUnderWay(underWay) : texts.mailboxEmpty)
  },
}
