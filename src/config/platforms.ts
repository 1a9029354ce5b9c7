import type { RawTrust } from '../../policy/rules.ts'
import type { AdapterModule } from '../contract/index.ts'
import type { PlatformConfig } from './config.ts'
import { prefixOf, type Reader, readTable, type TableReading } from './table.ts'
import { fallbackOf } from './value.ts'

const isOn = (reading: TableReading, key: string): boolean =>
  reading.set.has(key) && reading.settings[key] !== false && reading.settings[key] !== undefined

const activates = (reading: TableReading, group: readonly string[]): boolean => group.every((key) => isOn(reading, key))

/** The rest of the group that is nearest to complete. */
function missingOf(module: AdapterModule, reading: TableReading): readonly string[] {
  const open = module.activation.map((group) => group.filter((key) => !isOn(reading, key)))
  const [nearest] = open.sort((a, b) => a.length - b.length)
  return (nearest ?? []).map((key) => prefixOf(module.id) + key)
}

function readPlatform(reader: Reader, module: AdapterModule): PlatformConfig {
  const reading = readTable(reader, module.env, module.id)
  const active = module.activation.some((group) => activates(reading, group))
  const switches = module.activation.flat()
  // A switch that was turned off by hand means: off, on purpose.
  const turnedOff = switches.some((key) => reading.set.has(key) && reading.settings[key] === false)
  const changed = [...reading.set].filter((key) => reading.settings[key] !== fallbackOf(module.env[key]!))
  const missing = active || turnedOff || changed.length === 0 ? [] : missingOf(module, reading)
  if (missing.length > 0) {
    const some = changed.slice(0, 3).map((key) => prefixOf(module.id) + key)
    const text = `${some.join(', ')}: set, but ${module.capabilities.name} stays off without ${missing.join(', ')}`
    reader.warnings.push({ text })
  }
  return { module, settings: reading.settings, active, missing }
}

export const readPlatforms = (reader: Reader, modules: readonly AdapterModule[]): readonly PlatformConfig[] =>
  modules.map((module) => readPlatform(reader, module))

/** The allow lists of all platforms as policy takes them: one entry per variable, empty ones included. */
export const trustLists = (platforms: readonly PlatformConfig[]): readonly RawTrust[] =>
  platforms.flatMap(({ module, settings }) =>
    Object.entries(module.env).flatMap(([key, row]): RawTrust[] => {
      const ids = settings[key]
      if (row.kind !== 'ids' || !Array.isArray(ids)) return []
      const name = prefixOf(module.id) + key
      const [users, chats] = row.trust === 'users' ? [ids, []] : [[], ids]
      return [{ platform: module.id, users, chats, variables: { users: name, chats: name } }]
    }),
  )

/** Names of the platforms' secrets, in the order of the tables. */
export const platformSecrets = (modules: readonly AdapterModule[]): readonly string[] =>
  modules.flatMap(({ id, env }) =>
    Object.entries(env).flatMap(([key, row]) => (row.kind === 'text' && row.secret ? [prefixOf(id) + key] : [])),
  )

/** What to say when no platform is switched on: how to try it at once, and the quickest way to a real one. */
export function noPlatformMessage(modules: readonly AdapterModule[]): string {
  const ways = modules
    .flatMap((module) => module.activation.map((group) => ({ module, group })))
    .filter(({ group }) => group.length > 0)
    .sort((a, b) => a.group.length - b.group.length)
    .slice(0, 4)
    .map(({ module, group }) => {
      const set = group.map((key) => `${prefixOf(module.id)}${key}=${module.env[key]?.kind === 'flag' ? 'true' : '…'}`)
      return `  ${module.capabilities.name}: set ${set.join(' ')}`
    })
  return [
    'No chat platform is configured.',
    '  To look around without any account: openclaw-connector demo',
    ...ways,
    'Settings come from the environment or from a file .env in the working directory.',
  ].join('\n')
}
