import type { EnvTable } from '../contract/index.ts'
import { bounds } from './env-bounds.ts'
import { secretKeyForm } from './secret-key.ts'

/** Rows shown under one heading in the documents, keyed by the variable's full name. */
export interface EnvGroup {
  readonly heading: string
  readonly rows: EnvTable
}

const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/
/** What every header can carry (RFC 9110, section 5.5). */
const headerText = /^[\x20-\x7e]+$/
const hostName = /^[A-Za-z0-9.:[\]_-]{1,255}$/

const backend = {
  OPENCLAW_CONNECTOR_URL: {
    kind: 'url',
    fallback: 'http://127.0.0.1:8188',
    about: 'Where ComfyUI with the OpenClaw pack listens. Plain http only to this machine or a private network.',
  },
  OPENCLAW_CONNECTOR_ADMIN_TOKEN: {
    kind: 'text',
    secret: true,
    matches: headerText,
    about:
      "The backend's OPENCLAW_ADMIN_TOKEN; any word where a ComfyUI on this machine has none. Without it approvals, schedules and traces are off, and a ComfyUI that has one refuses to run anything.",
  },
  OPENCLAW_CONNECTOR_OBS_TOKEN: {
    kind: 'text',
    secret: true,
    matches: headerText,
    about: "The backend's OPENCLAW_OBSERVABILITY_TOKEN. Needed only when ComfyUI runs on another machine.",
  },
  OPENCLAW_MULTI_TENANT_ENABLED: {
    kind: 'flag',
    fallback: false,
    about: 'The backend runs in multi-tenant mode: name a tenant in every call.',
  },
  OPENCLAW_TENANT_HEADER: {
    kind: 'text',
    fallback: 'X-OpenClaw-Tenant-Id',
    matches: headerName,
    about: 'The header that names the tenant.',
  },
  OPENCLAW_CONNECTOR_TENANT_ID: {
    kind: 'text',
    fallback: 'default',
    matches: /^[a-z0-9][a-z0-9._-]{0,63}$/,
    about: 'The tenant this connector acts for when multi-tenant mode is on.',
  },
  OPENCLAW_CONNECTOR_TENANTS: {
    kind: 'text',
    example: '{"platform:workspace":"acme"}',
    about:
      'In multi-tenant mode: platforms (`platform`) and workspaces (`platform:workspace`) that belong to other tenants, a JSON object.',
  },
} as const satisfies EnvTable

const rules = {
  OPENCLAW_CONNECTOR_ADMIN_USERS: {
    kind: 'ids',
    trust: 'users',
    example: 'telegram:123456789',
    about: 'Who may use admin commands; also trusted to run. Write ids with their platform, as /whoami shows them.',
  },
  OPENCLAW_COMMAND_OVERRIDES: {
    kind: 'text',
    example: '{"run":"admin","/jobs":"public"}',
    about: 'Moves commands to another class (public, run, admin): a JSON object from command to class.',
  },
  OPENCLAW_COMMAND_ALLOW_FROM_PUBLIC: {
    kind: 'ids',
    trust: 'users',
    about: 'When set, only these people may use public commands.',
  },
  OPENCLAW_COMMAND_ALLOW_FROM_RUN: {
    kind: 'ids',
    trust: 'users',
    about: 'When set, only these people may use run commands (strangers among them still need an approval).',
  },
  OPENCLAW_COMMAND_ALLOW_FROM_ADMIN: {
    kind: 'ids',
    trust: 'users',
    about: 'When set, only these people may use admin commands, whatever OPENCLAW_CONNECTOR_ADMIN_USERS says.',
  },
  OPENCLAW_DEPLOYMENT_PROFILE: {
    kind: 'choice',
    options: ['local', 'lan', 'public'],
    fallback: 'local',
    about:
      'In `public` every active platform needs an allow list and proof of who writes, or the daemon does not start.',
  },
  OPENCLAW_RUNTIME_PROFILE: {
    kind: 'choice',
    options: ['minimal', 'hardened'],
    fallback: 'minimal',
    about: 'In `hardened` the same is asked for as in a `public` deployment.',
  },
} as const satisfies EnvTable

