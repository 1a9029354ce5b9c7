import { behind, type Door } from './guard.ts'
import { json, type Route } from './http.ts'
import type { World } from './world.ts'

/** Installations come from a connector inside the Python process; there is none, so all lists are empty. */
export function connectorRoutes(world: World): readonly Route[] {
  const door: Door = { who: 'admin', rate: 'admin', wording: 'ok' }
  const root = '/openclaw/connector/installations'
  return [
    {
      method: 'GET',
      path: root,
      core: true,
      handle: behind(world, door, (_ask, _params, { id }) => {
        const diagnostics = { installation_count: 0, status_counts: {}, health_counts: {}, audit_events: 0 }
        return json(200, { ok: true, tenant_id: id, installations: [], diagnostics })
      }),
    },
    {
      method: 'GET',
      path: `${root}/resolve`,
      core: true,
      handle: behind(world, door, ({ query }, _params, { id }) => {
        if (!query.get('platform') || !query.get('workspace_id')) {
          return json(400, { ok: false, error: 'platform and workspace_id are required' })
        }
        const resolution = {
          ok: false,
          reject_reason: 'missing_binding',
          audit_code: 'conn_install.resolve_missing',
          health_code: 'workspace_unbound',
        }
        return json(409, { ok: false, tenant_id: id, resolution })
      }),
    },
    {
      method: 'GET',
      path: `${root}/audit`,
      core: true,
      handle: behind(world, door, (_ask, _params, { id }) => json(200, { ok: true, tenant_id: id, events: [] })),
    },
    {
      method: 'GET',
      path: `${root}/:id`,
      core: true,
      handle: behind(world, door, () => json(404, { ok: false, error: 'not_found' })),
    },
  ]
}
