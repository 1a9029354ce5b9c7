import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type FakeFeishu, otherGroup, startFeishu } from '../platforms/feishu.ts'
import { mentionOf, otherTenant, tenant } from '../platforms/feishu-events.ts'
import { adminToken, type OnEnd } from './harness.ts'
import { openWebhooks, shows, type Webhooks } from './webhooks.ts'

interface Store extends Webhooks {
  readonly fake: FakeFeishu
  /** Ann mentions the bot in the group of an organisation; the status of the answer to the platform. */
  readonly say: (of: string, words: string) => Promise<number | undefined>
  readonly admin: (path: string, method?: string) => Promise<{ readonly installations?: readonly ShownRow[] }>
}
interface ShownRow {
  readonly workspace_id: string
  readonly installation_id: string
  readonly status: string
}

const openStore = async (onEnd: OnEnd): Promise<Store> => {
  const fake = await startFeishu({ mode: 'webhook', encrypted: true, store: 'waiting' })
  const house = await openWebhooks(onEnd, [fake])
  return {
    ...house,
    fake,
    say: async (of, words) => {
      const place = of === tenant ? fake.places.group : otherGroup
      const mentions = [mentionOf('@_user_1', fake.app.bot, 'FakeBot', 'bot')]
      const content = { text: `@_user_1 ${words}` }
      return (await fake.bring(fake.people.ann, place, 'text', content, { tenant: of, mentions }))?.status
    },
    admin: async (path, method = 'GET') => {
      const headers = { 'X-OpenClaw-Admin-Token': adminToken }
      const answer = await fetch(`${house.adminUrl}/openclaw/connector/installations${path}`, { method, headers })
      const text = await answer.text()
      for (const secret of fake.secrets) expect(text).not.toContain(secret)
      return JSON.parse(text) as { readonly installations?: readonly ShownRow[] }
    },
  }
}

const inClear = (stateDir: string, word: string): readonly string[] =>
  readdirSync(stateDir, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(stateDir, name)).isFile())
    .filter((name) => readFileSync(join(stateDir, name)).includes(word))

describe('an app of Feishu’s store', () => {
  test('gets its ticket by asking, serves each organisation by its own token, also after a restart', async ({
    onTestFinished,
  }) => {
    const { fake, say, admin, stateDir, ...house } = await openStore(onTestFinished)
    const resends = (): number => fake.calls().filter(({ method }) => method === 'resend').length
    const texts = (chat: string): number => fake.shown().filter(({ place }) => place.chat === chat).length
    const { group } = fake.places

    // Who the bot is takes a token, and the token a ticket: the platform brings again what was not taken yet.
    expect(await say(tenant, '/status')).toBe(503)
    await expect.poll(resends).toBe(1)
    await expect.poll(() => inClear(stateDir, 'cli_00000000fa4e0001')).not.toEqual([])
    await expect.poll(() => say(tenant, '/status'), { timeout: 5000 }).toBe(200)
    await shows(fake, group, /^\[Online\]/)
    expect(await say(otherTenant, '/run portrait a red fox')).toBe(200)
    await shows(fake, otherGroup, ({ media }) => media.length > 0)

    expect(inClear(stateDir, 'FAKEappticket')).toEqual([])
    expect(inClear(stateDir, 'FAKEtenanttoken')).toEqual([])
    const { installations = [] } = await admin('?platform=feishu')
    expect(installations.map(({ workspace_id, status }) => [workspace_id, status])).toEqual([
      [fake.app.appId, 'active'],
      [tenant, 'active'],
      [otherTenant, 'active'],
    ])

    await house.daemon().stop()
    await house.start()
    const before = texts(group.chat)
    expect(await say(tenant, '/status')).toBe(200)
    await expect.poll(() => texts(group.chat), { timeout: 8000 }).toBeGreaterThan(before)
    expect(resends()).toBe(1)

    const other = installations.find(({ workspace_id }) => workspace_id === otherTenant)
    await admin(`/${other?.installation_id}/deactivate`, 'POST')
    expect(await say(otherTenant, '/run portrait a stowaway')).toBe(401)
    expect(house.simulator.control.jobs()).toHaveLength(1)
    await admin(`/${other?.installation_id}/activate`, 'POST')
    expect(await say(otherTenant, '/status')).toBe(200)
    await shows(fake, otherGroup, /^\[Online\]/)
  })
})
