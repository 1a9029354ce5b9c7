import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { tenantFor } from '../policy/tenants.ts'
import type { Config } from './config/config.ts'
import type { Edge } from './edge.ts'
import { openKeys } from './installs/keys.ts'
import { openRegistry, type Registry } from './installs/registry.ts'
import { type Blobs, openBlobs } from './media/blobs.ts'
import { createLinks, type Links } from './media/links.ts'
import { getMemo, setMemo } from './store/memo.ts'
import { lockState, openDb } from './store/open.ts'
import { recoverOutbox } from './store/outbox.ts'
import { openStore, type Store } from './store/store.ts'

export interface State {
  readonly store: Store
  readonly blobs: Blobs
  readonly links: Links
  readonly installs: Registry
  readonly close: () => Promise<void>
}

/** Opens everything that lies on disk, for this process alone. Throws StateError when that can't be. */
export const openState = async (config: Config, { now, pid, log }: Edge): Promise<State> => {
  const lock = lockState(config.stateDir, pid)
  const store = openStore(openDb(join(config.stateDir, 'connector.db')), now)
  const blobs = await openBlobs({
    dir: join(config.stateDir, 'media'),
    maxTotalBytes: config.media.maxTotalBytes,
    now,
    newId: () => randomBytes(16).toString('hex'),
    log,
  })
  const links = createLinks({
    key: await mediaKey(store),
    base: config.publicBaseUrl,
    path: config.media.path,
    ttlMs: config.media.ttlMs,
    now,
  })
  const installs = await openRegistry({
    store,
    keys: openKeys({ stateDir: config.stateDir, configured: config.secretKey, log }),
    tenantOf: (platform, workspace) => tenantFor(config.tenancy, platform, workspace),
    now,
    newId: () => randomBytes(8).toString('hex'),
    log,
  })
  const unsure = await store.write(recoverOutbox)
  if (unsure > 0) log.warn({ parts: unsure }, 'sends were under way when the last run ended')
  return {
    store,
    blobs,
    links,
    installs,
    close: async () => {
      await store.close()
      lock.release()
    },
  }
}

/** A key of its own, so that links outlive a restart and say nothing about the admin token. */
const mediaKey = async (store: Store): Promise<Uint8Array> => {
  const fresh = randomBytes(32).toString('base64')
  const kept = await store.write((db) => {
    const known = getMemo(db, 'core', 'media-key')
    if (known === null) setMemo(db, 'core', 'media-key', fresh)
    return known ?? fresh
  })
  return Buffer.from(kept, 'base64')
}
