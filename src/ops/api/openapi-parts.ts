const text = { type: 'string' }
const number = { type: 'number' }
const yes = { const: true }
const no = { const: false }
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const list = (items: object) => ({ type: 'array', items })
const counts = { type: 'object', additionalProperties: { type: 'integer', minimum: 1 } }

/** Nothing but these, and all of them. */
const shape = (properties: Readonly<Record<string, object>>, optional: readonly string[] = []) => ({
  type: 'object',
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  properties,
  additionalProperties: false,
})

const health = ['ok', 'degraded', 'rate_limited', 'invalid_token', 'revoked', 'workspace_unbound']
const status = ['created', 'active', 'rotating', 'revoked', 'deactivated', 'uninstalled']
const refStatus = [
  'portable',
  'missing_env',
  'unsupported_source',
  'unsupported_env',
  'rejected_raw_secret',
  'rejected_legacy_marker',
  'rejected_dangerous_env',
  'non_persistable_auth',
]

export const schemas = {
  Health: shape({ state: { enum: health }, reason: text, updated_at: number, details: { type: 'object' } }),
  Installation: shape({
    platform: text,
    tenant_id: text,
    workspace_id: text,
    installation_id: text,
    token_refs: { type: 'object', additionalProperties: { type: 'string', pattern: '^connector_installation:' } },
    status: { enum: status },
    updated_at: number,
    created_at: number,
    status_reason: text,
    metadata: {
      type: 'object',
      required: ['health'],
      properties: { health: ref('Health') },
      additionalProperties: text,
    },
  }),
  Diagnostics: shape({
    installation_count: { type: 'integer', minimum: 0 },
    status_counts: counts,
    health_counts: counts,
    audit_events: { type: 'integer', minimum: 0 },
  }),
  Resolution: shape(
    {
      ok: { type: 'boolean' },
      reject_reason: {
        type: 'string',
        pattern: '^(missing_binding|ambiguous_binding|inactive_binding|stale_token_ref:.+|tenant_mismatch)?$',
      },
      audit_code: {
        type: 'string',
        pattern: '^conn_install\\.resolve_(ok|missing|ambiguous|inactive|unhealthy|stale_ref|tenant_mismatch)$',
      },
      health_code: { enum: health },
      installation: ref('Installation'),
    },
    ['installation'],
  ),
  AuditEvent: shape({
    timestamp: number,
    action: {
      enum: ['upsert', 'activate', 'rotate', 'revoke', 'deactivate', 'uninstall', 'health_update', 'delete'],
    },
    installation_id: text,
    platform: text,
    tenant_id: text,
    workspace_id: text,
    status: { enum: status },
    details: { type: 'object' },
  }),
  SecretRef: shape({
    path: text,
    name: text,
    source: { enum: ['env', 'file', ''] },
    status: { enum: refStatus },
    reason: text,
  }),
  Error: shape({ ok: no, error: text, code: text, message: text, retry_after_sec: { type: 'integer', minimum: 1 } }, [
    'code',
    'message',
    'retry_after_sec',
  ]),
}

const plain = (description: string, schema: object) => ({ description, content: { 'application/json': { schema } } })
const good = (description: string, properties: Readonly<Record<string, object>>) => ({
  200: plain(description, shape({ ok: yes, ...properties })),
})
const bad = (description: string) => plain(description, ref('Error'))
const unknown = { 404: bad('There is no such installation of this tenant.') }
const one = { ...good('The installation.', { tenant_id: text, installation: ref('Installation') }), ...unknown }

export const answers = {
  plain,
  /** What every guarded route may answer. */
  always: {
    403: bad('No admin token is set, it is not this one, or the tenant is no tenant id.'),
    429: bad('Too many requests of this address, or of all.'),
    503: bad('Nothing can be written at the moment.'),
  },
  list: good('Installations.', {
    tenant_id: text,
    installations: list(ref('Installation')),
    diagnostics: ref('Diagnostics'),
  }),
  resolve: {
    ...good('The one that is used.', { tenant_id: text, resolution: ref('Resolution') }),
    400: bad('A parameter is missing.'),
    409: plain('None is used.', shape({ ok: no, tenant_id: text, resolution: ref('Resolution') })),
  },
  audit: good('The record.', { tenant_id: text, events: list(ref('AuditEvent')) }),
  one,
  activated: { ...one, 409: bad('Its tokens are gone: it has to be installed anew.') },
  deleted: { ...good('It is gone.', { tenant_id: text, installation_id: text, deleted: yes }), ...unknown },
  secrets: good('References.', { tenant_id: text, secrets: list(ref('SecretRef')) }),
  contract: good('The contract.', { contract: { type: 'object', required: ['version', 'decision'] } }),
}
