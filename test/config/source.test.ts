import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseEnvFile } from '../../src/config/env-file.ts'
import { mask, redactor } from '../../src/config/mask.ts'
import { distance } from '../../src/config/names.ts'
import { files, inspect, problemsOf, read } from './kit.ts'

const tokenFile = 'OPENCLAW_CONNECTOR_ADMIN_TOKEN_FILE'

describe('values from files', () => {
  it.each([
    ['secret', tokenFile, 'horse-battery\n', (c: ReturnType<typeof read>) => c.backend.adminToken, 'horse-battery'],
    ['crlf', tokenFile, 'horse-battery\r\n', (c: ReturnType<typeof read>) => c.backend.adminToken, 'horse-battery'],
    [
      'list',
      'OPENCLAW_CONNECTOR_ADMIN_USERS_FILE',
      '1, 2\n',
      (c: ReturnType<typeof read>) => c.rules.adminUsers,
      ['1', '2'],
    ],
    ['text', 'OPENCLAW_COMMAND_OVERRIDES_FILE', '{}\n', (c: ReturnType<typeof read>) => c.rules.overridesJson, '{}'],
  ])('are read for a %s', (_, name, text, pick, value) => {
    expect(pick(read({ [name]: '/run/s' }, { readFile: files({ '/run/s': text }) }))).toEqual(value)
  })

  it('are secrets too', () => {
    const config = read({ [tokenFile]: '/run/s' }, { readFile: files({ '/run/s': 'horse-battery' }) })
    expect(config.secrets).toEqual(['horse-battery'])
  })

  it('stop the start when the file is missing, empty, too large, or the variable is set as well', () => {
    const readFile = files({ '/empty': ' \n', '/large': 'x'.repeat(300_000), '/s': 'horse-battery' })
    const read = (path: string, more = {}) => problemsOf({ [tokenFile]: path, ...more }, { readFile })
    expect(read('/none')).toMatchObject([{ variable: tokenFile, read: 'the file it names cannot be read (ENOENT)' }])
    expect(read('/empty')).toMatchObject([{ variable: tokenFile, read: 'the file it names is empty' }])
    expect(read('/large')).toMatchObject([{ variable: tokenFile, read: 'the file it names has 300000 characters' }])
    const both = read('/s', { OPENCLAW_CONNECTOR_ADMIN_TOKEN: 'other-secret' })
    expect(both).toMatchObject([{ variable: tokenFile, cure: 'Keep one of them.' }])
  })

  it('are named by the file variable when they are wrong', () => {
    const name = 'OPENCLAW_CONNECTOR_ADMIN_USERS_FILE'
    const [problem] = problemsOf({ [name]: '/ids' }, { readFile: files({ '/ids': '["1"]' }) })
    expect(problem?.variable).toBe(name)
  })

  it('are not taken for numbers and flags', () => {
    const config = read({ OPENCLAW_CONNECTOR_ADMIN_PORT_FILE: '/port' }, { readFile: files({ '/port': '99' }) })
    expect(config.admin.port).toBe(8093)
    expect(config.warnings).toEqual([expect.stringContaining('OPENCLAW_CONNECTOR_ADMIN_PORT_FILE: no setting')])
  })
})

describe('the env file', () => {
  const text = 'export OPENCLAW_CONNECTOR_ADMIN_USERS=ann\nOPENCLAW_CONNECTOR_MAX_PENDING=500\nPATH=/evil\n'

  it('lies below the real environment', () => {
    const config = read({ OPENCLAW_CONNECTOR_MAX_PENDING: '700' }, { readFile: files({ '.env': text }) })
    expect(config.limits.maxPending).toBe(700)
    expect(config.rules.adminUsers).toEqual(['ann'])
  })

  it('can be named, and must exist then', () => {
    const env = { OPENCLAW_CONNECTOR_ENV_FILE: '/etc/bot.env' }
    expect(read(env, { readFile: files({ '/etc/bot.env': text }) }).limits.maxPending).toBe(500)
    expect(problemsOf(env)).toMatchObject([{ variable: 'OPENCLAW_CONNECTOR_ENV_FILE' }])
  })

  it('may be missing under its default name, but not unreadable', () => {
    const readFile = () => {
      throw Object.assign(new Error('no'), { code: 'EACCES' })
    }
    expect(problemsOf({})).toEqual([])
    expect(problemsOf({}, { readFile })).toMatchObject([{ read: '.env cannot be read (EACCES)' }])
  })

  it('gives nothing but our variables', () => {
    expect(Object.keys(parseEnvFile(text).values)).toEqual([
      'OPENCLAW_CONNECTOR_ADMIN_USERS',
      'OPENCLAW_CONNECTOR_MAX_PENDING',
    ])
    expect(parseEnvFile('\uFEFFOPENCLAW_TENANT_HEADER=X-A').values).toEqual({ OPENCLAW_TENANT_HEADER: 'X-A' })
  })

  it('stops the start at a line of ours without a "="', () => {
    const { problems } = parseEnvFile('OPENCLAW_CONNECTOR_ADMIN_USERS: 12\n# OPENCLAW_CONNECTOR_DEBUG\n')
    expect(problems).toMatchObject([{ variable: 'OPENCLAW_CONNECTOR_ADMIN_USERS' }])
  })

  it('warns when a "#" cuts a value short', () => {
    const of = (line: string) => parseEnvFile(line).warnings.length
    expect(of('OPENCLAW_CONNECTOR_ADMIN_TOKEN=horse#battery')).toBe(1)
    expect(of('OPENCLAW_CONNECTOR_ADMIN_TOKEN="horse#battery"')).toBe(0)
    expect(of('OPENCLAW_CONNECTOR_ADMIN_TOKEN=horse # the token')).toBe(0)
    expect(of('OPENCLAW_CONNECTOR_ADMIN_TOKEN= # none yet')).toBe(0)
  })
})

