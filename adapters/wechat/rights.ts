// A file of its own: whether this account may send customer-service messages is learnt once and outlives restarts.
import type { Log, Memo } from '../../src/contract/index.ts'

export interface Rights {
  /** Whether we may speak first. */
  readonly has: () => boolean
  /** Whether it is time to look again whether the right has been granted. */
  readonly due: () => boolean
  /** 48001 came. */
  readonly missing: () => Promise<void>
  /** A call that needs the right went through. */
  readonly granted: () => Promise<void>
}

const key = 'no_customer_service'
const againMs = 24 * 60 * 60_000

/** `account`: without AppID and secret there is nothing to send with. Accounts get verified, so what was missing is
 *  looked at again once a day. */
export const makeRights = (
  account: string | null,
  { memo, now, log }: { readonly memo: Memo; readonly now: () => number; readonly log: Log },
): Rights => {
  // Of another AppID nothing is known.
  const kept = memo.get(key)?.split(' ')
  let missingSinceMs = account !== null && kept?.[0] === account ? Number(kept[1]) : null
  return {
    has: () => account !== null && missingSinceMs === null,
    due: () => account !== null && missingSinceMs !== null && now() - missingSinceMs >= againMs,
    missing: async () => {
      if (missingSinceMs === null)
        log.warn({}, 'the account may not send customer-service messages (48001): answers wait for the next message')
      missingSinceMs = now()
      await memo.set(key, `${account} ${missingSinceMs}`)
    },
    granted: async () => {
      if (missingSinceMs === null) return
      missingSinceMs = null
      log.info({}, 'the account may send customer-service messages now')
      await memo.set(key, '')
    },
  }
}
