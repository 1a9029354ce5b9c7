import { type Binding, bind } from '../../policy/binding.ts'
import type { Installation, Installs, Log } from '../contract/index.ts'
import {
  type AuditEvent,
  auditCount,
  auditOf,
  dropInstall,
  installById,
  installsOfTenant,
  installsOn,
} from '../store/installs.ts'
import type { Db } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import {
  audit,
  byOperator,
  changeInstall,
  type Facts,
  installsHaving,
  isHaving,
  noteInstall,
  saveInstall,
} from './change.ts'
import type { Keys } from './keys.ts'
import { openSecrets, reseal } from './vault.ts'

export interface RegistryDeps {
  readonly store: Pick<Store, 'read' | 'write'>
  readonly keys: Keys
  /** Whose a workspace is. */
  readonly tenantOf: (platform: string, workspace: string) => string
  readonly now: () => number
  /** Fresh, unguessable, unique. */
  readonly newId: () => string
  readonly log: Log
}

/** What an operator may look at and change: everything of one tenant, and never a secret. */
export interface Registry {
  /** A platform's own view. */
  readonly of: (platform: string) => Installs
  readonly list: (tenant: string) => readonly Installation[]
  /** Null also when it is another tenant's. */
  readonly get: (tenant: string, id: string) => Installation | null
  readonly resolve: (tenant: string, platform: string, workspace: string) => Binding
  /** Oldest first, the last `limit`. */
  readonly audit: (tenant: string, install: string | null, limit: number) => readonly AuditEvent[]
  readonly auditCount: (tenant: string) => number
  /** Null: there is no such one. `reinstall`: its tokens are gone, only installing it anew brings it back. */
  readonly setActive: (tenant: string, id: string, active: boolean) => Promise<Installation | 'reinstall' | null>
  readonly remove: (tenant: string, id: string) => Promise<Installation | null>
}

/** Opens the installations of all platforms. Nothing is read ahead: what counts is what the database says. */
export const openRegistry = async (deps: RegistryDeps): Promise<Registry> => {
  const { store, keys, log } = deps
  const { moved, lost } = await store.write((db) => reseal(db, keys))
  if (moved > 0) log.info({ installations: moved }, 'tokens of installations are under the configured key now')
  if (lost > 0) {
    const cure = 'put the key back that wrote them (OPENCLAW_CONNECTOR_SECRET_KEY or secret.key), or install anew'
    log.error({ installations: lost, cure }, 'tokens of installations can not be read with this key')
  }
  return registryOn(deps)
}

/** The same as it lies there, without a look at the keys. */
export const registryOn = (deps: RegistryDeps): Registry => {
  const { store, keys, now } = deps

  const boundIn = (db: Db, tenant: string, platform: string, workspace: string, has: Facts = {}): Binding =>
    bind(
      installsHaving(db, platform, workspace, has).map((installation) => ({
        installation,
        unreadable: openSecrets(db, installation, keys).unreadable,
      })),
      tenant,
    )

  const owned = (db: Db, tenant: string, id: string): Installation | null => {
    const found = installById(db, id)
    return found?.tenant === tenant ? found : null
  }

  const of = (platform: string, has: Facts = {}): Installs => ({
    resolve: (workspace) =>
      store.read((db) => {
        const bound = boundIn(db, deps.tenantOf(platform, workspace), platform, workspace, has)
        if (!bound.ok) return { ok: false, reason: bound.reason, health: bound.health }
        const { installation } = bound
        return { ok: true, installation, secrets: openSecrets(db, installation, keys).secrets }
      }),
    save: (install) => {
      const tenant = deps.tenantOf(platform, install.workspace)
      return store.write((db) => saveInstall(db, { platform, tenant, ...install }, deps, has))
    },
    note: async (workspace, change) => {
      const tenant = deps.tenantOf(platform, workspace)
      await store.write((db) => {
        for (const one of installsHaving(db, platform, workspace, has))
          if (one.tenant === tenant) noteInstall(db, one, change, now())
      })
    },
    list: () =>
      store
        .read((db) => installsOn(db, platform))
        .filter((one) => one.tenant === deps.tenantOf(platform, one.workspace) && isHaving(one, has)),
    having: (facts) => of(platform, { ...has, ...facts }),
  })

  return {
    of,
    list: (tenant) => store.read((db) => installsOfTenant(db, tenant)),
    get: (tenant, id) => store.read((db) => owned(db, tenant, id)),
    resolve: (tenant, platform, workspace) => store.read((db) => boundIn(db, tenant, platform, workspace)),
    audit: (tenant, install, limit) => store.read((db) => auditOf(db, tenant, install, limit)),
    auditCount: (tenant) => store.read((db) => auditCount(db, tenant)),
    setActive: (tenant, id, active) =>
      store.write((db) => {
        const one = owned(db, tenant, id)
        if (!one) return null
        const gone = one.status === 'revoked' || one.status === 'uninstalled'
        if (!active) {
          if (!gone) changeInstall(db, one, { status: { to: 'deactivated', reason: byOperator } }, now())
          return owned(db, tenant, id)
        }
        if (gone || openSecrets(db, one, keys).unreadable !== null) return 'reinstall'
        const by = { reason: byOperator }
        changeInstall(db, one, { status: { to: 'active', ...by }, health: { state: 'ok', ...by } }, now())
        return owned(db, tenant, id)
      }),
    remove: (tenant, id) =>
      store.write((db) => {
        const one = owned(db, tenant, id)
        if (!one) return null
        dropInstall(db, id)
        audit(db, one, 'delete', { reason: byOperator }, now())
        return one
      }),
  }
}
