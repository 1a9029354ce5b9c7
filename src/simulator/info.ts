import { actions, features, providers, settingsSchema } from './catalogue.ts'
import { behind, type Door } from './guard.ts'
import { json, type Route } from './http.ts'
import type { World } from './world.ts'

const pack = { name: 'ComfyUI-OpenClaw', version: '1.0.7' }
const controlPlane = { mode: 'embedded', blocked_surfaces: [] }
const runtimeProfile = 'minimal'
const reader: Door = { who: 'reader', rate: 'admin', wording: 'ok' }

/** Health, capabilities, configuration, templates, the log's tail and the trace of a job. */
export const infoRoutes = (world: World): readonly Route[] => [
  { method: 'GET', path: '/openclaw/health', core: true, handle: () => json(200, health(world)) },
  {
    method: 'GET',
    path: '/openclaw/capabilities',
    core: true,
    handle: () =>
      json(200, {
        api_version: 1,
        runtime_profile: runtimeProfile,
        control_plane: controlPlane,
        pack,
        features,
        actions,
      }),
  },
  {
    method: 'GET',
    path: '/openclaw/config',
    core: true,
    handle: behind(world, reader, (_ask, _params, tenant) => json(200, config(world, tenant.id))),
  },
  {
    method: 'GET',
    path: '/openclaw/templates',
    core: true,
    handle: behind(world, reader, (ask) => json(200, templates(world, ask.query.get('debug') === '1'))),
  },
  {
    method: 'GET',
    path: '/openclaw/logs/tail',
    core: true,
    handle: behind(world, { who: 'admin', rate: 'logs', wording: 'ok' }, ({ query }) => {
      const asked = Number(query.get('n') ?? query.get('lines') ?? 200)
      const count = Math.min(500, Math.max(1, Number.isInteger(asked) ? asked : 200))
      const filters = ['trace_id', 'prompt_id'].flatMap((name) => query.get(name) || [])
      const content = world.lines.filter((line) => filters.every((part) => line.includes(part))).slice(-count)
      return json(200, { ok: true, content, filtered: filters.length > 0 })
    }),
  },
  {
    // Only webhook and bridge jobs are ever traced, and nothing of that kind runs here.
    method: 'GET',
    path: '/openclaw/trace/:id',
    core: true,
    handle: behind(world, { who: 'admin', rate: null, wording: 'ok' }, () =>
      json(404, { ok: false, error: 'not_found' }),
    ),
  },
]

function health(world: World): object {
  const llm = world.llm()
  const idle = { submitted: 0, started: 0, completed: 0, wait_ms_total: 0, wait_over_250ms: 0 }
  const warmup = { state: 'succeeded', reason_code: 'warmup_succeeded', timeout_ms: 5000, duration_ms: 9 }
  return {
    ok: true,
    pack: { ...pack, dependencies: { aiohttp: true, watchdog: false } },
    uptime_sec: (world.clock.now() - world.life().startedAt) / 1000,
    config: {
      provider: llm.provider,
      model: llm.model,
      base_url: 'http://127.0.0.1:11434/v1',
      api_type: 'openai_compat',
      llm_key_configured: llm.keyConfigured,
      llm_key_required: llm.keyRequired,
    },
    stats: {
      errors_captured: 0,
      logs_processed: world.lines.length,
      executors: { llm: { workers: 6, ...idle }, io: { workers: 4, ...idle } },
      observability: {
        capacity: 500,
        current_size: 0,
        high_watermark: 0,
        total_enqueued: 0,
        total_dropped: 0,
        last_drop_ts: 0,
      },
    },
    startup: {
      schema_version: 1,
      phase: 'optional_warmup',
      state: 'ready',
      reason_code: 'warmup_succeeded',
      ready: true,
      degraded: false,
      fatal: false,
      attempt: 0,
      max_attempts: 0,
      elapsed_ms: 840,
      phase_elapsed_ms: 458,
      ready_elapsed_ms: 459,
      warmups: [{ name: 'model_inventory', ...warmup }],
    },
    access_policy: {
      observability: world.settings.obsToken === null ? 'loopback_only' : 'token',
      token_configured: world.settings.obsToken !== null,
    },
    control_plane: controlPlane,
    runtime_profile: runtimeProfile,
  }
}

function config(world: World, tenant: string): object {
  const llm = world.llm()
  const own = {
    provider: llm.provider,
    model: llm.model,
    base_url: 'http://127.0.0.1:11434/v1',
    timeout_sec: 120,
    max_retries: 3,
    fallback_models: [],
    fallback_providers: [],
    max_failover_candidates: 3,
    allow_private_network: false,
  }
  const values = {
    retention: { job_event_buffer_size: 500, job_event_ttl_sec: 600 },
    timeout_retry: { llm_timeout_cap_sec: 300, llm_max_retries_cap: 10 },
    bounded_queues: { max_inflight_submits_total: 2, max_rendered_workflow_bytes: 524288 },
    provider_safety: { allow_any_public_llm_host_default: false, allow_insecure_base_url_default: false },
  }
  const paths = Object.entries(values).flatMap(([group, fields]) => Object.keys(fields).map((key) => `${group}.${key}`))
  return {
    ok: true,
    tenant_id: tenant,
    config: own,
    sources: Object.fromEntries(Object.keys(own).map((key) => [key, 'default'])),
    runtime_guardrails: {
      status: 'ok',
      code: 'S66_GUARDRAILS_OK',
      deployment_profile: 'local',
      runtime_profile: runtimeProfile,
      runtime_only: true,
      values,
      sources: Object.fromEntries(paths.map((path) => [path, 'default'])),
      violations: [],
    },
    providers,
    schema: settingsSchema,
    write_enabled: true,
  }
}

/** With several tenants only what the manifest lists is shown. */
function templates(world: World, debug: boolean): object {
  const all = world.templates().toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const shown = world.settings.multiTenant ? all.filter((spec) => spec.allowedInputs !== undefined) : all
  const listed = shown.map(({ id, allowedInputs = [], defaults = {} }) => ({
    id,
    allowed_inputs: allowedInputs,
    defaults,
  }))
  const answer = { ok: true, count: listed.length, templates: listed }
  if (!debug) return answer
  const inManifest = all.filter((spec) => spec.allowedInputs !== undefined).map((spec) => spec.id)
  const root = '/comfy/custom_nodes/ComfyUI-OpenClaw/data/templates'
  return {
    ...answer,
    debug: {
      templates_root: root,
      manifest_abspath: `${root}/manifest.json`,
      manifest_mtime: world.life().startedAt / 1000,
      template_ids: inManifest,
      template_count: inManifest.length,
      discovered_template_ids: all.map((spec) => spec.id),
      last_load_error: null,
    },
  }
}
