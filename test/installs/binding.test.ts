import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bind, type Candidate } from '../../policy/binding.ts'
import type { Installation, InstallHealth, InstallStatus } from '../../src/contract/index.ts'

const one = (
  over: Partial<Omit<Installation, 'health'>> & { readonly health?: InstallHealth; readonly unreadable?: string } = {},
): Candidate => ({
  installation: {
    platform: 'fake',
    tenant: 'acme',
    workspace: 'w',
    id: 'a',
    status: 'active',
    statusReason: '',
    secretNames: [],
    facts: {},
    createdAtMs: 1,
    updatedAtMs: 1,
    ...over,
    health: { state: over.health ?? 'ok', reason: '', atMs: 1 },
  },
  unreadable: over.unreadable ?? null,
})

const statuses: InstallStatus[] = ['created', 'active', 'rotating', 'revoked', 'deactivated', 'uninstalled']
const healths: InstallHealth[] = ['ok', 'degraded', 'rate_limited', 'invalid_token', 'revoked', 'workspace_unbound']

describe('a workspace', () => {
  // backend-contract, section 6: reason, health, audit code.
  it.each<[string, readonly Candidate[], string, InstallHealth, string]>([
    ['nobody knows', [], 'missing_binding', 'workspace_unbound', 'resolve_missing'],
    ['of another tenant', [one({ tenant: 'b' })], 'tenant_mismatch', 'degraded', 'resolve_tenant_mismatch'],
    [
      'installed twice',
      [one(), one({ id: 'b', status: 'rotating' })],
      'ambiguous_binding',
      'degraded',
      'resolve_ambiguous',
    ],
    ['switched off', [one({ status: 'deactivated' })], 'inactive_binding', 'degraded', 'resolve_inactive'],
    ['left', [one({ status: 'uninstalled', health: 'revoked' })], 'inactive_binding', 'revoked', 'resolve_inactive'],
    ['not finished', [one({ status: 'created' })], 'inactive_binding', 'degraded', 'resolve_inactive'],
    ['with a dead token', [one({ health: 'invalid_token' })], 'inactive_binding', 'invalid_token', 'resolve_unhealthy'],
    ['that revoked us', [one({ health: 'revoked' })], 'inactive_binding', 'revoked', 'resolve_unhealthy'],
    ['with a lost token', [one({ unreadable: 'bot' })], 'stale_token_ref:bot', 'degraded', 'resolve_stale_ref'],
  ])('%s is refused', (_, all, reason, health, code) => {
    expect(bind(all, 'acme')).toEqual({ ok: false, reason, health, code })
  })

  it.each<[string, readonly Candidate[]]>([
    ['once', [one()]],
    ['whose tokens are being renewed', [one({ status: 'rotating' })]],
    ['that is rate limited', [one({ health: 'rate_limited' })]],
    ['installed anew after it was left', [one({ id: 'old', status: 'uninstalled' }), one()]],
    ['that another tenant has as well', [one({ id: 'other', tenant: 'b' }), one()]],
  ])('%s is used', (_, all) => {
    expect(bind(all, 'acme')).toMatchObject({ ok: true, installation: { id: 'a', tenant: 'acme' } })
  })

  it('is only ever used through the one usable, healthy, readable installation of its own tenant', () => {
    const candidate = fc
      .record({
        id: fc.uuid(),
        tenant: fc.constantFrom('acme', 'b'),
        status: fc.constantFrom(...statuses),
        health: fc.constantFrom(...healths),
        lost: fc.boolean(),
      })
      .map(({ lost, ...over }) => one({ ...over, ...(lost ? { unreadable: 'bot' } : {}) }))
    fc.assert(
      fc.property(fc.array(candidate, { maxLength: 4 }), (all) => {
        const bound = bind(all, 'acme')
        const usable = all.filter(
          ({ installation: { tenant, status } }) => tenant === 'acme' && (status === 'active' || status === 'rotating'),
        )
        const [only] = usable
        const good =
          usable.length === 1 &&
          only?.unreadable === null &&
          !['invalid_token', 'revoked'].includes(only.installation.health.state)
        expect(bound.ok).toBe(good)
        if (bound.ok) expect(bound.installation).toBe(only?.installation)
      }),
    )
  })
})
