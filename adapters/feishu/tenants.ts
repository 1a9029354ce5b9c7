// A file of its own: the organisations that installed an app of the store, as the platform's events tell of them.
import * as v from 'valibot'
import type { AdapterDeps } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Binding } from './bindings.ts'
import type { Occurrence } from './decode.ts'
import type { Store } from './store.ts'
import { appTicket } from './wire.ts'

export interface Tenants {
  /** Takes what is about the app itself. True when it was that; then nothing else is in it. */
  readonly settles: (occurrence: Occurrence) => Promise<boolean>
  /** Whether events of a tenant are to be served. One that nobody told of yet is entered. */
  readonly admits: (occurrence: Occurrence) => Promise<boolean>
  /** The tenant a message goes to; without one the only one there is. Throws SendError where there is none to be used. */
  readonly reach: (tenant: string | undefined) => string
}

type Deps = Pick<AdapterDeps, 'installs' | 'now' | 'log'>

export const makeTenants = (binding: Binding, store: Store, { installs, now, log }: Deps): Tenants => {
  const { account, appId, domain, mode } = binding
  const find = (tenant: string) => installs.list().find(({ workspace }) => workspace === tenant)
  /** The app's own row, where its ticket is. */
  const isOff = (): boolean => {
    const own = installs.resolve(appId)
    return !own.ok && own.reason !== 'missing_binding'
  }

  const enter = async (tenant: string, atMs: number): Promise<void> => {
    const facts = { account, app_id: appId, domain, mode, installed_at_ms: String(atMs) }
    await installs.save({ workspace: tenant, facts, secrets: {} })
    log.info({ account, workspace: tenant }, 'an organisation was entered')
  }

  const opened = async (tenant: string, atMs: number): Promise<void> => {
    const known = find(tenant)
    // Told late, of before it was removed.
    if (known?.status === 'uninstalled' && atMs <= known.updatedAtMs) return
    await enter(tenant, atMs)
  }

  const closed = async (tenant: string, atMs: number): Promise<void> => {
    const known = find(tenant)
    if (known === undefined) return
    if (atMs < Number(known.facts.installed_at_ms)) {
      log.info({ account, workspace: tenant }, 'an old end of an installation is ignored, it was installed anew since')
      return
    }
    await installs.note(tenant, { status: { to: 'uninstalled', reason: 'app_uninstalled' } })
    log.warn({ account, workspace: tenant }, 'an organisation has removed the app')
  }

  return {
    settles: async ({ type, tenantKey, atMs, event }) => {
      if (type === 'app_ticket') {
        const read = v.safeParse(appTicket, event)
        if (read.success) await store.keepTicket(read.output.app_ticket, atMs ?? now())
        else log.warn({ account }, 'a ticket could not be read')
        return true
      }
      if (type !== 'app_open' && type !== 'app_uninstalled') return false
      if (tenantKey !== undefined) await (type === 'app_open' ? opened : closed)(tenantKey, atMs ?? now())
      return true
    },
    admits: async ({ tenantKey, atMs }) => {
      if (tenantKey === undefined || tenantKey === appId || isOff()) return false
      const found = installs.resolve(tenantKey)
      if (found.ok) return true
      const known = find(tenantKey)
      // The first installation alone is told for certain; who writes from there has it again.
      const isBack = known?.status === 'uninstalled' && (atMs ?? 0) > known.updatedAtMs
      if (found.reason !== 'missing_binding' && !isBack) {
        log.warn({ account, workspace: tenantKey, reason: found.reason }, 'the installation is not to be used')
        return false
      }
      await enter(tenantKey, atMs ?? now())
      return installs.resolve(tenantKey).ok
    },
    reach: (tenant) => {
      const usable = (one: string): boolean => one !== appId && !isOff() && installs.resolve(one).ok
      const all = tenant === undefined ? installs.list().map(({ workspace }) => workspace) : [tenant]
      const [only, ...others] = all.filter(usable)
      if (only === undefined || others.length > 0)
        throw new SendError(
          'target_gone',
          `no usable installation for ${tenant ?? 'a message that names no workspace'}`,
        )
      return only
    },
  }
}
