import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { asked, backendAt, nobody, openHost, replay, sample } from './host.ts'

const fireRoute = 'POST /openclaw/triggers/fire'
const trigger = { templateId: 'bench_image', inputs: { color: '1' }, traceId: 'trace-1' }

describe('fire', () => {
  it.each([
    ['openclaw-trigger-direct', { kind: 'queued', promptId: '00f2b546-25a4-48de-a56c-0f68224dce2d', deduped: false }],
    ['openclaw-trigger-same-trace-id-again', { kind: 'queued', deduped: true }],
    [
      'openclaw-trigger-require-approval',
      { kind: 'approval', approvalId: 'apr_c75b4ca1cdfc', expiresAtMs: Date.parse('2026-11-20T21:59:03.633Z') },
    ],
  ])('reads %s', async (name, value) => {
    await using host = await openHost({ [fireRoute]: replay(name) })
    expect(await backendAt(host.url).fire(trigger)).toMatchObject({ ok: true, value })
  })

  it('calls a deduplicated answer without a job burnt', async () => {
    const { results } = sample<{ results: { body: unknown }[] }>('openclaw-trigger-same-trace-id-concurrent')
    await using host = await openHost({ [fireRoute]: { json: results[1]?.body } })
    expect(await backendAt(host.url).fire(trigger)).toMatchObject({ ok: true, value: { kind: 'burnt' } })
  })

  it.each([
    ['openclaw-trigger-wrong-token', { kind: 'denied', said: 'Invalid admin token.' }],
    ['openclaw-trigger-unknown-template', { kind: 'missing' }],
    ['openclaw-trigger-inputs-too-large', { kind: 'refused', status: 400 }],
    ['openclaw-trigger-budget-429', { kind: 'limited', code: 'budget_exceeded', retryAfterMs: 1000, effect: 'none' }],
    ['openclaw-trigger-shipped-template-invalid', { kind: 'refused', code: 'workflow_refused', effect: 'none' }],
    ['openclaw-trigger-trace-id-not-string', { kind: 'refused', status: 500, effect: 'maybe' }],
    ['openclaw-trigger-inputs-not-object', { kind: 'refused', status: 500, effect: 'maybe' }],
  ])('judges %s', async (name, failure) => {
    await using host = await openHost({ [fireRoute]: replay(name) })
    expect(await backendAt(host.url).fire(trigger)).toMatchObject({ ok: false, ...failure })
  })

  it('does not ask to wait for a workflow that will always be too large', async () => {
    const json = { error: 'budget_exceeded', detail: 'rendered_workflow_size budget exceeded (limit=524288)' }
    await using host = await openHost({ [fireRoute]: { status: 429, json, headers: { 'retry-after': '5' } } })
    const answer = await backendAt(host.url).fire(trigger)
    expect(answer).toMatchObject({ kind: 'refused', code: 'rendered_workflow_size', retryAfterMs: null })
  })

  it('leaves the wish for approval out unless it is forced', async () => {
    await using host = await openHost({ [fireRoute]: replay('openclaw-trigger-direct') })
    const backend = backendAt(host.url)
    await backend.fire(trigger)
    await backend.fire({ ...trigger, requireApproval: true })
    expect(host.seen[0]?.headers['content-type']).toBe('application/json')
    const bodies = host.seen.map((entry) => JSON.parse(entry.body))
    expect(bodies[0]).toEqual({ template_id: 'bench_image', inputs: { color: '1' }, trace_id: 'trace-1' })
    expect(bodies[1]).toHaveProperty('require_approval', true)
  })
})

