import { describe, expect, test } from 'vitest'
import { adminToken, openHouse } from './harness.ts'

describe.concurrent('the admin API of a running daemon', () => {
  test('opens to the admin token only, and shows where secrets come from without one of them', async ({
    onTestFinished,
  }) => {
    const house = await openHouse(onTestFinished, { kakao: true })
    const ask = (path: string, headers: Record<string, string> = { 'X-OpenClaw-Admin-Token': adminToken }) =>
      fetch(`${house.adminUrl}/openclaw/connector/${path}`, { headers })
    expect((await ask('installations', {})).status).toBe(403)
    expect(await (await ask('installations')).json()).toEqual({
      ok: true,
      tenant_id: 'default',
      installations: [],
      diagnostics: { installation_count: 0, status_counts: {}, health_counts: {}, audit_events: 0 },
    })
    const secrets = await (await ask('secrets')).text()
    const shown = (JSON.parse(secrets) as { secrets: { path: string; status: string; source: string }[] }).secrets
    expect(shown.find(({ path }) => path === 'telegram.token')).toMatchObject({ status: 'portable', source: 'env' })
    expect(shown.find(({ path }) => path === 'admin_token')).toMatchObject({ status: 'non_persistable_auth' })
    for (const secret of [adminToken, ...house.telegram.secrets, ...house.kakao.secrets])
      expect(secrets).not.toContain(secret)
    const document = (await (await ask('openapi.json', {})).json()) as { paths: object }
    expect(Object.keys(document.paths)).toContain('/openclaw/connector/installations/resolve')
    expect((await fetch(`${house.adminUrl}/healthz`)).status).toBe(200)
  })

  test('stays shut where no token is set', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, { env: { OPENCLAW_CONNECTOR_ADMIN_TOKEN: '' } })
    const answer = await fetch(`${house.adminUrl}/openclaw/connector/secrets`)
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      403,
      'No admin token is set. Set OPENCLAW_CONNECTOR_ADMIN_TOKEN.',
    ])
  })
})
