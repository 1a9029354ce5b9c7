import { describe, expect, it } from 'vitest'
import { inspect, problemsOf, read } from './kit.ts'

const on = { OPENCLAW_MULTI_TENANT_ENABLED: '1' }

describe('tenants in the configuration', () => {
  it('are there in multi-tenant mode only', () => {
    expect(read({ OPENCLAW_CONNECTOR_TENANT_ID: 'acme' }).tenancy).toBeNull()
    expect(read(on).tenancy).toEqual({ own: 'default', places: {} })
    const env = { ...on, OPENCLAW_CONNECTOR_TENANT_ID: 'acme', OPENCLAW_CONNECTOR_TENANTS: '{"heron:T1":"umbrella"}' }
    expect(read(env).tenancy).toEqual({ own: 'acme', places: { 'heron:T1': 'umbrella' } })
  })

  it('that are written wrong stop the start, those without the mode are warned about', () => {
    expect(problemsOf({ ...on, OPENCLAW_CONNECTOR_TENANTS: '{"owl":"x"}' })).toMatchObject([
      { variable: 'OPENCLAW_CONNECTOR_TENANTS', read: '"owl" begins with no platform of this version' },
    ])
    const { config } = inspect({ OPENCLAW_CONNECTOR_TENANTS: '{"heron":"x"}' })
    expect(config.warnings.join()).toContain('OPENCLAW_CONNECTOR_TENANTS: has no effect without')
  })

  it('do not quote a secret that got among them', () => {
    const env = {
      ...on,
      PARROT: '',
      OPENCLAW_CONNECTOR_PARROT_TOKEN: '123:abcdefgh',
      OPENCLAW_CONNECTOR_TENANTS: '{"123:abcdefgh":"x"}',
    }
    expect(JSON.stringify(problemsOf(env))).not.toContain('abcdefgh')
  })
})

describe('trusted proxies', () => {
  it('are addresses and subnets', () => {
    expect(read({}).trustedProxies).toEqual([])
    expect(read({ OPENCLAW_CONNECTOR_TRUSTED_PROXIES: '127.0.0.1, 172.16.0.0/12 ,fd00::/8' }).trustedProxies).toEqual([
      { address: '127.0.0.1', bits: 32, family: 'ipv4' },
      { address: '172.16.0.0', bits: 12, family: 'ipv4' },
      { address: 'fd00::', bits: 8, family: 'ipv6' },
    ])
  })

  it.each([
    'proxy.example.org',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/0',
    '0.0.0.0/00',
    '::/0',
    '::1/129',
    '10.0.0.0/8/8',
    'true',
    '10.0.0.1/',
  ])('%s stops the start', (wrong) => {
    const problems = problemsOf({ OPENCLAW_CONNECTOR_TRUSTED_PROXIES: `127.0.0.1,${wrong}` })
    expect(problems).toMatchObject([{ variable: 'OPENCLAW_CONNECTOR_TRUSTED_PROXIES', read: wrong }])
  })
})

describe('the key of installations', () => {
  it.each(['a'.repeat(64), `${'A'.repeat(43)}=`, 'A'.repeat(43)])('is taken as %s', (key) => {
    expect(read({ OPENCLAW_CONNECTOR_SECRET_KEY: key }).secretKey).toBe(key)
  })

  it.each(['short', 'a'.repeat(63), `${'A'.repeat(42)} =`])('%j stops the start without being shown', (key) => {
    const problems = problemsOf({ OPENCLAW_CONNECTOR_SECRET_KEY: key })
    expect(problems.map(({ variable }) => variable)).toEqual(['OPENCLAW_CONNECTOR_SECRET_KEY'])
    expect(JSON.stringify(problems)).not.toContain(key)
  })
})

describe('where secrets come from', () => {
  it('is told for each there is a setting for, and no value with it', () => {
    const { secretRefs } = read({
      OPENCLAW_CONNECTOR_PARROT_TOKEN: '123:abc',
      OPENCLAW_CONNECTOR_ADMIN_TOKEN: 'adm-token',
    })
    const found = (path: string) => secretRefs.find((one) => one.path === path)
    expect(found('parrot.token')).toMatchObject({
      name: 'OPENCLAW_CONNECTOR_PARROT_TOKEN',
      source: 'env',
      status: 'portable',
    })
    expect(found('heron.key')).toMatchObject({ status: 'missing_env' })
    expect(found('admin_token')).toMatchObject({ status: 'non_persistable_auth' })
    expect(JSON.stringify(secretRefs)).not.toMatch(/123:abc|adm-token/)
  })
})
