import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Backend } from '../../src/backend/client.ts'
import { inspectConfig } from '../../src/config/read.ts'
import { type AdapterModule, type Capabilities, defineAdapter, type Probe } from '../../src/contract/index.ts'
import { examine } from '../../src/ops/doctor.ts'
import { files } from '../config/kit.ts'
import { capabilities, rung } from '../delivery/plan-kit.ts'
import { backendWith, failure, ok } from '../jobs/backend-kit.ts'
import { standIn, tempDir } from '../kit/core.ts'
import { testDeps } from '../kit/deps.ts'

const platform = (
  id: string,
  probe: () => Promise<readonly Probe[]>,
  caps: Partial<Capabilities> = {},
): AdapterModule =>
  defineAdapter({
    id,
    env: { TOKEN: { kind: 'text', about: 'Token', secret: true } },
    activation: [['TOKEN']],
    operator: null,
    provenBy: null,
    capabilities: capabilities({ media: { image: [], video: [], audio: [], file: [] }, ...caps }),
    create: () => ({ ...standIn({ now: () => 0 }).adapter, probe }),
  })

const well: Partial<Backend> = {
  diagnose: async () => ({ state: 'up', about: 'OpenClaw 1.0 answers.' }),
  approvals: async () => ok({ approvals: [], pendingCount: 0 }),
  templates: async () => ok([{ id: 't', allowedInputs: [], defaults: {} }]),
}

const lines = async (
  calls: Partial<Backend>,
  { env = {}, modules = [] }: { env?: Record<string, string>; modules?: readonly AdapterModule[] } = {},
): Promise<readonly string[]> => {
  const whole = {
    OPENCLAW_CONNECTOR_STATE_DIR: join(tempDir(), 'state'),
    OPENCLAW_CONNECTOR_ADMIN_TOKEN: 'a-long-admin-token',
    ...Object.fromEntries(modules.map(({ id }) => [`OPENCLAW_CONNECTOR_${id.toUpperCase()}_TOKEN`, `secret-of-${id}`])),
    ...env,
  }
  const deps = { readFile: files(), isTty: false, homeDir: tempDir(), platform: 'linux' }
  const { config } = inspectConfig(whole, modules, deps)
  const signal = new AbortController().signal
  const probes = await examine({ config, backend: backendWith(calls), depsFor: () => testDeps(), signal })
  return probes.map(({ name, ok, about }) => `${ok ? 'ok' : 'FAIL'} ${name}: ${about}`)
}

const lineOf = (all: readonly string[], name: string): string => all.find((line) => line.includes(` ${name}:`)) ?? ''

test('where all is well every line says so', async () => {
  const all = await lines(well, {
    modules: [platform('a', async () => [{ name: 'token', ok: true, about: 'it is @bot' }])],
  })
  expect(all.filter((line) => !line.startsWith('ok'))).toEqual([])
  expect(lineOf(all, 'a: token')).toBe('ok a: token: it is @bot')
  expect(lineOf(all, 'templates')).toContain('1 templates')
})

test('a backend that is away is one line, and what stands behind it is not asked', async () => {
  const all = await lines({ ...well, diagnose: async () => ({ state: 'down', about: 'Is ComfyUI running?' }) })
  expect(lineOf(all, 'backend')).toBe('FAIL backend: Is ComfyUI running?')
  expect(all.filter((line) => /admin rights|templates/.test(line))).toEqual([])
})

test('a token that is refused, a token that is missing, and templates that can’t be read name their cures', async () => {
  const refused = await lines({
    ...well,
    approvals: async () => failure('denied', { detail: 'answered 403' }),
    templates: async () => failure('denied', { detail: 'answered 403' }),
  })
  expect(lineOf(refused, 'admin rights')).toMatch(/^FAIL .*403.*OPENCLAW_CONNECTOR_ADMIN_TOKEN/)
  expect(lineOf(refused, 'templates')).toMatch(/^FAIL .*OPENCLAW_CONNECTOR_OBS_TOKEN/)
  const missing = await lines(well, { env: { OPENCLAW_CONNECTOR_ADMIN_TOKEN: '' } })
  expect(lineOf(missing, 'admin rights')).toMatch(/^FAIL .*OPENCLAW_CONNECTOR_ADMIN_TOKEN/)
  const none = await lines({ ...well, templates: async () => ok([]) })
  expect(lineOf(none, 'templates')).toMatch(/^FAIL .*template folder/)
})

