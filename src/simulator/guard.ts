import { admitAdmin, admitReader, principalOf, refuse, tenantOf, type Wording } from './auth.ts'
import { type Answer, type Ask, json, type Params } from './http.ts'
import { type RateClass, rateLimited } from './rates.ts'
import type { World } from './world.ts'

export interface Door {
  /** `admin`: the token; `reader`: loopback or the observability token. */
  readonly who: 'admin' | 'reader'
  readonly rate: RateClass | null
  readonly wording: Wording
}

export type TenantHandle = (
  ask: Ask,
  params: Params,
  tenant: { readonly id: string; readonly named: boolean },
) => Answer

/** Tenant, then limit, then token: the order in which the pack's core routes look. */
export const behind =
  (world: World, door: Door, handle: TenantHandle) =>
  (ask: Ask, params: Params): Answer => {
    const tenant = tenantOf(world.settings, ask)
    if (!tenant.ok) return tenant.answer
    if (door.rate !== null) {
      const refusal = world.life().rates.take(door.rate, principalOf(world.settings, ask), tenant.id)
      const error = door.wording === 'jobs' ? 'jobs_rate_limited' : 'Rate limit exceeded'
      if (refusal !== null) return rateLimited(refusal, error)
    }
    if (door.who === 'reader') {
      if (admitReader(world.settings, ask)) return handle(ask, params, tenant)
      return json(403, { ok: false, error: 'Observability access denied. Send X-OpenClaw-Obs-Token.' })
    }
    const admitted = admitAdmin(world.settings, ask)
    return admitted.ok ? handle(ask, params, tenant) : refuse(door.wording, admitted.why)
  }
