import { type Context, Hono } from 'hono'
import type { SecretRef } from '../../../policy/secret-refs.ts'
import type { Log } from '../../contract/index.ts'
import type { Registry } from '../../installs/registry.ts'
import { StoreError } from '../../store/store.ts'
import { extractionContract } from './extraction.ts'
import { type ApiEnv, type GuardDeps, makeGuard } from './guard.ts'
import { openApi } from './openapi.ts'
import { auditShape, diagnosticsShape, installationShape, resolutionShape } from './shapes.ts'

export interface ApiDeps extends GuardDeps {
  readonly version: string
  readonly registry: Registry
  /** How the secrets of the configuration stand. */
  readonly secretRefs: readonly SecretRef[]
  /** Names of the variables that service files may refer to. */
  readonly portable: readonly string[]
  readonly log: Log
}

export const apiRoot = '/openclaw/connector'
const mostEvents = 500
const usualEvents = 100

const limitOf = (text: string | undefined): number => {
  const wanted = /^\d{1,9}$/.test(text ?? '') ? Number(text) : usualEvents
  return Math.min(mostEvents, Math.max(1, wanted))
}

type Ctx = Context<ApiEnv>
const missing = (c: Ctx): Response => c.json({ ok: false, error: 'not_found' }, 404)

/** The operator's view of installations, in the shapes of the backend's own (backend-contract, section 6). */
export const makeApi = (deps: ApiDeps): Hono<ApiEnv> => {
  const { registry, log } = deps
  const app = new Hono<ApiEnv>()
  const installations = `${apiRoot}/installations`
  app.get(`${apiRoot}/openapi.json`, (c) => c.json(openApi(deps)))
  app.use(`${apiRoot}/*`, makeGuard(deps))

  app.get(installations, (c) => {
    const tenant_id = c.get('tenant')
    const { platform, workspace_id, status } = c.req.query()
    const all = registry.list(tenant_id)
    const shown = all.filter(
      (one) =>
        (!platform || one.platform === platform.toLowerCase()) &&
        (!workspace_id || one.workspace === workspace_id) &&
        (!status || one.status === status.toLowerCase()),
    )
    const diagnostics = diagnosticsShape(all, registry.auditCount(tenant_id))
    return c.json({ ok: true, tenant_id, installations: shown.map(installationShape), diagnostics })
  })
  app.get(`${installations}/resolve`, (c) => {
    const tenant_id = c.get('tenant')
    const { platform, workspace_id } = c.req.query()
    if (!platform || !workspace_id) return c.json({ ok: false, error: 'platform and workspace_id are required' }, 400)
    const bound = registry.resolve(tenant_id, platform.toLowerCase(), workspace_id)
    return c.json({ ok: bound.ok, tenant_id, resolution: resolutionShape(bound) }, bound.ok ? 200 : 409)
  })
  app.get(`${installations}/audit`, (c) => {
    const tenant_id = c.get('tenant')
    const { installation_id, limit } = c.req.query()
    const events = registry.audit(tenant_id, installation_id || null, limitOf(limit))
    return c.json({ ok: true, tenant_id, events: events.map(auditShape) })
  })
  app.get(`${installations}/:id`, (c) => {
    const tenant_id = c.get('tenant')
    const found = registry.get(tenant_id, c.req.param('id'))
    return found ? c.json({ ok: true, tenant_id, installation: installationShape(found) }) : missing(c)
  })

  const switching = (active: boolean) => async (c: Ctx) => {
    const tenant_id = c.get('tenant')
    const id = c.req.param('id') ?? ''
    const done = await registry.setActive(tenant_id, id, active)
    if (done === null) return missing(c)
    if (done === 'reinstall') return c.json({ ok: false, error: 'reinstall_required' }, 409)
    log.info({ install: id, platform: done.platform, status: done.status }, 'installation switched by the operator')
    return c.json({ ok: true, tenant_id, installation: installationShape(done) })
  }
  app.post(`${installations}/:id/activate`, switching(true))
  app.post(`${installations}/:id/deactivate`, switching(false))
  app.delete(`${installations}/:id`, async (c) => {
    const tenant_id = c.get('tenant')
    const gone = await registry.remove(tenant_id, c.req.param('id'))
    if (!gone) return missing(c)
    log.info({ install: gone.id, platform: gone.platform }, 'installation removed by the operator')
    return c.json({ ok: true, tenant_id, installation_id: gone.id, deleted: true })
  })

  app.get(`${apiRoot}/secrets`, (c) => c.json({ ok: true, tenant_id: c.get('tenant'), secrets: deps.secretRefs }))
  app.get(`${apiRoot}/extraction-contract`, (c) => c.json({ ok: true, contract: extractionContract(deps.portable) }))

  app.onError((error, c) => {
    const full = error instanceof StoreError
    log.error({ error: error.message }, 'admin request failed')
    return c.json({ ok: false, error: full ? 'store_unavailable' : 'internal_error' }, full ? 503 : 500)
  })
  return app
}
