import type { Installation, Installs } from '../../src/contract/index.ts'

/** Installations of one platform as an adapter sees them, kept in memory: for adapters that run alone in a test. */
export const testInstalls = (platform = 'fake', now: () => number = Date.now): Installs => viewOf([], {}, platform, now)

interface Row {
  installation: Installation
  secrets: Readonly<Record<string, string>>
}

const viewOf = (all: Row[], has: Installation['facts'], platform: string, now: () => number): Installs => {
  const ours = (): Row[] =>
    all.filter(({ installation: { facts } }) => Object.entries(has).every(([name, value]) => facts[name] === value))
  const find = (workspace: string) => ours().find(({ installation }) => installation.workspace === workspace)
  const put = (before: Row | undefined, row: Row): void => {
    if (before) Object.assign(before, row)
    else all.push(row)
  }
  return {
    resolve: (workspace) => {
      const found = find(workspace)
      if (!found) return { ok: false, reason: 'missing_binding', health: 'workspace_unbound' }
      const { status, health } = found.installation
      const usable = status === 'active' || status === 'rotating'
      const healthy = health.state !== 'invalid_token' && health.state !== 'revoked'
      return usable && healthy
        ? { ok: true, ...found }
        : { ok: false, reason: 'inactive_binding', health: health.state }
    },
    save: async ({ workspace, facts, secrets }) => {
      const row = find(workspace)
      const before = row?.installation
      const installation: Installation = {
        platform,
        tenant: 'default',
        workspace,
        id: before?.id ?? `install-${all.length + 1}`,
        // What the operator has switched off stays off.
        status: before?.status === 'deactivated' ? 'deactivated' : 'active',
        statusReason: before?.status === 'deactivated' ? before.statusReason : '',
        health: { state: 'ok', reason: '', atMs: now() },
        secretNames: Object.keys(secrets),
        facts: { ...facts, ...has },
        createdAtMs: before?.createdAtMs ?? now(),
        updatedAtMs: now(),
      }
      put(row, { installation, secrets })
      return installation
    },
    note: async (workspace, { status, health }) => {
      const found = find(workspace)
      if (!found) return
      const installation: Installation = {
        ...found.installation,
        ...(status ? { status: status.to, statusReason: status.reason } : {}),
        ...(health ? { health: { ...health, atMs: now() } } : {}),
        updatedAtMs: now(),
      }
      put(found, { ...found, installation })
    },
    list: () => ours().map(({ installation }) => installation),
    having: (facts) => viewOf(all, { ...has, ...facts }, platform, now),
  }
}
