import { posture } from '../../policy/posture.ts'
import { globalLists, makeRules, type Rules } from '../../policy/rules.ts'
import type { Config } from '../config/config.ts'
import type { AdapterModule, CommandInfo, ConfigProblem } from '../contract/index.ts'

export interface Access {
  readonly rules: Rules
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly string[]
}

/** Who may do what, and what is wrong with how the platforms stand open. Problems must stop the start. */
export const accessOf = (
  config: Config,
  modules: readonly AdapterModule[],
  commands: readonly CommandInfo[],
): Access => {
  // Whoever sits at the machine itself is an admin, unless that was switched off.
  const operators = config.platforms.flatMap(({ module, settings, active }) =>
    active && module.operator && settings[module.operator.flag] !== false ? [`${module.id}:${module.operator.id}`] : [],
  )
  const raw = { ...config.rules, adminUsers: [...config.rules.adminUsers, ...operators] }
  const made = makeRules(
    raw,
    commands,
    modules.map((module) => module.id),
  )
  const profiles = { deploymentProfile: config.posture.deployment, runtimeProfile: config.posture.runtime }
  const stance = posture(
    profiles,
    config.platforms.map((platform) => stanceOf(platform, config)),
  )
  return {
    rules: made.rules,
    problems: [...made.problems, ...stance.problems],
    warnings: [...made.warnings, ...nobodys(config, modules), ...stance.warnings, ...missing(config, made.rules)],
  }
}

/** Whether anybody can be proven on a platform as it is set up: where not, nobody decides, whatever a list says. */
export const provesSenders = ({ module, settings }: Config['platforms'][number]): boolean =>
  module.provenBy === null || Boolean(settings[module.provenBy])

/** Ids in the lists for all platforms that nobody on theirs can have: they give no rights, which somebody may miss. */
const nobodys = ({ rules }: Config, modules: readonly AdapterModule[]): readonly string[] =>
  Object.entries(globalLists).flatMap(([list, variable]) =>
    rules[list as keyof typeof globalLists].flatMap((entry) => {
      const module = modules.find(({ id }) => entry.toLowerCase().startsWith(`${id}:`))
      const row = Object.values(module?.env ?? {}).find((one) => one.kind === 'ids' && one.trust === 'users')
      const form = row?.kind === 'ids' ? row.matches : undefined
      if (!module || !form || form.test(entry.slice(module.id.length + 1))) return []
      return [`${variable}: ${entry} is nobody on ${module.capabilities.name}; /whoami there shows how ids look.`]
    }),
  )

const stanceOf = (platform: Config['platforms'][number], { rules }: Config) => {
  const { module, active } = platform
  const lists = rules.trust.filter(({ platform }) => platform === module.id)
  return {
    id: module.id,
    active,
    hasAllowList: module.operator !== null || lists.some(({ users, chats }) => users.length + chats.length > 0),
    proven: provesSenders(platform),
    proofVariable: module.provenBy && `OPENCLAW_CONNECTOR_${module.id.toUpperCase()}_${module.provenBy}`,
    variables: lists.flatMap(({ variables }) => (variables ? [...new Set([variables.users, variables.chats])] : [])),
  }
}

/** What makes approvals come to nothing. */
const missing = (config: Config, rules: Rules): readonly string[] => [
  ...(rules.admins.qualified.size + rules.admins.bare.size === 0 && rules.allowFrom.admin === null
    ? [
        'OPENCLAW_CONNECTOR_ADMIN_USERS: empty, so nobody can approve what strangers ask for. Send /whoami in a chat to see your id.',
      ]
    : []),
  ...(config.backend.adminToken === null
    ? [
        'OPENCLAW_CONNECTOR_ADMIN_TOKEN: not set, so approvals, schedules and traces are off. Set it to the OPENCLAW_ADMIN_TOKEN of the backend.',
      ]
    : []),
]
