import type { Installation, InstallHealth, ResolveRefusal } from '../src/contract/index.ts'

/** What is known of an installation before anything is decrypted. `unreadable`: a secret that is named and not there. */
export interface Candidate {
  readonly installation: Installation
  readonly unreadable: string | null
}

export type Binding =
  | { readonly ok: true; readonly installation: Installation; readonly code: 'resolve_ok' }
  | { readonly ok: false; readonly reason: ResolveRefusal; readonly health: InstallHealth; readonly code: string }

const refuse = (reason: ResolveRefusal, health: InstallHealth, code: string): Binding => ({
  ok: false,
  reason,
  health,
  code: `resolve_${code}`,
})

export const isUsable = ({ status }: Installation): boolean => status === 'active' || status === 'rotating'

/** Health by which nothing can be sent, whatever the status says. */
export const isBroken = ({ health }: Installation): boolean =>
  health.state === 'invalid_token' || health.state === 'revoked'

/**
 * Which of the installations with one platform and workspace may be used for a tenant: exactly one, or none with the
 * rule that says why (backend-contract, section 6). The order of the rules is that of the Python connector.
 */
export function bind(all: readonly Candidate[], tenant: string): Binding {
  const own = all.filter(({ installation }) => installation.tenant === tenant)
  if (own.length === 0 && all.length > 0) return refuse('tenant_mismatch', 'degraded', 'tenant_mismatch')
  const usable = own.filter(({ installation }) => isUsable(installation))
  if (usable.length > 1) return refuse('ambiguous_binding', 'degraded', 'ambiguous')
  const [first] = own
  if (!first) return refuse('missing_binding', 'workspace_unbound', 'missing')
  const [only] = usable
  if (!only) {
    const { state } = first.installation.health
    return refuse('inactive_binding', state === 'ok' ? 'degraded' : state, 'inactive')
  }
  const { installation, unreadable } = only
  if (isBroken(installation)) return refuse('inactive_binding', installation.health.state, 'unhealthy')
  if (unreadable !== null) return refuse(`stale_token_ref:${unreadable}`, 'degraded', 'stale_ref')
  return { ok: true, installation, code: 'resolve_ok' }
}
