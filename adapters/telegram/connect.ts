import * as v from 'valibot'
import type { AdapterDeps, Deliver, InboundEvent, Report, Stream } from '../../src/contract/index.ts'
import { StreamError, vouch } from '../../src/contract/index.ts'
import type { Client } from './client.ts'
import { decode } from './decode.ts'
import { streamError, TelegramError } from './errors.ts'
import { registerMenu } from './menu.ts'
import type { Bot } from './wire.ts'
import { bot, update } from './wire.ts'

const pollSeconds = 30
/** Longer than the poll itself, so that only a dead connection runs into it. */
const pollMs = (pollSeconds + 10) * 1000
const askMs = 15_000
/** Omitted, the list of an earlier program would stick (facts/telegram §2). */
const allowedUpdates = ['message', 'callback_query', 'my_chat_member']

type Deps = Pick<AdapterDeps, 'log' | 'memo' | 'menu' | 'now' | 'random'>

export async function identify(client: Client, signal: AbortSignal): Promise<Bot> {
  const read = v.safeParse(bot, await client.call('getMe', {}, signal, askMs))
  if (!read.success) throw new TelegramError('getMe', { status: null, description: 'the answer names no bot' })
  return read.output
}

/** Fetches updates in order. The offset, which confirms them for good, moves only after the inbox holds them. */
export function polling(client: Client, account: string, deps: Deps): Stream {
  // After a conflict the first poll has to succeed before we call ourselves up, or /readyz would flap.
  let contested = false
  // Each bot numbers its updates by itself: what another one has left here would confirm what nobody has read.
  const offsetNote = `offset ${account}`

  const run: Stream['run'] = async (deliver, report, signal) => {
    try {
      const me = await identify(client, signal)
      const menu = registerMenu(client, account, deps, signal)
      try {
        await poll(me, deliver, report, signal)
      } finally {
        await menu
      }
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof TelegramError)) throw error
      contested = error.status === 409
      const failure = streamError(error, deps.random())
      report('down', failure.message)
      throw failure
    }
  }

  const poll = async (me: Bot, deliver: Deliver, report: Report, signal: AbortSignal): Promise<void> => {
    const up = () => report('up', `polling as @${me.username}`)
    let known = false
    if (!contested) {
      known = true
      up()
    }
    while (!signal.aborted) {
      const offset = savedOffset(deps.memo.get(offsetNote))
      const batch = await client.call(
        'getUpdates',
        {
          ...(offset === null ? {} : { offset }),
          limit: 100,
          timeout: pollSeconds,
          allowed_updates: allowedUpdates,
        },
        signal,
        pollMs,
      )
      contested = false
      if (!known) up()
      known = true
      await keep(batch, me, deliver)
    }
  }

  const keep = async (batch: unknown, me: Bot, deliver: Deliver): Promise<void> => {
    if (!Array.isArray(batch)) throw new StreamError('Telegram getUpdates: the answer is not a list')
    if (batch.length === 0) return
    const ids = batch.map(idOf).filter((id) => id !== null)
    if (ids.length === 0) throw new StreamError('Telegram getUpdates: no update has an id')
    const events = batch.flatMap((raw) => eventsOf(raw, me))
    if (events.length > 0) await deliver(events)
    // Of this batch only: after a quiet week ids start anew at a random, perhaps lower number (facts/telegram §2).
    await deps.memo.set(offsetNote, String(Math.max(...ids) + 1))
  }

  const eventsOf = (raw: unknown, me: Bot): InboundEvent[] => {
    const read = v.safeParse(update, raw)
    if (!read.success) {
      const wrong = read.issues.map((issue) => v.getDotPath(issue) ?? issue.message).slice(0, 5)
      deps.log.warn({ update: idOf(raw), wrong }, 'an update could not be read and is skipped')
      return []
    }
    // It came over TLS from the host we asked with our token: nobody else can have put it there.
    const decoded = decode(vouch(read.output, 'tls'), me, deps.now())
    if (decoded.kind === 'event') return [decoded.event]
    if (decoded.kind === 'note') deps.log.info({ update: read.output.update_id, ...decoded.fields }, decoded.about)
    else deps.log.debug({ update: read.output.update_id, why: decoded.why }, 'an update is not for us')
    return []
  }

  return { kind: 'stream', run }
}

const idOf = (raw: unknown): number | null => {
  const id = typeof raw === 'object' && raw !== null && 'update_id' in raw ? raw.update_id : null
  return Number.isSafeInteger(id) ? (id as number) : null
}

const savedOffset = (note: string | null): number | null =>
  note !== null && /^\d{1,15}$/.test(note) ? Number(note) : null
