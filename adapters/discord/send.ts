// A file of its own: the order of calls around a part (tokens first, channels behind), which encode.ts must not know.
import * as v from 'valibot'
import type { Adapter, AdapterDeps, Address, Part, Receipt } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Api } from './client.ts'
import type { Desk } from './desk.ts'
import { edited, encode, inChannel, type Message } from './encode.ts'
import { DiscordError, editError, isShutOut, type SendContext, sendError } from './errors.ts'
import { limits } from './limits.ts'
import type { Places } from './places.ts'
import { answering } from './reply.ts'
import { sent } from './wire.ts'

const callMs = 30_000
const quickMs = 5_000
/** Uploads get a minute, and more for size: 250 kB/s is the slowest line we wait for. */
export const uploadMs = (message: Message): number =>
  message.files.length === 0
    ? callMs
    : 60_000 + Math.ceil(message.files.reduce((sum, { file }) => sum + file.size, 0) / 250)

export interface SenderDeps extends Pick<AdapterDeps, 'log' | 'media' | 'now' | 'say'> {
  readonly api: Api
  readonly desk: Desk
  readonly places: Places
}

export const idOf = (result: unknown): string | undefined => {
  const read = v.safeParse(sent, result)
  return read.success ? read.output.id : undefined
}

export function makeSender(deps: SenderDeps): Required<Pick<Adapter, 'send' | 'edit' | 'typing'>> {
  const { api, desk, places } = deps
  const reply = answering(desk)

  /** The interaction this part answers, while it can still be answered. */
  const pendingOf = ({ handle }: Part) =>
    handle?.kind === 'token' && handle.expiresAt > deps.now() ? desk.find(handle.value) : null

  const channelOf = async (to: Address, signal: AbortSignal): Promise<string> => {
    const channel = to.kind === 'dm' ? to.chat : (to.thread ?? to.chat)
    if (!/^\d{1,20}$/.test(channel)) throw new SendError('target_gone', 'not the id of a Discord channel')
    if (to.kind !== 'dm') return channel
    return places.directOf(channel, signal).catch((error: unknown) => {
      if (!(error instanceof DiscordError)) throw error
      // Nothing was shown by it, so nothing is ever "maybe"; an id Discord does not take is nobody's.
      if (error.code === 50035) throw new SendError('target_gone', error.message)
      const { code, message, retryAfterMs } = sendError(error, { media: false, thread: false })
      throw new SendError(code, message, { retryAfterMs })
    })
  }

  /** Refuses here what would only be refused behind a long upload. */
  const fitting = async ({ workspace, kind }: Address, bytes: number, signal: AbortSignal): Promise<void> => {
    if (bytes <= limits.fileBytes) return
    const isServer = kind === 'group' && workspace !== undefined && /^\d{1,20}$/.test(workspace)
    const most = isServer
      ? await places.fileBytesIn(workspace, signal).catch((error: unknown) => {
          if (!(error instanceof DiscordError)) throw error
          const { code, message, retryAfterMs } = sendError(error, { media: false, thread: false })
          throw new SendError(code, message, { retryAfterMs })
        })
      : limits.fileBytes
    if (bytes > most) throw new SendError('media_rejected', `a file of ${bytes} bytes, ${most} may be sent there`)
  }

  const filesOf = async (part: Part, signal: AbortSignal): Promise<readonly Message[]> => {
    const media = part.items.flatMap((item) => (item.kind === 'media' ? [item] : []))
    const uploads = media.flatMap(({ as, media: { bytes } }) => (as === 'link' ? [] : [bytes]))
    await fitting(part.to, Math.max(0, ...uploads), signal)
    const files = await Promise.all(media.map(({ media: { blob } }) => deps.media.open(blob))).catch(
      (error: unknown) => {
        throw new SendError('rejected', 'the file to send is no longer there', { cause: error })
      },
    )
    const links = media.map(({ as, media: { blob } }) => (as === 'link' ? deps.media.link(blob) : null))
    return encode(part, files, links, deps.say('maybe_repeated'))
  }

  const post = async (part: Part, messages: readonly Message[], signal: AbortSignal): Promise<Receipt> => {
    const channel = await channelOf(part.to, signal)
    const ids: (string | undefined)[] = []
    for (const [i, message] of messages.entries()) {
      const json = inChannel(message, part, i)
      const call = { method: 'POST', path: `/channels/${channel}/messages`, json, files: message.files } as const
      ids.push(idOf(await api.call(call, signal, uploadMs(message))))
    }
    return { ...(ids[0] === undefined ? {} : { message: ids[0] }), via: 'push' }
  }

  const send: Adapter['send'] = async (part, signal) => {
    if (signal.aborted) throw new SendError('unavailable', 'stopped before it was sent')
    const messages = await filesOf(part, signal)
    const context: SendContext = {
      media: part.items.some(({ kind }) => kind === 'media'),
      thread: part.to.thread !== undefined,
    }
    const pending = pendingOf(part)
    const answered = pending && (await reply.first(pending, part, messages, context, signal))
    if (answered) return answered
    try {
      return await post(part, messages, signal)
    } catch (error) {
      if (!(error instanceof DiscordError)) throw error
      // Commands work in channels where we may not write; then so do their answers, as long as the token lives.
      const further = pending && isShutOut(error) ? await reply.further(pending, part, messages, context, signal) : null
      if (further) return further
      throw sendError(error, context)
    }
  }

  const edit: NonNullable<Adapter['edit']> = async (message, part, signal) => {
    if (signal.aborted) throw new SendError('unavailable', 'stopped before it was sent')
    const json = edited(part)
    const pending = pendingOf(part)
    if (pending && (await reply.change(pending, message, json, signal))) return { message, via: 'edit' }
    const acknowledged = pending?.kind === 'press' ? desk.acknowledge(pending) : null
    try {
      if (!/^\d{1,20}$/.test(message)) throw new SendError('edit_gone', 'not the id of a Discord message')
      const path = `/channels/${await channelOf(part.to, signal)}/messages/${message}` as const
      await api.call({ method: 'PATCH', path, json }, signal, callMs)
      return { message, via: 'edit' }
    } catch (error) {
      throw error instanceof DiscordError ? editError(error) : error
    } finally {
      await acknowledged
    }
  }

  const typing: NonNullable<Adapter['typing']> = async (where, _message, signal) => {
    try {
      const path = `/channels/${await channelOf(where, signal)}/typing` as const
      await api.call({ method: 'POST', path }, signal, quickMs)
    } catch (error) {
      deps.log.debug({ about: String(error) }, 'the typing sign was not shown')
    }
  }

  return { send, edit, typing }
}
