import { decide } from '../../policy/decide.ts'
import type { Rules } from '../../policy/rules.ts'
import type { Command } from '../commands/command.ts'
import type { AdapterDeps, AdapterModule, CommandInfo, MenuEntry } from '../contract/index.ts'

const entryOf = (command: CommandInfo): MenuEntry => ({ command: command.name.slice(1), about: command.about })

/** What a platform's own command menu shows: to everyone what a stranger may use, to each admin everything. */
export const menuFor = (
  all: readonly Command[],
  rules: Rules,
  { id: platform, capabilities }: AdapterModule,
): AdapterDeps['menu'] => {
  const commands = all.filter((command) => command.fits?.(capabilities) ?? true)
  const stranger = { platform, ids: [''], chat: '', proof: 'tls' as const }
  const open = commands.filter(
    (command) => decide(rules, command, stranger, { forceApproval: false, hasAdminToken: true }).kind !== 'deny',
  )
  const own = [...rules.admins.qualified]
    .filter((id) => id.startsWith(`${platform}:`))
    .map((id) => id.slice(platform.length + 1))
  return { everyone: open.map(entryOf), admin: commands.map(entryOf), admins: [...own, ...rules.admins.bare] }
}
