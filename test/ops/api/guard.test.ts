import { get } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type ClientAddress, makeClientAddress } from '../../../src/intake/client-address.ts'
import { listen } from '../../../src/intake/http.ts'
import { makeApi } from '../../../src/ops/api/app.ts'
import { apiRig, root, token } from './kit.ts'

const tenancy = { header: 'X-Org', own: 'acme' }
const as = (tenant?: string) => ({
  headers: { 'X-OpenClaw-Admin-Token': token, ...(tenant === undefined ? {} : { 'X-Org': tenant }) },
})

describe('the admin API', () => {
  test.each([
    ['no token', {}],
    ['an empty one', { 'X-OpenClaw-Admin-Token': '' }],
    ['a beginning of it', { 'X-OpenClaw-Admin-Token': token.slice(0, -1) }],
    ['more than it', { 'X-OpenClaw-Admin-Token': `${token}x` }],
    ['it as a bearer', { authorization: `Bearer ${token}` }],
  ])('refuses %s, and says nothing about what there is', async (_, headers) => {
    const api = await apiRig()
    for (const path of ['installations', 'installations/none', 'secrets', 'nowhere', 'installations/audit/deep'])
      expect(await api.ask(path, { headers })).toMatchObject({
        status: 403,
        body: { ok: false, error: 'Invalid admin token.' },
      })
  })

  test.each([null, ''])('refuses everybody while no token is set (%j), an empty token too', async (none) => {
    const api = await apiRig({ token: none })
    for (const given of [null, '', token]) {
      const headers: Record<string, string> = given === null ? {} : { 'X-OpenClaw-Admin-Token': given }
      const answer = await api.ask('installations', { headers })
      expect(answer.status).toBe(403)
      expect(answer.body.error).toContain('OPENCLAW_CONNECTOR_ADMIN_TOKEN')
    }
  })

  test('stops guesses after a minute’s worth, a right one among them too, and opens again with time', async () => {
    const api = await apiRig()
    const guess = () => api.ask('installations', { headers: { 'X-OpenClaw-Admin-Token': 'guess' } })
    for (let i = 0; i < 60; i++) expect((await guess()).status).toBe(403)
    const refused = await api.ask('installations')
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    await api.clock.advance(1100)
    expect((await api.ask('installations')).status).toBe(200)
  })

  /** Calls from an address of this machine, perhaps in somebody's name. */
  const listening = async (addressOf: ClientAddress) => {
    const api = await apiRig()
    const deps = { token, tenancy: null, version: '1', secretRefs: [], portable: [], ...api, now: api.clock.now }
    const app = new Hono<{ Bindings: HttpBindings }>().route('/', makeApi({ ...deps, addressOf }))
    const { port, close } = await listen(app, '127.0.0.1', 0, () => {})
    onTestFinished(close)
    return (localAddress: string, named?: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const headers = named === undefined ? {} : { 'x-forwarded-for': named }
        const path = `${root}/installations`
        get({ host: '127.0.0.1', port, path, localAddress, headers, agent: false }, (answer) => {
          answer.resume()
          resolve(answer.statusCode ?? 0)
        }).on('error', reject)
      })
  }

  test('does not let one address use up what another has, whatever names it gives itself', async () => {
    const from = await listening(makeClientAddress([]))
    for (let i = 0; i < 60; i++) await from('127.0.0.1', `203.0.113.${i}`)
    expect(await from('127.0.0.1', '203.0.113.200')).toBe(429)
    expect(await from('127.0.0.2')).toBe(403)
  })

  test('counts behind a trusted proxy for each whom that names', async () => {
    const from = await listening(makeClientAddress([{ address: '127.0.0.1', bits: 32, family: 'ipv4' }]))
    for (let i = 0; i < 60; i++) await from('127.0.0.1', `198.51.100.${i}, 203.0.113.7`)
    expect(await from('127.0.0.1', '203.0.113.7')).toBe(429)
    expect(await from('127.0.0.1', '203.0.113.8')).toBe(403)
    expect(await from('127.0.0.2', '203.0.113.7')).toBe(403)
  })

  test('is never cached', async () => {
    expect((await (await apiRig()).ask('secrets')).headers.get('cache-control')).toBe('no-store')
  })

  test('says nothing of what broke inside', async () => {
    const api = await apiRig()
    const list = (): never => {
      throw new Error('inner words')
    }
    const other = await apiRig({ registry: { ...api.registry, list } })
    const answer = await other.ask('installations')
    expect([answer.status, answer.body]).toEqual([500, { ok: false, error: 'internal_error' }])
    expect(other.log.lines.join()).toContain('inner words')
  })
})

