import { judgeFound } from '../../policy/secret-refs.ts'
import { readTenants } from '../../policy/tenants.ts'
import { type AdapterModule, ConfigError, type ConfigProblem, type EnvRow } from '../contract/index.ts'
import { assemble, type Common, crossChecks } from './assemble.ts'
import type { Config } from './config.ts'
import { commonEnv } from './env.ts'
import { type Env, withEnvFile } from './env-file.ts'
import { mask, minSecretLength } from './mask.ts'
import { checkNames } from './names.ts'
import { readPlatforms, trustLists } from './platforms.ts'
import { readProxies } from './proxies.ts'
import { mayComeFromFile } from './source.ts'
import { stateDir } from './state-dir.ts'
import { type Found, prefixOf, type Reader, readTable } from './table.ts'

export interface ConfigDeps {
  /** The text of a small file; throws when it can't be read. */
  readonly readFile: (path: string) => string
  readonly isTty: boolean
  readonly homeDir: string
  /** As in `process.platform`. */
  readonly platform: string
}

/** Reads the whole configuration. Throws ConfigError with every mistake at once; nothing else. */
export function readConfig(env: Env, modules: readonly AdapterModule[], deps: ConfigDeps): Config {
  const { config, problems } = inspectConfig(env, modules, deps)
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

/** The same without throwing: beside problems the configuration holds the fallbacks, so that whoever reads on (the
 *  rules, for example) can add the mistakes it finds. Never start anything with it unless `problems` is empty. */
export function inspectConfig(
  env: Env,
  modules: readonly AdapterModule[],
  deps: ConfigDeps,
): { readonly config: Config; readonly problems: readonly ConfigProblem[] } {
  const file = withEnvFile(env, commonEnv.OPENCLAW_CONNECTOR_ENV_FILE.fallback, deps.readFile)
  const reader: Reader = {
    env: file.values,
    readFile: deps.readFile,
    platforms: modules.map((module) => module.id),
    problems: [...file.problems],
    warnings: file.warnings.map((text) => ({ text })),
    secrets: [],
    foundSecrets: [],
  }
  const common = readTable(reader, commonEnv, null)
  // The table's rows made these values, so they have the types the rows say.
  const settings = common.settings as unknown as Common
  const platforms = readPlatforms(reader, modules)
  const state = stateDir(
    { dir: settings.OPENCLAW_CONNECTOR_STATE_DIR, legacy: settings.OPENCLAW_CONNECTOR_STATE_PATH },
    reader.env,
    deps.homeDir,
    deps.platform,
  )
  if (state.warning) reader.warnings.push({ text: state.warning, raw: settings.OPENCLAW_CONNECTOR_STATE_PATH })
  reader.warnings.push(...crossChecks(settings, common.set).map((text) => ({ text })))

  const set = Object.keys(reader.env).filter((name) => reader.env[name]?.trim())
  const tenants = readTenants(settings.OPENCLAW_CONNECTOR_TENANTS, reader.platforms)
  for (const problem of tenants.problems) reader.problems.push({ ...problem, raw: settings.OPENCLAW_CONNECTOR_TENANTS })
  const { proxies, problems: wrongProxies } = readProxies(settings.OPENCLAW_CONNECTOR_TRUSTED_PROXIES)
  reader.problems.push(...wrongProxies.map((one) => ({ ...one, raw: settings.OPENCLAW_CONNECTOR_TRUSTED_PROXIES })))
  const names = checkNames(set, knownNames(modules), reader.platforms)
  const secrets = [...new Set([...reader.secrets, ...unreadSecrets(reader.env, names.problems)])].filter(
    (secret) => secret.length >= minSecretLength,
  )
  const told = withoutSecrets(secrets)
  const problems = [...reader.problems.map(told.problem), ...names.problems]
  const config: Config = deepFreeze({
    ...assemble(settings, common.set, deps.isTty),
    rules: {
      adminUsers: settings.OPENCLAW_CONNECTOR_ADMIN_USERS,
      allowPublic: settings.OPENCLAW_COMMAND_ALLOW_FROM_PUBLIC,
      allowRun: settings.OPENCLAW_COMMAND_ALLOW_FROM_RUN,
      allowAdmin: settings.OPENCLAW_COMMAND_ALLOW_FROM_ADMIN,
      overridesJson: settings.OPENCLAW_COMMAND_OVERRIDES,
      trust: trustLists(platforms),
    },
    stateDir: state.dir,
    trustedProxies: proxies,
    platforms,
    secrets,
    tenancy: settings.OPENCLAW_MULTI_TENANT_ENABLED
      ? { own: settings.OPENCLAW_CONNECTOR_TENANT_ID, places: tenants.places }
      : null,
    secretRefs: reader.foundSecrets.map(judgeFound),
    warnings: [...reader.warnings.map(told.warning), ...names.warnings],
  })
  return { config, problems }
}

function knownNames(modules: readonly AdapterModule[]): ReadonlyMap<string, EnvRow> {
  const rows: [string, EnvRow][] = [
    ...Object.entries<EnvRow>(commonEnv),
    ...modules.flatMap(({ id, env }) =>
      Object.entries(env).map(([key, row]): [string, EnvRow] => [prefixOf(id) + key, row]),
    ),
  ]
  const files = rows.filter(([name, row]) => mayComeFromFile(name, row))
  return new Map([...rows, ...files.map(([name, row]): [string, EnvRow] => [`${name}_FILE`, row])])
}

/** Values of variables no row reads that may be secret all the same: another platform's tokens, misspelt names. */
const unreadSecrets = (env: Env, misspelt: readonly ConfigProblem[]): readonly string[] =>
  Object.entries(env)
    .filter(([name]) => misspelt.some(({ variable }) => variable === name) || soundsSecret(name))
    .flatMap(([, value]) => value?.trim() || [])

const soundsSecret = (name: string): boolean =>
  /^OPENCLAW_\w*(?:TOKEN|SECRET|KEY|PASSWORD)/.test(name) && !name.endsWith('_FILE')

/** A secret may have been pasted into the wrong variable as well. What was read there is then not quoted at all: a
 *  piece of it (one entry of a list, a host name in lower case) would slip past a search for the whole. */
function withoutSecrets(secrets: readonly string[]) {
  const holdsSecret = (raw: string | undefined): raw is string =>
    raw !== undefined && secrets.some((secret) => raw.includes(secret))
  return {
    problem: ({ raw, variable, read, cure }: Found<ConfigProblem>): ConfigProblem =>
      holdsSecret(raw)
        ? { variable, read: `${mask(raw)} holds a secret and cannot be used here`, cure }
        : { variable, read, cure },
    warning: ({ raw, text }: Found<{ readonly text: string }>): string =>
      holdsSecret(raw) ? `${text.slice(0, text.indexOf(':'))}: ${mask(raw)} cannot be used as it stands` : text,
  }
}

/** Freezes plain data. Adapter modules are not ours to freeze. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const [key, inner] of Object.entries(value)) if (key !== 'module') deepFreeze(inner)
  return Object.freeze(value)
}
