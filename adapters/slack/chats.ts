// A file of its own: a direct chat is known by its person (so that people can be written to who never wrote to us), and
// Slack wants the id of its channel.
import * as v from 'valibot'
import type { Address, Log } from '../../src/contract/index.ts'
import type { SlackClient } from './client.ts'
import { isScopeTrouble, SlackError } from './errors.ts'
import { isUserId, opened } from './wire.ts'
import type { Access } from './workspaces.ts'

export const kindOf = (channel: string): Address['kind'] => (channel.startsWith('D') ? 'dm' : 'group')

/** A direct chat is named by its person: there is one with each, and they can be written to before they write. A command
 *  typed between two people is answered there too, as our bot is not between them. */
export const addressOf = (
  account: string,
  workspace: string,
  { user, channel }: { readonly user: string; readonly channel: string },
  thread: string | undefined,
): Address => ({
  platform: 'slack',
  account,
  workspace,
  chat: kindOf(channel) === 'dm' ? user : channel,
  kind: kindOf(channel),
  ...(thread === undefined ? {} : { thread }),
})

export interface Chats {
  /** The channel of our direct chat with somebody, as a delivery told it. */
  readonly learn: (workspace: string | undefined, user: string, channel: string) => void
  /** The channel to call with. Throws SlackError. */
  readonly channelOf: (to: Address, access: Access, signal: AbortSignal) => Promise<string>
}

const mostKnown = 2000

export const openChats = ({ client, log }: { readonly client: SlackClient; readonly log: Log }): Chats => {
  const known = new Map<string, string>()

  const learn: Chats['learn'] = (workspace = '', user, channel) => {
    if (known.size >= mostKnown) known.clear()
    known.set(`${workspace} ${user}`, channel)
  }

  return {
    learn,
    channelOf: async (to, { token, workspace }, signal) => {
      if (!isUserId(to.chat)) return to.chat
      const channel = known.get(`${to.workspace ?? ''} ${to.chat}`)
      if (channel !== undefined) return channel
      const call = { method: 'conversations.open', args: { users: to.chat }, token, workspace } as const
      const answer = await client.call(call, signal).catch((error: unknown) => {
        if (!(error instanceof SlackError) || !isScopeTrouble(error.code)) throw error
        log.warn({ workspace, about: error.message }, 'direct chats can not be opened: give the app the scope im:write')
        return null
      })
      // Posts take a person's id too; edits and files do not.
      if (answer === null) return to.chat
      const read = v.safeParse(opened, answer)
      if (!read.success) throw new SlackError('conversations.open', { words: 'answered without a channel' })
      learn(to.workspace, to.chat, read.output.channel.id)
      return read.output.channel.id
    },
  }
}
