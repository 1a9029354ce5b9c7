import { timingSafeEqual } from 'node:crypto'
import { type Answer, type Ask, json } from './http.ts'
import type { Settings } from './types.ts'

export type Admission =
  | { readonly ok: true }
  /** `token`: missing or wrong; `origin`: no token is set and the caller is no browser page of this server;
   *  `remote`: no token is set and the caller is on another machine. */
  | { readonly ok: false; readonly why: 'token' | 'origin' | 'remote' }

const sentences = {
  token: 'Invalid admin token.',
  origin: 'Cross-origin request denied (S33). Set OPENCLAW_ADMIN_TOKEN to use token-based auth.',
  remote: 'Remote admin access denied. Set OPENCLAW_ADMIN_TOKEN to use token-based auth.',
}

/** How a refusal is worded; it differs between the families of routes. */
export type Wording = 'plain' | 'ok' | 'jobs' | 'chat'

const same = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

export function admitAdmin(settings: Settings, ask: Ask): Admission {
  if (settings.adminToken !== null) {
    const given = ask.header('x-openclaw-admin-token') ?? ask.header('x-moltbot-admin-token')
    return given !== null && same(given, settings.adminToken) ? { ok: true } : { ok: false, why: 'token' }
  }
  if (settings.remote) return { ok: false, why: 'remote' }
  const site = ask.header('sec-fetch-site')
  if (site !== null) {
    return ['same-origin', 'same-site', 'none'].includes(site) ? { ok: true } : { ok: false, why: 'origin' }
  }
  return isLocalOrigin(ask.header('origin')) ? { ok: true } : { ok: false, why: 'origin' }
}

/** Read routes are open on loopback; elsewhere only the observability token opens them. */
export function admitReader(settings: Settings, ask: Ask): boolean {
  if (!settings.remote) return true
  const given = ask.header('x-openclaw-obs-token')
  return settings.obsToken !== null && given !== null && same(given, settings.obsToken)
}

/** Who the rate limits count. */
export function principalOf(settings: Settings, ask: Ask): string {
  if (admitAdmin(settings, ask).ok) return settings.adminToken === null ? 'local-admin' : 'env-admin'
  return settings.remote ? 'anonymous' : 'local-internal'
}

export function refuse(wording: Wording, why: 'token' | 'origin' | 'remote'): Answer {
  if (wording === 'plain') return json(403, { error: sentences[why] })
  if (wording === 'jobs') return json(403, { ok: false, error: 'jobs_admin_required' })
  if (wording === 'chat' && why === 'origin') {
    const message =
      'Cross-origin requests not allowed in localhost convenience mode. Set OPENCLAW_ADMIN_TOKEN to use token-based auth.'
    return json(403, { ok: false, error: 'csrf_protection', message })
  }
  return json(403, { ok: false, error: sentences[why] })
}

const localNames = ['127.0.0.1', 'localhost', '[::1]', '::1']

function isLocalOrigin(origin: string | null): boolean {
  return origin !== null && URL.canParse(origin) && localNames.includes(new URL(origin).hostname)
}

/** ComfyUI's own middleware, before any route: a page of another site may not talk to a loopback server. */
export function isForeignPage(settings: Settings, ask: Ask): boolean {
  if (settings.host === 'new' && ask.header('sec-fetch-site') === 'cross-site') return true
  const origin = ask.header('origin')
  const host = ask.header('host')
  if (origin === null || host === null || !URL.canParse(origin)) return false
  const [page, server] = [new URL(origin), new URL(`http://${host}`)]
  if (!localNames.includes(server.hostname)) return false
  return page.port === '' || server.port === '' ? page.hostname !== server.hostname : page.host !== server.host
}

export type Tenant =
  | { readonly ok: true; readonly id: string; readonly named: boolean }
  | { readonly ok: false; readonly answer: Answer }

export function tenantOf(settings: Settings, ask: Ask): Tenant {
  if (!settings.multiTenant) return { ok: true, id: 'default', named: false }
  const given = ask.header('x-openclaw-tenant-id') ?? ask.header('x-moltbot-tenant-id')
  if (given === null || given === '') return { ok: true, id: 'default', named: false }
  const id = given.toLowerCase()
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/.test(id)) return { ok: true, id, named: true }
  const message = 'X-OpenClaw-Tenant-Id must match ^[a-z0-9][a-z0-9._-]{0,63}$'
  return { ok: false, answer: json(403, { ok: false, error: 'tenant_invalid', message }) }
}
