import { decide } from '../../policy/decide.ts'
import type { Rules } from '../../policy/rules.ts'
import type { AdapterDeps, CommandInfo, MenuEntry } from '../contract/index.ts'

const entryOf = (command: CommandInfo): MenuEntry => ({ command: command.name.slice(1), about: command.about })

/** What a platform's own command menu shows: to everyone what a stranger may use, to each admin everything. */
export const menuFor = (commands: readonly CommandInfo[], rules: Rules, platform: string): AdapterDeps['menu'] => {
  const stranger = { platform, ids: [''], chat: '', proof: 'tls' as const }
  const open = commands.filter(
    (command) => decide(rules, command, stranger, { forceApproval: false, hasAdminToken: true }).kind !== 'deny',
  )
  const own = [...rules.admins.qualified]
    .filter((id) => id.startsWith(`${platform}:`))
    .map((id) => id.slice(platform.length + 1))
  return { everyone: open.map(entryOf), admin: commands.map(entryOf), admins: [...own, ...rules.admins.bare] }
}
