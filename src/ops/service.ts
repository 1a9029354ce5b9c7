import { judgeName, judgeRef, type SecretRef } from '../../policy/secret-refs.ts'
import type { Config } from '../config/config.ts'
import { commonEnv } from '../config/env.ts'
import type { Env } from '../config/env-file.ts'
import { platformSecrets } from '../config/platforms.ts'
import { prefixOf } from '../config/table.ts'
import type { AdapterModule, EnvRow } from '../contract/index.ts'

export const serviceKinds = ['systemd', 'compose'] as const
export type ServiceKind = (typeof serviceKinds)[number]

export interface ServiceDeps {
  readonly config: Pick<Config, 'secrets' | 'secretRefs'>
  /** What is set, the env file included. */
  readonly env: Env
  readonly modules: readonly AdapterModule[]
}

/** What a service file is made of. No secret is in it. */
export interface ServiceParts {
  /** Settings as they are: name and value. */
  readonly plain: readonly (readonly [name: string, value: string])[]
  readonly refs: readonly SecretRef[]
  /** Names of what has to be given at run time. */
  readonly runtime: readonly string[]
}

export type Service =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly refused: readonly SecretRef[] }

/** Places of the installing shell, which mean nothing to a service. */
const ofThisShell = /^OPENCLAW_CONNECTOR_(?:ENV_FILE|STATE_DIR|STATE_PATH)$/

/**
 * A service file with what is configured here: settings by value, secrets by reference only. `wanted`: further secrets
 * by the name of their variable (or as a reference in JSON). One that can't be referred to refuses the whole.
 */
export const printService = (kind: ServiceKind, wanted: readonly string[], deps: ServiceDeps): Service => {
  const { config, env, modules } = deps
  const set = (name: string): boolean => [name, `${name}_FILE`].some((one) => (env[one]?.trim() ?? '') !== '')
  const world = { portable: new Set(platformSecrets(modules)), isSet: set }
  const found = config.secretRefs.filter(({ name, status }) => status !== 'missing_env' && set(name))
  const asked = wanted.map((text) => judgeWanted(text, world))
  const refused = [
    ...found.filter(({ status }) => status !== 'portable' && status !== 'non_persistable_auth'),
    ...asked.filter(({ status }) => status !== 'portable'),
  ]
  if (refused.length > 0) return { ok: false, refused }
  const refs = found.filter(({ status }) => status === 'portable')
  const runtime = config.secretRefs.filter(({ status }) => status === 'non_persistable_auth').map(({ name }) => name)
  const parts = { plain: plainOf(deps, refs), refs, runtime }
  return { ok: true, text: kind === 'systemd' ? systemd(parts) : compose(parts) }
}

const judgeWanted = (text: string, world: Parameters<typeof judgeName>[2]): SecretRef => {
  if (/^[A-Z_][A-Z0-9_]*$/.test(text)) return judgeName('', text, world)
  return judgeRef('', text.startsWith('{') ? jsonOf(text) : text, world)
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // Whatever it is, it is no reference: judged as the text it is.
    return text
  }
}

const plainOf = ({ config, env, modules }: ServiceDeps, refs: readonly SecretRef[]): ServiceParts['plain'] => {
  const rows: readonly (readonly [string, EnvRow])[] = [
    ...Object.entries<EnvRow>(commonEnv),
    ...modules.flatMap(({ id, env: table }) =>
      Object.entries(table).map(([key, row]) => [prefixOf(id) + key, row] as const),
    ),
  ]
  const settings = rows.flatMap(([name, row]) => (row.kind === 'text' && row.secret ? [] : [name, `${name}_FILE`]))
  // Only the path of a secret's file: what lies there stays there.
  const files = refs.flatMap(({ source, name }) => (source === 'file' ? [`${name}_FILE`] : []))
  return [...settings, ...files].flatMap((name) => {
    const value = env[name]?.trim() ?? ''
    const held = config.secrets.some((secret) => value.includes(secret))
    return value === '' || held || ofThisShell.test(name) ? [] : [[name, value] as const]
  })
}

const refText = ({ name }: SecretRef): string => JSON.stringify({ source: 'env', name })
const fromEnv = ({ refs }: ServiceParts): readonly SecretRef[] => refs.filter(({ source }) => source === 'env')

/** systemd.exec(5): C escapes in double quotes; `%` begins a specifier. */
const unitQuoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t').replaceAll('%', '%%')}"`

const systemd = (parts: ServiceParts): string => {
  const refs = fromEnv(parts)
  return [
    '[Unit]',
    'Description=OpenClaw connector',
    'After=network-online.target',
    'Wants=network-online.target',
    '',
    '[Service]',
    'ExecStart=/usr/bin/env openclaw-connector',
    'DynamicUser=yes',
    'StateDirectory=openclaw-connector',
    'StateDirectoryMode=0700',
    'Environment=OPENCLAW_CONNECTOR_STATE_DIR=%S/openclaw-connector',
    ...parts.plain.map(([name, value]) => `Environment=${unitQuoted(`${name}=${value}`)}`),
    '# Secrets are named here and given at run time: by the environment of the service manager,',
    '# or by this file of root, which nobody else can read, with lines NAME=value.',
    ...refs.map(({ name }) => `PassEnvironment=${name}`),
    'EnvironmentFile=-/etc/openclaw-connector.secrets',
    `# Only there, never here: ${parts.runtime.join(', ')}`,
    'Restart=always',
    'RestartSec=5',
    'RestartPreventExitStatus=78',
    'TimeoutStopSec=15',
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'ProtectHome=yes',
    'PrivateTmp=yes',
    'PrivateDevices=yes',
    '',
    '# Where each secret comes from, for whoever looks after this service. Ignored by systemd.',
    '[X-OpenClaw-SecretRefs]',
    ...refs.map((ref) => `${ref.path}=${refText(ref)}`),
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n')
}

/** A JSON string is a YAML string; a single `$` would be filled in by Compose. */
const yamlQuoted = (text: string): string => JSON.stringify(text).replaceAll('$', '$$$$')

const compose = (parts: ServiceParts): string => {
  const refs = fromEnv(parts)
  return [
    'services:',
    '  openclaw-connector:',
    '    image: openclaw-connector',
    '    restart: unless-stopped',
    '    init: true',
    '    stop_grace_period: 15s',
    '    read_only: true',
    '    tmpfs: [/tmp]',
    '    security_opt: ["no-new-privileges:true"]',
    '    volumes:',
    '      - openclaw-connector-state:/state',
    '    # Only there, never here: what opens the backend comes as a secret file or from this file beside it.',
    `    # ${parts.runtime.join(', ')}`,
    '    env_file:',
    '      - path: ./openclaw-connector.secrets',
    '        required: false',
    '    environment:',
    '      OPENCLAW_CONNECTOR_STATE_DIR: /state',
    ...parts.plain.map(([name, value]) => `      ${name}: ${yamlQuoted(value)}`),
    ...refs.map(({ name }) => `      ${name}: \${${name}:?}`),
    '',
    ...(refs.length > 0 ? ['x-openclaw-secret-refs:', ...refs.map((ref) => `  ${ref.path}: ${refText(ref)}`), ''] : []),
    'volumes:',
    '  openclaw-connector-state:',
    '',
  ].join('\n')
}
