import { expect, test } from 'vitest'
import { listen, openStage, pick, token } from './kit.ts'

const none = {}

test('all four prefixes lead to the same routes, and the old ones announce it on the core routes only', async () => {
  await using stage = await openStage()
  for (const prefix of ['/openclaw', '/api/openclaw', '/moltbot', '/api/moltbot']) {
    const health = await stage.call('GET', `${prefix}/health`)
    expect([health.status, health.headers.get('deprecation')]).toEqual([200, prefix.includes('molt') ? 'true' : null])
    const list = await stage.call('GET', `${prefix}/approvals`)
    expect([list.status, list.headers.get('deprecation')]).toEqual([200, null])
  }
  const { headers } = await stage.call('GET', '/api/moltbot/health')
  expect(headers.get('x-openclaw-canonical-path')).toBe('/api/openclaw/health')
})

test("ComfyUI's routes are there plain and under /api", async () => {
  await using stage = await openStage()
  for (const path of ['/prompt', '/queue', '/history', '/system_stats', '/features', '/object_info']) {
    const [plain, api] = [await stage.call('GET', path, undefined, none), await stage.call('GET', `/api${path}`)]
    expect([plain.status, api.status]).toEqual([200, 200])
    expect(api.body).toEqual(plain.body)
  }
})

test('with a token set only the token opens admin routes, from wherever the caller comes', async () => {
  await using stage = await openStage()
  const page = { 'Sec-Fetch-Site': 'same-origin' }
  expect((await stage.call('GET', '/openclaw/schedules', undefined, page)).body).toEqual({
    error: 'Invalid admin token.',
  })
  expect((await stage.call('GET', '/openclaw/logs/tail', undefined, page)).body).toEqual({
    ok: false,
    error: 'Invalid admin token.',
  })
  expect((await stage.call('GET', '/openclaw/schedules', undefined, { 'X-Moltbot-Admin-Token': token })).status).toBe(
    200,
  )
})

test('without a token only a page of the backend itself, or who looks like one, gets in', async () => {
  await using stage = await openStage({ adminToken: null })
  const status = async (headers: Record<string, string>) =>
    (await stage.call('GET', '/openclaw/schedules', undefined, headers)).status
  expect(await status(none)).toBe(403)
  expect(await status({ 'X-OpenClaw-Admin-Token': 'any' })).toBe(403)
  expect(await status({ 'Sec-Fetch-Site': 'same-origin' })).toBe(200)
  expect(await status({ 'Sec-Fetch-Site': 'none' })).toBe(200)
  expect(await status({ Origin: stage.sim.url })).toBe(200)
})

test('a foreign page is refused before anything else, without a word', async () => {
  await using stage = await openStage()
  const foreign = await stage.call('GET', '/openclaw/health', undefined, { Origin: 'http://evil.example' })
  expect([foreign.status, foreign.body]).toEqual([403, null])
  expect(await listen(stage.sim, 'x', { Origin: 'http://evil.example' }).catch(String)).toMatch(/refused/)
})

test('callers from another machine need the observability token to read; the admin token does not do', async () => {
  await using stage = await openStage({ remote: true, obsToken: 'watch' })
  const status = async (headers: Record<string, string>) =>
    (await stage.call('GET', '/openclaw/templates', undefined, headers)).status
  expect(await status({ 'X-OpenClaw-Admin-Token': token })).toBe(403)
  expect(await status({ 'X-OpenClaw-Obs-Token': 'watch' })).toBe(200)
  expect((await stage.call('GET', '/openclaw/health', undefined, none)).body).toMatchObject({
    access_policy: { observability: 'token', token_configured: true },
  })
  expect((await stage.call('GET', '/openclaw/approvals')).status).toBe(200)
})

test('without the pack ComfyUI answers alone', async () => {
  await using stage = await openStage({ pack: false })
  expect((await stage.call('GET', '/prompt')).status).toBe(200)
  expect((await stage.call('GET', '/openclaw/health')).status).toBe(404)
  const fire = await stage.call('POST', '/openclaw/triggers/fire', { template_id: 'story' })
  expect([fire.status, fire.body]).toEqual([405, '405: Method Not Allowed'])
})

