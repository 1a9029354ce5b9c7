import { afterEach, beforeEach, expect, it } from 'vitest'
import type { AdapterDeps, Person } from '../../src/contract/index.ts'
import { eventually } from '../kit/core.ts'
import { type FakeSlack, startSlack } from '../platforms/slack.ts'
import { home } from '../platforms/slack-hooks.ts'
import { connected } from './slack-kit.ts'

const menu = { everyone: [{ command: 'run', about: 'Run a template' }], admin: [], admins: [] }

let fake: FakeSlack
let asked: Person[]
let jobs: string | null
const jobsOf: AdapterDeps['jobsOf'] = async (person) => {
  asked.push(person)
  return jobs
}
beforeEach(async () => {
  fake = await startSlack()
  asked = []
  jobs = '1 running\n- fox <b> *x*: 3/20'
})
afterEach(() => fake.close())

const opened = { type: 'app_home_opened', user: 'U0FAKEALICE', channel: 'D0FAKEDM001', tab: 'home' }
const published = () => fake.host.bodies('views.publish')
const shown = async (times: number): Promise<string> => {
  await eventually(() => published().length === times)
  return JSON.stringify(published().at(-1)?.view)
}

it('shows the jobs of whoever opens it, each time anew, and what can be said', async () => {
  const { events } = connected(fake, { menu, jobsOf })
  await fake.bring(opened)
  const view = await shown(1)
  expect(view).toContain('/run  Run a template')
  expect(view).toContain('<without_slash>')
  // As they are: neither markup nor entities.
  expect(view).toContain('"type":"plain_text","text":"1 running\\n- fox <b> *x*: 3/20"')
  expect(published()[0]?.user_id).toBe('U0FAKEALICE')
  jobs = 'None is open.'
  await fake.bring(opened)
  expect(await shown(2)).toContain('None is open.')
  const where = { platform: 'slack', account: 'app', workspace: home.id, chat: 'U0FAKEALICE', kind: 'dm' }
  const from = { id: 'U0FAKEALICE', aliases: [`${home.id}/U0FAKEALICE`], self: false, bot: false }
  expect(asked).toEqual([{ from, where, proof: 'signature' }, asked[0]])
  expect(events).toEqual([])
})

it('shows at least what can be said, and takes nothing away from who looks too often', async () => {
  connected(fake, { menu, jobsOf })
  jobs = null
  await fake.bring(opened)
  expect(await shown(1)).toContain('/run  Run a template')
  await fake.bring(opened)
  await fake.bring({ ...opened, tab: 'messages' })
  jobs = 'one'
  await fake.bring({ ...opened, user: 'U0FAKEBOB01' })
  await shown(2)
  expect(published().map(({ user_id }) => user_id)).toEqual(['U0FAKEALICE', 'U0FAKEBOB01'])
  expect(asked).toHaveLength(3)
})

it('that could not be shown is shown the next time', async () => {
  connected(fake, { menu, jobsOf })
  jobs = null
  fake.mishap({ method: /^views/, how: { kind: 'status', status: 503 } })
  await fake.bring(opened)
  await eventually(() => fake.calls().length === 1)
  await eventually(() => {
    void fake.bring(opened)
    return published().length > 1
  })
})

it('is a matter of the person’s own workspace, and of nothing in one that is not served', async () => {
  const slack = connected(fake, { menu, jobsOf }, { CLIENT_ID: '1.2', CLIENT_SECRET: 's' })
  const facts = { botUser: home.botUser }
  await slack.installs.save({ workspace: home.id, facts, secrets: { botToken: fake.settings.BOT_TOKEN ?? '' } })
  await slack.installs.note(home.id, { status: { to: 'deactivated', reason: 'operator' } })
  await fake.bring(opened)
  await slack.installs.note(home.id, { status: { to: 'active', reason: 'operator' } })
  await fake.bring(opened)
  await shown(1)
  expect(asked).toHaveLength(1)
})
