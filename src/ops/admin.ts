import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { PlatformState } from '../intake/stream-states.ts'
import type { Metrics } from './metrics.ts'

export interface AdminDeps {
  readonly version: string
  readonly platforms: () => ReadonlyMap<string, PlatformState>
  readonly trouble: () => { readonly why: string; readonly sinceMs: number } | null
  readonly backendAway: () => { readonly sinceMs: number } | null
  readonly waiting: () => { readonly events: number; readonly parts: number; readonly jobs: number }
  readonly metrics: Metrics
  readonly closing: () => boolean
}

export interface Readiness {
  readonly ready: boolean
  readonly version: string
  readonly store: string
  readonly backend: string
  readonly platforms: Readonly<Record<string, PlatformState>>
  readonly waiting: { readonly events: number; readonly parts: number; readonly jobs: number }
}

/** Ready as long as anything can be served: one platform's failure is listed, and is its own. A store that can't keep
 *  is everybody's. A backend that is away is told in chats, so it does not take us out of service. */
export const readiness = (deps: AdminDeps): Readiness => {
  const platforms = Object.fromEntries(deps.platforms())
  const someWork = Object.values(platforms).some(({ state }) => state === 'up' || state === 'starting')
  const trouble = deps.trouble()
  const away = deps.backendAway()
  return {
    ready: someWork && trouble === null && !deps.closing(),
    version: deps.version,
    store: trouble ? `${trouble.why} (since ${new Date(trouble.sinceMs).toISOString()})` : 'ok',
    backend: away ? `no answer since ${new Date(away.sinceMs).toISOString()}` : 'ok',
    platforms,
    waiting: deps.waiting(),
  }
}

/** Health, readiness and metrics for the operator, on an address of their own. No ids, no secrets. */
export const makeAdminApp = (deps: AdminDeps): Hono<{ Bindings: HttpBindings }> => {
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.get('/healthz', (c) => c.json({ ok: true, version: deps.version }))
  app.get('/readyz', (c) => {
    const state = readiness(deps)
    return c.json(state, state.ready ? 200 : 503)
  })
  app.get('/metrics', (c) =>
    c.text(deps.metrics.render(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  )
  app.notFound((c) => c.body(null, 404))
  return app
}
