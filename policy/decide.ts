import type { CommandClass, CommandInfo, Decision } from '../src/contract/index.ts'
import type { RuleName } from './explain.ts'
import type { IdList } from './ids.ts'
import type { Rules } from './rules.ts'
import { isListed, isProven, trustOf, type Who } from './trust.ts'

export interface Ask {
  /** The person asked for an approval themselves (`--approval`). */
  readonly forceApproval: boolean
  /** Whether the connector holds the backend's admin token. */
  readonly hasAdminToken: boolean
}

const ranks: Readonly<Record<CommandClass, number>> = { public: 0, run: 1, admin: 2 }
const isClass = (value: unknown): value is CommandClass => typeof value === 'string' && Object.hasOwn(ranks, value)

const deny = (rule: RuleName): Decision => ({ kind: 'deny', rule })
const approval = (rule: RuleName): Decision => ({ kind: 'approval', rule, scope: 'own' })

/** The classes whose rules a person must satisfy: the one in force, and for the unproven also the command's own. */
function classesFor(rules: Rules, command: CommandInfo, who: Who): readonly CommandClass[] | null {
  const inForce = rules.overrides.get(command.name) ?? command.class
  if (!isClass(inForce) || !isClass(command.class)) return null
  return isProven(who) ? [inForce] : [inForce, command.class]
}

/**
 * What someone may do with a command. An allow-from list of the class, where there is one, is necessary and sufficient
 * (it does not spare strangers the approval of a run). People outside the admin class keep what is their own, if the
 * command knows owners. Whatever no line lets through is refused.
 */
export function decide(rules: Rules, command: CommandInfo, who: Who, ask: Ask): Decision {
  const byClass = decideByClass(rules, command, who, ask)
  const decision = byClass.kind !== 'allow' && mayUseOwn(rules, command, who) ? own : byClass
  if (decision.kind === 'deny') return decision
  return command.needsToken && !ask.hasAdminToken ? deny('admin-token-missing') : decision
}

function decideByClass(rules: Rules, command: CommandInfo, who: Who, ask: Ask): Decision {
  const classes = classesFor(rules, command, who)
  if (classes === null) return deny('unknown-class')
  if (classes.includes('admin') && !isProven(who)) return deny('unproven-sender')
  if (classes.some((c) => isShutOut(rules.allowFrom[c], who))) return deny('not-in-allow-list')
  const wanted = classes.reduce((a, b) => (ranks[b] > ranks[a] ? b : a))
  const list = rules.allowFrom[wanted]
  const { trust, rule } = trustOf(rules, who)
  if (wanted === 'admin' && list === null && trust !== 'admin') return deny('admin-only')

  // An override opens or closes the door of `/run`; it never turns a stranger's request into an execution.
  const runs = wanted === 'run' || command.class === 'run'
  if (runs && trust === 'stranger') return approval(rule)
  if (runs && ask.forceApproval) return approval('forced-approval')

  // Being public by default is no consent to pay for whoever comes along.
  const opened = list !== null || rules.overrides.has(command.name)
  if (command.costs && trust === 'stranger' && !opened) return deny('not-for-strangers')

  const scope = isProven(who) && (trust === 'admin' || inAdminList(rules, who)) ? 'all' : 'own'
  if (wanted === 'public') return { kind: 'allow', rule: list === null ? 'open' : 'listed', scope }
  if (wanted === 'run' && trust !== 'stranger') return { kind: 'allow', rule, scope }
  if (wanted === 'admin' && (list !== null || trust === 'admin')) {
    return { kind: 'allow', rule: list === null ? rule : 'listed', scope }
  }
  return deny('no-rule')
}

const isShutOut = (list: IdList | null, who: Who): boolean => list !== null && !isListed(list, who)

const inAdminList = (rules: Rules, who: Who): boolean =>
  rules.allowFrom.admin !== null && isListed(rules.allowFrom.admin, who)

const own: Decision = { kind: 'allow', rule: 'own', scope: 'own' }

/** What is their own needs no more than the public class. An override that says "admin" closes this door too: there
 *  is no stricter class by which an operator could. */
function mayUseOwn(rules: Rules, command: CommandInfo, who: Who): boolean {
  if (!command.own || command.class !== 'admin' || !isProven(who)) return false
  const override = rules.overrides.get(command.name) ?? 'run'
  return (override === 'run' || override === 'public') && !isShutOut(rules.allowFrom.public, who)
}
