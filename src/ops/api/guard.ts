import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import type { Context, MiddlewareHandler } from 'hono'
import { type Limits, newLimits, take } from '../../../policy/limits.ts'

export interface GuardDeps {
  /** What `X-OpenClaw-Admin-Token` has to hold; null: nobody gets in. */
  readonly token: string | null
  /** Null outside multi-tenant mode: then everything belongs to one. */
  readonly tenancy: { readonly header: string; readonly own: string } | null
  /** Who calls, as far as that can be known. */
  readonly addressOf: (incoming: IncomingMessage | undefined) => string
  readonly now: () => number
}

export interface ApiEnv {
  readonly Bindings: HttpBindings
  readonly Variables: { tenant: string }
}

const tokenHeader = 'X-OpenClaw-Admin-Token'
export const tenantForm = /^[a-z0-9][a-z0-9._-]{0,63}$/
const onlyTenant = 'default'

/** Guesses and work per minute, of one address and of all. */
const perMinute = { address: 60, all: 240 }
const mostAddresses = 1000

const digest = (text: string): Buffer => hash('sha256', text, 'buffer')

/** In the same time for every guess, whatever its length. */
const isToken = (given: string, token: string): boolean => timingSafeEqual(digest(given), digest(token))

const callerOf = (c: Context<ApiEnv>, addressOf: GuardDeps['addressOf']): string =>
  // The health listener speaks HTTP/1.1 only; a request made in a test has no listener.
  addressOf((c.env as { readonly incoming?: IncomingMessage } | undefined)?.incoming)

/** Limit, token, tenant, in this order: a guess costs as much as a right token (backend-contract, section 6). */
export const makeGuard = ({ token, tenancy, addressOf, now }: GuardDeps): MiddlewareHandler<ApiEnv> => {
  const limits: Limits = newLimits(mostAddresses)
  return async (c, next) => {
    c.header('cache-control', 'no-store')
    const keys = { userKey: callerOf(c, addressOf), channelKey: 'admin api' }
    const taken = take(limits, now(), { ...keys, userRpm: perMinute.address, channelRpm: perMinute.all })
    if (!taken.ok) {
      const seconds = Math.max(1, Math.ceil(taken.retryAfterMs / 1000))
      c.header('retry-after', String(seconds))
      const body = { ok: false, error: 'rate_limit_exceeded', code: 'rate_limit_exceeded', retry_after_sec: seconds }
      return c.json(body, 429)
    }
    if (token === null || token === '')
      return c.json({ ok: false, error: 'No admin token is set. Set OPENCLAW_CONNECTOR_ADMIN_TOKEN.' }, 403)
    if (!isToken(c.req.header(tokenHeader) ?? '', token))
      return c.json({ ok: false, error: 'Invalid admin token.' }, 403)
    const tenant = tenancy ? c.req.header(tenancy.header)?.trim().toLowerCase() || tenancy.own : onlyTenant
    if (!tenantForm.test(tenant)) {
      const message = `${tenancy?.header} must match ${tenantForm.source}`
      return c.json({ ok: false, error: 'tenant_invalid', message }, 403)
    }
    c.set('tenant', tenant)
    return next()
  }
}
