import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judgeFound, judgeName, judgeRef } from '../../policy/secret-refs.ts'

const world = {
  portable: new Set(['OPENCLAW_CONNECTOR_PARROT_TOKEN', 'OPENCLAW_CONNECTOR_PARROT_SECRET', 'OPENCLAW_ADMIN_TOKEN']),
  isSet: (name: string) => name === 'OPENCLAW_CONNECTOR_PARROT_TOKEN',
}

describe('what is given for a secret', () => {
  it.each([
    [{ source: 'env', name: 'OPENCLAW_CONNECTOR_PARROT_TOKEN' }, 'portable'],
    [{ source: 'env_var', env_var: 'OPENCLAW_CONNECTOR_PARROT_TOKEN' }, 'portable'],
    [{ source: 'environment', envVar: 'OPENCLAW_CONNECTOR_PARROT_TOKEN' }, 'portable'],
    [{ source: 'env', name: 'OPENCLAW_CONNECTOR_PARROT_SECRET' }, 'missing_env'],
    [{ source: 'vault', name: 'OPENCLAW_CONNECTOR_PARROT_TOKEN' }, 'unsupported_source'],
    [{ name: 'OPENCLAW_CONNECTOR_PARROT_TOKEN' }, 'unsupported_source'],
    [null, 'unsupported_source'],
    [7, 'unsupported_source'],
    ['xoxb-a-real-token', 'rejected_raw_secret'],
    ['OPENCLAW_CONNECTOR_PARROT_TOKEN', 'rejected_raw_secret'],
    ['secretref-env:OPENCLAW_CONNECTOR_PARROT_TOKEN', 'rejected_legacy_marker'],
    [' SecretRef-Env:X', 'rejected_legacy_marker'],
    [{ source: 'env', name: 'HOME' }, 'unsupported_env'],
    [{ source: 'env', name: 'a b; rm -rf' }, 'rejected_dangerous_env'],
    [{ source: 'env', name: `X\nEnvironment=Y` }, 'rejected_dangerous_env'],
    [{ source: 'env', name: 'X'.repeat(129) }, 'rejected_dangerous_env'],
    [{ source: 'env' }, 'rejected_dangerous_env'],
    // Even where somebody lists it as portable.
    [{ source: 'env', name: 'OPENCLAW_ADMIN_TOKEN' }, 'non_persistable_auth'],
    [{ source: 'env', name: 'OPENCLAW_CONNECTOR_ADMIN_TOKEN' }, 'non_persistable_auth'],
    [{ source: 'env', name: 'OPENCLAW_WORKER_TOKEN' }, 'non_persistable_auth'],
  ])('%j: %s', (given, status) => {
    expect(judgeRef('parrot.token', given, world)).toMatchObject({ path: 'parrot.token', status })
  })

  it('is never repeated, whatever it is, unless it is the name of a secret we know', () => {
    const known = [...world.portable, 'OPENCLAW_CONNECTOR_ADMIN_TOKEN']
    const text = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom(...known), fc.stringMatching(/^[A-Z_]{1,40}$/))
    fc.assert(
      fc.property(text, fc.constantFrom('env', 'env_var', 'vault'), (name, source) => {
        for (const judged of [
          judgeRef('p', { source, name }, world),
          judgeRef('p', name, world),
          judgeName('p', name, world),
        ])
          expect(['', ...known]).toContain(judged.name)
      }),
    )
  })
})

describe('a secret of the configuration', () => {
  const found = (value: string | undefined, name = 'OPENCLAW_CONNECTOR_PARROT_TOKEN') =>
    judgeFound({ path: 'parrot.token', name, source: 'file', value })

  it.each([
    [found('abc'), 'portable'],
    [found(undefined), 'missing_env'],
    [found('secretref-env:OTHER'), 'rejected_legacy_marker'],
    [found('abc', 'OPENCLAW_CONNECTOR_SECRET_KEY'), 'non_persistable_auth'],
  ])('%j', (judged, status) => {
    expect(judged.status).toBe(status)
    expect(JSON.stringify(judged)).not.toContain('abc')
    expect(JSON.stringify(judged)).not.toContain('OTHER')
  })
})