describe('ids', () => {
  const bad = [
    '',
    '..',
    '../openclaw/config',
    'a/b',
    'a b',
    'a%2fb',
    '-x',
    'ä',
    'x'.repeat(200),
    'a\nb',
    'a?b=c',
    'a#b',
  ]

  it('asks nothing for what is no id', async () => {
    await using host = await openHost({})
    const backend = backendAt(host.url)
    const missing = { ok: false, kind: 'missing', effect: 'none', status: null }
    for (const id of bad) {
      expect(await backend.history(id)).toMatchObject(missing)
      expect(await backend.cancel([id])).toMatchObject(missing)
      expect(await backend.cancel(['aaeb0882-c26e-43d2-89a1-a6fdd05f5bf5', id])).toMatchObject(missing)
      if (id === '-x') continue
      expect(await backend.approval(id)).toMatchObject(missing)
      expect(await backend.approve(id, { actor: 'chat:1' })).toMatchObject(missing)
      expect(await backend.reject(id, { actor: 'chat:1' })).toMatchObject(missing)
      expect(await backend.schedule(id)).toMatchObject(missing)
      expect(await backend.setScheduleEnabled(id, true)).toMatchObject(missing)
      // A template is named after its file, in any script, and its name never enters a path.
      if (id === 'a b' || /^\p{L}+$/u.test(id)) continue
      expect(await backend.fire({ ...trigger, templateId: id })).toMatchObject(missing)
    }
    expect(await backend.fire({ ...trigger, templateId: 'a..b' })).toMatchObject(missing)
    expect(await backend.cancel([])).toMatchObject(missing)
    expect(host.seen).toHaveLength(0)
  })

  it('takes every id the backend makes, and encodes what means something in a path', async () => {
    await using host = await openHost({
      'GET /history/a:b.c_d-1': { json: {} },
      'GET /openclaw/approvals/apr_c75b4ca1cdfc': replay('openclaw-approval-get-executed'),
    })
    const backend = backendAt(host.url)
    await backend.history('a:b.c_d-1')
    expect(host.seen[0]?.path).toBe('/history/a%3Ab.c_d-1')
    const approval = await backend.approval('apr_c75b4ca1cdfc')
    expect(approval).toMatchObject({ ok: true, value: { executedPromptId: 'fcaf528f-dfdd-4abf-a05f-76fabb14f6c8' } })
  })
})

describe('approvals', () => {
  it('lists them with times in milliseconds, and one odd record hides no other', async () => {
    const { body } = sample<{ body: { approvals: object[] } }>('openclaw-approvals-list-pending')
    const odd = [{ approval_id: '../x', status: 'pending' }, null, { approval_id: 'apr_1', status: 'weird' }]
    await using host = await openHost({
      'GET /openclaw/approvals': { json: { ...body, approvals: [...odd, ...body.approvals] } },
    })
    const answer = await backendAt(host.url).approvals('pending')
    expect(host.seen[0]?.query.get('status')).toBe('pending')
    expect(answer).toMatchObject({ ok: true, value: { pendingCount: 5 } })
    const approvals = answer.ok ? answer.value.approvals : []
    expect(approvals).toHaveLength(5)
    expect(approvals[0]).toMatchObject({
      approvalId: 'apr_96be5b483ad2',
      templateId: 'bench_image',
      inputs: { color: 300 },
      status: 'pending',
      requestedAtMs: Date.parse('2026-11-20T20:59:03.648Z'),
      executedPromptId: null,
    })
  })

  it('approves in the name of the person and says whether it ran', async () => {
    await using host = await openHost({
      'POST /openclaw/approvals/apr_1/approve': replay('openclaw-approval-approve'),
      'POST /openclaw/approvals/apr_2/approve': replay('openclaw-approval-approve-execution-failed'),
      'POST /openclaw/approvals/apr_2/reject': replay('openclaw-approval-reject'),
    })
    const backend = backendAt(host.url)
    expect(await backend.approve('apr_1', { actor: 'chat:42' })).toMatchObject({
      value: {
        executed: true,
        promptId: 'fcaf528f-dfdd-4abf-a05f-76fabb14f6c8',
        executionError: null,
        approval: { status: 'approved' },
      },
    })
    expect(await backend.approve('apr_2', { actor: 'chat:42' })).toMatchObject({
      value: { executed: false, promptId: null, executionError: 'Queue submission failed: 400' },
    })
    expect(await backend.reject('apr_2', { actor: 'chat:7' })).toMatchObject({
      value: { approval: { status: 'rejected' } },
    })
    expect(host.seen.map((entry) => JSON.parse(entry.body))).toEqual([
      { actor: 'chat:42', auto_execute: true },
      { actor: 'chat:42', auto_execute: true },
      { actor: 'chat:7' },
    ])
  })

  it.each([
    ['openclaw-approval-approve-twice', { kind: 'refused', code: 'already_approved' }],
    ['openclaw-approval-reject-twice', { kind: 'refused', code: 'already_rejected' }],
    ['openclaw-approval-expired-approve', { kind: 'refused', code: 'expired' }],
    ['openclaw-approval-approve-unknown', { kind: 'missing' }],
    ['openclaw-approval-reject-no-token', { kind: 'denied' }],
  ])('says why it was too late: %s', async (name, failure) => {
    await using host = await openHost({ 'POST /openclaw/approvals/apr_1/approve': replay(name) })
    const answer = await backendAt(host.url).approve('apr_1', { actor: 'chat:1' })
    expect(answer).toMatchObject({ ok: false, effect: 'none', ...failure })
  })
})

