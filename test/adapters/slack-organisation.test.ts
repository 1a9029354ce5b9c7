import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Installs } from '../../src/contract/index.ts'
import { never, text } from '../kit/adapter.ts'
import { testInstalls } from '../kit/installs.ts'
import { type FakeSlack, startSlack } from '../platforms/slack.ts'
import { teams } from '../platforms/slack-hooks.ts'
import { clientId, clientSecret } from '../platforms/slack-oauth.ts'
import { botScopes } from '../platforms/slack-world.ts'
import { type Connected, connected, makePart } from './slack-kit.ts'

const grid = teams[2]!
const organisation = grid.enterprise!
const token = 'xoxb-fake-of-the-organisation'
const chat = 'D0FAKEDM003'
const dm = {
  type: 'message',
  user: 'U0FAKEALICE',
  ts: '1767225607.000001',
  channel: chat,
  channel_type: 'im',
  text: 'hi',
}

let fake: FakeSlack
let installs: Installs
let slack: Connected
beforeEach(async () => {
  fake = await startSlack()
  fake.world.tokens.set(token, { team: grid, kind: 'bot', scopes: botScopes, expiresAt: null, revoked: null })
  installs = testInstalls('slack')
  const facts = { enterprise: organisation, enterpriseWide: 'true', botUser: grid.botUser }
  await installs.save({ workspace: organisation, facts, secrets: { botToken: token } })
  slack = connected(fake, { installs }, { CLIENT_ID: clientId, CLIENT_SECRET: clientSecret })
})
afterEach(() => fake.close())

const answer = () => slack.adapter.send(makePart([text('hello')], { to: slack.events.at(-1)!.where }), never)

it.each(['team_access_not_granted', 'user_removed_from_team'])(
  'one workspace that is taken out (%s) leaves the others of the organisation',
  async (error) => {
    await fake.bring(dm, grid)
    fake.mishap({ method: /postMessage/, how: { kind: 'error', error } })
    await expect(answer()).rejects.toMatchObject({ code: 'target_gone' })
    expect(installs.list()).toMatchObject([{ workspace: organisation, status: 'active', health: { state: 'ok' } }])
    await answer()
    expect(fake.shown()).toMatchObject([{ text: 'hello' }])
  },
)

it('a press that names only the workspace of the person is answered by the organisation', async () => {
  const payload = {
    type: 'block_actions',
    user: { id: 'U0FAKEALICE', team_id: grid.id },
    team: null,
    enterprise: { id: organisation },
    is_enterprise_install: true,
    channel: { id: chat },
    container: { message_ts: '1767225607.000001' },
    actions: [{ type: 'button', action_id: 'b0', value: 'opaque', action_ts: '1767225608.000001' }],
  }
  await fake.deliver({ kind: 'interactive', payload })
  expect(slack.events).toMatchObject([{ body: { kind: 'press', action: 'opaque' }, where: { workspace: grid.id } }])
  await answer()
  expect(fake.shown()).toMatchObject([{ text: 'hello' }])
})

it.each([
  ['names it as that of the event', { enterprise_id: organisation }],
  ['names it as that of the context', { context_enterprise_id: organisation }],
  ['names it no more', {}],
])('the end of an installation for an organisation is seen where Slack %s', async (_, named) => {
  await fake.bring(dm, grid)
  const nothing = { enterprise_id: undefined, context_enterprise_id: undefined, authorizations: [] }
  const anHourOn = Math.floor(Date.now() / 1000) + 3600
  await fake.bring({ type: 'app_uninstalled' }, grid, { ...nothing, ...named, event_time: anHourOn })
  expect(installs.list()).toMatchObject([{ workspace: organisation, status: 'uninstalled' }])
})
