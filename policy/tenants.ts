import { type Address, type ConfigProblem, defaultTenant } from '../src/contract/index.ts'

/** Whose a conversation is. Null outside multi-tenant mode. */
export interface Tenancy {
  /** Whoever is not given to another. */
  readonly own: string
  /** Tenant by `platform:workspace`, or by `platform` for all of it. */
  readonly places: Readonly<Record<string, string>>
}

const variable = 'OPENCLAW_CONNECTOR_TENANTS'
const tenantForm = /^[a-z0-9][a-z0-9._-]{0,63}$/
const mostPlaces = 1000
const shape = 'Write a JSON object like {"platform":"acme"} or {"platform:workspace":"acme"}.'

export interface TenantsReading {
  readonly places: Readonly<Record<string, string>>
  readonly problems: readonly ConfigProblem[]
}

const refuse = (read: string, cure = shape): TenantsReading => ({ places: {}, problems: [{ variable, read, cure }] })

/** Reads which workspace belongs to which tenant. One wrong entry refuses the whole: the rest would be guessed. */
export function readTenants(json: string | undefined, platforms: readonly string[]): TenantsReading {
  if (json === undefined) return { places: {}, problems: [] }
  const parsed = parsedOf(json)
  if (parsed === null) return refuse('is not a JSON object')
  const entries = Object.entries(parsed)
  if (entries.length > mostPlaces) return refuse(`has more than ${mostPlaces} entries`)
  const places: Record<string, string> = {}
  for (const [place, tenant] of entries) {
    const shown = JSON.stringify(place.slice(0, 80))
    const platform = place.split(':', 1)[0]?.toLowerCase() ?? ''
    const workspace = place.slice(platform.length + 1)
    if (!platforms.includes(platform)) return refuse(`${shown} begins with no platform of this version`)
    if (place.length > platform.length && workspace === '') return refuse(`${shown} names no workspace`)
    if (typeof tenant !== 'string' || !tenantForm.test(tenant.toLowerCase()))
      return refuse(`the tenant of ${shown} does not match ${tenantForm.source}`)
    places[workspace === '' ? platform : `${platform}:${workspace}`] = tenant.toLowerCase()
  }
  return { places, problems: [] }
}

function parsedOf(json: string): object | null {
  try {
    const parsed: unknown = JSON.parse(json)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : null
  } catch {
    // Not JSON at all: the caller says so, without quoting it.
    return null
  }
}

const own = (places: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(places, key) ? places[key] : undefined

/** The nearest that is named: the workspace, its platform, the connector's own tenant. */
export const tenantFor = (tenancy: Tenancy | null, platform: string, workspace: string | undefined): string =>
  tenancy === null
    ? defaultTenant
    : ((workspace === undefined ? undefined : own(tenancy.places, `${platform}:${workspace}`)) ??
      own(tenancy.places, platform) ??
      tenancy.own)

/** An address with its tenant. It goes by the workspace alone: what an adapter says about it does not count. */
export function placed(where: Address, tenancy: Tenancy | null): Address {
  if (tenancy === null && where.tenant === undefined) return where
  const { tenant: _, ...rest } = where
  return tenancy === null ? rest : { ...rest, tenant: tenantFor(tenancy, rest.platform, rest.workspace) }
}
