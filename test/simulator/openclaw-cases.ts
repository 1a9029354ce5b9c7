import { type Got, pick, type Stage } from './kit.ts'
import type { Case } from './replay.ts'

const color = { color: 300 }
const cut = 'the recorder kept only the fields it was after'

const plain = (prefix: string, ...names: readonly string[]): Case[] =>
  names.map((name) => ({ sample: `openclaw-${prefix}${name}` }))

const withId = (
  name: string,
  prepare: (stage: Stage) => Promise<string | undefined>,
  more: Partial<Case> = {},
): Case => ({
  sample: `openclaw-${name}`,
  prepare,
  ...more,
})

const ask = async (stage: Stage, more: object = {}): Promise<string> => {
  const body = { template_id: 'bench_image', inputs: color, require_approval: true, ...more }
  return String(pick((await stage.call('POST', '/openclaw/triggers/fire', body)).body, 'approval_id'))
}
const decide = (stage: Stage, id: string, verb: string, body: object = {}): Promise<Got> =>
  stage.call('POST', `/openclaw/approvals/${id}/${verb}`, body)

const five = async (stage: Stage) => {
  await ask(stage, { callback: { url: 'http://example.invalid/cb' } })
  for (let i = 0; i < 4; i++) await ask(stage)
  return undefined
}
const withDelivery = (stage: Stage) => ask(stage, { callback: { url: 'http://example.invalid/cb' } })
const overdue = async (stage: Stage) => {
  const id = await ask(stage)
  stage.sim.control.advance(3_600_001)
  return id
}
const swept = async (stage: Stage) => {
  const id = await overdue(stage)
  await stage.call('GET', '/openclaw/approvals')
  return id
}

const approvals: readonly Case[] = [
  withId('approval-approve', withDelivery),
  withId('approval-approve-empty-body', (stage) => ask(stage)),
  withId('approval-approve-execution-failed', (stage) => ask(stage, { template_id: 'sdxl_basic' })),
  withId('approval-approve-no-execute', (stage) => ask(stage)),
  withId('approval-approve-twice', async (stage) => {
    const id = await ask(stage)
    await decide(stage, id, 'approve')
    return id
  }),
  ...plain('approval-', 'approve-unknown', 'get-404', 'reject-no-token'),
  withId('approval-executed-history', async (stage) => {
    const id = await ask(stage)
    const { body } = await decide(stage, id, 'approve')
    await stage.sim.control.idle()
    return String(pick(body, 'prompt_id'))
  }),
  withId('approval-expired-approve', overdue),
  withId('approval-expired-get-before-sweep', overdue),
  withId('approval-expired-get-after-sweep', swept),
  withId('approval-expired-reject', overdue),
  withId('approval-get-pending', withDelivery),
  withId('approval-get-executed', async (stage) => {
    const id = await withDelivery(stage)
    await decide(stage, id, 'approve', { actor: 'telegram:42' })
    return id
  }),
  withId('approval-get-execution-failed', async (stage) => {
    const id = await ask(stage, { template_id: 'sdxl_basic' })
    await decide(stage, id, 'approve')
    return id
  }),
  withId('approval-reject', (stage) => ask(stage)),
  withId('approval-reject-twice', async (stage) => {
    const id = await ask(stage)
    await decide(stage, id, 'reject')
    return id
  }),
  withId('approvals-list-all-page', five),
  withId('approvals-list-pending', async (stage) => {
    await five(stage)
    return undefined
  }),
  withId('approvals-list-expired', async (stage) => void (await swept(stage))),
  withId('approvals-list-sweeps-expired', async (stage) => void (await overdue(stage)), { partial: cut }),
  ...plain('approvals-list-', 'bad-status', 'no-token'),
]

const traced =
  (sample: string, more: object = {}) =>
  async (stage: Stage) => {
    // The recorded request names its trace id; whoever had it first decides what comes back.
    await stage.call('POST', '/openclaw/triggers/fire', { template_id: sample, ...more })
    return undefined
  }