describe('in multi-tenant mode', () => {
  const owner = (_: string, workspace: string): string => (workspace === 'W1' ? 'acme' : 'umbrella')
  const rig = async () => {
    const api = await apiRig({ tenancy }, owner)
    const one = await api.installs.save({ workspace: 'W1', facts: {}, secrets: {} })
    const two = await api.installs.save({ workspace: 'W2', facts: {}, secrets: {} })
    return { api, one, two }
  }

  test('an operator sees one tenant: the connector’s own, or the one in the header, in any case', async () => {
    const { api } = await rig()
    for (const [tenant, workspace] of [
      [undefined, 'W1'],
      ['', 'W1'],
      ['acme', 'W1'],
      [' Umbrella ', 'W2'],
    ] as const) {
      const { body } = await api.ask('installations', as(tenant))
      expect(body.installations.map((one: { workspace_id: string }) => one.workspace_id)).toEqual([workspace])
      expect(body.diagnostics).toMatchObject({ installation_count: 1, audit_events: 1 })
      expect((await api.ask('installations/audit', as(tenant))).body.events).toHaveLength(1)
    }
  })

  test('what belongs to another tenant is not there, and can’t be changed', async () => {
    const { api, two } = await rig()
    expect((await api.ask(`installations/${two.id}`, as('acme'))).status).toBe(404)
    expect((await api.ask(`installations/audit?installation_id=${two.id}`, as('acme'))).body.events).toEqual([])
    expect(
      (await api.ask('installations/resolve?platform=fake&workspace_id=W2', as('acme'))).body.resolution,
    ).toMatchObject({
      ok: false,
      reject_reason: 'tenant_mismatch',
      audit_code: 'conn_install.resolve_tenant_mismatch',
    })
    for (const [method, path] of [
      ['DELETE', ''],
      ['POST', '/deactivate'],
      ['POST', '/activate'],
    ] as const)
      expect((await api.ask(`installations/${two.id}${path}`, { method, ...as('acme') })).status).toBe(404)
    expect(api.registry.get('umbrella', two.id)).toMatchObject({ status: 'active' })
  })

  test.each(['Bad Tenant!', '-x', 'a'.repeat(65)])('%s is no tenant', async (tenant) => {
    const { api } = await rig()
    const answer = await api.ask('installations', as(tenant))
    expect([answer.status, answer.body.error]).toEqual([403, 'tenant_invalid'])
  })

  test('outside of it the header means nothing', async () => {
    const api = await apiRig()
    await api.installs.save({ workspace: 'W1', facts: {}, secrets: {} })
    expect((await api.ask('installations', as('umbrella'))).body).toMatchObject({
      tenant_id: 'default',
      installations: [{ workspace_id: 'W1' }],
    })
  })
})

describe('what is asked for', () => {
  test.each([
    ['', 100],
    ['?limit=', 100],
    ['?limit=junk', 100],
    ['?limit=0', 1],
    ['?limit=7', 7],
    ['?limit=9999', 500],
  ])('of the record with %j is %i events at the most', async (query, most) => {
    const api = await apiRig()
    const all = Array.from({ length: 600 }, (_, i) => ({ workspace: `W${i}`, facts: {}, secrets: {} }))
    await Promise.all(all.map(api.installs.save))
    const { body } = await api.ask(`installations/audit${query}`)
    expect(body.events).toHaveLength(most)
    expect(body.events.at(-1).workspace_id).toBe('W599')
  })

  test('of installations is filtered; the counts are of all', async () => {
    const api = await apiRig()
    for (const workspace of ['W1', 'W2']) await api.installs.save({ workspace, facts: {}, secrets: {} })
    await api.installs.note('W2', { status: { to: 'deactivated', reason: 'x' } })
    for (const [query, count] of [
      ['?platform=FAKE', 2],
      ['?platform=other', 0],
      ['?workspace_id=W1', 1],
      ['?workspace_id=w1', 0],
      ['?status=Deactivated', 1],
      ['?status=active&workspace_id=W2', 0],
    ] as const) {
      const { body } = await api.ask(`installations${query}`)
      expect(body.installations, query).toHaveLength(count)
      expect(body.diagnostics).toMatchObject({ installation_count: 2, status_counts: { active: 1, deactivated: 1 } })
    }
  })
})
