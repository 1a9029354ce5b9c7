import type { Installation, InstallHealth, InstallStatus } from '../contract/index.ts'
import type { Db } from './open.ts'

/** A secret as it lies on disk; null once its value was dropped and only the name is left. */
export interface SealedSecret {
  readonly name: string
  readonly value: { readonly keyId: string; readonly sealed: Uint8Array } | null
}

const toInstall = (db: Db, row: Record<string, unknown>): Installation => ({
  platform: String(row.platform),
  tenant: String(row.tenant),
  workspace: String(row.workspace),
  id: String(row.id),
  status: row.status as InstallStatus,
  statusReason: String(row.reason),
  health: { state: row.health as InstallHealth, reason: String(row.health_reason), atMs: Number(row.health_at) },
  secretNames: db
    .sql('SELECT name FROM install_secrets WHERE install = ? ORDER BY name')
    .all(String(row.id))
    .map(({ name }) => String(name)),
  facts: JSON.parse(String(row.facts)) as Record<string, string>,
  createdAtMs: Number(row.created_at),
  updatedAtMs: Number(row.updated_at),
})

/** Adds it, or writes all of it anew. The names of its secrets are kept by `putSecrets`. */
export const putInstall = (db: Db, one: Omit<Installation, 'secretNames'>): void => {
  db.sql(
    `INSERT INTO installs (id, platform, tenant, workspace, status, reason, health, health_reason, health_at, facts, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET status = excluded.status, reason = excluded.reason, health = excluded.health,
       health_reason = excluded.health_reason, health_at = excluded.health_at, facts = excluded.facts, updated_at = excluded.updated_at`,
  ).run(
    one.id,
    one.platform,
    one.tenant,
    one.workspace,
    one.status,
    one.statusReason,
    one.health.state,
    one.health.reason,
    one.health.atMs,
    JSON.stringify(one.facts),
    one.createdAtMs,
    one.updatedAtMs,
  )
}

export const installById = (db: Db, id: string): Installation | null => {
  const row = db.sql('SELECT * FROM installs WHERE id = ?').get(id)
  return row ? toInstall(db, row) : null
}

/** Everybody's in this workspace, whatever their tenant and state. */
export const installsAt = (db: Db, platform: string, workspace: string): Installation[] =>
  db
    .sql('SELECT * FROM installs WHERE platform = ? AND workspace = ? ORDER BY created_at, id')
    .all(platform, workspace)
    .map((row) => toInstall(db, row))

export const installsOn = (db: Db, platform: string): Installation[] =>
  db
    .sql('SELECT * FROM installs WHERE platform = ? ORDER BY workspace, id')
    .all(platform)
    .map((row) => toInstall(db, row))

/** By platform, workspace and id. */
export const installsOfTenant = (db: Db, tenant: string): Installation[] =>
  db
    .sql('SELECT * FROM installs WHERE tenant = ? ORDER BY platform, workspace, id')
    .all(tenant)
    .map((row) => toInstall(db, row))

export const installCount = (db: Db): number => Number(db.sql('SELECT count(*) AS n FROM installs').get()?.n ?? 0)

export const dropInstall = (db: Db, id: string): void => {
  db.sql('DELETE FROM install_secrets WHERE install = ?').run(id)
  db.sql('DELETE FROM installs WHERE id = ?').run(id)
}

const toSecret = (row: Record<string, unknown>): SealedSecret => ({
  name: String(row.name),
  value: row.sealed === null ? null : { keyId: String(row.key_id), sealed: row.sealed as Uint8Array },
})

export const secretsOf = (db: Db, install: string): SealedSecret[] =>
  db.sql('SELECT * FROM install_secrets WHERE install = ? ORDER BY name').all(install).map(toSecret)

/** These and no others. */
export const putSecrets = (db: Db, install: string, secrets: readonly SealedSecret[]): void => {
  db.sql('DELETE FROM install_secrets WHERE install = ?').run(install)
  for (const { name, value } of secrets) {
    db.sql('INSERT INTO install_secrets (install, name, key_id, sealed) VALUES (?, ?, ?, ?)').run(
      install,
      name,
      value?.keyId ?? null,
      value?.sealed ?? null,
    )
  }
}

/** The names stay, so that what is missing can be named. */
export const wipeSecrets = (db: Db, install: string): void => {
  db.sql('UPDATE install_secrets SET key_id = NULL, sealed = NULL WHERE install = ?').run(install)
}

/** Installations with a secret under any key but this one. */
export const sealedOtherwise = (db: Db, keyId: string): string[] =>
  db
    .sql('SELECT DISTINCT install FROM install_secrets WHERE key_id <> ?')
    .all(keyId)
    .map(({ install }) => String(install))

export interface AuditEvent {
  readonly atMs: number
  readonly action: string
  readonly install: string
  readonly platform: string
  readonly tenant: string
  readonly workspace: string
  readonly status: InstallStatus
  readonly details: Readonly<Record<string, string | number>>
}

/** Health comes and goes, and tokens are renewed by the hour; they have a bound of their own, so that they can't push out
 *  who installed and removed what. */
const keptOfKind = 1000

export const addAudit = (db: Db, event: AuditEvent): void => {
  const kind = event.action === 'health_update' || event.action === 'rotate' ? 'health' : 'life'
  db.sql(
    `INSERT INTO install_audit (at, kind, action, install, platform, tenant, workspace, status, details)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    event.atMs,
    kind,
    event.action,
    event.install,
    event.platform,
    event.tenant,
    event.workspace,
    event.status,
    JSON.stringify(event.details),
  )
  db.sql(
    `DELETE FROM install_audit WHERE kind = ? AND seq <=
       (SELECT seq FROM install_audit WHERE kind = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)`,
  ).run(kind, kind, keptOfKind)
}

/** The last ones, oldest first. `install`: of this one only. */
export const auditOf = (db: Db, tenant: string, install: string | null, limit: number): AuditEvent[] => {
  const rows =
    install === null
      ? db.sql('SELECT * FROM install_audit WHERE tenant = ? ORDER BY seq DESC LIMIT ?').all(tenant, limit)
      : db
          .sql('SELECT * FROM install_audit WHERE install = ? AND tenant = ? ORDER BY seq DESC LIMIT ?')
          .all(install, tenant, limit)
  return rows.reverse().map((row) => ({
    atMs: Number(row.at),
    action: String(row.action),
    install: String(row.install),
    platform: String(row.platform),
    tenant: String(row.tenant),
    workspace: String(row.workspace),
    status: row.status as InstallStatus,
    details: JSON.parse(String(row.details)) as Record<string, string | number>,
  }))
}

export const auditCount = (db: Db, tenant: string): number =>
  Number(db.sql('SELECT count(*) AS n FROM install_audit WHERE tenant = ?').get(tenant)?.n ?? 0)
