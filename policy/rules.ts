import type { CommandClass, CommandInfo, ConfigProblem } from '../src/contract/index.ts'
import { type IdList, readGlobalList, readPlatformList } from './ids.ts'
import { readOverrides } from './overrides.ts'

/** The security settings as they were read from the environment: lists are split, nothing else is done yet. */
export interface RawRules {
  readonly adminUsers: readonly string[]
  /** Empty: not configured. */
  readonly allowPublic: readonly string[]
  readonly allowRun: readonly string[]
  readonly allowAdmin: readonly string[]
  readonly overridesJson: string | undefined
  readonly trust: readonly RawTrust[]
}

export interface RawTrust {
  readonly platform: string
  readonly users: readonly string[]
  readonly chats: readonly string[]
  /** Names of the two variables, for the problems. Absent: the usual `…_ALLOWED_USERS` and `…_ALLOWED_CHATS`. */
  readonly variables?: { readonly users: string; readonly chats: string }
}

export interface Trusted {
  readonly users: ReadonlySet<string>
  readonly chats: ReadonlySet<string>
}

export interface Rules {
  readonly admins: IdList
  /** Null: no list, the class's own rule holds. */
  readonly allowFrom: Readonly<Record<CommandClass, IdList | null>>
  /** Class by canonical command name. */
  readonly overrides: ReadonlyMap<string, CommandClass>
  /** By platform id; ids in it are bare. */
  readonly trust: ReadonlyMap<string, Trusted>
}

/** The lists that hold on all platforms, and where each is written. */
export const globalLists = {
  adminUsers: 'OPENCLAW_CONNECTOR_ADMIN_USERS',
  allowPublic: 'OPENCLAW_COMMAND_ALLOW_FROM_PUBLIC',
  allowRun: 'OPENCLAW_COMMAND_ALLOW_FROM_RUN',
  allowAdmin: 'OPENCLAW_COMMAND_ALLOW_FROM_ADMIN',
} as const

/**
 * Makes the rules, with every mistake found. Problems must stop the start; the rules beside them are closed where the
 * setting was not understood. `platformIds` are all platforms the program knows, active or not.
 */
export function makeRules(
  raw: RawRules,
  commands: readonly CommandInfo[],
  platformIds: readonly string[],
): { readonly rules: Rules; readonly problems: readonly ConfigProblem[]; readonly warnings: readonly string[] } {
  const read = (name: keyof typeof globalLists) => readGlobalList(raw[name], globalLists[name], platformIds)
  const lists = {
    adminUsers: read('adminUsers'),
    allowPublic: read('allowPublic'),
    allowRun: read('allowRun'),
    allowAdmin: read('allowAdmin'),
  }
  const { overrides, problems } = readOverrides(raw.overridesJson, commands)
  const trust = trustFrom(raw.trust, platformIds)
  const rules: Rules = {
    admins: lists.adminUsers.list ?? { qualified: new Set(), bare: new Set() },
    allowFrom: { public: lists.allowPublic.list, run: lists.allowRun.list, admin: lists.allowAdmin.list },
    overrides,
    trust: trust.byPlatform,
  }
  const all = [...Object.values(lists).flatMap((l) => l.problems), ...problems, ...trust.problems]
  return { rules, problems: all, warnings: bareWarning(lists, platformIds) }
}

function trustFrom(raw: readonly RawTrust[], platformIds: readonly string[]) {
  const byPlatform = new Map<string, Trusted>()
  const problems: ConfigProblem[] = []
  for (const one of raw) {
    const prefix = `OPENCLAW_CONNECTOR_${one.platform.toUpperCase()}_ALLOWED`
    const names = one.variables ?? { users: `${prefix}_USERS`, chats: `${prefix}_CHATS` }
    const users = readPlatformList(one.users, names.users, one.platform, platformIds)
    const chats = readPlatformList(one.chats, names.chats, one.platform, platformIds)
    problems.push(...users.problems, ...chats.problems)
    const before = byPlatform.get(one.platform)
    byPlatform.set(one.platform, {
      users: new Set([...(before?.users ?? []), ...users.ids]),
      chats: new Set([...(before?.chats ?? []), ...chats.ids]),
    })
  }
  return { byPlatform, problems }
}

function bareWarning(
  lists: Readonly<Record<keyof typeof globalLists, { readonly list: IdList | null }>>,
  platformIds: readonly string[],
): readonly string[] {
  const names = Object.keys(globalLists) as (keyof typeof globalLists)[]
  const withBare = names.filter((name) => (lists[name].list?.bare.size ?? 0) > 0)
  const [first] = withBare.flatMap((name) => [...(lists[name].list?.bare ?? [])])
  if (first === undefined) return []
  const variables = withBare.map((name) => globalLists[name]).join(', ')
  return [
    `${variables}: an id without its platform counts on every platform whose senders are proven. ` +
      `Name the platform too, e.g. ${platformIds[0] ?? 'platform'}:${first}.`,
  ]
}
