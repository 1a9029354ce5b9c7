import type { Binding } from '../../../policy/binding.ts'
import type { Installation } from '../../contract/index.ts'
import type { AuditEvent } from '../../store/installs.ts'

/** The backend counts in seconds with a fraction. */
const seconds = (ms: number): number => ms / 1000

/** An installation as the backend shows its own (backend-contract, section 6): references to tokens, never tokens. */
export const installationShape = (one: Installation) => ({
  platform: one.platform,
  tenant_id: one.tenant,
  workspace_id: one.workspace,
  installation_id: one.id,
  token_refs: Object.fromEntries(one.secretNames.map((name) => [name, `connector_installation:${one.id}:${name}`])),
  status: one.status,
  updated_at: seconds(one.updatedAtMs),
  created_at: seconds(one.createdAtMs),
  status_reason: one.statusReason,
  metadata: {
    ...one.facts,
    health: {
      state: one.health.state,
      reason: one.health.reason,
      updated_at: seconds(one.health.atMs),
      details: {},
    },
  },
})

export const auditShape = (event: AuditEvent) => ({
  timestamp: seconds(event.atMs),
  action: event.action,
  installation_id: event.install,
  platform: event.platform,
  tenant_id: event.tenant,
  workspace_id: event.workspace,
  status: event.status,
  details: event.details,
})

export const resolutionShape = (bound: Binding) => ({
  ok: bound.ok,
  reject_reason: bound.ok ? '' : bound.reason,
  audit_code: `conn_install.${bound.code}`,
  health_code: bound.ok ? bound.installation.health.state : bound.health,
  ...(bound.ok ? { installation: installationShape(bound.installation) } : {}),
})

const counted = (words: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const word of words.toSorted()) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

/** Of a tenant's whole stock, whatever was asked for. */
export const diagnosticsShape = (all: readonly Installation[], auditEvents: number) => ({
  installation_count: all.length,
  status_counts: counted(all.map(({ status }) => status)),
  health_counts: counted(all.map(({ status, health }) => (status === 'revoked' ? 'revoked' : health.state))),
  audit_events: auditEvents,
})
