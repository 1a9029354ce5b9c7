// A file of its own: replies know no idempotency key, so which of them may have arrived is remembered here.
import { createHash } from 'node:crypto'
import type { Log, Memo } from '../../src/contract/index.ts'

/** Marks share this many places, a place taken over forgets its older mark: enough that those of the few answers that
 *  wait for another attempt are seldom hit by the others of these seconds. */
const places = 4096

export interface UsedTokens {
  /** Whether an attempt of this part with this token began before and its end is not known to have been a refusal. */
  readonly begun: (token: string, part: string) => boolean
  /** Call it before the attempt leaves. */
  readonly begin: (token: string, part: string) => Promise<void>
  /** The attempt used nothing up. */
  readonly undo: (token: string, part: string) => Promise<void>
}

/**
 * A reply whose answer was lost is repeated with its token. The token being invalid then means that the first attempt
 * arrived; without this mark it would be pushed a second time. Kept in the store, because a crash loses answers too.
 */
export const makeUsedTokens = (memo: Memo, log: Log): UsedTokens => {
  const markOf = (token: string, part: string): { readonly key: string; readonly mark: string } => {
    const digest = createHash('sha256').update(`${token}\n${part}`).digest()
    return { key: `reply ${digest.readUInt16BE(0) % places}`, mark: digest.toString('base64url', 2, 14) }
  }
  const keep = (key: string, value: string): Promise<void> =>
    memo.set(key, value).catch((error: unknown) => {
      // The answer is owed all the same; at worst it is seen twice.
      log.warn({ error: String(error) }, 'the use of a reply token could not be noted')
    })

  return {
    begun: (token, part) => {
      const { key, mark } = markOf(token, part)
      return memo.get(key) === mark
    },
    begin: (token, part) => {
      const { key, mark } = markOf(token, part)
      return keep(key, mark)
    },
    undo: (token, part) => keep(markOf(token, part).key, ''),
  }
}
