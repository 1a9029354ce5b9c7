import type { Quota } from '../contract/index.ts'
import { lanesWithMail } from '../store/mailbox.ts'
import type { Store } from '../store/store.ts'
import { releaseAll } from './mailbox.ts'
import type { Outlet } from './worker.ts'

type Quotas = readonly { readonly name: string; readonly quota: Quota }[]

export interface RegainDeps {
  readonly store: Store
  readonly now: () => number
  readonly platforms: {
    readonly outlet: (platform: string) => Outlet | null
    readonly outlets: () => readonly { readonly platform: string }[]
    readonly quotas: (signal: AbortSignal) => Promise<Quotas>
  }
  readonly wake: (lanes: Iterable<string>) => void
}

export interface Regain {
  /** Asks what is left of sending quotas; what waited for one that is there again is sent. */
  readonly quotas: (signal: AbortSignal) => Promise<Quotas>
  /** The same, if anything waits. */
  readonly look: (signal: AbortSignal) => Promise<void>
}

/** Where only a quota keeps us from speaking first, nobody has to write before they are told the rest. */
export const makeRegain = ({ store, now, platforms, wake }: RegainDeps): Regain => {
  const waiting = (): readonly { readonly outlet: Outlet; readonly lanes: readonly string[] }[] =>
    platforms.outlets().flatMap(({ platform }) => {
      const outlet = platforms.outlet(platform)
      if (!outlet?.adapter.quota || outlet.capabilities.answer.windowMs !== null) return []
      const lanes = store.read((db) => lanesWithMail(db, platform))
      return lanes.length > 0 ? [{ outlet, lanes }] : []
    })

  const quotas: Regain['quotas'] = async (signal) => {
    const told = await platforms.quotas(signal)
    const open = waiting().filter(({ outlet }) => outlet.capabilities.answer.push !== 'never')
    const lanes = open.flatMap((one) => one.lanes)
    if (lanes.length === 0) return told
    await store.write((db) => {
      for (const lane of lanes) releaseAll(db, lane, now())
    })
    wake(lanes)
    return told
  }

  return {
    quotas,
    look: async (signal) => {
      if (waiting().length > 0) await quotas(signal)
    },
  }
}
