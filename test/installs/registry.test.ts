import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Installs } from '../../src/contract/index.ts'
import { lookAtInstalls } from '../../src/installs/look.ts'
import { addAudit, putInstall, putSecrets, secretsOf } from '../../src/store/installs.ts'
import { keepingLog } from '../kit/deps.ts'
import { installsRig, type Rig } from './kit.ts'

const token = 'token-of-the-first-workspace'
const first = { workspace: 'W1', facts: { name: 'First' }, secrets: { bot: token, refresh: 'refresh-of-it' } }

const changesOf = (rig: Rig): number => Number(rig.db.sql('SELECT total_changes() AS n').get()?.n)
const actionsOf = (rig: Rig): string[] => rig.registry.audit('default', null, 500).map(({ action }) => action)
const health = (state: 'ok' | 'rate_limited' | 'invalid_token', reason = '') => ({ health: { state, reason } })

describe('an installation', () => {
  it('is there with its secrets once it was saved, also after a restart', async () => {
    const rig = await installsRig()
    const saved = await rig.installs.save(first)
    expect(saved).toMatchObject({ platform: 'fake', tenant: 'default', workspace: 'W1', status: 'active' })
    expect(saved.secretNames).toEqual(['bot', 'refresh'])
    await rig.store.close()

    const again = await installsRig({ dir: rig.dir })
    expect(again.installs.resolve('W1')).toEqual({ ok: true, installation: saved, secrets: first.secrets })
    expect(again.installs.list()).toEqual([saved])
  })

  it('leaves no secret in clear, neither in a table nor in what is shown of it', async () => {
    const rig = await installsRig()
    const shown = [await rig.installs.save(first), rig.installs.list(), rig.registry.audit('default', null, 100)]
    for (const text of [rig.tables(), JSON.stringify(shown), rig.log.lines.join()])
      for (const secret of Object.values(first.secrets)) expect(text).not.toContain(secret)
  })

  it('that is installed anew keeps its id; secrets that are not named any more are gone', async () => {
    const rig = await installsRig()
    const before = await rig.installs.save(first)
    const after = await rig.installs.save({ ...first, secrets: { bot: 'another' } })
    expect(after.id).toBe(before.id)
    expect(rig.installs.resolve('W1')).toMatchObject({ ok: true, secrets: { bot: 'another' } })
    expect(rig.store.read((db) => secretsOf(db, after.id))).toHaveLength(1)
    expect(actionsOf(rig)).toEqual(['upsert', 'rotate'])
  })

  it('that is saved as it is, or is as healthy as before, is not written again', async () => {
    const rig = await installsRig()
    const saved = await rig.installs.save(first)
    await rig.installs.note('W1', health('rate_limited'))
    await rig.installs.note('W1', health('ok'))
    const before = changesOf(rig)
    for (let i = 0; i < 50; i++) await rig.installs.note('W1', health('ok', `call ${i}`))
    await rig.installs.save(first)
    expect(changesOf(rig)).toBe(before)
    expect(rig.installs.list()[0]?.id).toBe(saved.id)
  })

  it('of a workspace nobody knows is refused, and noting something about it changes nothing', async () => {
    const rig = await installsRig()
    await rig.installs.note('W9', health('invalid_token'))
    expect(rig.installs.resolve('W9')).toEqual({ ok: false, reason: 'missing_binding', health: 'workspace_unbound' })
    expect(rig.installs.list()).toEqual([])
  })

  it('of one platform is not the neighbour’s, though the workspace is called the same', async () => {
    const rig = await installsRig()
    await rig.installs.save(first)
    const other = rig.registry.of('other')
    expect(other.resolve('W1')).toMatchObject({ reason: 'missing_binding' })
    expect(other.list()).toEqual([])
  })

  it('of one app in a workspace comes and goes without that of another app there', async () => {
    const rig = await installsRig()
    const [one, two] = ['a1', 'a2'].map((app) => rig.installs.having({ app })) as [Installs, Installs]
    await one.save({ workspace: 'W1', facts: { name: 'One' }, secrets: { botToken: 'secret-one' } })
    await two.save({ workspace: 'W1', facts: { name: 'Two' }, secrets: { botToken: 'secret-two' } })
    await one.save({ workspace: 'W1', facts: { name: 'One again' }, secrets: { botToken: 'secret-one' } })
    expect(one.list()).toMatchObject([{ workspace: 'W1', facts: { app: 'a1', name: 'One again' } }])
    expect(two.resolve('W1')).toMatchObject({ ok: true, secrets: { botToken: 'secret-two' } })
    await one.note('W1', { status: { to: 'uninstalled', reason: 'removed' } })
    expect(one.resolve('W1')).toMatchObject({ ok: false, reason: 'inactive_binding' })
    expect(two.resolve('W1')).toMatchObject({ ok: true, secrets: { botToken: 'secret-two' } })
    await one.save({ workspace: 'W1', facts: {}, secrets: {} })
    // Who asks for the workspace alone is told of neither.
    expect(rig.installs.resolve('W1')).toMatchObject({ ok: false, reason: 'ambiguous_binding' })
    expect(rig.installs.list()).toHaveLength(2)
  })

  it('stays with its token while others change, whichever platform writes, also after a restart', async () => {
    const rig = await installsRig()
    const other = rig.registry.of('other')
    const neighbour = { workspace: 'W2', facts: {}, secrets: { bot: 'token-of-the-neighbour' } }
    // What each platform does comes in between what the other does, and all at once.
    await other.save(neighbour)
    await Promise.all([
      rig.installs.save(first),
      other.note('W2', health('rate_limited')),
      rig.installs.note('W1', health('ok', 'fresh')),
      other.save({ ...neighbour, facts: { name: 'Second' } }),
    ])
    await other.note('W2', health('ok', 'late'))
    const seen = [rig.installs.resolve('W1'), other.resolve('W2')]
    expect(seen).toMatchObject([
      { ok: true, secrets: first.secrets },
      { ok: true, secrets: neighbour.secrets, installation: { facts: { name: 'Second' }, health: { state: 'ok' } } },
    ])
    await rig.store.close()
    const again = await installsRig({ dir: rig.dir })
    expect([again.installs.resolve('W1'), again.registry.of('other').resolve('W2')]).toEqual(seen)
  })

  it('whose token died is not used until it is installed anew', async () => {
    const rig = await installsRig()
    await rig.installs.save(first)
    await rig.installs.note('W1', health('invalid_token', 'account_inactive'))
    expect(rig.installs.resolve('W1')).toEqual({ ok: false, reason: 'inactive_binding', health: 'invalid_token' })
    await rig.installs.save(first)
    expect(rig.installs.resolve('W1').ok).toBe(true)
  })

  it.each(['revoked', 'uninstalled'] as const)('that was %s keeps the names of its secrets only', async (to) => {
    const rig = await installsRig()
    const { id } = await rig.installs.save(first)
    await rig.installs.note('W1', { status: { to, reason: 'app_uninstalled' } })
    expect(rig.installs.resolve('W1')).toEqual({ ok: false, reason: 'inactive_binding', health: 'revoked' })
    expect(rig.store.read((db) => secretsOf(db, id))).toEqual([
      { name: 'bot', value: null },
      { name: 'refresh', value: null },
    ])
    expect(rig.installs.list()[0]).toMatchObject({
      status: to,
      statusReason: 'app_uninstalled',
      secretNames: ['bot', 'refresh'],
    })
    await rig.installs.save(first)
    expect(rig.installs.resolve('W1')).toMatchObject({ ok: true, secrets: first.secrets })
  })

  it('that got into the store twice is refused, until somebody installs anew', async () => {
    const rig = await installsRig()
    const saved = await rig.installs.save(first)
    await rig.store.write((db) => putInstall(db, { ...saved, id: 'inst_imported' }))
    expect(rig.installs.resolve('W1')).toEqual({ ok: false, reason: 'ambiguous_binding', health: 'degraded' })
    const now = await rig.installs.save(first)
    expect(rig.installs.resolve('W1')).toMatchObject({ ok: true, installation: { id: now.id } })
  })

  it('with a secret of somebody else’s in its row is refused by its name', async () => {
    const rig = await installsRig()
    const one = await rig.installs.save(first)
    const two = await rig.installs.save({ ...first, workspace: 'W2', secrets: { bot: 'of the second' } })
    const stolen = rig.store.read((db) => secretsOf(db, two.id))
    await rig.store.write((db) => putSecrets(db, one.id, stolen))
    expect(rig.installs.resolve('W1')).toEqual({ ok: false, reason: 'stale_token_ref:bot', health: 'degraded' })
    expect(rig.installs.resolve('W2')).toMatchObject({ ok: true, secrets: { bot: 'of the second' } })
  })

  it.each([
    ['no workspace', { ...first, workspace: '' }],
    ['an endless workspace', { ...first, workspace: 'w'.repeat(257) }],
    ['an empty secret', { ...first, secrets: { bot: '' } }],
    ['an endless secret', { ...first, secrets: { bot: 'x'.repeat(16_385) } }],
    ['too many facts', { ...first, facts: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`f${i}`, ''])) }],
  ])('with %s is not kept, and the error does not quote it', async (_, install) => {
    const rig = await installsRig()
    await expect(rig.installs.save(install)).rejects.toThrow(/^an installation with empty or oversized parts/)
    expect(rig.installs.list()).toEqual([])
  })
})