const triggers: readonly Case[] = [
  ...plain('trigger-', 'direct', 'slow-job', 'no-trace-id', 'ignored-callback', 'legacy-admin-header'),
  ...plain('trigger-', 'bad-input-value', 'inputs-not-object', 'invalid-json', 'json-array', 'trace-id-not-string'),
  ...plain('trigger-', 'manifest-as-template', 'missing-template-id', 'path-traversal-template', 'unknown-template'),
  ...plain('trigger-', 'no-token', 'wrong-token', 'shipped-template-invalid'),
  ...plain('trigger-', 'operator-default-approval-omitted', 'operator-default-approval-overridden'),
  ...plain('trigger-', 'require-approval'),
  withId('trigger-require-approval-same-trace', async (stage) => {
    await ask(stage, { trace_id: '5dc6e291-4d61-4b5f-90e7-8318a3712ea3' })
    return undefined
  }),
  withId('trigger-same-trace-id-again', traced('bench_image', { trace_id: '09ad775c-558d-4a28-9c9f-0ae6df6e3c84' })),
  withId(
    'trigger-retry-after-failed-submit',
    traced('sdxl_basic', { trace_id: 'c3f7af10-58fe-4af7-b6d2-6788f2a743e2' }),
  ),
  withId(
    'trigger-budget-429',
    async (stage) => {
      // Not awaited: it holds the slot while the recorded request comes.
      stage.fire('bench_image').catch(() => {})
      while (stage.sim.control.requests().length === 0) await new Promise((resolve) => setImmediate(resolve))
      return undefined
    },
    { options: { submitMs: 100 } },
  ),
  withId('trigger-direct-history', (stage) => stage.run('bench_image', { color: '1234' })),
  withId('trigger-failed-job-history', async (stage) => {
    // Only the picture comes from the cache, as in the recording.
    await stage.run('bench_image')
    return stage.run('bench_fail', { message: 'out of paint' })
  }),
  withId('queue-entry-of-trigger-job', async (stage) => {
    const id = await stage.fire('bench_slow')
    await stage.sim.control.busy()
    stage.sim.control.pause()
    return id
  }),
]

const convenience: readonly Case[] = [
  ...plain('convenience-', 'approvals-no-origin', 'approvals-same-origin', 'jobs-no-origin', 'llm-chat-no-origin'),
  ...plain('convenience-', 'trigger-foreign-origin', 'trigger-no-origin', 'trigger-same-origin', 'trigger-sec-fetch'),
  ...plain('convenience-', 'trigger-with-some-token'),
  { sample: 'openclaw-convenience-templates', partial: cut },
  { sample: 'openclaw-convenience-health', partial: cut, options: { llm: { keyRequired: true } } },
  { sample: 'openclaw-convenience-llm-chat-no-key', options: { llm: { provider: 'openai', keyRequired: true } } },
]

const info: readonly Case[] = [
  ...plain('', 'health', 'capabilities', 'unknown-route', 'trace-404', 'trace-no-token', 'logs-tail-no-token'),
  { sample: 'openclaw-config-get-no-token-loopback', partial: cut },
  { sample: 'openclaw-templates-api-alias', partial: cut },
  { sample: 'openclaw-templates-legacy-alias', partial: cut },
  { sample: 'openclaw-templates-debug', partial: cut },
  ...plain('', 'templates'),
  withId('logs-tail', async (stage) => void (await stage.fire('bench_image'))),
  withId('trace-of-trigger-job', (stage) => stage.run('bench_image')),
  withId('events-poll-trigger-job', (stage) => stage.run('bench_image')),
  withId('rate-limit-429', async (stage) => {
    for (let i = 0; i < 20; i++) await stage.call('GET', '/openclaw/templates')
    return undefined
  }),
  ...plain('llm-chat-', 'missing-message', 'no-token', 'not-object', 'ok'),
  ...(
    [
      ['401', 'HTTP error 401: Unauthorized'],
      ['503', 'HTTP error 503: Service Unavailable'],
      ['429', 'HTTP error 429: Too Many Requests'],
    ] as const
  ).map(([status, error]) => ({
    sample: `openclaw-llm-chat-provider-${status}`,
    options: {
      llm: {
        answer: () => ({ status: Number(status), error, ...(status === '429' ? { retryAfterSec: 7 } : {}) }),
      },
    },
  })),
  {
    sample: 'openclaw-llm-chat-provider-unreachable',
    options: {
      llm: {
        answer: () => ({ status: 500, error: 'Request failed: <urlopen error [Errno 111] Connection refused>' }),
      },
    },
  },
]

