import type { Address, Capabilities, Part, Reply, ReplyHandle } from '../contract/index.ts'
import { laneOf, tenantOf } from '../contract/index.ts'
import { addAction, type StoredAction } from '../store/actions.ts'
import type { Db } from '../store/open.ts'
import { addPart, type PartState } from '../store/outbox.ts'
import { planTexts } from '../texts/help.ts'
import { type ActionSeed, plan } from './plan.ts'

/** A reply with where it goes. `key` is the stable beginning of its part keys: written twice, it is sent once. */
export interface Outgoing {
  readonly to: Address
  readonly reply: Reply
  readonly key: string
  readonly replyTo?: string
  readonly handle?: ReplyHandle
  readonly notBeforeMs?: number
}

/** Planned before the transaction (which may run twice), written inside it. */
export interface Prepared {
  readonly outgoing: Outgoing
  readonly parts: readonly Part[]
  readonly actions: readonly ActionSeed[]
  readonly capabilities: Capabilities
}

export interface PostDeps {
  readonly now: () => number
  readonly newId: () => string
  readonly canLink: boolean
  /** Largest file that is handed over by link. */
  readonly maxLinkBytes?: number
  /** Capabilities of any platform this build knows, switched on or not. */
  readonly capabilities: (platform: string) => Capabilities | null
}

export const prepare = (outgoing: Outgoing, deps: PostDeps): Prepared | null => {
  const capabilities = deps.capabilities(outgoing.to.platform)
  if (!capabilities) return null
  // An edit that can't be made and is not worth a message of its own must not end up in a mailbox either.
  if (outgoing.reply.edits?.otherwise === 'skip' && capabilities.edit === null) return null
  const planned = plan(
    outgoing.reply,
    {
      to: outgoing.to,
      keyBase: outgoing.key,
      replyTo: outgoing.replyTo,
      handle: outgoing.handle,
      canLink: deps.canLink,
      maxLinkBytes: deps.maxLinkBytes,
      newId: deps.newId,
      nowMs: deps.now(),
      texts: planTexts,
    },
    capabilities,
  )
  return { outgoing, parts: planned.parts, actions: planned.actions, capabilities }
}

/** Writes the parts; returns the conversation to wake, null when nothing in it can be sent (its open request takes it,
 *  or it waits to be fetched). `slot`: the first part is offered to an open request. */
export const writeParts = (
  db: Db,
  { outgoing, parts, actions, capabilities }: Prepared,
  nowMs: number,
  slot = false,
): string | null => {
  for (const action of actions) addAction(db, toStored(action, outgoing.to))
  let toSend = false
  parts.forEach((part, i) => {
    const state = stateOf(part, capabilities, slot && i === 0)
    toSend ||= state === 'queued'
    addPart(
      db,
      { part, state, edits: i === 0 ? outgoing.reply.edits : undefined, notBeforeMs: outgoing.notBeforeMs },
      nowMs,
    )
  })
  return toSend ? laneOf(outgoing.to) : null
}

const stateOf = (part: Part, { answer }: Capabilities, slot: boolean): PartState => {
  if (slot) return 'offered'
  // An interim answer would use up the one-time token that the result needs.
  if (answer.push === 'never' && (!part.handle || part.interim)) return 'mailbox'
  return 'queued'
}

const toStored = (seed: ActionSeed, to: Address): StoredAction => ({
  id: seed.id,
  say: seed.say,
  only: seed.only,
  once: seed.once,
  tenant: tenantOf(to),
  platform: seed.platform,
  workspace: to.workspace ?? null,
  chat: seed.chat,
  expiresAtMs: seed.expiresAtMs,
})