describe('the key of installations', () => {
  it('can be replaced by a configured one: everything moves under it', async () => {
    const rig = await installsRig()
    await rig.installs.save(first)
    await rig.store.close()
    const key = randomBytes(32).toString('base64')
    const moved = await installsRig({ dir: rig.dir, key })
    expect(moved.log.lines.join()).toContain('under the configured key now')
    expect(moved.installs.resolve('W1')).toMatchObject({ ok: true, secrets: first.secrets })
    await moved.store.close()
    const later = await installsRig({ dir: rig.dir, key })
    expect(later.log.lines).toEqual([])
    expect(later.installs.resolve('W1').ok).toBe(true)
  })

  it('that is a wrong one makes tokens stale, says so once with the cure, and destroys nothing', async () => {
    const key = randomBytes(32).toString('hex')
    const rig = await installsRig({ key })
    await rig.installs.save(first)
    await rig.store.close()
    const wrong = await installsRig({ dir: rig.dir, key: randomBytes(32).toString('hex') })
    expect(wrong.installs.resolve('W1')).toMatchObject({ reason: 'stale_token_ref:bot' })
    expect(wrong.log.lines).toHaveLength(1)
    expect(wrong.log.lines[0]).toContain('OPENCLAW_CONNECTOR_SECRET_KEY')
    await wrong.store.close()
    expect((await installsRig({ dir: rig.dir, key })).installs.resolve('W1').ok).toBe(true)
  })
})

