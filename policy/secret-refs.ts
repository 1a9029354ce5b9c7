/** Where a secret is found, never the secret: what service files and diagnostics may show (spec/connector.md,
 *  "SecretRef service environment behavior"). The words of `status` are those of the Python connector. */
export interface SecretRef {
  /** Place in the configuration, like `telegram.token`. */
  readonly path: string
  /** Name of the variable; empty when what was given is not shown. */
  readonly name: string
  readonly source: 'env' | 'file' | ''
  readonly status: RefStatus
  readonly reason: string
}

export type RefStatus =
  | 'portable'
  | 'missing_env'
  | 'unsupported_source'
  | 'unsupported_env'
  | 'rejected_raw_secret'
  | 'rejected_legacy_marker'
  | 'rejected_dangerous_env'
  | 'non_persistable_auth'

/** What opens the backend or this daemon itself: it comes from the running environment or a secret manager only. */
export const runtimeOnly: ReadonlySet<string> = new Set([
  'CLAWDBOT_GATEWAY_TOKEN',
  'OPENCLAW_ADMIN_TOKEN',
  'OPENCLAW_BRIDGE_DEVICE_TOKEN',
  'OPENCLAW_CONNECTOR_ADMIN_TOKEN',
  'OPENCLAW_CONNECTOR_OBS_TOKEN',
  'OPENCLAW_CONNECTOR_SECRET_KEY',
  'OPENCLAW_GATEWAY_TOKEN',
  'OPENCLAW_OBSERVABILITY_TOKEN',
  'OPENCLAW_WORKER_TOKEN',
])

export const refSources = ['env', 'env_var', 'environment'] as const

const variableName = /^[A-Z_][A-Z0-9_]{0,127}$/
const legacyMarker = /^\s*secretref-env:/i

export const isLegacyMarker = (text: string): boolean => legacyMarker.test(text)

const reasons: Readonly<Record<RefStatus, string>> = {
  portable: 'a reference to the environment is enough',
  missing_env: 'the variable is not set',
  unsupported_source: 'only references to the environment are written: {"source":"env","name":"…"}',
  unsupported_env: 'no secret of the connector has this name',
  rejected_raw_secret: 'a value is never written, only the name of its variable',
  rejected_legacy_marker: 'the form secretref-env:NAME is no longer read; give the name of the variable',
  rejected_dangerous_env: 'this can not be the name of a variable',
  non_persistable_auth: 'opens the backend: give it at run time, or through a secret manager as NAME_FILE',
}

const verdict = (path: string, name: string, source: SecretRef['source'], status: RefStatus): SecretRef => ({
  path,
  name,
  source,
  status,
  reason: reasons[status],
})

export interface RefWorld {
  /** Names of the secrets that may be referred to. */
  readonly portable: ReadonlySet<string>
  /** Whether a variable is set right now. */
  readonly isSet: (name: string) => boolean
}

/** Judges what somebody gave for a secret: an object that refers to the environment, or text, which never is accepted. */
export function judgeRef(path: string, given: unknown, world: RefWorld): SecretRef {
  if (typeof given === 'string')
    return verdict(path, '', '', isLegacyMarker(given) ? 'rejected_legacy_marker' : 'rejected_raw_secret')
  if (typeof given !== 'object' || given === null) return verdict(path, '', '', 'unsupported_source')
  const { source, name, env_var, envVar } = given as Readonly<Record<string, unknown>>
  if (!refSources.some((known) => known === source)) return verdict(path, '', '', 'unsupported_source')
  return judgeName(path, name ?? env_var ?? envVar, world)
}

/** The same for the name of a variable. A text that can't be one is not shown: it may be the secret itself. */
export function judgeName(path: string, name: unknown, world: RefWorld): SecretRef {
  if (typeof name !== 'string' || !variableName.test(name)) return verdict(path, '', 'env', 'rejected_dangerous_env')
  if (runtimeOnly.has(name)) return verdict(path, name, 'env', 'non_persistable_auth')
  // Of a name we don't know, the text may be a secret in capitals.
  if (!world.portable.has(name)) return verdict(path, '', 'env', 'unsupported_env')
  return verdict(path, name, 'env', world.isSet(name) ? 'portable' : 'missing_env')
}

/** A setting as it was found. */
export interface FoundSecret {
  readonly path: string
  readonly name: string
  readonly source: 'env' | 'file'
  readonly value: string | undefined
}

/** How the secrets of a configuration stand. */
export const judgeFound = ({ path, name, source, value }: FoundSecret): SecretRef => {
  if (runtimeOnly.has(name)) return verdict(path, name, source, 'non_persistable_auth')
  if (value === undefined) return verdict(path, name, source, 'missing_env')
  return verdict(path, name, source, isLegacyMarker(value) ? 'rejected_legacy_marker' : 'portable')
}
