import { expect, test } from 'vitest'
import { commands } from '../../src/commands/index.ts'
import { inspectConfig } from '../../src/config/read.ts'
import { type AdapterModule, type Capabilities, defineAdapter } from '../../src/contract/index.ts'
import { accessOf } from '../../src/ops/access.ts'
import { menuFor } from '../../src/ops/menu.ts'
import { files } from '../config/kit.ts'
import { capabilities } from '../delivery/plan-kit.ts'

const create = (): never => {
  throw new Error('not made in these tests')
}

const chat = (caps: Partial<Capabilities> = {}): AdapterModule =>
  defineAdapter({
    id: 'chat',
    env: {
      TOKEN: { kind: 'text', about: 'Token', secret: true },
      SECRET: { kind: 'text', about: 'Secret', secret: true },
      ALLOWED_USERS: { kind: 'ids', about: 'Users', trust: 'users', matches: /^\d+$/ },
    },
    activation: [['TOKEN']],
    operator: null,
    provenBy: 'SECRET',
    capabilities: capabilities(caps),
    create,
  })

const terminal = defineAdapter({
  id: 'terminal',
  env: {
    ENABLED: { kind: 'flag', about: 'On', fallback: false },
    ADMIN: { kind: 'flag', about: 'Admin', fallback: true },
  },
  activation: [['ENABLED']],
  operator: { id: 'local', flag: 'ADMIN' },
  provenBy: null,
  capabilities: capabilities(),
  create,
})

const modules = [chat(), terminal]
const access = (env: Record<string, string>) => {
  const deps = { readFile: files(), isTty: false, homeDir: '/home/ann', platform: 'linux' }
  const { config, problems } = inspectConfig({ OPENCLAW_CONNECTOR_STATE_DIR: '/var/state', ...env }, modules, deps)
  expect(problems).toEqual([])
  return accessOf(config, modules, commands)
}

const chatOn = { OPENCLAW_CONNECTOR_CHAT_TOKEN: 'token-of-chat', OPENCLAW_CONNECTOR_CHAT_SECRET: 'secret-of-chat' }
const closed = { OPENCLAW_CONNECTOR_CHAT_ALLOWED_USERS: '42', OPENCLAW_CONNECTOR_ADMIN_USERS: 'chat:42' }
const token = { OPENCLAW_CONNECTOR_ADMIN_TOKEN: 'the-admin-token' }

test('a closed, proven platform with an admin gives no warning at all', () => {
  const { problems, warnings } = access({ ...chatOn, ...closed, ...token })
  expect([problems, warnings]).toEqual([[], []])
})

test('what is open is warned about in the name of its variable; under a strict profile it stops the start', () => {
  const env = { OPENCLAW_CONNECTOR_CHAT_TOKEN: 'token-of-chat', ...token }
  const loose = access(env)
  expect(loose.problems).toEqual([])
  expect(loose.warnings.join('\n')).toMatch(/CHAT_ALLOWED_USERS[^\n]*\n.*CHAT_SECRET/)
  const strict = access({ ...env, OPENCLAW_DEPLOYMENT_PROFILE: 'public' })
  expect(strict.problems.map(({ variable }) => variable)).toEqual([
    'OPENCLAW_CONNECTOR_CHAT_ALLOWED_USERS',
    'OPENCLAW_CONNECTOR_CHAT_SECRET',
  ])
})

test('a platform that is off is nobody’s worry', () => {
  const { warnings } = access({ ...token, OPENCLAW_CONNECTOR_ADMIN_USERS: 'chat:42' })
  expect(warnings).toEqual([])
})

test('without anybody who decides, and without the token, approvals come to nothing: both are said', () => {
  const { warnings } = access({ ...chatOn, OPENCLAW_CONNECTOR_CHAT_ALLOWED_USERS: '42' })
  expect(warnings.join('\n')).toContain('OPENCLAW_CONNECTOR_ADMIN_USERS: empty')
  expect(warnings.join('\n')).toContain('OPENCLAW_CONNECTOR_ADMIN_TOKEN: not set')
})

test('an id that nobody on its platform can have is warned about, as it gives no rights', () => {
  const env = { ...chatOn, ...closed, ...token }
  const mistyped = access({ ...env, OPENCLAW_COMMAND_ALLOW_FROM_RUN: 'chat:42, chat:+42, Chat:ann, terminal:ann, +42' })
  const lines = mistyped.warnings.filter((line) => line.includes('is nobody'))
  expect(lines).toEqual([
    'OPENCLAW_COMMAND_ALLOW_FROM_RUN: chat:+42 is nobody on Fake; /whoami there shows how ids look.',
    'OPENCLAW_COMMAND_ALLOW_FROM_RUN: Chat:ann is nobody on Fake; /whoami there shows how ids look.',
  ])
})

test('whoever sits at the terminal is an admin unless that is switched off', () => {
  const on = { OPENCLAW_CONNECTOR_TERMINAL_ENABLED: 'true', ...token }
  expect([...access(on).rules.admins.qualified]).toEqual(['terminal:local'])
  expect([...access({ ...on, OPENCLAW_CONNECTOR_TERMINAL_ADMIN: 'false' }).rules.admins.qualified]).toEqual([])
  expect([...access(token).rules.admins.qualified]).toEqual([])
})

test('the menu shows everybody what a stranger may use, and admins everything, in the platform’s grammar', () => {
  const { rules } = access({
    ...chatOn,
    ...closed,
    ...token,
    OPENCLAW_CONNECTOR_ADMIN_USERS: 'chat:42, terminal:local, 7',
  })
  const menu = menuFor(commands, rules, chat())
  const everyone = menu.everyone.map(({ command }) => command)
  expect(everyone).toContain('run')
  expect(everyone).not.toContain('approve')
  expect(menu.admin.map(({ command }) => command)).toContain('approve')
  expect([...menu.admins].sort()).toEqual(['42', '7'])
  for (const { command, about } of menu.admin) {
    expect(command).toMatch(/^[a-z0-9_]{1,32}$/)
    expect(about.length).toBeGreaterThanOrEqual(3)
    expect(about.length).toBeLessThanOrEqual(256)
  }
})

test('a command that makes no sense on a platform is not in its menu', () => {
  const { rules } = access({ ...chatOn, ...closed, ...token })
  const named = (caps: Partial<Capabilities>) =>
    menuFor(commands, rules, chat(caps)).everyone.map(({ command }) => command)
  const mute = { inlineMs: 1, tokenMs: null, push: 'never', windowMs: null } as const
  expect(named({})).not.toContain('inbox')
  expect(named({ answer: mute })).toContain('inbox')
})

test('an override that closes a command takes it out of the menu of strangers', () => {
  const { rules } = access({ ...chatOn, ...closed, ...token, OPENCLAW_COMMAND_OVERRIDES: '{"status":"admin"}' })
  expect(menuFor(commands, rules, chat()).everyone.map(({ command }) => command)).not.toContain('status')
})