describe('the record of installations', () => {
  it('holds who came and went, though health changes and tokens are renewed a thousand times', async () => {
    const rig = await installsRig()
    const { id } = await rig.installs.save(first)
    const event = {
      install: id,
      platform: 'fake',
      tenant: 'default',
      workspace: 'W1',
      status: 'active',
      details: {},
    } as const
    await rig.store.write((db) => {
      for (let i = 0; i < 3000; i++) addAudit(db, { ...event, atMs: i, action: i % 2 ? 'rotate' : 'health_update' })
    })
    expect(rig.registry.auditCount('default')).toBe(1001)
    expect(rig.registry.audit('default', null, 2000)[0]).toMatchObject({ action: 'upsert', install: id })
  })

  it('is given oldest first, the last ones, of one installation or of all', async () => {
    const rig = await installsRig()
    await rig.installs.save(first)
    const two = await rig.installs.save({ ...first, workspace: 'W2' })
    await rig.installs.note('W1', health('rate_limited', 'ratelimited'))
    expect(rig.registry.audit('default', null, 2).map(({ workspace }) => workspace)).toEqual(['W2', 'W1'])
    expect(rig.registry.audit('default', two.id, 100).map(({ action }) => action)).toEqual(['upsert'])
    expect(rig.registry.audit('default', null, 1)[0]).toMatchObject({
      action: 'health_update',
      details: { state: 'rate_limited', reason: 'ratelimited' },
    })
  })
})

