import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commonEnv } from '../../src/config/env.ts'
import { noPlatformMessage } from '../../src/config/platforms.ts'
import { readConfig } from '../../src/config/read.ts'
import { defaultStateDir } from '../../src/config/state-dir.ts'
import { ConfigError } from '../../src/contract/index.ts'
import { deps, files, inspect, modules, parrot, problemsOf, read } from './kit.ts'

const token = '123456:abcdefghijklmnop'

describe('the whole configuration', () => {
  it('starts from nothing with the documented defaults', () => {
    const config = read({})
    expect(config.backend).toEqual({ url: 'http://127.0.0.1:8188', adminToken: null, obsToken: null, tenant: null })
    expect(config.admin).toEqual({ host: '127.0.0.1', port: 8093 })
    expect(config.http).toBeNull()
    expect(config.publicBaseUrl).toBeNull()
    expect(config.log).toEqual({ level: 'info', format: 'json' })
    expect(config.media).toMatchObject({ path: '/media', ttlMs: 300_000 })
    expect(config.posture).toEqual({ deployment: 'local', runtime: 'minimal' })
    expect(config.rules.overridesJson).toBeUndefined()
    expect(config.warnings).toEqual([])
    expect(config.secrets).toEqual([])
  })

  it('refuses a backend token that no request could carry, without saying it', () => {
    for (const name of ['OPENCLAW_CONNECTOR_ADMIN_TOKEN', 'OPENCLAW_CONNECTOR_OBS_TOKEN']) {
      const [problem] = problemsOf({ [name]: 'geheimes-Schlüsselwort' })
      expect(problem).toMatchObject({ variable: name, cure: 'Copy the value again.' })
      expect(JSON.stringify(problem)).not.toContain('Schlüsselwort')
      expect(problemsOf({ [name]: 'four words, one token' })).toEqual([])
    }
  })

  it('reports every mistake at once, each with variable, what was read, and the cure', () => {
    const problems = problemsOf({
      OPENCLAW_CONNECTOR_URL: 'comfy',
      OPENCLAW_CONNECTOR_ADMIN_USERS: '["1"]',
      OPENCLAW_CONNECTOR_PARROT_LOUD: 'perhaps',
      OPENCLAW_RUNTIME_PROFILE: 'hard',
      OPENCLAW_CONNECTOR_ADMIN_TOKEN_FILE: '/nowhere',
    })
    expect(problems.map((p) => p.variable).sort()).toEqual([
      'OPENCLAW_CONNECTOR_ADMIN_TOKEN_FILE',
      'OPENCLAW_CONNECTOR_ADMIN_USERS',
      'OPENCLAW_CONNECTOR_PARROT_LOUD',
      'OPENCLAW_CONNECTOR_URL',
      'OPENCLAW_RUNTIME_PROFILE',
    ])
    for (const problem of problems) {
      expect(problem.read).not.toBe('')
      expect(problem.cure).toMatch(/\.$/)
    }
  })

  it('can be looked at beside its mistakes, so that others can add theirs', () => {
    const { config, problems } = inspect({ OPENCLAW_CONNECTOR_URL: 'comfy', OPENCLAW_CONNECTOR_ADMIN_USERS: 'ann' })
    expect(problems).toHaveLength(1)
    expect(config.rules.adminUsers).toEqual(['ann'])
  })

  it('cannot be changed, and leaves the adapter modules alone', () => {
    const config = read({ OPENCLAW_CONNECTOR_ADMIN_USERS: 'ann' })
    expect(() => Object.assign(config.limits, { maxPending: 1 })).toThrow(TypeError)
    expect(() => Object.assign(config.rules.adminUsers, ['eve'])).toThrow(TypeError)
    expect(() => Object.assign(config.platforms[0]!.settings, { TOKEN: 'x' })).toThrow(TypeError)
    expect(Object.isFrozen(parrot.capabilities)).toBe(false)
  })

  it('names the tenant only in multi-tenant mode', () => {
    const tenant = (env: Record<string, string>) => read(env).backend.tenant
    expect(tenant({ OPENCLAW_TENANT_HEADER: 'X-Team' })).toBeNull()
    expect(tenant({ OPENCLAW_MULTI_TENANT_ENABLED: '1' })).toEqual({ header: 'X-OpenClaw-Tenant-Id', id: 'default' })
    expect(
      tenant({
        OPENCLAW_MULTI_TENANT_ENABLED: '1',
        OPENCLAW_TENANT_HEADER: 'X-Team',
        OPENCLAW_CONNECTOR_TENANT_ID: 'a',
      }),
    ).toEqual({ header: 'X-Team', id: 'a' })
    expect(problemsOf({ OPENCLAW_TENANT_HEADER: 'X Team: 1' })).toHaveLength(1)
  })

  it('is strict in a public deployment and in a hardened runtime', () => {
    expect(read({ OPENCLAW_DEPLOYMENT_PROFILE: 'PUBLIC' }).posture.deployment).toBe('public')
    expect(read({ OPENCLAW_RUNTIME_PROFILE: 'hardened' }).posture.runtime).toBe('hardened')
    expect(read({ OPENCLAW_DEPLOYMENT_PROFILE: 'lan' }).posture.deployment).toBe('lan')
  })

  it('chooses the log by what was said, by DEBUG, and by the terminal', () => {
    expect(read({}, { isTty: true }).log.format).toBe('pretty')
    expect(read({ OPENCLAW_CONNECTOR_LOG_FORMAT: 'json' }, { isTty: true }).log.format).toBe('json')
    expect(read({ OPENCLAW_CONNECTOR_LOG_FORMAT: 'pretty' }).log.format).toBe('pretty')
    expect(read({ OPENCLAW_CONNECTOR_DEBUG: '1' }).log.level).toBe('debug')
    expect(read({ OPENCLAW_CONNECTOR_DEBUG: '1', OPENCLAW_CONNECTOR_LOG_LEVEL: 'error' }).log.level).toBe('error')
  })

  it('puts the webhooks behind one listener when a port is given', () => {
    expect(read({ OPENCLAW_CONNECTOR_HTTP_PORT: '8080' }).http).toEqual({ host: '127.0.0.1', port: 8080 })
    expect(read({ OPENCLAW_CONNECTOR_HTTP_BIND: '0.0.0.0' }).warnings).toEqual([expect.stringContaining('no effect')])
  })
})