describe('schedules', () => {
  it('reads them and sets the switch by PUT', async () => {
    await using host = await openHost({
      'GET /openclaw/schedules': replay('openclaw-schedules-list'),
      'GET /openclaw/schedules/sched_ba25cfe03554': replay('openclaw-schedule-get'),
      'PUT /openclaw/schedules/sched_ba25cfe03554': replay('openclaw-schedule-put'),
    })
    const backend = backendAt(host.url)
    const list = await backend.schedules()
    expect(
      list.ok && list.value.map((entry) => [entry.scheduleId, entry.cron, entry.intervalSec, entry.enabled]),
    ).toEqual([
      ['sched_ba25cfe03554', null, 3600, false],
      ['sched_c4f99c277b37', '0 9 * * 1-5', null, false],
    ])
    expect(await backend.schedule('sched_ba25cfe03554')).toMatchObject({
      value: { templateId: 'bench_image', inputs: { color: 400 } },
    })
    expect(await backend.setScheduleEnabled('sched_ba25cfe03554', false)).toMatchObject({ value: { enabled: false } })
    expect(host.seen[2]?.body).toBe('{"enabled":false}')
    expect(await backend.schedule('sched_missing')).toMatchObject({ ok: false })
  })

  it('has no way to run one by hand, which would freeze the backend', () => {
    const folder = new URL('../../src/backend/', import.meta.url)
    const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))
    expect(files.length).toBeGreaterThan(10)
    for (const name of files) expect(readFileSync(new URL(name, folder), 'utf8')).not.toMatch(/\/(?:run|toggle)\b[`'"]/)
  })
})

describe('jobs', () => {
  it('reads the view and hides nothing of the query', async () => {
    await using host = await openHost({ 'GET /openclaw/jobs': replay('openclaw-jobs-ok') })
    const answer = await backendAt(host.url).jobs({ status: 'failed', sortBy: 'created_at', limit: 4 })
    expect(answer).toMatchObject({
      ok: true,
      value: { total: 13, hasMore: true, jobs: [{ status: 'in_progress' }, {}, {}, {}] },
    })
    expect(host.seen[0]?.query.toString()).toBe('status=failed&sort_by=created_at&limit=4')
  })

  it.each([
    ['openclaw-jobs-501-old-host', { kind: 'unsupported', code: 'jobs_host_contract_unsupported' }],
    ['openclaw-jobs-no-token', { kind: 'denied', code: 'jobs_admin_required' }],
    ['openclaw-tenants-jobs-no-header', { kind: 'denied', code: 'tenant_required' }],
    ['openclaw-jobs-bad-status', { kind: 'refused', code: 'jobs_query_invalid' }],
  ])('judges %s', async (name, failure) => {
    await using host = await openHost({ 'GET /openclaw/jobs': replay(name) })
    expect(await backendAt(host.url).jobs()).toMatchObject({ ok: false, ...failure })
  })

  type Body = { jobs: { id: string; status: string }[]; pagination: Record<string, unknown> } & Record<string, unknown>
  it.each<[string, (body: Body) => unknown]>([
    ['ok missing', ({ ok: _, ...body }) => body],
    ['another version', (body) => ({ ...body, contract_version: 2 })],
    ['true as a version', (body) => ({ ...body, contract_version: true })],
    ['no source', ({ source: _, ...body }) => body],
    ['a list as scan', (body) => ({ ...body, scan: [] })],
    ['an id with a slash', (body) => ({ ...body, jobs: [{ ...body.jobs[0], id: 'a/b' }, ...body.jobs.slice(1)] })],
    ['an unknown status', (body) => ({ ...body, jobs: [{ ...body.jobs[0], status: 'odd' }, ...body.jobs.slice(1)] })],
    ['jobs as text', (body) => ({ ...body, jobs: '13 items' })],
    ['more than the limit', (body) => ({ ...body, pagination: { ...body.pagination, limit: 3 } })],
    ['more than the total', (body) => ({ ...body, pagination: { ...body.pagination, total: 3, has_more: false } })],
    ['a wrong has_more', (body) => ({ ...body, pagination: { ...body.pagination, has_more: false } })],
    ['a broken number', (body) => ({ ...body, pagination: { ...body.pagination, offset: 0.5 } })],
    ['too large a total', (body) => ({ ...body, pagination: { ...body.pagination, total: 10_001 } })],
    ['three warnings', (body) => ({ ...body, pagination: { ...body.pagination, warnings: [{}, {}, {}] } })],
  ])('shows nothing of a view that breaks its contract: %s', async (_, change) => {
    const { body } = sample<{ body: Body }>('openclaw-jobs-ok')
    await using host = await openHost({ 'GET /openclaw/jobs': { json: change(body) } })
    expect(await backendAt(host.url).jobs()).toMatchObject({ ok: false, kind: 'malformed' })
  })
})

describe('queue and history', () => {
  it('sorts what waits by number and finds our trace and client ids', async () => {
    const { body } = sample<{ body: { queue_running: unknown[]; queue_pending: unknown[] } }>('comfy-queue-busy')
    const front = [-3, 'in-front', { '1': {} }, {}, []]
    const odd = ['x', 'odd id of another program /', null, 'no object', []]
    const pending = [...body.queue_pending.toReversed(), odd, front, 'no item']
    await using host = await openHost({ 'GET /queue': { json: { ...body, queue_pending: pending } } })
    const answer = await backendAt(host.url).queue()
    if (!answer.ok) throw new Error(answer.detail)
    expect(answer.value.running).toEqual([
      {
        promptId: '8faecc5d-9e97-4719-b8a4-b2afb010f127',
        number: 6,
        traceId: 'trace-example',
        clientId: '7c35f3b6-a1ab-47fc-86ac-350bc50b2de8',
        nodeCount: 3,
        createdAtMs: 1795208089626,
      },
    ])
    expect(answer.value.pending.map((entry) => entry.number)).toEqual([-3, 0, 7, 8])
  })

  it('finds a finished job, and null for one that is not in the history', async () => {
    await using host = await openHost({
      'GET /history/00f2b546-25a4-48de-a56c-0f68224dce2d': replay('openclaw-trigger-direct-history'),
      'GET /history/unknown': replay('comfy-history-unknown'),
      'GET /history': replay('comfy-history-list-max1'),
    })
    const backend = backendAt(host.url)
    expect(await backend.history('unknown')).toMatchObject({ ok: true, value: null })
    expect(await backend.historyRecent(1)).toMatchObject({
      ok: true,
      value: [{ promptId: '4124a682-d474-4633-bd9c-a4715b454980' }],
    })
    expect(host.seen[1]?.query.get('max_items')).toBe('1')
    const found = await backend.history('00f2b546-25a4-48de-a56c-0f68224dce2d')
    expect(found).toMatchObject({ value: { traceId: '09ad775c-558d-4a28-9c9f-0ae6df6e3c84', statusText: 'success' } })
  })
})

describe('looking at the backend', () => {
  it('reads health, capabilities, settings, templates, the queue length and the machine', async () => {
    await using host = await openHost({
      'GET /openclaw/health': replay('openclaw-health'),
      'GET /openclaw/capabilities': replay('openclaw-capabilities'),
      'GET /openclaw/config': replay('openclaw-config-get'),
      'GET /openclaw/templates': replay('openclaw-templates'),
      'GET /api/prompt': replay('comfy-prompt-get-busy'),
      'GET /system_stats': replay('comfy-system-stats'),
    })
    const backend = backendAt(host.url)
    expect(await backend.health()).toMatchObject({
      value: { packVersion: '1.0.7', llmConfigured: true, logsProcessed: 0, ready: true },
    })
    expect(await backend.capabilities()).toMatchObject({ value: { features: { triggers: true } } })
    expect(await backend.config()).toMatchObject({
      value: { provider: 'ollama', model: 'fake-model', apiKeyConfigured: null },
    })
    const templates = await backend.templates()
    expect(templates.ok && templates.value).toHaveLength(9)
    expect(templates.ok && templates.value[8]).toEqual({
      id: 'sdxl_basic',
      allowedInputs: ['positive_prompt', 'negative_prompt', 'seed'],
      defaults: { seed: 1234 },
    })
    expect(await backend.promptInfo()).toMatchObject({ value: { queueRemaining: 3 } })
    const stats = await backend.systemStats()
    expect(stats).toMatchObject({
      value: { comfyVersion: '0.33.0', devices: [{ name: 'cpu', vramTotalBytes: 25276502016 }] },
    })
    expect(JSON.stringify(stats)).not.toContain('/comfy')
  })

  it('takes sparse answers of other versions', async () => {
    await using host = await openHost({
      'GET /openclaw/health': { json: { ok: true, stats: { logs_processed: 5 } } },
      'GET /openclaw/config': { json: { provider: 'openai', api_key_configured: false } },
      'GET /openclaw/templates': {
        json: { templates: [{ id: 'a' }, { id: '../b' }, 7, { id: 'c', defaults: { x: { y: 1 }, z: true } }] },
      },
    })
    const backend = backendAt(host.url)
    expect(await backend.health()).toMatchObject({
      value: { packVersion: null, logsProcessed: 5, errorsCaptured: 0, llmConfigured: null },
    })
    expect(await backend.config()).toMatchObject({ value: { provider: 'openai', apiKeyConfigured: false } })
    expect(await backend.templates()).toMatchObject({
      value: [
        { id: 'a', allowedInputs: [], defaults: {} },
        { id: 'c', allowedInputs: [], defaults: { z: true } },
      ],
    })
  })

  it('tells a working backend from a bare ComfyUI, a closed door and nothing', async () => {
    const prompt = replay('comfy-prompt-get-idle')
    const health = replay('openclaw-health')
    await using up = await openHost({
      'GET /api/prompt': prompt,
      'GET /openclaw/health': health,
      'GET /openclaw/approvals': replay('openclaw-approvals-list-pending'),
    })
    await using bare = await openHost({ 'GET /api/prompt': prompt })
    await using token = await openHost({
      'GET /api/prompt': prompt,
      'GET /openclaw/health': health,
      'GET /openclaw/approvals': replay('openclaw-approvals-list-no-token'),
    })
    await using door = await openHost({
      'GET /api/prompt': { status: 403 },
      'GET /openclaw/health': { status: 401, text: 'log in' },
    })
    await using other = await openHost({})
    expect(await backendAt(up.url).diagnose()).toMatchObject({ state: 'up', about: expect.stringContaining('1.0.7') })
    expect(await backendAt(bare.url).diagnose()).toMatchObject({
      state: 'pack_missing',
      about: expect.stringContaining('OPENCLAW_ADMIN_TOKEN'),
    })
    expect(await backendAt(token.url).diagnose()).toMatchObject({
      state: 'denied',
      about: expect.stringContaining('OPENCLAW_CONNECTOR_ADMIN_TOKEN'),
    })
    expect(await backendAt(door.url).diagnose()).toMatchObject({ state: 'denied' })
    expect(await backendAt(other.url).diagnose()).toMatchObject({ state: 'down' })
    expect(await backendAt(await nobody()).diagnose()).toMatchObject({
      state: 'down',
      about: expect.stringContaining('ECONNREFUSED'),
    })
    expect(asked(up).toSorted()).toEqual(['GET /api/prompt', 'GET /openclaw/approvals', 'GET /openclaw/health'])
  })
})
