// A file of its own: interactions that wait for a word. Discord gives three seconds for the first one.
import * as v from 'valibot'
import type { AdapterDeps } from '../../src/contract/index.ts'
import type { Api, Upload } from './client.ts'
import { DiscordError, isAcknowledged, isTokenDead } from './errors.ts'
import { original, sent } from './wire.ts'

/** What is known of an interaction. `open`: nothing was said; `deferred`: "thinking…" or acknowledged; `answered`: the
 *  first word was said, by the part of key `by`; `unknown`: it came before our last start; `gone`: too late. */
export interface Pending {
  readonly kind: 'command' | 'press'
  readonly application: string
  readonly id: string
  readonly token: string
  /** The message whose button was pressed. */
  readonly message: string | null
  state: 'open' | 'deferred' | 'answered' | 'unknown' | 'gone'
  by: string | null
  /** Where the first word stands. */
  said: string
  /** The words that stand there, where somebody looked. */
  words: string | null
  readonly waiting: AbortController
  acknowledging: Promise<void> | null
}

export interface Desk {
  /** From now on it is acknowledged in time, whatever happens to its event. */
  readonly open: (pending: Pick<Pending, 'kind' | 'application' | 'id' | 'token' | 'message'>) => Pending
  /** The interaction of a handle; null when the handle is none of ours. */
  readonly find: (handle: string) => Pending | null
  /** Says "thinking…", or that a press was taken. Never throws; the state tells how it went. */
  readonly acknowledge: (pending: Pending) => Promise<void>
  readonly callback: (pending: Pending, type: number, data: object | null, signal: AbortSignal) => Promise<unknown>
  /** A call on the messages of the interaction: a new one, or a change of one. */
  readonly message: (
    pending: Pending,
    how: { readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'; readonly id?: string },
    body: { readonly json?: unknown; readonly files?: readonly Upload[] },
    signal: AbortSignal,
    timeoutMs: number,
  ) => Promise<unknown>
  /** The id of the first answer, where the call that made it did not tell; without one it could not be edited. Never
   *  throws. */
  readonly originalOf: (pending: Pending, signal: AbortSignal) => Promise<string | undefined>
  /** Finds out what was said to an interaction before our last start. */
  readonly look: (pending: Pending, signal: AbortSignal) => Promise<void>
}

/** Answers that are there by then need no "thinking…", and can still be private. Leaves the way there half the time. */
const acknowledgeAfterMs = 1500
const callMs = 10_000
const mostPending = 2000
const loading = 128
const handleForm = /^(command|press) (\d{1,20}) (\d{1,20}) (\S{1,1024})$/

/** What a message says, however it is laid out. */
export const wordsOf = (message: Readonly<Record<string, unknown>>): string => {
  const read = v.safeParse(v.omit(original, ['id']), message)
  if (!read.success) return ''
  return [read.output.content, ...read.output.embeds.map(({ description }) => description)].join('\n').trim()
}

export const makeDesk = (api: Api, deps: Pick<AdapterDeps, 'sleep' | 'log'>): Desk => {
  const all = new Map<string, Pending>()

  const keep = (pending: Pending): Pending => {
    all.set(pending.id, pending)
    if (all.size > mostPending) all.delete(all.keys().next().value ?? '')
    return pending
  }

  const callback: Desk['callback'] = ({ id, token }, type, data, signal) =>
    api.call(
      {
        method: 'POST',
        path: `/interactions/${id}/${token}/callback`,
        query: { with_response: 'true' },
        json: { type, ...(data === null ? {} : { data }) },
        bare: true,
      },
      signal,
      callMs,
    )

  const acknowledge: Desk['acknowledge'] = (pending) => {
    pending.waiting.abort()
    pending.acknowledging ??= (async () => {
      if (pending.state !== 'open') return
      try {
        await callback(pending, pending.kind === 'command' ? 5 : 6, null, new AbortController().signal)
        pending.state = 'deferred'
      } catch (error) {
        // Taken before without our hearing of it; else it is too late, and a message to the channel answers.
        pending.state = error instanceof DiscordError && isAcknowledged(error) ? 'deferred' : 'gone'
        deps.log.debug({ about: String(error) }, 'an interaction was not acknowledged')
      }
    })()
    return pending.acknowledging
  }

  const open: Desk['open'] = (given) => {
    const known = all.get(given.id)
    if (known) return known
    const waiting = new AbortController()
    const pending = keep({
      ...given,
      state: 'open',
      by: null,
      said: '@original',
      words: null,
      waiting,
      acknowledging: null,
    })
    void deps.sleep(acknowledgeAfterMs, waiting.signal).then(() => {
      if (!waiting.signal.aborted) return acknowledge(pending)
    })
    return pending
  }

  const find: Desk['find'] = (handle) => {
    const [, kind, application = '', id = '', token = ''] = handleForm.exec(handle) ?? []
    if (kind === undefined) return null
    const known = all.get(id)
    if (known) return known
    return keep({
      kind: kind === 'command' ? 'command' : 'press',
      application,
      id,
      token,
      message: null,
      state: 'unknown',
      by: null,
      said: '@original',
      words: null,
      waiting: new AbortController(),
      acknowledging: null,
    })
  }

  const message: Desk['message'] = ({ application, token }, { method, id }, body, signal, timeoutMs) => {
    const path = `/webhooks/${application}/${token}${id === undefined ? '' : `/messages/${id}`}` as const
    return api.call({ method, path, ...body, bare: true }, signal, timeoutMs)
  }

  const look: Desk['look'] = async (pending, signal) => {
    try {
      const read = v.safeParse(original, await message(pending, { method: 'GET', id: '@original' }, {}, signal, callMs))
      const thinking = read.success && (read.output.flags & loading) !== 0
      pending.state = pending.kind === 'command' && thinking ? 'deferred' : 'answered'
      if (!read.success || pending.state === 'deferred') return
      pending.said = read.output.id
      pending.words = wordsOf(read.output)
    } catch (error) {
      if (!(error instanceof DiscordError) || !isTokenDead(error)) throw error
      pending.state = 'gone'
    }
  }

  const originalOf: Desk['originalOf'] = async (pending, signal) => {
    try {
      return v.parse(sent, await message(pending, { method: 'GET', id: '@original' }, {}, signal, callMs)).id
    } catch (error) {
      deps.log.debug({ about: String(error) }, 'the id of an answer is not known')
      return undefined
    }
  }

  return { open, find, acknowledge, callback, message, originalOf, look }
}
