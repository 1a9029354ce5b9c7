import type { Adapter, Capabilities, Part } from '../contract/index.ts'
import { laneOf } from '../contract/index.ts'
import type { Gate } from '../delivery/gate.ts'
import { partRow } from '../store/outbox.ts'
import type { Store } from '../store/store.ts'

export interface LiveDeps {
  readonly store: Store
  readonly now: () => number
  readonly outlet: (platform: string) => { readonly adapter: Adapter; readonly capabilities: Capabilities } | null
  readonly gateOf: (platform: string) => Gate | null
}

export interface Live {
  /** Shows how a job stands in the message under `ackKey`, as often as the platform's edit budget allows; where there is
   *  none, that it is being worked on. Best effort: what is not shown now is shown next time, and the end is told durably
   *  elsewhere. `alike`: other words for the same; a message that begins with them is left as it is. */
  readonly show: (ackKey: string, text: string, signal: AbortSignal, alike?: string) => void
  /** No further progress, for good; resolves when an edit under way has ended, so that the end can't be painted over. */
  readonly end: (ackKey: string) => Promise<void>
}

interface Entry {
  text: string
  nextAtMs: number
  busy: Promise<void> | null
}

const mostMessages = 500

export const makeLive = ({ store, now, outlet, gateOf }: LiveDeps): Live => {
  const entries = new Map<string, Entry>()
  /** A step that was heard before the end and is shown after it would stand there for ever. */
  const ended = new Set<string>()

  /** Where messages stay as they are, that somebody is at work is all that can be shown. */
  const sign = async (
    { adapter, capabilities }: { readonly adapter: Adapter; readonly capabilities: Capabilities },
    { to, replyTo }: Part,
    entry: Entry,
    signal: AbortSignal,
  ): Promise<void> => {
    if (!adapter.typing || !capabilities.typing) return
    entry.nextAtMs = now() + capabilities.typing.everyMs
    await adapter.typing(to, replyTo, signal)
  }

  const edit = async (
    ackKey: string,
    { text, alike }: { readonly text: string; readonly alike: string | undefined },
    entry: Entry,
    signal: AbortSignal,
  ): Promise<void> => {
    const row = store.read((db) => partRow(db, ackKey))
    if (row?.state !== 'sent') return
    const way = outlet(row.part.to.platform)
    if (way && !way.capabilities.edit) return sign(way, row.part, entry, signal)
    if (row.message === null) return
    const [first] = row.part.items
    if (entry.text === '' && alike !== undefined && first?.kind === 'text' && first.text.startsWith(alike)) {
      entry.text = text
      return
    }
    const gate = gateOf(row.part.to.platform)
    if (!way?.adapter.edit || !way.capabilities.edit || !gate) return
    const part: Part = { ...row.part, items: [{ kind: 'text', text }] }
    // Never ahead of an answer, and never making one wait: without a free place this step is not shown.
    if (!gate.tryEnter(laneOf(part.to), part.to.kind)) return
    entry.nextAtMs = now() + way.capabilities.edit.everyMs
    try {
      await way.adapter.edit(row.message, part, signal)
      entry.text = text
    } finally {
      gate.leave()
    }
  }

  /** An edit under way keeps its entry: the end of its job has to find and await it. */
  const forgetOne = (): void => {
    for (const [key, entry] of entries) {
      if (entry.busy) continue
      entries.delete(key)
      return
    }
  }

  return {
    show: (ackKey, text, signal, alike) => {
      if (ended.has(ackKey)) return
      const entry = entries.get(ackKey) ?? { text: '', nextAtMs: 0, busy: null }
      entries.set(ackKey, entry)
      if (entries.size > mostMessages) forgetOne()
      if (entry.busy || entry.text === text || now() < entry.nextAtMs) return
      entry.busy = edit(ackKey, { text, alike }, entry, signal)
        .catch(() => {
          // A progress edit that fails is simply not shown; wait a while before trying this message again.
          entry.nextAtMs = now() + 15_000
        })
        .finally(() => {
          entry.busy = null
        })
    },
    end: async (ackKey) => {
      const entry = entries.get(ackKey)
      entries.delete(ackKey)
      ended.add(ackKey)
      if (ended.size > mostMessages) ended.delete(ended.values().next().value ?? '')
      await entry?.busy
    },
  }
}
