// A file of its own: the app's own tab, which is shown and not sent.
import type { AdapterDeps } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { SlackClient } from './client.ts'
import { workspaceOf } from './decode.ts'
import type { Envelope } from './wire.ts'
import type { Workspaces } from './workspaces.ts'

export interface HomeDeps extends Pick<AdapterDeps, 'menu' | 'log'> {
  readonly client: SlackClient
  readonly workspaces: Workspaces
}

const publishMs = 10_000
const mostKnown = 5000
/** Text of a section (facts/slack §6). */
const sectionMax = 3000

const viewOf = (menu: AdapterDeps['menu']): object => {
  const lines = menu.everyone.map(({ command, about }) => `/${command}  ${about}`).join('\n')
  const text = { type: 'plain_text', text: lines.slice(0, sectionMax).toWellFormed() || '/help', emoji: false }
  return { type: 'home', blocks: [{ type: 'section', text }] }
}

/** Shows what can be said, when somebody opens the tab; once a person, as it does not change. Best effort. */
export const makeHome = ({ menu, log, client, workspaces }: HomeDeps): ((envelope: Envelope) => Promise<void>) => {
  const shown = new Set<string>()
  const view = viewOf(menu)
  return async (envelope) => {
    const { type, tab, user } = envelope.event
    const workspace = workspaceOf(envelope)
    if (type !== 'app_home_opened' || tab !== 'home' || user === undefined || workspace === null) return
    const person = `${workspace} ${user}`
    if (shown.has(person)) return
    if (shown.size >= mostKnown) shown.clear()
    shown.add(person)
    const signal = AbortSignal.timeout(publishMs)
    try {
      await workspaces.using(workspace, 'post', signal, ({ token, workspace: key }) =>
        client.call({ method: 'views.publish', args: { user_id: user, view }, token, workspace: key }, signal),
      )
    } catch (error) {
      if (!(error instanceof SendError)) throw error
      shown.delete(person)
      log.debug({ about: error.message }, 'the home tab was not shown')
    }
  }
}