describe('an operator', () => {
  it('switches an installation off and on again, each once in the record', async () => {
    const rig = await installsRig()
    const { id } = await rig.installs.save(first)
    for (let i = 0; i < 2; i++)
      expect(await rig.registry.setActive('default', id, false)).toMatchObject({ status: 'deactivated' })
    expect(rig.installs.resolve('W1')).toMatchObject({ reason: 'inactive_binding' })
    for (let i = 0; i < 2; i++)
      expect(await rig.registry.setActive('default', id, true)).toMatchObject({ status: 'active' })
    expect(rig.installs.resolve('W1')).toMatchObject({ ok: true, secrets: first.secrets })
    expect(actionsOf(rig)).toEqual(['upsert', 'deactivate', 'activate'])
  })

  it('is heard, not whoever installs anew: it stays off with its new tokens until the operator switches it on', async () => {
    const rig = await installsRig()
    const { id } = await rig.installs.save(first)
    await rig.registry.setActive('default', id, false)
    const renewed = { ...first, secrets: { bot: 'another' } }
    for (let i = 0; i < 2; i++)
      expect(await rig.installs.save(renewed)).toMatchObject({ id, status: 'deactivated', statusReason: 'operator' })
    expect(rig.installs.resolve('W1')).toMatchObject({ ok: false, reason: 'inactive_binding' })
    await rig.registry.setActive('default', id, true)
    expect(rig.installs.resolve('W1')).toMatchObject({ ok: true, secrets: { bot: 'another' } })
    expect(actionsOf(rig)).toEqual(['upsert', 'deactivate', 'upsert', 'activate'])
  })

  it('is heard, not the platform: what ends there and is installed anew is still off, and has lost its tokens', async () => {
    const rig = await installsRig()
    const { id } = await rig.installs.save(first)
    await rig.registry.setActive('default', id, false)
    for (let i = 0; i < 2; i++)
      await rig.installs.note('W1', { status: { to: 'uninstalled', reason: 'app_uninstalled' } })
    expect(rig.installs.list()).toMatchObject([{ status: 'deactivated', health: { state: 'revoked' } }])
    expect(rig.store.read((db) => secretsOf(db, id)).map(({ value }) => value)).toEqual([null, null])
    expect(await rig.registry.setActive('default', id, true)).toBe('reinstall')
    expect(await rig.installs.save(first)).toMatchObject({ status: 'deactivated', health: { state: 'ok' } })
    await rig.installs.note('W1', { status: { to: 'active', reason: 'the platform says so' } })
    expect(rig.installs.resolve('W1').ok).toBe(false)
    expect(await rig.registry.setActive('default', id, true)).toMatchObject({ status: 'active' })
    expect(actionsOf(rig)).toEqual(['upsert', 'deactivate', 'health_update', 'uninstall', 'upsert', 'activate'])
  })

  it('can’t switch on what was uninstalled, and switching it off leaves it uninstalled', async () => {
    const rig = await installsRig()
    const { id } = await rig.installs.save(first)
    await rig.installs.note('W1', { status: { to: 'uninstalled', reason: 'app_uninstalled' } })
    expect(await rig.registry.setActive('default', id, true)).toBe('reinstall')
    expect(await rig.registry.setActive('default', id, false)).toMatchObject({ status: 'uninstalled' })
  })

  it('removes one with its secrets, and the record tells it', async () => {
    const rig = await installsRig()
    const { id } = await rig.installs.save(first)
    expect(await rig.registry.remove('default', id)).toMatchObject({ id })
    expect(await rig.registry.remove('default', id)).toBeNull()
    expect(rig.store.read((db) => secretsOf(db, id))).toEqual([])
    expect(rig.installs.resolve('W1')).toMatchObject({ reason: 'missing_binding' })
    expect(actionsOf(rig)).toEqual(['upsert', 'delete'])
  })
})

describe('tenants', () => {
  it('own their installations: nothing of another is seen, used or changed', async () => {
    const tenantOf = (_: string, workspace: string): string => (workspace === 'W1' ? 'acme' : 'default')
    const rig = await installsRig({ tenantOf })
    const { id } = await rig.installs.save(first)
    expect(rig.registry.list('default')).toEqual([])
    expect(rig.registry.get('default', id)).toBeNull()
    expect(rig.registry.audit('default', null, 100)).toEqual([])
    expect(rig.registry.audit('default', id, 100)).toEqual([])
    expect(rig.registry.resolve('default', 'fake', 'W1')).toMatchObject({ reason: 'tenant_mismatch' })
    expect(await rig.registry.setActive('default', id, false)).toBeNull()
    expect(await rig.registry.remove('default', id)).toBeNull()
    expect(rig.registry.get('acme', id)).toMatchObject({ tenant: 'acme', status: 'active' })
    expect(rig.installs.resolve('W1')).toMatchObject({ ok: true, installation: { tenant: 'acme' } })
  })

  it('do not inherit a workspace that was given to another', async () => {
    const rig = await installsRig({ tenantOf: () => 'acme' })
    await rig.installs.save(first)
    await rig.store.close()
    const moved = await installsRig({ dir: rig.dir, tenantOf: () => 'umbrella' })
    expect(moved.installs.resolve('W1')).toEqual({ ok: false, reason: 'tenant_mismatch', health: 'degraded' })
    expect(moved.installs.list()).toEqual([])
    await moved.installs.note('W1', health('invalid_token'))
    expect(moved.registry.list('acme')[0]?.health.state).toBe('ok')
  })
})

describe('who only looks', () => {
  const config = (stateDir: string) => ({
    stateDir,
    secretKey: null,
    tenancy: null,
  })

  it('sees the installations of a running daemon and can change none', async () => {
    const rig = await installsRig()
    const saved = await rig.installs.save(first)
    const look = lookAtInstalls(config(rig.dir), keepingLog())
    const installs = look.of('fake')
    expect(installs.resolve('W1')).toEqual({ ok: true, installation: saved, secrets: first.secrets })
    await expect(installs.save(first)).rejects.toThrow('only looked at')
    await expect(installs.note('W1', health('ok'))).rejects.toThrow('only looked at')
    look.close()
  })

  it('finds nothing where there is nothing', () => {
    const look = lookAtInstalls(config('/nowhere/at/all'), keepingLog())
    expect(look.of('fake').list()).toEqual([])
    expect(look.of('fake').resolve('W1')).toMatchObject({ reason: 'missing_binding' })
    look.close()
  })
})
