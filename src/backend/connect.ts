import type { Config } from '../config/config.ts'
import type { Log } from '../contract/index.ts'
import { type Cached, createCaches } from './cached.ts'
import { type Backend, createBackend } from './client.ts'
import { watchPresence } from './presence.ts'
import type { BackendConfig, Template } from './wire.ts'

export interface BackendLink {
  readonly backend: Backend
  /** Kept for a minute: the backend allows 20 such reads a minute, for all of them together. */
  readonly templates: Cached<readonly Template[]>
  readonly llmConfig: Cached<BackendConfig>
  /** Since when nobody answers; null while somebody does. */
  readonly away: () => { readonly sinceMs: number } | null
}

export interface LinkDeps {
  readonly fetch: typeof fetch
  readonly now: () => number
  readonly version: string
  readonly log: Log
}

/** The backend with everything that surrounds its client. Nothing is called yet. */
export const linkBackend = (
  config: Config['backend'],
  { fetch, now, version, log }: LinkDeps,
  signal: AbortSignal,
): BackendLink => {
  const presence = watchPresence(fetch, now)
  const backend = createBackend({
    url: config.url,
    adminToken: config.adminToken,
    obsToken: config.obsToken,
    tenantHeader: config.tenant?.header ?? null,
    tenant: config.tenant?.id,
    version,
    fetch: presence.fetch,
    now,
    log,
  })
  const { templates, config: llmConfig } = createCaches({ backend, now, signal })
  return { backend, templates, llmConfig, away: presence.away }
}
