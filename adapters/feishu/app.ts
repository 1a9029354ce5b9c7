// A file of its own: one app with everything of it, and the way of an occurrence from there into events.
import type { AdapterDeps, InboundEvent, Verified } from '../../src/contract/index.ts'
import type { Binding } from './bindings.ts'
import { type Client, openClient } from './client.ts'
import { decode, type Occurrence } from './decode.ts'
import type { FeishuError } from './errors.ts'
import { type Identity, makeIdentity } from './identity.ts'
import { makeEntry } from './installs.ts'

export interface App {
  readonly binding: Binding
  readonly client: Client
  readonly identity: Identity
  /** What we make of it. Throws while it can't be told whether a group means us. */
  readonly read: (occurrence: Verified<Occurrence>, signal: AbortSignal) => Promise<readonly InboundEvent[]>
  /** Whether the tenant is the app's own (a custom app has one, the first that was proven) and may use us. */
  readonly admits: (tenantKey: string | undefined) => Promise<boolean>
}

export interface AppOptions {
  readonly requireMention: boolean
  readonly replyInThread: boolean
}

type Deps = Pick<AdapterDeps, 'fetch' | 'now' | 'log' | 'memo' | 'installs'>

export const openApp = (binding: Binding, options: AppOptions, deps: Deps): App => {
  const { memo, log, now } = deps
  const { account, appId, workspace } = binding
  const client = openClient(binding, deps)
  const identity = makeIdentity(client, appId, deps)
  const tenantNote = `tenant ${appId}`
  let tenant = memo.get(tenantNote)
  const mayUse = makeEntry(binding, deps)

  const read: App['read'] = async (occurrence, signal) => {
    const { type, event } = occurrence.payload
    if (isMessage(type) && identity.known() === null && isUnclear(event)) await identity.ask(signal)
    const context = { account, workspace, bot: identity.known(), nowMs: now(), ...options }
    const decoded = decode(occurrence, context)
    if (decoded.kind === 'event') return [decoded.event]
    if (decoded.kind === 'note') log.warn({ account, type: type.slice(0, 80) }, decoded.about)
    else log.debug({ account, type: type.slice(0, 80), why: decoded.why }, 'an event is not for us')
    return []
  }

  return {
    binding,
    client,
    identity,
    read,
    admits: async (tenantKey) => {
      if (tenantKey !== undefined && tenant !== null && tenantKey !== tenant) return false
      if (tenantKey !== undefined && tenant === null) {
        tenant = tenantKey
        await memo.set(tenantNote, tenantKey)
      }
      const used = workspace ?? tenantKey
      return used === undefined || mayUse(used)
    },
  }
}

const isMessage = (type: string): boolean => type === 'im.message.receive_v1' || type === 'message'

/** A person's words in a direct chat mean us. Elsewhere it takes our name, and bots may be ourselves. */
const isUnclear = (event: unknown): boolean => {
  const inner = event as {
    readonly chat_type?: unknown
    readonly sender?: { readonly sender_type?: unknown }
    readonly message?: { readonly chat_type?: unknown }
  } | null
  const type = inner?.message?.chat_type ?? inner?.chat_type
  return (type !== 'p2p' && type !== 'private') || (inner?.sender?.sender_type ?? 'user') !== 'user'
}

/** Where an app is looked up by what names it. */
export const appOf = (apps: readonly App[], account: string): App | undefined =>
  apps.find(({ binding }) => binding.account === account)

/** Whether trying again is of no use until the operator changed something. */
export const isFatal = ({ code }: FeishuError): boolean => code !== null && fatalCodes.has(code)
const fatalCodes: ReadonlySet<number> = new Set([10003, 10005, 10014, 10015, 20002, 99991543, 403, 514, 1000040351])
