import type { Installation, Installs } from '../../src/contract/index.ts'

/** Installations of one platform as an adapter sees them, kept in memory: for adapters that run alone in a test. */
export const testInstalls = (platform = 'fake', now: () => number = Date.now): Installs => {
  const all = new Map<string, { installation: Installation; secrets: Readonly<Record<string, string>> }>()
  return {
    resolve: (workspace) => {
      const found = all.get(workspace)
      if (!found) return { ok: false, reason: 'missing_binding', health: 'workspace_unbound' }
      const { status, health } = found.installation
      const usable = status === 'active' || status === 'rotating'
      const healthy = health.state !== 'invalid_token' && health.state !== 'revoked'
      return usable && healthy
        ? { ok: true, ...found }
        : { ok: false, reason: 'inactive_binding', health: health.state }
    },
    save: async ({ workspace, facts, secrets }) => {
      const before = all.get(workspace)?.installation
      const installation: Installation = {
        platform,
        tenant: 'default',
        workspace,
        id: before?.id ?? `install-${all.size + 1}`,
        // What the operator has switched off stays off.
        status: before?.status === 'deactivated' ? 'deactivated' : 'active',
        statusReason: before?.status === 'deactivated' ? before.statusReason : '',
        health: { state: 'ok', reason: '', atMs: now() },
        secretNames: Object.keys(secrets),
        facts,
        createdAtMs: before?.createdAtMs ?? now(),
        updatedAtMs: now(),
      }
      all.set(workspace, { installation, secrets })
      return installation
    },
    note: async (workspace, { status, health }) => {
      const found = all.get(workspace)
      if (!found) return
      const installation: Installation = {
        ...found.installation,
        ...(status ? { status: status.to, statusReason: status.reason } : {}),
        ...(health ? { health: { ...health, atMs: now() } } : {}),
        updatedAtMs: now(),
      }
      all.set(workspace, { ...found, installation })
    },
    list: () => [...all.values()].map(({ installation }) => installation),
  }
}
