import { getMemo, setMemo } from '../store/memo.ts'
import type { Call, CommandDeps } from './command.ts'

/** Fixes what an act is aimed at before it is done: should the command be repeated after a crash, it takes the same
 *  aim instead of looking for a new one (and hitting somebody else's job). `again`: the act may have been done. The
 *  note goes when the event is settled. */
export const takeAim = async <T>(
  call: Call,
  deps: CommandDeps,
  look: () => T,
): Promise<{ readonly aim: T; readonly again: boolean }> => {
  const { id } = call.event
  const noted = deps.store.read((db) => getMemo(db, 'aim', id))
  if (noted !== null) return { aim: JSON.parse(noted) as T, again: true }
  const aim = look()
  await deps.store.write((db) => setMemo(db, 'aim', id, JSON.stringify(aim)))
  return { aim, again: false }
}
