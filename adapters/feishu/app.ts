// A file of its own: one app with everything of it, and the way of an occurrence from there into events.
import type { AdapterDeps, InboundEvent, Verified } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Binding } from './bindings.ts'
import { type Client, openClient } from './client.ts'
import { decode, type Occurrence } from './decode.ts'
import type { FeishuError } from './errors.ts'
import { type Identity, makeIdentity } from './identity.ts'
import { makeEntry, makeHealth, type NoteHealth } from './installs.ts'
import { openStore } from './store.ts'
import { makeTenants } from './tenants.ts'

/** The app as it is in one tenant. */
export interface Presence {
  readonly client: Client
  readonly identity: Identity
}

export interface App {
  readonly binding: Binding
  /** Of a custom app always the same. Throws SendError where an app of the store is not installed. */
  readonly at: (tenant: string | undefined) => Presence
  /** For what is sent to a workspace. Throws SendError where the installation there is not to be used. */
  readonly clientTo: (workspace: string | undefined) => Client
  /** Notes how sending there goes. */
  readonly fares: NoteHealth
  /** Whether it can work at all: its secret, or what else gives its tokens. Throws FeishuError. */
  readonly check: (signal: AbortSignal) => Promise<void>
  /** Enters the workspace among the installations, where it is known before anybody wrote. */
  readonly enter: () => Promise<void>
  /** What we make of it. Throws while it can't be told whether a group means us. */
  readonly read: (occurrence: Verified<Occurrence>, signal: AbortSignal) => Promise<readonly InboundEvent[]>
  /** Takes what is about the app itself and not said by anybody. True when it was that. */
  readonly settles: (occurrence: Occurrence) => Promise<boolean>
  /** Whether the tenant is one of the app (a custom app has one, the first that was proven) and may use us. */
  readonly admits: (occurrence: Occurrence) => Promise<boolean>
}

export interface AppOptions {
  readonly requireMention: boolean
  readonly replyInThread: boolean
}

type Deps = Pick<AdapterDeps, 'fetch' | 'now' | 'log' | 'memo' | 'installs'>

/** What the two types of apps differ in. */
type Nature = Omit<App, 'binding' | 'read'>

const customApp = (binding: Binding, deps: Deps): Nature => {
  const { memo } = deps
  const { appId, workspace } = binding
  const client = openClient(binding, deps)
  const own = { client, identity: makeIdentity(client, appId, deps) }
  const tenantNote = `tenant ${appId}`
  let tenant = memo.get(tenantNote)
  const { mayUse, isRefused } = makeEntry(binding, deps)
  const noteHealth = makeHealth(deps)
  const placeOf = (given: string | undefined): string | undefined => workspace ?? given ?? tenant ?? undefined
  return {
    at: () => own,
    clientTo: (given) => {
      const used = placeOf(given)
      if (used !== undefined && isRefused(used))
        throw new SendError('target_gone', `the installation in ${used} is not to be used`)
      return client
    },
    fares: async (given, trouble) => noteHealth(placeOf(given), trouble),
    check: client.check,
    enter: async () => {
      const known = placeOf(undefined)
      if (known !== undefined) await mayUse(known)
    },
    settles: async () => false,
    admits: async ({ tenantKey }) => {
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

const storeApp = (binding: Binding, deps: Deps): Nature => {
  const store = openStore(binding, deps)
  const { settles, admits, reach } = makeTenants(binding, store, deps)
  const noteHealth = makeHealth(deps)
  return {
    at: (given) => {
      const tenant = reach(given)
      const client = store.clientOf(tenant)
      return { client, identity: makeIdentity(client, `${binding.appId} ${tenant}`, deps) }
    },
    clientTo: (given) => store.clientOf(reach(given)),
    fares: noteHealth,
    check: store.check,
    enter: async () => {},
    settles,
    admits,
  }
}

export const openApp = (binding: Binding, options: AppOptions, all: Deps): App => {
  // An organisation may have several of our apps, of which each comes and goes by itself.
  const deps = { ...all, installs: all.installs.having({ app_id: binding.appId }) }
  const { log, now } = deps
  const { account, workspace } = binding
  const isStore = binding.type === 'store'
  const nature = isStore ? storeApp(binding, deps) : customApp(binding, deps)

  const read: App['read'] = async (occurrence, signal) => {
    const { type, event, tenantKey } = occurrence.payload
    const { identity } = nature.at(tenantKey)
    if (isMessage(type) && identity.known() === null && isUnclear(event)) await identity.ask(signal)
    const tenant = isStore ? tenantKey : undefined
    const context = { account, workspace, tenant, bot: identity.known(), nowMs: now(), ...options }
    const decoded = decode(occurrence, context)
    if (decoded.kind === 'event') return [decoded.event]
    if (decoded.kind === 'note') log.warn({ account, type: type.slice(0, 80) }, decoded.about)
    else log.debug({ account, type: type.slice(0, 80), why: decoded.why }, 'an event is not for us')
    return []
  }

  return { binding, ...nature, read }
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
