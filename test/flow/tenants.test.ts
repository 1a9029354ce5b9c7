import { describe, expect, test } from 'vitest'
import { adminToken, openHouse } from './harness.ts'
import { until } from './process.ts'
import { carl, chatOf } from './telegram.ts'

const env = {
  OPENCLAW_MULTI_TENANT_ENABLED: 'true',
  OPENCLAW_TENANT_HEADER: 'X-OpenClaw-Tenant-Id',
  OPENCLAW_CONNECTOR_TENANT_ID: 'acme',
  OPENCLAW_CONNECTOR_TENANTS: '{"kakao":"umbrella"}',
}

describe.concurrent('one daemon for two tenants', () => {
  test('runs for both, and neither sees the other', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, { kakao: true, env, simulator: { multiTenant: true } })
    const { telegram, kakao, simulator } = house
    const bob = chatOf(telegram, telegram.people.bob)
    const say = (text: string) => kakao.say(kakao.people.bob, kakao.places.dm, text)
    const onKakao = (): string =>
      kakao
        .shown()
        .map(({ text }) => text)
        .join('\n')

    // A stranger on the platform of the other tenant asks: no approver of this one hears of it.
    await say('/run portrait an umbrella')
    await until('the request is there', () => /apr_\w+/.exec(onKakao())?.[0], onKakao)
    const request = /apr_\w+/.exec(onKakao())?.[0] ?? ''
    await bob.say('/approvals')
    await bob.shows('No pending approvals.')
    await bob.say(`/approve ${request}`)
    await bob.shows(new RegExp(`^(?!\\[Approved\\]).*${request}`, 's'))
    expect(bob.texts().join('\n')).not.toContain('an umbrella')
    expect(simulator.control.jobs()).toEqual([])

    await bob.say('/run portrait an acme fox')
    await bob.shows(({ media }) => media.length > 0)
    await bob.say('/history')
    await bob.shows('portrait: done')
    await bob.say('/templates')
    await bob.shows('portrait')
    await say('/templates')
    const named = simulator.control
      .requests()
      .filter(({ path }) => path.startsWith('/openclaw/templates'))
      .map(({ headers }) => headers['x-openclaw-tenant-id'])
    expect(new Set(named)).toEqual(new Set(['acme', 'umbrella']))
  })

  test('tells approvers who wrote before there were tenants, in the tenant they write in by now', async ({
    onTestFinished,
  }) => {
    const house = await openHouse(onTestFinished, { simulator: { multiTenant: true } })
    const { telegram } = house
    const bob = chatOf(telegram, telegram.people.bob)
    const guest = chatOf(telegram, carl)
    await bob.say('/whoami')
    await bob.shows('You are telegram:')
    await house.daemon().stop()
    await house.start(env)
    await guest.say('/run portrait a red fox')
    await bob.shows('[Approval Requested] by Carl')
    bob.press('[Approval Requested]', 'Approve')
    await guest.shows(({ media }) => media.length > 0)
  })

  test('shows its operator one tenant at a time', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, { env })
    const tenantOf = async (headers: Record<string, string>): Promise<unknown> => {
      const url = `${house.adminUrl}/openclaw/connector/installations`
      const answer = await fetch(url, { headers: { 'X-OpenClaw-Admin-Token': adminToken, ...headers } })
      return ((await answer.json()) as { tenant_id?: string; error?: string }).tenant_id ?? answer.status
    }
    expect(await tenantOf({})).toBe('acme')
    expect(await tenantOf({ 'X-OpenClaw-Tenant-Id': 'Umbrella' })).toBe('umbrella')
    expect(await tenantOf({ 'X-OpenClaw-Tenant-Id': 'no tenant!' })).toBe(403)
  })
})
