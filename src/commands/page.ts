// A file of its own: what is shown to somebody who said nothing, which no command knows of.
import type { Limits } from '../../policy/limits.ts'
import { placed, type Tenancy } from '../../policy/tenants.ts'
import type { Capabilities, InboundEvent, Person } from '../contract/index.ts'
import { jobs } from './jobs.ts'
import { type PerformDeps, perform } from './perform.ts'

export interface PageDeps extends PerformDeps {
  /** Whose conversations are; null outside multi-tenant mode. */
  readonly tenancy: Tenancy | null
  /** How often somebody may look; apart from their commands, which looking must not use up. */
  readonly looks: Limits
}

/** What `/jobs` would answer them there, by the same policy and tenant; null where it would not be carried out.
 *  It only looks, so nothing is kept. */
export const jobsSaid = async (
  { from, where, proof }: Person,
  capabilities: Capabilities,
  deps: PageDeps,
  signal: AbortSignal,
): Promise<string | null> => {
  const event: InboundEvent = {
    id: `page of ${from.id}`,
    at: deps.now(),
    from,
    proof,
    where: placed(where, deps.tenancy),
    body: { kind: 'text', text: jobs.name, addressed: true },
    media: [],
  }
  const { outcome, record } = await perform(
    { event, verdict: 'run' },
    capabilities,
    { ...deps, limits: deps.looks },
    signal,
  )
  return record === jobs.name ? (outcome.reply?.text ?? null) : null
}