test('the state directory is made if need be; one that can’t be is told with the cure', async () => {
  const dir = tempDir()
  const made = join(dir, 'a', 'b')
  expect(lineOf(await lines(well, { env: { OPENCLAW_CONNECTOR_STATE_DIR: made } }), 'state directory')).toBe(
    `ok state directory: ${made}`,
  )
  expect(statSync(made).mode & 0o777).toBe(0o700)
  writeFileSync(join(dir, 'file'), '')
  const blocked = await lines(well, { env: { OPENCLAW_CONNECTOR_STATE_DIR: join(dir, 'file', 'state') } })
  expect(lineOf(blocked, 'state directory')).toMatch(/^FAIL .*ENOTDIR.*OPENCLAW_CONNECTOR_STATE_DIR/)
})

test('behind one port for all a platform is told to lead there, not to the port of its own', async () => {
  const whereIt = defineAdapter({
    id: 'b',
    env: {
      TOKEN: { kind: 'text', about: 'Token', secret: true },
      BIND: { kind: 'text', about: 'Host', fallback: '127.0.0.1' },
      PORT: { kind: 'port', about: 'Port', fallback: 8097 },
    },
    activation: [['TOKEN']],
    operator: null,
    provenBy: null,
    capabilities: capabilities({ media: { image: [], video: [], audio: [], file: [] } }),
    create: ({ BIND, PORT }) => ({
      ...standIn({ now: () => 0 }).adapter,
      probe: async () => [{ name: 'hook', ok: true, about: `${BIND}:${PORT}` }],
    }),
  })
  const told = async (env: Record<string, string>) => lineOf(await lines(well, { modules: [whereIt], env }), 'b: hook')
  expect(await told({})).toBe('ok b: hook: 127.0.0.1:8097')
  const env = { OPENCLAW_CONNECTOR_HTTP_PORT: '8088', OPENCLAW_CONNECTOR_HTTP_BIND: '0.0.0.0' }
  expect(await told(env)).toBe('ok b: hook: 0.0.0.0:8088')
})

test('a platform whose pictures travel as links needs the public address, and its name is told', async () => {
  const media = { image: [rung({ as: 'link', by: 'url' })], video: [], audio: [], file: [] }
  const modules = [platform('a', async () => [], { media, name: 'Parrot' })]
  expect(lineOf(await lines(well, { modules }), 'media links')).toMatch(
    /^FAIL .*Parrot.*OPENCLAW_CONNECTOR_PUBLIC_BASE_URL/,
  )
  const env = { OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: 'https://bot.example' }
  expect(lineOf(await lines(well, { modules, env }), 'media links')).toMatch(/^ok .*https:\/\/bot\.example/)
  const near = { OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: 'http://127.0.0.1:8099' }
  expect(lineOf(await lines(well, { modules, env: near }), 'media links')).toMatch(/^FAIL .*public https address/)
  expect(lineOf(await lines(well), 'media links')).toBe('')
})

test('a platform whose probe breaks is a failed line beside the others', async () => {
  const modules = [
    platform('a', () => Promise.reject(new Error('no route to host'))),
    platform('b', async () => [{ name: 'token', ok: true, about: 'fine' }]),
  ]
  const all = await lines(well, { modules })
  expect(lineOf(all, 'a')).toBe('FAIL a: no route to host')
  expect(lineOf(all, 'b: token')).toBe('ok b: token: fine')
})

test('no line contains a secret', async () => {
  const all = await lines(
    { ...well, approvals: async () => failure('denied') },
    { modules: [platform('a', async () => [{ name: 'token', ok: true, about: 'fine' }])] },
  )
  expect(all.join('\n')).not.toMatch(/a-long-admin-token|secret-of-a/)
})