test('twenty requests a minute for all admin routes together, then 429 until the bucket refills', async () => {
  await using stage = await openStage()
  const paths = ['templates', 'config', 'jobs', 'connector/installations']
  for (let i = 0; i < 20; i++) expect((await stage.call('GET', `/openclaw/${paths[i % 4]}`)).status).toBe(200)
  const dry = await stage.call('POST', '/openclaw/llm/chat', { message: 'hi' })
  expect(dry.status).toBe(429)
  expect(dry.body).toMatchObject({ code: 'rate_limit_exceeded', scope: 'token_id:env-admin', retry_after_sec: 3 })
  expect(dry.headers.get('retry-after')).toBe('3')
  expect(pick((await stage.call('GET', '/openclaw/jobs')).body, 'error')).toBe('jobs_rate_limited')
  // Reads without the token count for somebody else, and most routes do not count at all.
  expect((await stage.call('GET', '/openclaw/templates', undefined, none)).status).toBe(200)
  expect((await stage.call('GET', '/openclaw/health')).status).toBe(200)
  expect((await stage.call('GET', '/openclaw/approvals')).status).toBe(200)
  stage.sim.control.advance(3000)
  expect((await stage.call('GET', '/openclaw/config')).status).toBe(200)
  expect((await stage.call('GET', '/openclaw/config')).status).toBe(429)
})

test('a daily cap says when the next day begins', async () => {
  await using stage = await openStage({ dailyCap: 1, now: () => Date.UTC(2026, 0, 1, 23, 0, 0) })
  await stage.call('GET', '/openclaw/templates')
  const { body } = await stage.call('GET', '/openclaw/templates')
  expect(body).toMatchObject({ reason_code: 'daily_cap_exceeded', retry_after_sec: 3600 })
})

test('a refused stranger still uses up the limit, because it is looked at first', async () => {
  await using stage = await openStage()
  const wrong = { 'X-OpenClaw-Admin-Token': 'nope' }
  for (let i = 0; i < 20; i++) expect((await stage.call('GET', '/openclaw/jobs', undefined, wrong)).status).toBe(403)
  expect((await stage.call('GET', '/openclaw/jobs', undefined, wrong)).status).toBe(429)
})

test('with several tenants only what the manifest lists is shown, and triggers stay with the default one', async () => {
  await using stage = await openStage({ multiTenant: true })
  const acme = { 'X-OpenClaw-Admin-Token': token, 'X-OpenClaw-Tenant-Id': 'ACME' }
  const listed = await stage.call('GET', '/openclaw/templates', undefined, acme)
  const ids = (pick(listed.body, 'templates') as unknown[]).map((one) => pick(one, 'id'))
  expect(ids).toContain('portrait')
  expect(ids).not.toContain('unlisted')
  await stage.call('POST', '/openclaw/triggers/fire', { template_id: 'story' }, acme)
  const jobs = await stage.call('GET', '/openclaw/jobs', undefined, acme)
  expect(jobs.body).toMatchObject({ jobs: [], scan: { excluded: 1 } })
})

test('the model behind the chat answers as it is told to, also with a failure', async () => {
  await using stage = await openStage({ llm: { answer: ({ message }) => ({ text: `you said ${message}` }) } })
  const chat = () => stage.call('POST', '/openclaw/llm/chat', { user_message: 'hi' })
  expect((await chat()).body).toEqual({ ok: true, tenant_id: 'default', text: 'you said hi' })
  stage.sim.control.setLlm({ answer: () => ({ status: 429, error: 'slow down', retryAfterSec: 7 }) })
  expect(await chat()).toMatchObject({ status: 429, body: { status_code: 429, retry_after: 7 } })
  stage.sim.control.setLlm({ keyRequired: true })
  expect((await chat()).status).toBe(400)
})
