import { describe, expect, it } from 'vitest'
import { commonEnv } from '../../src/config/env.ts'
import type { EnvRow } from '../../src/contract/index.ts'
import { inspect, problemsOf, read } from './kit.ts'

const settingOf = (name: string, text: string) => {
  const parrot = inspect({ [`OPENCLAW_CONNECTOR_PARROT_${name}`]: text }).config.platforms[0]!
  return parrot.settings[name]
}
const warningsOf = (name: string, text: string) => inspect({ [name]: text }).config.warnings

const intRows = Object.entries<EnvRow>(commonEnv).flatMap(([name, row]) =>
  row.kind === 'int' ? [{ name, ...row }] : [],
)

/** Where each number ends up, in the unit the variable has. */
const where: Readonly<Record<string, (c: ReturnType<typeof read>) => number>> = {
  OPENCLAW_CONNECTOR_RATE_LIMIT_USER_RPM: (c) => c.limits.userPerMinute,
  OPENCLAW_CONNECTOR_RATE_LIMIT_CHANNEL_RPM: (c) => c.limits.channelPerMinute,
  OPENCLAW_CONNECTOR_MAX_COMMAND_LENGTH: (c) => c.limits.maxCommandLength,
  OPENCLAW_CONNECTOR_MAX_PENDING: (c) => c.limits.maxPending,
  OPENCLAW_CONNECTOR_MAX_PENDING_PER_SENDER: (c) => c.limits.maxPendingPerSender,
  OPENCLAW_CONNECTOR_CONCURRENT_COMMANDS: (c) => c.limits.concurrentCommands,
  OPENCLAW_CONNECTOR_DELIVERY_MAX_IMAGES: (c) => c.delivery.maxFiles,
  OPENCLAW_CONNECTOR_DELIVERY_MAX_BYTES: (c) => c.delivery.maxBytes,
  OPENCLAW_CONNECTOR_DELIVERY_TIMEOUT_SEC: (c) => c.delivery.timeoutMs / 1000,
  OPENCLAW_CONNECTOR_MEDIA_TTL_SEC: (c) => c.media.ttlMs / 1000,
  OPENCLAW_CONNECTOR_MEDIA_MAX_MB: (c) => c.media.maxBytes / 1024 / 1024,
  OPENCLAW_CONNECTOR_MEDIA_MAX_TOTAL_MB: (c) => c.media.maxTotalBytes / 1024 / 1024,
  OPENCLAW_CONNECTOR_INPUT_MAX_MB: (c) => c.media.maxInputBytes / 1024 / 1024,
  OPENCLAW_CONNECTOR_RETENTION_DAYS: (c) => c.limits.retentionMs / 86_400_000,
}

describe('whole numbers', () => {
  // Name, default and bounds as the specification lists them.
  const specified = [
    ['RATE_LIMIT_USER_RPM', 10, 1, 600],
    ['RATE_LIMIT_CHANNEL_RPM', 30, 1, 600],
    ['MAX_COMMAND_LENGTH', 4096, 128, 32_768],
    ['DELIVERY_MAX_IMAGES', 4, 1, 16],
    ['DELIVERY_MAX_BYTES', 10_485_760, 65_536, 52_428_800],
    ['DELIVERY_TIMEOUT_SEC', 600, 30, 3600],
    ['MEDIA_TTL_SEC', 300, 60, 86_400],
    ['MEDIA_MAX_MB', 8, 1, 64],
    ['MAX_PENDING', 10_000, 100, 100_000],
    ['MAX_PENDING_PER_SENDER', 20, 1, 1000],
    ['CONCURRENT_COMMANDS', 32, 1, 256],
    ['MEDIA_MAX_TOTAL_MB', 2048, 64, 1_048_576],
    ['INPUT_MAX_MB', 20, 1, 100],
    ['RETENTION_DAYS', 30, 2, 3650],
  ] as const

  it('are all covered by this table', () => {
    expect(specified.map(([name]) => `OPENCLAW_CONNECTOR_${name}`).sort()).toEqual(intRows.map((r) => r.name).sort())
  })

  it.each(specified)('%s is %d unless set, and stays within %d..%d', (short, fallback, min, max) => {
    const name = `OPENCLAW_CONNECTOR_${short}`
    const got = (text?: string) => {
      const { config, problems } = inspect({ [name]: text })
      return { value: where[name]!(config), warnings: config.warnings.length, problems: problems.length }
    }
    expect(got()).toEqual({ value: fallback, warnings: 0, problems: 0 })
    expect(got('   ')).toEqual({ value: fallback, warnings: 0, problems: 0 })
    expect(got(` ${min} `)).toEqual({ value: min, warnings: 0, problems: 0 })
    expect(got(String(max))).toEqual({ value: max, warnings: 0, problems: 0 })
    expect(got(String(min - 1))).toEqual({ value: min, warnings: 1, problems: 0 })
    expect(got(String(max + 1))).toEqual({ value: max, warnings: 1, problems: 0 })
    expect(got('9'.repeat(400))).toEqual({ value: max, warnings: 1, problems: 0 })
    for (const text of ['many', '1.5', '0x10', '1e3', '10k', '--5', 'NaN']) {
      expect(got(text)).toEqual({ value: fallback, warnings: 1, problems: 0 })
    }
  })

  it('say in the warning what was read and what is used', () => {
    expect(warningsOf('OPENCLAW_CONNECTOR_MAX_PENDING', '7')).toEqual([
      'OPENCLAW_CONNECTOR_MAX_PENDING: "7" is outside 100..100000; 100 is used',
    ])
    expect(warningsOf('OPENCLAW_CONNECTOR_MAX_PENDING', 'lots')).toEqual([
      'OPENCLAW_CONNECTOR_MAX_PENDING: "lots" is not a whole number; 10000 is used',
    ])
  })
})