const hourly = {
  name: 'hourly bench',
  template_id: 'bench_image',
  trigger_type: 'interval',
  interval_sec: 3600,
  inputs: { color: 400 },
  enabled: false,
  delivery: { platform: 'telegram', chat_id: '-100123', message_thread_id: '7' },
}
const daily = {
  ...hourly,
  name: 'daily',
  trigger_type: 'cron',
  cron_expr: '0 9 * * 1-5',
  interval_sec: null,
  delivery: null,
  inputs: {},
}
const plan = async (stage: Stage, schedule: object = hourly) =>
  String(pick((await stage.call('POST', '/openclaw/schedules', schedule)).body, 'schedule.schedule_id'))
const ran = async (stage: Stage) => {
  const id = await plan(stage)
  await stage.call('POST', `/openclaw/schedules/${id}/run`)
  return id
}
const quick = { options: { scheduleFreezeMs: 5 } }

const schedules: readonly Case[] = [
  ...plain('schedule-create-', 'interval', 'cron', 'bad-cron', 'bad-trigger-type', 'no-name', 'short-interval'),
  ...plain('schedule-create-', 'unknown-template', 'delivery-ambiguous', 'delivery-malformed', 'delivery-kakao'),
  ...plain('schedule-create-', 'delivery-line', 'delivery-wechat', 'delivery-whatsapp'),
  ...plain('', 'schedules-list-empty', 'schedules-list-no-token', 'schedule-get-404', 'schedule-run-404'),
  ...plain('', 'runs-bad-limit'),
  withId('schedules-list-enabled-filter', async (stage) => void (await plan(stage))),
  withId('schedules-list', async (stage) => {
    await plan(stage)
    await plan(stage, daily)
    return undefined
  }),
  withId('schedule-get', (stage) => plan(stage)),
  withId('schedule-put', ran, quick),
  withId('schedule-delete', (stage) => plan(stage)),
  withId('schedule-toggle', (stage) => plan(stage)),
  withId('schedule-toggle-back', (stage) => plan(stage, { ...hourly, enabled: true })),
  withId('schedule-run', (stage) => plan(stage), quick),
  withId('schedule-run-again-same-minute', ran, quick),
  withId('schedule-runs', ran, quick),
  withId('runs-all', async (stage) => void (await ran(stage)), quick),
]

const moody = {
  name: 'moody',
  category: 'prompt',
  tags: ['night'],
  content: { positive: 'night city', negative: 'blur' },
}
const preset = async (stage: Stage) => String(pick((await stage.call('POST', '/openclaw/presets', moody)).body, 'id'))

const past = async (stage: Stage) => {
  for (let i = 0; i < 4; i++) await stage.run('bench_image', { color: i })
  await stage.fire('bench_slow')
  await stage.sim.control.busy()
  stage.sim.control.pause()
  return undefined
}

const lists: readonly Case[] = [
  ...plain('preset-', 'create', 'create-invalid', 'create-missing', 'get-404'),
  ...plain('', 'presets-list-no-token'),
  withId('presets-list', async (stage) => void (await preset(stage))),
  withId('preset-get', preset),
  withId('preset-delete', preset),
  ...plain('jobs-', '501-old-host', '501-old-host-bad-query', 'bad-status', 'no-token', 'unknown-param', 'wrong-token'),
  withId('jobs-ok', past),
  withId('jobs-status-filter', past),
  withId('jobs-failed', async (stage) => void (await stage.run('bench_fail'))),
  ...plain('connector-', 'installation-404', 'no-token', 'resolve-missing-binding', 'resolve-missing-param'),
]

const tenants: readonly Case[] = [
  ...plain('tenants-', 'approvals-acme', 'invalid-header', 'jobs-no-header', 'trigger-acme', 'trigger-approval-acme'),
  ...plain('tenants-', 'installation-cross-tenant'),
  withId('tenants-approvals-default', async (stage) => void (await ask(stage))),
  withId('tenants-approval-approve-as-acme', (stage) => ask(stage)),
  withId('tenants-jobs-acme', async (stage) => void (await stage.run('bench_image'))),
  withId('tenants-jobs-default', async (stage) => void (await stage.run('bench_image'))),
  withId('tenants-trigger-acme-history', (stage) => stage.run('bench_image')),
]

export const openclawCases: readonly Case[] = [
  ...approvals,
  ...triggers,
  ...convenience,
  ...info,
  ...schedules,
  ...lists,
  ...tenants,
]
