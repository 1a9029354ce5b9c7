import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { placed, readTenants, tenantFor } from '../../policy/tenants.ts'

const platforms = ['parrot', 'heron']
const read = (value: unknown) => readTenants(JSON.stringify(value), platforms)

describe('who owns which workspace', () => {
  it('is read in lower case, workspaces exactly as they are written', () => {
    expect(read({ parrot: 'Acme', 'heron:T1:x': 'umbrella' })).toEqual({
      places: { parrot: 'acme', 'heron:T1:x': 'umbrella' },
      problems: [],
    })
    expect(readTenants(undefined, platforms)).toEqual({ places: {}, problems: [] })
  })

  it.each([
    ['no JSON', '{', 'is not a JSON object'],
    ['a list', '[]', 'is not a JSON object'],
    ['nothing', 'null', 'is not a JSON object'],
    ['an unknown platform', '{"parrot":"acme","owl:T1":"acme"}', '"owl:T1" begins with no platform'],
    ['no workspace', '{"parrot:":"acme"}', 'names no workspace'],
    ['a tenant that is none', '{"parrot":"Acme Corp"}', 'the tenant of "parrot" does not match'],
    ['a tenant that is no text', '{"parrot":1}', 'the tenant of "parrot" does not match'],
  ])('with %s is refused as a whole', (_, json, read) => {
    const { places, problems } = readTenants(json, platforms)
    expect(places).toEqual({})
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({ variable: 'OPENCLAW_CONNECTOR_TENANTS', read: expect.stringContaining(read) })
  })

  it('is a problem or an answer, whatever is written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (json) => {
        const { places, problems } = readTenants(json, platforms)
        expect(problems.length === 0 || Object.keys(places).length === 0).toBe(true)
      }),
    )
  })
})

describe('a conversation belongs', () => {
  const tenancy = { own: 'house', places: { parrot: 'acme', 'parrot:W1': 'umbrella', 'heron:W1': 'acme' } }

  it.each([
    ['parrot', 'W1', 'umbrella'],
    ['parrot', 'W2', 'acme'],
    ['parrot', undefined, 'acme'],
    ['heron', 'W1', 'acme'],
    ['heron', 'w1', 'house'],
    ['heron', undefined, 'house'],
    ['constructor', '__proto__', 'house'],
  ])('on %s in %s to %s', (platform, workspace, tenant) => {
    expect(tenantFor(tenancy, platform, workspace)).toBe(tenant)
  })

  it.each([
    [tenancy, undefined, 'acme'],
    [tenancy, 'umbrella', 'acme'],
    [null, undefined, undefined],
    [null, 'umbrella', undefined],
  ])('with %j to whom the configuration says, though an adapter says %s', (setup, said, tenant) => {
    const where = { platform: 'parrot', account: 'b', workspace: 'W2', chat: 'c', kind: 'dm' as const }
    const address = placed({ ...where, ...(said ? { tenant: said } : {}) }, setup)
    expect(address).toEqual({ ...where, ...(tenant ? { tenant } : {}) })
  })

  it('to everybody’s tenant outside multi-tenant mode', () => {
    expect(tenantFor(null, 'parrot', 'W1')).toBe('default')
  })
})
