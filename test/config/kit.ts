import { inspectConfig, readConfig } from '../../src/config/read.ts'
import { type AdapterModule, type Capabilities, ConfigError, defineAdapter } from '../../src/contract/index.ts'

const capabilities: Capabilities = {
  name: 'Parrot',
  intakes: ['stream'],
  text: { max: 1000, unit: 'utf16', markup: 'plain' },
  media: { image: [], video: [], audio: [], file: [] },
  call: { items: 1 },
  buttons: null,
  edit: null,
  typing: null,
  threads: false,
  quotes: false,
  directByUserId: false,
  audiences: ['everyone'],
  answer: { inlineMs: null, tokenMs: null, push: 'always', windowMs: null },
  resend: 'marked',
  redeliveryMs: 60_000,
  staleAfterMs: null,
  commands: 'none',
  pace: { concurrent: 1, everyMs: 0, perChatMs: 0, perGroupMs: 0, burst: 1 },
  receives: [],
}

const create = (): never => {
  throw new Error('not created in these tests')
}

/** Two invented platforms that have every kind of row between them. */
export const parrot: AdapterModule = defineAdapter({
  id: 'parrot',
  env: {
    TOKEN: { kind: 'text', about: 'Its token', secret: true, matches: /^\d+:\w+$/, example: '123:abc' },
    NAME: { kind: 'text', about: 'Its name', fallback: 'polly' },
    ALLOWED_USERS: { kind: 'ids', about: 'Users', trust: 'users', matches: /^\d+$/ },
    ALLOWED_CHATS: { kind: 'ids', about: 'Chats', trust: 'chats' },
    API_BASE: { kind: 'url', about: 'Its host', fallback: 'https://api.parrot.example' },
    RETRIES: { kind: 'int', about: 'Retries', fallback: 3, min: 1, max: 9 },
    PORT: { kind: 'port', about: 'Port', fallback: 8001 },
    MODE: { kind: 'choice', about: 'Mode', options: ['poll', 'push'], fallback: 'poll' },
    LOUD: { kind: 'flag', about: 'Loud', fallback: true },
  },
  activation: [['TOKEN']],
  capabilities,
  operator: null,
  provenBy: null,
  create,
})

export const heron: AdapterModule = defineAdapter({
  id: 'heron',
  env: {
    ENABLED: { kind: 'flag', about: 'On', fallback: false },
    KEY: { kind: 'text', about: 'Key', secret: true },
    ACCOUNT: { kind: 'text', about: 'Account' },
    ALLOWED_USERS: { kind: 'ids', about: 'Users', trust: 'users' },
  },
  activation: [['ENABLED', 'ACCOUNT'], ['KEY']],
  capabilities: { ...capabilities, name: 'Heron' },
  operator: null,
  provenBy: null,
  create,
})

export const modules: readonly AdapterModule[] = [parrot, heron]

/** A `readFile` over a few texts; everything else is missing. */
export const files =
  (texts: Readonly<Record<string, string>> = {}) =>
  (path: string): string => {
    const text = Object.hasOwn(texts, path) ? texts[path] : undefined
    if (text === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
    return text
  }

export const deps = { readFile: files(), isTty: false, homeDir: '/home/ann', platform: 'linux' }

type Env = Readonly<Record<string, string | undefined>>

export const read = (env: Env, over: Partial<typeof deps> = {}) => readConfig(env, modules, { ...deps, ...over })
export const inspect = (env: Env, over: Partial<typeof deps> = {}) => inspectConfig(env, modules, { ...deps, ...over })

/** The problems of an environment that must not start. */
export function problemsOf(env: Env, over: Partial<typeof deps> = {}): ConfigError['problems'] {
  try {
    read(env, over)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}