describe('names no setting has', () => {
  it('are warned about, with the nearest name', () => {
    expect(read({ OPENCLAW_CONNECTOR_MAX_PENDIN: '5' }).warnings).toEqual([
      'OPENCLAW_CONNECTOR_MAX_PENDIN: no setting has this name; did you mean OPENCLAW_CONNECTOR_MAX_PENDING?',
    ])
    expect(read({ OPENCLAW_CONNECTOR_COFFEE_MACHINE_TEMPERATURE: '5' }).warnings).toEqual([
      'OPENCLAW_CONNECTOR_COFFEE_MACHINE_TEMPERATURE: no setting has this name',
    ])
  })

  it.each([
    'OPENCLAW_CONNECTOR_ADMIN_USER',
    'OPENCLAW_CONNECTOR_ADMIN_TOKN',
    'OPENCLAW_CONNECTOR_PARROT_ALLOWED_USER',
    'OPENCLAW_CONNECTOR_PAROT_ALLOWED_CHATS',
    'OPENCLAW_CONECTOR_ADMIN_USERS',
    'OPENCLAW_COMMAND_ALLOW_FROM_ADMINS',
    'OPENCLAW_COMMAND_OVERRIDE',
    'OPENCLAW_CONNECTOR_ADMIN_TOKEN_FIL',
  ])('stop the start when they almost spell a security setting: %s', (name) => {
    const [problem, more] = problemsOf({ [name]: 'whatever-it-is' })
    expect(problem?.variable).toBe(name)
    expect(problem?.cure).toContain('misspelt security setting')
    expect(more).toBeUndefined()
  })

  it('of platforms to come are one warning for each platform', () => {
    const config = read({
      OPENCLAW_CONNECTOR_KOOK_BOT_TOKEN: 'kook-123456',
      OPENCLAW_CONNECTOR_KOOK_PORT: '8096',
    })
    expect(config.warnings).toEqual([
      expect.stringMatching(/^OPENCLAW_CONNECTOR_KOOK_\*: .*not available in this version/),
    ])
    expect(config.secrets).toEqual(['kook-123456'])
  })

  it('of the backend are left alone, and so are unset ones', () => {
    const { config, problems } = inspect({
      OPENCLAW_ADMIN_TOKEN: 'backend-token',
      OPENCLAW_LOG_TRUNCATE_ON_START: '1',
      OPENCLAW_STATE_DIR: '/x',
      OPENCLAW_CONNECTOR_ADMIN_USER: '  ',
    })
    expect([...problems, ...config.warnings]).toEqual([])
  })

  it('are compared by edit distance', () => {
    expect(distance('', 'abc')).toBe(3)
    expect(distance('kitten', 'sitting')).toBe(3)
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(distance(a, b)).toBe(distance(b, a))
        expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
        expect(distance(a, b) === 0).toBe(a === b)
      }),
    )
  })
})

describe('secrets', () => {
  it('are shown by their beginning and length only', () => {
    expect(mask('abcdefghijkl')).toBe('abc…(12 characters)')
    expect(mask('hunter2')).toBe('…(7 characters)')
  })

  it('are found in every spelling a log line can hold', () => {
    const secret = 'p"ss w/rd\\+%é'
    const redact = redactor([secret])
    const forms = [
      secret,
      JSON.stringify({ a: secret }),
      JSON.stringify({ body: JSON.stringify({ a: secret }) }),
      `https://x.example/?t=${encodeURIComponent(secret)}`,
      encodeURIComponent(secret).toLowerCase(),
      new URLSearchParams({ t: secret }).toString(),
    ]
    for (const form of forms) expect(redact(form)).toContain('***')
    expect(redact(JSON.stringify({ a: secret }))).toBe('{"a":"***"}')
  })

  it('do not leave their tails behind when one begins with another', () => {
    expect(redactor(['secret', 'secret-longer'])('is secret-longer here')).toBe('is *** here')
  })

  it('that are too short to search for change nothing', () => expect(redactor(['abc', ''])('abcabc')).toBe('abcabc'))
})