const daemon = {
  OPENCLAW_CONNECTOR_ENV_FILE: {
    kind: 'text',
    fallback: '.env',
    about: 'A file with further variables. What the real environment sets wins over it.',
  },
  OPENCLAW_CONNECTOR_STATE_DIR: {
    kind: 'text',
    example: '/var/lib/openclaw-connector',
    about: "Folder of everything that survives a restart. Unset: `openclaw-connector` in the user's data folder.",
  },
  OPENCLAW_CONNECTOR_STATE_PATH: {
    kind: 'text',
    about:
      'Old name. When OPENCLAW_CONNECTOR_STATE_DIR is unset: `openclaw-connector-state` beside this file, or in this folder.',
  },
  OPENCLAW_CONNECTOR_SECRET_KEY: {
    kind: 'text',
    secret: true,
    matches: secretKeyForm,
    about:
      'Encrypts the tokens of workspaces we were installed in: 32 bytes, from `openssl rand -base64 32`. Unset: a key is made in the state directory.',
  },
  OPENCLAW_CONNECTOR_ADMIN_BIND: {
    kind: 'text',
    fallback: '127.0.0.1',
    matches: hostName,
    about: 'Address of the health listener (/healthz, /readyz, /metrics, the admin API). In a container: 0.0.0.0.',
  },
  OPENCLAW_CONNECTOR_ADMIN_PORT: { kind: 'port', fallback: 8093, about: 'Port of the health listener.' },
  OPENCLAW_CONNECTOR_LOG_FORMAT: {
    kind: 'choice',
    options: ['auto', 'pretty', 'json'],
    fallback: 'auto',
    about: 'One readable line or one JSON object per log entry. `auto`: pretty on a terminal, else json.',
  },
  OPENCLAW_CONNECTOR_LOG_LEVEL: {
    kind: 'choice',
    options: ['debug', 'info', 'warn', 'error'],
    fallback: 'info',
    about: 'The least important log entry that is still written.',
  },
  OPENCLAW_CONNECTOR_DEBUG: {
    kind: 'flag',
    fallback: false,
    about: '`1` is short for OPENCLAW_CONNECTOR_LOG_LEVEL=debug.',
  },
} as const satisfies EnvTable

const web = {
  OPENCLAW_CONNECTOR_HTTP_PORT: {
    kind: 'port',
    fallback: 0,
    about: 'Puts all webhooks behind this one port. Unset: each platform listens on its own.',
  },
  OPENCLAW_CONNECTOR_HTTP_BIND: {
    kind: 'text',
    fallback: '127.0.0.1',
    matches: hostName,
    about: 'Address of that one listener.',
  },
  OPENCLAW_CONNECTOR_TRUSTED_PROXIES: {
    kind: 'text',
    example: '127.0.0.1,172.16.0.0/12',
    about:
      'Addresses and subnets of reverse proxies whose X-Forwarded-For says who calls (for limits and the log). Unset: it is never believed.',
  },
  OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: {
    kind: 'url',
    example: 'https://bot.example.com',
    about: 'The public https address that leads to the webhooks. Needed for pictures that go out as links.',
  },
  OPENCLAW_CONNECTOR_MEDIA_PATH: {
    kind: 'text',
    fallback: '/media',
    matches: /^(?:\/[\w.~-]+)+\/?$/,
    about: 'Where under that address the signed media links live.',
  },
} as const satisfies EnvTable

/** Every variable that does not belong to one platform. */
export const commonEnv = { ...backend, ...rules, ...daemon, ...web, ...bounds } as const satisfies EnvTable

export const commonGroups: readonly EnvGroup[] = [
  { heading: 'ComfyUI', rows: backend },
  { heading: 'Who may do what', rows: rules },
  { heading: 'The daemon', rows: daemon },
  { heading: 'Webhooks and links', rows: web },
  { heading: 'Bounds', rows: bounds },
]
