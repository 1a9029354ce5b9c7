import { type Proof, qualified, type Trust } from '../src/contract/index.ts'
import type { RuleName } from './explain.ts'
import type { IdList } from './ids.ts'
import type { Rules } from './rules.ts'

/** Whoever acts: the platform's own ids (the main one and its aliases, unqualified), where, and how proven. */
export interface Who {
  readonly platform: string
  readonly ids: readonly string[]
  readonly chat: string
  readonly proof: Proof
}

export const isProven = (who: Who): boolean => who.proof !== 'none'

/** Whether a global list names this person. A bare id says nothing about a platform that proves nobody. */
export const isListed = (list: IdList, who: Who): boolean =>
  list.qualified.size + list.bare.size > 0 &&
  who.ids.some((id) => list.qualified.has(qualified(who.platform, id)) || (isProven(who) && list.bare.has(id)))

export const isAdmin = (rules: Rules, who: Who): boolean => isProven(who) && isListed(rules.admins, who)

/** Whether someone may decide on requests: the list of the admin class where there is one, else the admins. */
export const isApprover = (rules: Rules, who: Who): boolean =>
  isProven(who) && isListed(rules.allowFrom.admin ?? rules.admins, who)

/** How far someone is trusted, and by which rule. Being listed as a user or writing in a listed chat is enough. */
export function trustOf(rules: Rules, who: Who): { readonly trust: Trust; readonly rule: RuleName } {
  if (!isProven(who)) return { trust: 'stranger', rule: 'unproven-sender' }
  if (isAdmin(rules, who)) return { trust: 'admin', rule: 'admin-user' }
  const lists = rules.trust.get(who.platform)
  if (lists !== undefined && who.ids.some((id) => lists.users.has(id)))
    return { trust: 'trusted', rule: 'trusted-user' }
  if (lists?.chats.has(who.chat)) return { trust: 'trusted', rule: 'trusted-chat' }
  return { trust: 'stranger', rule: 'not-listed' }
}