describe('ports', () => {
  const portWarnings = (text: string) =>
    read({ OPENCLAW_CONNECTOR_PARROT_PORT: text, OPENCLAW_CONNECTOR_PARROT_TOKEN: '1:a' }).warnings

  it.each(['0', '-1', '65536', '99999999', 'http', '80.5'])('fall back to the default when %s is given', (text) => {
    expect(settingOf('PORT', text)).toBe(8001)
    expect(portWarnings(text)).toEqual([expect.stringContaining('8001 is used')])
    expect(read({ OPENCLAW_CONNECTOR_ADMIN_PORT: text }).admin.port).toBe(8093)
    expect(read({ OPENCLAW_CONNECTOR_HTTP_PORT: text }).http).toBeNull()
  })

  it.each(['1', '8443', '65535'])('take %s', (text) => {
    expect(settingOf('PORT', text)).toBe(Number(text))
    expect(portWarnings(text)).toEqual([])
  })
})

describe('flags', () => {
  it.each(['true', 'TRUE', '1', 'yes', 'On'])('are on for %s', (text) => {
    expect(read({ OPENCLAW_CONNECTOR_HERON_ENABLED: text }).platforms[1]?.settings.ENABLED).toBe(true)
    expect(read({ OPENCLAW_CONNECTOR_DEBUG: text }).log.level).toBe('debug')
  })
  it.each(['false', 'False', '0', 'no', 'OFF'])('are off for %s', (text) => {
    expect(read({ OPENCLAW_CONNECTOR_PARROT_LOUD: text }).platforms[0]?.settings.LOUD).toBe(false)
  })
  it.each(['maybe', '2', 'enabled', 'truee'])('stop the start when %s is given', (text) => {
    expect(problemsOf({ OPENCLAW_CONNECTOR_PARROT_LOUD: text })).toEqual([
      {
        variable: 'OPENCLAW_CONNECTOR_PARROT_LOUD',
        read: `"${text}" is neither true nor false`,
        cure: 'Write true or false.',
      },
    ])
  })
  it('that guard nothing only warn', () => {
    const config = read({ OPENCLAW_CONNECTOR_DEBUG: 'verbose' })
    expect(config.log.level).toBe('info')
    expect(config.warnings).toEqual([expect.stringContaining('OPENCLAW_CONNECTOR_DEBUG: "verbose"')])
  })
})

describe('choices', () => {
  it('take any case', () => expect(settingOf('MODE', ' Push ')).toBe('push'))
  it('stop the start when the word is not one of them', () => {
    const [problem] = problemsOf({ OPENCLAW_DEPLOYMENT_PROFILE: 'pubic' })
    expect(problem).toMatchObject({ variable: 'OPENCLAW_DEPLOYMENT_PROFILE', cure: 'Choose from: local, lan, public.' })
  })
})

