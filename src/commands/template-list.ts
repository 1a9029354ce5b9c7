import type { CachedAnswer } from '../backend/cached.ts'
import type { Template } from '../backend/wire.ts'
import type { CommandDeps } from './command.ts'

/** The list shares 20 reads a minute with the language model (backend-contract, section 1): whoever makes spelling
 *  mistakes uses up a few of them at most. */
const freshMs = 10_000

/** The templates, read anew where the one that is wanted is missing: the operator may have added it just now. */
export const templatesWith = async (
  wanted: string,
  { templates, now }: Pick<CommandDeps, 'templates' | 'now'>,
  signal: AbortSignal,
): Promise<CachedAnswer<readonly Template[]>> => {
  const list = await templates.get({ signal })
  if (!list.ok || list.trouble || now() - list.asOfMs < freshMs) return list
  if (list.value.some(({ id }) => id === wanted)) return list
  templates.expire()
  return templates.get({ signal })
}
