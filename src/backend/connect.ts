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
  /** The same as another tenant sees it. Made once for each; the tenants are the configuration's. */
  readonly asTenant: (tenant: string) => Pick<BackendLink, 'backend' | 'templates' | 'llmConfig'>
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
  const linkAs = (tenant: string | undefined) => {
    const backend = createBackend({
      url: config.url,
      adminToken: config.adminToken,
      obsToken: config.obsToken,
      tenantHeader: config.tenant?.header ?? null,
      tenant,
      version,
      fetch: presence.fetch,
      now,
      log,
    })
    const { templates, config: llmConfig } = createCaches({ backend, now, signal })
    return { backend, templates, llmConfig }
  }
  const own = linkAs(config.tenant?.id)
  const others = new Map<string, typeof own>()
  const asTenant = (tenant: string): typeof own => {
    if (config.tenant === null || tenant === config.tenant.id) return own
    const link = others.get(tenant) ?? linkAs(tenant)
    others.set(tenant, link)
    return link
  }
  return { ...own, asTenant, away: presence.away }
}
