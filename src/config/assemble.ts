import type { SettingsOf } from '../contract/index.ts'
import type { Config } from './config.ts'
import type { commonEnv } from './env.ts'
import { reach } from './url.ts'

export type Common = SettingsOf<typeof commonEnv>

const mb = 1024 * 1024
const dayMs = 86_400_000

/** The common settings under the program's names and in its units. `set`: the variables that were set to something. */
export const assemble = (s: Common, set: ReadonlySet<string>, isTty: boolean) => ({
  backend: {
    url: s.OPENCLAW_CONNECTOR_URL,
    adminToken: s.OPENCLAW_CONNECTOR_ADMIN_TOKEN ?? null,
    obsToken: s.OPENCLAW_CONNECTOR_OBS_TOKEN ?? null,
    tenant: s.OPENCLAW_MULTI_TENANT_ENABLED
      ? { header: s.OPENCLAW_TENANT_HEADER, id: s.OPENCLAW_CONNECTOR_TENANT_ID }
      : null,
  },
  posture: {
    deployment: s.OPENCLAW_DEPLOYMENT_PROFILE,
    runtime: s.OPENCLAW_RUNTIME_PROFILE,
  },
  secretKey: s.OPENCLAW_CONNECTOR_SECRET_KEY ?? null,
  admin: { host: s.OPENCLAW_CONNECTOR_ADMIN_BIND, port: s.OPENCLAW_CONNECTOR_ADMIN_PORT },
  http:
    s.OPENCLAW_CONNECTOR_HTTP_PORT === 0
      ? null
      : { host: s.OPENCLAW_CONNECTOR_HTTP_BIND, port: s.OPENCLAW_CONNECTOR_HTTP_PORT },
  publicBaseUrl: s.OPENCLAW_CONNECTOR_PUBLIC_BASE_URL ?? null,
  log: { level: levelOf(s, set), format: formatOf(s, isTty) },
  limits: {
    userPerMinute: s.OPENCLAW_CONNECTOR_RATE_LIMIT_USER_RPM,
    channelPerMinute: s.OPENCLAW_CONNECTOR_RATE_LIMIT_CHANNEL_RPM,
    maxCommandLength: s.OPENCLAW_CONNECTOR_MAX_COMMAND_LENGTH,
    maxPending: s.OPENCLAW_CONNECTOR_MAX_PENDING,
    maxPendingPerSender: s.OPENCLAW_CONNECTOR_MAX_PENDING_PER_SENDER,
    concurrentCommands: s.OPENCLAW_CONNECTOR_CONCURRENT_COMMANDS,
    retentionMs: s.OPENCLAW_CONNECTOR_RETENTION_DAYS * dayMs,
  },
  delivery: {
    maxFiles: s.OPENCLAW_CONNECTOR_DELIVERY_MAX_IMAGES,
    maxBytes: s.OPENCLAW_CONNECTOR_DELIVERY_MAX_BYTES,
    timeoutMs: s.OPENCLAW_CONNECTOR_DELIVERY_TIMEOUT_SEC * 1000,
  },
  media: {
    path: s.OPENCLAW_CONNECTOR_MEDIA_PATH.replace(/\/$/, ''),
    ttlMs: s.OPENCLAW_CONNECTOR_MEDIA_TTL_SEC * 1000,
    maxBytes: s.OPENCLAW_CONNECTOR_MEDIA_MAX_MB * mb,
    maxTotalBytes: s.OPENCLAW_CONNECTOR_MEDIA_MAX_TOTAL_MB * mb,
    maxInputBytes: s.OPENCLAW_CONNECTOR_INPUT_MAX_MB * mb,
  },
})

function levelOf(s: Common, set: ReadonlySet<string>): Config['log']['level'] {
  if (s.OPENCLAW_CONNECTOR_DEBUG && !set.has('OPENCLAW_CONNECTOR_LOG_LEVEL')) return 'debug'
  const level = s.OPENCLAW_CONNECTOR_LOG_LEVEL
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info'
}

function formatOf(s: Common, isTty: boolean): Config['log']['format'] {
  const format = s.OPENCLAW_CONNECTOR_LOG_FORMAT
  return format === 'pretty' || format === 'json' ? format : isTty ? 'pretty' : 'json'
}

/** Warnings that need more than one variable. */
export function crossChecks(s: Common, set: ReadonlySet<string>): readonly string[] {
  const warnings: string[] = []
  const url = URL.parse(s.OPENCLAW_CONNECTOR_URL)
  const hasToken = s.OPENCLAW_CONNECTOR_ADMIN_TOKEN !== undefined || s.OPENCLAW_CONNECTOR_OBS_TOKEN !== undefined
  // A name without a dot is a container on the same host; an address is another machine.
  const elsewhere = url !== null && reach(url.hostname) === 'private' && /[.:]/.test(url.hostname)
  if (url?.protocol === 'http:' && elsewhere && hasToken) {
    warnings.push('OPENCLAW_CONNECTOR_URL: plain http to another machine; the backend token can be read on the way')
  }
  if (set.has('OPENCLAW_CONNECTOR_TENANTS') && !s.OPENCLAW_MULTI_TENANT_ENABLED) {
    warnings.push('OPENCLAW_CONNECTOR_TENANTS: has no effect without OPENCLAW_MULTI_TENANT_ENABLED')
  }
  if (set.has('OPENCLAW_CONNECTOR_HTTP_BIND') && s.OPENCLAW_CONNECTOR_HTTP_PORT === 0) {
    warnings.push('OPENCLAW_CONNECTOR_HTTP_BIND: has no effect without OPENCLAW_CONNECTOR_HTTP_PORT')
  }
  return warnings
}
