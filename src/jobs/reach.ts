import type { Rules } from '../../policy/rules.ts'
import { type Address, type Capabilities, laneOf, qualified } from '../contract/index.ts'
import { contactOf } from '../store/memo.ts'
import type { Store } from '../store/store.ts'

export interface ReachDeps {
  readonly store: Store
  /** Switched-on platforms on which somebody can decide, with the account we have there. */
  readonly outlets: () => readonly {
    readonly platform: string
    readonly account: string
    readonly capabilities: Capabilities
  }[]
  /** An address in the tenant it belongs to by now, whatever it was when somebody wrote from there. */
  readonly placed: (where: Address) => Address
  /** Qualified ids of everybody who may decide. */
  readonly approvers: () => readonly string[]
}

/** Everybody who may decide, by the rules: the list of the admin class where there is one, else the admins. A bare id
 *  stands for that person on each platform that is switched on. */
export const approversOf = (rules: Rules, outlets: readonly { readonly platform: string }[]): readonly string[] => {
  const list = rules.allowFrom.admin ?? rules.admins
  const spread = [...list.bare].flatMap((id) => outlets.map(({ platform }) => qualified(platform, id)))
  return [...new Set([...list.qualified, ...spread])]
}

/** Where each approver can be told: their last direct chat, or, where a person's id is the id of their direct chat,
 *  that. Who can't be reached is left out; `/approvals` still shows them everything. */
export const approverAddresses = ({
  store,
  outlets,
  approvers,
  placed,
}: ReachDeps): { readonly person: string; readonly to: Address }[] => {
  const found = approvers().flatMap((person) => {
    const known = store.read((db) => contactOf(db, person))
    // What is written for a platform that is switched off would wait for the day it comes back.
    if (known && outlets().some((one) => one.platform === known.platform)) return [{ person, to: placed(known) }]
    const cut = person.indexOf(':')
    const outlet = outlets().find((one) => one.platform === person.slice(0, cut))
    if (!outlet?.capabilities.directByUserId) return []
    const chat = person.slice(cut + 1)
    const { platform, account } = outlet
    return [{ person, to: placed({ platform, account, chat, kind: 'dm' }) }]
  })
  // Somebody may be listed by two of their ids.
  return found.filter(({ to }, i) => found.findIndex((one) => laneOf(one.to) === laneOf(to)) === i)
}
