import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { printService, type ServiceKind, serviceKinds } from '../../src/ops/service.ts'
import { inspect, modules } from '../config/kit.ts'

const token = '123:abcdefghij'
const env = {
  OPENCLAW_CONNECTOR_PARROT_TOKEN: token,
  OPENCLAW_CONNECTOR_PARROT_NAME: 'Polly "the" 100% $HOME \\ bird',
  OPENCLAW_CONNECTOR_PARROT_ALLOWED_USERS: '1,2',
  OPENCLAW_CONNECTOR_ADMIN_TOKEN: 'the-admin-token-of-comfy',
  OPENCLAW_CONNECTOR_STATE_DIR: '/home/ann/state',
}

const print = (kind: ServiceKind, set: Readonly<Record<string, string>> = env, wanted: readonly string[] = []) =>
  printService(kind, wanted, { config: inspect(set).config, env: set, modules })

const textOf = (kind: ServiceKind, set?: Readonly<Record<string, string>>, wanted?: readonly string[]): string => {
  const made = print(kind, set, wanted)
  if (!made.ok) throw new Error(JSON.stringify(made.refused))
  return made.text
}

/** The settings as the service would get them. */
const settingsIn: Readonly<Record<ServiceKind, (text: string) => Readonly<Record<string, string>>>> = {
  systemd: (text) =>
    Object.fromEntries(
      [...text.matchAll(/^Environment="(\w+)=((?:[^"\\]|\\.)*)"$/gm)].map(([, name = '', value = '']) => [
        name,
        value
          .replaceAll('%%', '%')
          .replaceAll(/\\(.)/g, (_, char: string) => ({ n: '\n', r: '\r', t: '\t' })[char] ?? char),
      ]),
    ),
  compose: (text) =>
    Object.fromEntries(
      [...text.matchAll(/^ {6}(\w+): (".*")$/gm)].map(([, name = '', value = '']) => [
        name,
        (JSON.parse(value) as string).replaceAll('$$', '$'),
      ]),
    ),
}

describe.each(serviceKinds)('a %s file', (kind) => {
  test('has settings by value and secrets by reference', () => {
    const text = textOf(kind)
    expect(settingsIn[kind](text)).toEqual({
      OPENCLAW_CONNECTOR_PARROT_NAME: env.OPENCLAW_CONNECTOR_PARROT_NAME,
      OPENCLAW_CONNECTOR_PARROT_ALLOWED_USERS: '1,2',
    })
    expect(text).toMatch(/parrot\.token(=|: )\{"source":"env","name":"OPENCLAW_CONNECTOR_PARROT_TOKEN"\}/)
    expect(text).not.toContain(token)
    expect(text).not.toContain('/home/ann')
  })

  test('leaves out what opens the backend, and says where that belongs', () => {
    const text = textOf(kind)
    expect(text).not.toContain('the-admin-token-of-comfy')
    const lines = text.split('\n').filter((line) => line.includes('OPENCLAW_CONNECTOR_ADMIN_TOKEN'))
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) expect(line.trim()).toMatch(/^#/)
  })

  test('takes further secrets by name or as a reference, when they are set', () => {
    const name = 'OPENCLAW_CONNECTOR_PARROT_TOKEN'
    for (const wanted of [name, `{"source":"env","name":"${name}"}`]) expect(print(kind, env, [wanted]).ok).toBe(true)
  })

  test.each([
    ['OPENCLAW_CONNECTOR_ADMIN_TOKEN', 'non_persistable_auth'],
    ['OPENCLAW_GATEWAY_TOKEN', 'non_persistable_auth'],
    ['OPENCLAW_CONNECTOR_HERON_KEY', 'missing_env'],
    ['PATH', 'unsupported_env'],
    ['secretref-env:OPENCLAW_CONNECTOR_PARROT_TOKEN', 'rejected_legacy_marker'],
    [token, 'rejected_raw_secret'],
    ['{"source":"vault","name":"X"}', 'unsupported_source'],
    ['{"source":', 'rejected_raw_secret'],
  ])('is not made at all when %s is asked for', (wanted, status) => {
    const made = print(kind, env, [wanted])
    expect(made).toMatchObject({ ok: false, refused: [{ status }] })
    expect(JSON.stringify(made)).not.toContain(token)
  })

  test('is not made while a secret holds an old marker instead of a value', () => {
    const marked = { ...env, OPENCLAW_CONNECTOR_HERON_KEY: 'secretref-env:HERON' }
    expect(print(kind, marked)).toMatchObject({
      ok: false,
      refused: [{ path: 'heron.key', name: 'OPENCLAW_CONNECTOR_HERON_KEY', status: 'rejected_legacy_marker' }],
    })
  })

  test('brings every setting back as it was, and no secret, whatever they hold', () => {
    const value = fc
      .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 })
      .filter((text) => text.trim() === text)
    const odd = fc.oneof(value, fc.constantFrom('%n', '$$', '$HOME{}', '\\"', "'", '#x', 'a\\'))
    fc.assert(
      fc.property(odd, fc.stringMatching(/^\d{6}:\w{12}$/), fc.boolean(), (name, secret, leaks) => {
        const set = {
          OPENCLAW_CONNECTOR_PARROT_TOKEN: secret,
          OPENCLAW_CONNECTOR_PARROT_NAME: leaks ? `${name}${secret}` : name,
        }
        const text = textOf(kind, set)
        expect(text).not.toContain(secret)
        expect(settingsIn[kind](text)).toEqual(leaks ? {} : { OPENCLAW_CONNECTOR_PARROT_NAME: name })
      }),
    )
  })
})

test('a secret that lies in a file is referred to by the path of the file', () => {
  const set = { OPENCLAW_CONNECTOR_PARROT_TOKEN_FILE: '/run/secrets/parrot' }
  const { config } = inspect(set, { readFile: (path) => (path === '/run/secrets/parrot' ? token : missing(path)) })
  for (const kind of serviceKinds) {
    const made = printService(kind, [], { config, env: set, modules })
    expect(made.ok && settingsIn[kind](made.text)).toEqual(set)
    expect(JSON.stringify(made)).not.toContain(token)
    expect(JSON.stringify(made)).not.toContain('PassEnvironment')
  }
})

const missing = (path: string): never => {
  throw Object.assign(new Error(path), { code: 'ENOENT' })
}
