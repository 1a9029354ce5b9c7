import { makeRules, type RawRules, type Rules } from '../../policy/rules.ts'
import type { Who } from '../../policy/trust.ts'
import type { CommandInfo, InboundEvent, Proof } from '../../src/contract/index.ts'

const command = (name: string, of: CommandInfo['class'], more: Partial<CommandInfo> = {}): CommandInfo => ({
  name,
  aliases: [name.slice(1)],
  class: of,
  own: false,
  needsToken: of === 'admin',
  section: 'look',
  usage: name,
  about: `About ${name}`,
  example: name,
  ...more,
})

/** A small table with every kind of command in it. */
export const commands: readonly CommandInfo[] = [
  command('/run', 'run', { section: 'run', usage: '/run <template> [words] [key=value …]' }),
  command('/stop', 'admin', { aliases: ['/cancel', 'cancel', '/interrupt', 'interrupt'], own: true, section: 'run' }),
  command('/status', 'public'),
  command('/history', 'public', { own: true }),
  command('/jobs', 'admin', { aliases: ['jobs', '/queue', 'queue'], own: true }),
  command('/help', 'public', { aliases: ['help', '/start'] }),
  command('/approve', 'admin', { section: 'decide' }),
  command('/chat', 'public', { section: 'chat', costs: true }),
]

export const named = (name: string): CommandInfo => {
  const found = commands.find((c) => c.name === name)
  if (found === undefined) throw new Error(`no ${name} in the table`)
  return found
}

export const platformIds = ['telegram', 'kakao', 'slack'] as const

export const noRules: RawRules = {
  adminUsers: [],
  allowPublic: [],
  allowRun: [],
  allowAdmin: [],
  overridesJson: undefined,
  trust: [],
}

export const read = (raw: Partial<RawRules>) => makeRules({ ...noRules, ...raw }, commands, platformIds)

/** Rules of a configuration without mistakes. */
export function rulesOf(raw: Partial<RawRules>): Rules {
  const { rules, problems } = read(raw)
  if (problems.length > 0) throw new Error(problems.map((p) => `${p.variable} ${p.read}`).join('\n'))
  return rules
}

export const who = (id: string, more: Partial<Who> & { readonly proof?: Proof } = {}): Who => ({
  platform: 'telegram',
  ids: [id],
  chat: 'room',
  proof: 'tls',
  ...more,
})

export const eventOf = (more: Partial<InboundEvent> = {}): InboundEvent => ({
  id: 'telegram:bot:1',
  at: 1_000_000,
  from: { id: 'ann', self: false, bot: false },
  proof: 'tls',
  where: { platform: 'telegram', account: 'bot', chat: 'room', kind: 'dm' },
  body: { kind: 'text', text: '/status', addressed: true },
  media: [],
  ...more,
})

export const said = (text: string, kind: 'dm' | 'group', addressed = kind === 'dm'): InboundEvent =>
  eventOf({
    where: { platform: 'telegram', account: 'bot', chat: 'room', kind },
    body: { kind: 'text', text, addressed },
  })
