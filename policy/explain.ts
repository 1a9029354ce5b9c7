import type { CommandClass, CommandInfo, Decision, Trust } from '../src/contract/index.ts'
import { decide } from './decide.ts'
import type { Rules } from './rules.ts'
import { trustOf, type Who } from './trust.ts'

/** Every rule a decision or a trust can name, and what it says in one line. */
const ruleMeanings = {
  'admin-user': 'The sender is listed as an admin.',
  'trusted-user': 'The sender is in the list of allowed users of this platform.',
  'trusted-chat': 'The chat is in the list of allowed chats of this platform.',
  'not-listed': 'Neither the sender nor the chat is in a list of allowed ones.',
  'unproven-sender': 'Nothing proves who is writing here.',
  open: 'Commands of this class are open to everyone.',
  listed: 'The sender is in the allow-from list of this command class.',
  own: 'The command is for admins, but everyone may use it on what is their own.',
  'forced-approval': 'An approval was asked for.',
  'admin-only': 'Only admins may use commands of this class.',
  'not-in-allow-list': 'There is an allow-from list for this command class, and the sender is not in it.',
  'not-for-strangers': 'The command costs the operator something each time, so it is for people in a list.',
  'admin-token-missing': 'The connector has no admin token for the backend.',
  'unknown-class': 'The class of the command is not known, so nobody may use it.',
  'no-rule': 'No rule lets the sender through.',
} as const satisfies Readonly<Record<string, string>>

export type RuleName = keyof typeof ruleMeanings

const isRule = (name: string): name is RuleName => Object.hasOwn(ruleMeanings, name)

export const meaningOf = (rule: string): string => (isRule(rule) ? ruleMeanings[rule] : rule)

export interface Explanation {
  readonly trust: Trust
  readonly rule: string
  readonly meaning: string
  /** What happens with an ordinary command of each class, without `--approval` and with an admin token. */
  readonly classes: readonly {
    readonly class: CommandClass
    readonly decision: Decision
    readonly meaning: string
  }[]
}

const sample = (of: CommandClass): CommandInfo => ({
  name: '',
  aliases: [],
  class: of,
  own: false,
  needsToken: false,
  section: 'look',
  usage: '',
  about: '',
  example: '',
})

/** Why someone is trusted as they are and what follows from it, as data for `/whoami` and `doctor`. */
export function explain(rules: Rules, who: Who): Explanation {
  const { trust, rule } = trustOf(rules, who)
  const classes = (['public', 'run', 'admin'] as const).map((of) => {
    const decision = decide(rules, sample(of), who, { forceApproval: false, hasAdminToken: true })
    return { class: of, decision, meaning: meaningOf(decision.rule) }
  })
  return { trust, rule, meaning: meaningOf(rule), classes }
}