describe('platforms', () => {
  const platform = (env: Record<string, string>, id: string) => read(env).platforms.find((one) => one.module.id === id)!

  it('are on when one activation group is complete', () => {
    expect(platform({ OPENCLAW_CONNECTOR_PARROT_TOKEN: token }, 'parrot')).toMatchObject({ active: true, missing: [] })
    expect(platform({ OPENCLAW_CONNECTOR_HERON_KEY: 'k' }, 'heron').active).toBe(true)
    const both = { OPENCLAW_CONNECTOR_HERON_ENABLED: 'true', OPENCLAW_CONNECTOR_HERON_ACCOUNT: 'a' }
    expect(platform(both, 'heron').active).toBe(true)
    expect(platform({}, 'heron')).toMatchObject({ active: false, missing: [] })
  })

  it('name what is missing when they are configured in part', () => {
    const env = { OPENCLAW_CONNECTOR_HERON_ENABLED: 'true' }
    expect(platform(env, 'heron').missing).toEqual(['OPENCLAW_CONNECTOR_HERON_ACCOUNT'])
    expect(read(env).warnings).toEqual([expect.stringContaining('stays off without OPENCLAW_CONNECTOR_HERON_ACCOUNT')])
    expect(read({ OPENCLAW_CONNECTOR_PARROT_ALLOWED_USERS: '1' }).warnings).toHaveLength(1)
  })

  it('say nothing when they were switched off by hand', () => {
    const env = { OPENCLAW_CONNECTOR_HERON_ENABLED: 'false', OPENCLAW_CONNECTOR_HERON_ALLOWED_USERS: 'ann' }
    expect(platform(env, 'heron')).toMatchObject({ active: false, missing: [] })
    expect(read(env).warnings).toEqual([])
  })

  it('hand their allow lists to policy with the variables they stand in', () => {
    const name = 'OPENCLAW_CONNECTOR_PARROT_ALLOWED_CHATS'
    expect(read({ [name]: '-100' }).rules.trust).toContainEqual({
      platform: 'parrot',
      users: [],
      chats: ['-100'],
      variables: { users: name, chats: name },
    })
  })

  it('have their quickest ways named when none is on', () => {
    const text = noPlatformMessage(modules)
    expect(text).toContain('openclaw-connector demo')
    expect(text).toContain('OPENCLAW_CONNECTOR_PARROT_TOKEN=…')
    expect(text.indexOf('PARROT_TOKEN')).toBeLessThan(
      text.indexOf('HERON_ENABLED=true OPENCLAW_CONNECTOR_HERON_ACCOUNT=…'),
    )
  })
})

