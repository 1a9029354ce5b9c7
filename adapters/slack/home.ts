// A file of its own: the app's own tab, which is shown and not sent.
import type { AdapterDeps, Proof } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { SlackClient } from './client.ts'
import { senderOf, workspaceOf } from './decode.ts'
import type { Envelope } from './wire.ts'
import type { Workspaces } from './workspaces.ts'

export interface HomeDeps extends Pick<AdapterDeps, 'menu' | 'jobsOf' | 'say' | 'log'> {
  readonly account: string
  readonly client: SlackClient
  readonly workspaces: Workspaces
}

/** Shows the tab of somebody who has opened it; nothing for any other event. */
export type ShowHome = (envelope: Envelope, proof: Proof) => Promise<void>

const publishMs = 10_000
const mostKnown = 5000
/** Text of a section (facts/slack §6). */
const sectionMax = 3000

/** Plain, so that what stands in it is shown as it is. */
const section = (text: string): object => ({
  type: 'section',
  text: { type: 'plain_text', text: text.slice(0, sectionMax).toWellFormed(), emoji: false },
})

/** Their own jobs, each time they look, and what can be said, which does not change. Best effort. */
export const makeHome = (deps: HomeDeps): ShowHome => {
  const { account, client, workspaces, jobsOf, menu, say, log } = deps
  /** Who has the tab; there may be nothing new to show. */
  const shown = new Set<string>()
  const lines = menu.everyone.map(({ command, about }) => `/${command}  ${about}`)
  const help = section([...lines, '', say('without_slash')].join('\n'))

  return async (envelope, proof) => {
    const { type, tab, user } = envelope.event
    const workspace = workspaceOf(envelope)
    if (type !== 'app_home_opened' || tab !== 'home' || user === undefined || workspace === null) return
    if (workspaces.refusal(workspace) !== null) return
    const signal = AbortSignal.timeout(publishMs)
    const where = { platform: 'slack', account, workspace, chat: user, kind: 'dm' } as const
    const jobs = await jobsOf({ from: senderOf(user, undefined, workspace), where, proof }, signal)
    const person = `${workspace} ${user}`
    if (jobs === null && shown.has(person)) return
    if (shown.size >= mostKnown) shown.clear()
    shown.add(person)
    const blocks = jobs === null ? [help] : [section(jobs), { type: 'divider' }, help]
    const args = { user_id: user, view: { type: 'home', blocks } }
    try {
      await workspaces.using(workspace, 'post', signal, ({ token, workspace: key }) =>
        client.call({ method: 'views.publish', args, token, workspace: key }, signal),
      )
    } catch (error) {
      if (!(error instanceof SendError)) throw error
      shown.delete(person)
      log.debug({ about: error.message }, 'the home tab was not shown')
    }
  }
}