describe('URLs', () => {
  const name = 'OPENCLAW_CONNECTOR_PARROT_API_BASE'
  it.each([
    ['https://api.example.com/', 'https://api.example.com'],
    ['https://api.example.com/a/b//', 'https://api.example.com/a/b'],
    ['http://127.0.0.1:8081', 'http://127.0.0.1:8081'],
    ['http://localhost/x', 'http://localhost/x'],
    ['http://[::1]:9', 'http://[::1]:9'],
    ['HTTPS://API.example.com', 'https://api.example.com'],
  ])('%s becomes %s', (text, url) => expect(settingOf('API_BASE', text)).toBe(url))

  it.each([
    ['http://api.example.com', 'Use https.'],
    ['http://192.168.1.5', 'Use https.'],
    ['http://127.0.0.1.example.com', 'Use https.'],
    ['http://localhost.example.com', 'Use https.'],
    ['ftp://api.example.com', 'Write it like'],
    ['api.example.com', 'Write it like'],
    ['https://', 'Write it like'],
    ['https://ann:hunter2secret@api.example.com', 'Leave them out'],
    ['https://api.example.com/?key=1', 'End the URL'],
    ['https://api.example.com/#top', 'End the URL'],
  ])('%s stops the start', (text, cure) => {
    expect(problemsOf({ [name]: text })).toEqual([
      { variable: name, read: expect.any(String), cure: expect.any(String) },
    ])
    expect(problemsOf({ [name]: text })[0]?.cure).toContain(cure)
    expect(JSON.stringify(problemsOf({ [name]: text }))).not.toContain('hunter2secret')
  })

  it('of the backend may be plain inside a private network, never outside', () => {
    const backend = (url: string) => problemsOf({ OPENCLAW_CONNECTOR_URL: url }).length
    for (const url of ['http://comfyui:8188', 'http://192.168.1.5:8188', 'http://10.0.0.2', 'http://gpu.local:8188']) {
      expect([url, backend(url)]).toEqual([url, 0])
    }
    for (const url of ['http://comfy.example.com', 'http://172.32.0.1', 'http://8.8.8.8']) {
      expect([url, backend(url)]).toEqual([url, 1])
    }
  })

  it('of a backend on another machine warn when a token travels unencrypted', () => {
    const warnings = (url: string) =>
      read({ OPENCLAW_CONNECTOR_URL: url, OPENCLAW_CONNECTOR_ADMIN_TOKEN: 'correct-horse' }).warnings
    expect(warnings('http://192.168.1.5:8188')).toEqual([expect.stringContaining('plain http')])
    expect(warnings('http://comfyui:8188')).toEqual([])
    expect(warnings('http://127.0.0.1:8188')).toEqual([])
  })

  it('that people see have to be https', () => {
    expect(problemsOf({ OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: 'http://bot.example.com' })).toHaveLength(1)
    expect(read({ OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: 'http://127.0.0.1:9/' }).publicBaseUrl).toBe('http://127.0.0.1:9')
  })
})

describe('lists of ids', () => {
  const name = 'OPENCLAW_CONNECTOR_ADMIN_USERS'
  it('are split at commas, trimmed, without repeats', () => {
    expect(read({ [name]: ' ann , parrot:12,,ann, bob ' }).rules.adminUsers).toEqual(['ann', 'parrot:12', 'bob'])
    expect(read({ [name]: ' , ,' }).rules.adminUsers).toEqual([])
  })
  it.each(['["1","2"]', '[1,2]', '1 2 3', '1;2', '"123"', "'123'", '{"a":1}', '*', '(1)', '<@U1>', 'a\tb'])(
    'stop the start when they are no list of ids: %s',
    (text) => {
      const [problem, more] = problemsOf({ [name]: text })
      expect(problem?.read).toContain('not a list of ids')
      expect(problem?.variable).toBe(name)
      expect(more).toBeUndefined()
    },
  )
  it('lose entries the platform could never send, with a warning', () => {
    const config = read({ OPENCLAW_CONNECTOR_PARROT_ALLOWED_USERS: '12,polly,parrot:13' })
    expect(config.platforms[0]?.settings.ALLOWED_USERS).toEqual(['12', 'parrot:13'])
    expect(config.warnings.filter((w) => w.includes('"polly"'))).toHaveLength(1)
  })
  it('stop the start when nothing usable is in them', () => {
    expect(problemsOf({ OPENCLAW_CONNECTOR_PARROT_ALLOWED_USERS: 'polly,@ann' })).toHaveLength(1)
  })
})

describe('texts', () => {
  it('keep their fallback when unset, and are undefined without one', () => {
    const settings = read({}).platforms[0]?.settings
    expect(settings?.NAME).toBe('polly')
    expect(settings?.TOKEN).toBeUndefined()
  })
  it('stop the start when they do not have the form they need', () => {
    const [problem] = problemsOf({ OPENCLAW_CONNECTOR_PARROT_TOKEN: 'my very secret thing' })
    expect(problem?.read).toBe('my …(20 characters) does not have the form it should have')
    expect(problem?.cure).toContain('123:abc')
  })
  it('may not hold control characters', () => {
    expect(problemsOf({ OPENCLAW_CONNECTOR_ADMIN_TOKEN: 'two\nlines' })).toHaveLength(1)
    expect(problemsOf({ OPENCLAW_CONNECTOR_PARROT_NAME: 'a\u0007b' })).toHaveLength(1)
    expect(read({ OPENCLAW_COMMAND_OVERRIDES: '{\n\t"run": "admin"\n}' }).rules.overridesJson).toContain('\n')
  })
  it('have an end', () => {
    expect(problemsOf({ OPENCLAW_CONNECTOR_PARROT_NAME: 'x'.repeat(70_000) })[0]?.read).toBe('is 70000 characters long')
  })
})