describe('the state folder', () => {
  it.each([
    ['linux', {}, '/home/ann/.local/share/openclaw-connector'],
    ['linux', { XDG_DATA_HOME: '/data' }, '/data/openclaw-connector'],
    ['linux', { XDG_DATA_HOME: 'data' }, '/home/ann/.local/share/openclaw-connector'],
    ['darwin', { XDG_DATA_HOME: '/data' }, '/home/ann/Library/Application Support/openclaw-connector'],
    ['win32', { LOCALAPPDATA: 'C:\\Local' }, 'C:\\Local\\openclaw-connector'],
    ['win32', {}, '\\home\\ann\\AppData\\Local\\openclaw-connector'],
  ])('on %s with %o is %s', (platform, env, dir) => expect(defaultStateDir(env, '/home/ann', platform)).toBe(dir))

  it('is the one that was set', () => {
    expect(read({ OPENCLAW_CONNECTOR_STATE_DIR: '/srv/state' }).stateDir).toBe('/srv/state')
    expect(read({ OPENCLAW_CONNECTOR_STATE_DIR: '~/state' }).stateDir).toBe('/home/ann/state')
  })

  it('is a folder of its own beside the old state file, with a word about the new name', () => {
    const old = read({ OPENCLAW_CONNECTOR_STATE_PATH: '/srv/bot/connector_state.json' })
    expect(old.stateDir).toBe('/srv/bot/openclaw-connector-state')
    expect(old.warnings).toEqual([
      expect.stringContaining('OPENCLAW_CONNECTOR_STATE_DIR=/srv/bot/openclaw-connector-state'),
    ])
    expect(read({ OPENCLAW_CONNECTOR_STATE_PATH: '/srv/bot' }).stateDir).toBe('/srv/bot/openclaw-connector-state')
    const both = read({ OPENCLAW_CONNECTOR_STATE_PATH: '/a/b.json', OPENCLAW_CONNECTOR_STATE_DIR: '/c' })
    expect(both).toMatchObject({ stateDir: '/c', warnings: [] })
  })
})

describe('any environment', () => {
  const names = [
    ...Object.keys(commonEnv),
    ...modules.flatMap((m) => Object.keys(m.env).map((key) => `OPENCLAW_CONNECTOR_${m.id.toUpperCase()}_${key}`)),
  ].flatMap((name) => [name, `${name}_FILE`])
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.webUrl({ withQueryParameters: true }),
    fc.constantFrom('true', '0', '[1]', '1,2', 'https://[', 'http://a@b', '/secret', '%', '~', '__proto__', undefined),
    fc.integer().map(String),
  )
  const anyName = fc.oneof(
    fc.constantFrom(...names),
    fc.string({ maxLength: 20 }).map((tail) => `OPENCLAW_CONNECTOR_${tail}`),
    fc.string({ maxLength: 20 }),
  )

  it('gives a configuration or a ConfigError, nothing else', () => {
    fc.assert(
      fc.property(fc.dictionary(anyName, value, { maxKeys: 12 }), fc.string({ unit: 'binary' }), (env, text) => {
        const readFile = files({ '/secret': text, '.env': text })
        try {
          expect(readConfig(env, modules, { ...deps, readFile }).warnings).toBeInstanceOf(Array)
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error
          expect(error.problems.length).toBeGreaterThan(0)
        }
      }),
      { numRuns: 1500 },
    )
  })

  it('never shows a secret in a problem or a warning', () => {
    const secret = fc.string({ unit: 'grapheme-ascii', minLength: 8, maxLength: 40 }).map((s) => `S${s.trim()}#xyzzy#`)
    const secretNames = ['ADMIN_TOKEN', 'OBS_TOKEN', 'PARROT_TOKEN', 'HERON_KEY', 'LINE_CHANNEL_SECRET', 'ADMIN_TOKN']
    const inside = fc.constantFrom(
      (s: string) => s,
      (s: string) => ` ${s} `,
      (s: string) => `https://${s}.example.com`,
      (s: string) => `https://u:${s}@example.com`,
      (s: string) => `1,${s},[2]`,
      (s: string) => `{"run":"${s}"}`,
    )
    fc.assert(
      fc.property(
        secret,
        fc.constantFrom(...secretNames),
        fc.constantFrom(...names),
        inside,
        (s, where, also, wrap) => {
          const env = { [also]: wrap(s), [`OPENCLAW_CONNECTOR_${where}`]: s }
          const { config, problems } = inspect(env)
          expect(`${JSON.stringify(problems)}${JSON.stringify(config.warnings)}`).not.toContain('xyzzy')
          expect(new ConfigError(problems).message).not.toContain(s)
        },
      ),
      { numRuns: 1500 },
    )
  })
})
