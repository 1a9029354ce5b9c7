import { asTuple, type Item } from './queue.ts'
import type { Finished } from './run.ts'

export interface Entry {
  readonly item: Item
  readonly result: Finished
}

export interface History {
  readonly put: (item: Item, result: Finished) => void
  readonly get: (promptId: string) => Entry | null
  readonly all: () => readonly Entry[]
  readonly remove: (promptId: string) => void
  readonly clear: () => void
}

const maxEntries = 10_000

/** In memory only, oldest first; the same prompt id again replaces the entry. */
export function createHistory(): History {
  const entries = new Map<string, Entry>()
  return {
    put: (item, result) => {
      entries.delete(item.promptId)
      entries.set(item.promptId, { item, result })
      const oldest = entries.keys().next().value
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest)
    },
    get: (promptId) => entries.get(promptId) ?? null,
    all: () => [...entries.values()],
    remove: (promptId) => void entries.delete(promptId),
    clear: () => entries.clear(),
  }
}

/** As `GET /history` shows it. */
export const asHistory = ({ item, result }: Entry): object => ({
  prompt: asTuple(item),
  outputs: result.outputs,
  status: statusOf(result),
  meta: result.meta,
})

/** "error" covers a failure and a cancellation alike; only the messages tell them apart. */
export const statusOf = (result: Finished): object => ({
  status_str: result.outcome === 'success' ? 'success' : 'error',
  completed: result.outcome === 'success',
  messages: result.messages,
})
