import { join } from 'node:path'
import { tenantFor } from '../../policy/tenants.ts'
import type { Config } from '../config/config.ts'
import type { Installs, Log } from '../contract/index.ts'
import { peekDb } from '../store/open.ts'
import { openKeys } from './keys.ts'
import { registryOn } from './registry.ts'

const readOnly = async (): Promise<never> => {
  throw new Error('installations are only looked at here')
}

const none: Installs = {
  resolve: () => ({ ok: false, reason: 'missing_binding', health: 'workspace_unbound' }),
  save: readOnly,
  note: readOnly,
  list: () => [],
  having: () => none,
}

/** Installations for who checks the setup, maybe beside a running daemon: nothing of them can be changed. */
export const lookAtInstalls = (
  config: Pick<Config, 'stateDir' | 'secretKey' | 'tenancy'>,
  log: Log,
): { readonly of: (platform: string) => Installs; readonly close: () => void } => {
  const db = peekDb(join(config.stateDir, 'connector.db'))
  if (!db) return { of: () => none, close: () => {} }
  const registry = registryOn({
    store: { read: (query) => query(db), write: readOnly },
    keys: openKeys({ stateDir: config.stateDir, configured: config.secretKey, log }),
    tenantOf: (platform, workspace) => tenantFor(config.tenancy, platform, workspace),
    now: () => 0,
    newId: () => '',
    log,
  })
  return { of: registry.of, close: db.close }
}
