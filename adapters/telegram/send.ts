// A file of its own: the order of calls around a part (presses, moved groups), which encode.ts must not know.
import * as v from 'valibot'
import type { Adapter, AdapterDeps, Part, Receipt } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Client } from './client.ts'
import { encode, keyboard, messageNumber, plainText, target } from './encode.ts'
import { editError, hasNoText, isNotModified, sendError, TelegramError } from './errors.ts'
import { limits } from './limits.ts'
import { sent } from './wire.ts'

const callMs = 30_000
const quickMs = 5_000
/** Uploads get a minute, and more for size: 250 kB/s is the slowest line we wait for. */
const uploadMs = (bytes: number): number => 60_000 + Math.ceil(bytes / 250)

type Deps = Pick<AdapterDeps, 'log' | 'media' | 'now' | 'say'>

export function sender(client: Client, deps: Deps): Required<Pick<Adapter, 'send' | 'edit' | 'typing'>> {
  const send = async (part: Part, signal: AbortSignal): Promise<Receipt> => {
    if (signal.aborted) throw new SendError('unavailable', 'stopped before it was sent')
    const press = openPress(part, deps.now())
    const alert = press === null ? null : alertText(part, markOf(part))
    if (press !== null && alert !== null && (await answered(press, alert, signal))) return { via: 'token' }
    // The client shows a spinner until the press is answered, so that happens beside the real answer, not before it.
    const spinner = press === null || alert !== null ? null : stopSpinner(press, signal)
    try {
      return await deliver(part, signal)
    } finally {
      await spinner
    }
  }

  const markOf = (part: Part): string | null => (part.repeated === true ? deps.say('maybe_repeated') : null)

  /** Only the person who pressed sees an alert. False: it was refused, which happens when it comes too late. */
  const answered = async (press: string, text: string, signal: AbortSignal): Promise<boolean> => {
    try {
      await client.call('answerCallbackQuery', { callback_query_id: press, text, show_alert: true }, signal, callMs)
      return true
    } catch (error) {
      if (!(error instanceof TelegramError)) throw error
      // Too late, or a text alerts do not take: an ordinary message takes it.
      if (error.status === 400) return false
      throw sendError(error, false)
    }
  }

  const stopSpinner = (press: string, signal: AbortSignal): Promise<unknown> =>
    client.call('answerCallbackQuery', { callback_query_id: press }, signal, quickMs).catch((error: unknown) => {
      deps.log.debug({ about: String(error) }, 'a press was not acknowledged')
    })

  const deliver = async (part: Part, signal: AbortSignal): Promise<Receipt> => {
    const media = part.items.flatMap((item) => (item.kind === 'media' ? [item.media] : []))
    const files = await Promise.all(media.map(({ blob }) => deps.media.open(blob))).catch((error: unknown) => {
      throw new SendError('rejected', 'the file to send is no longer there', { cause: error })
    })
    const ms = media.length === 0 ? callMs : uploadMs(files.reduce((sum, { size }) => sum + size, 0))
    try {
      return await made(part, files, ms, signal)
    } catch (error) {
      if (!(error instanceof TelegramError)) throw error
      if (error.movedTo === null) throw sendError(error, media.length > 0)
      deps.log.warn(
        { chat: part.to.chat, moved: error.movedTo },
        'a group became a supergroup: sent to its new id; put it into OPENCLAW_CONNECTOR_TELEGRAM_ALLOWED_CHATS',
      )
      // Topics and message ids of the old group mean nothing in the new one.
      const moved: Part = { ...part, to: { ...part.to, chat: error.movedTo, thread: undefined }, replyTo: undefined }
      return await made(moved, files, ms, signal).catch((again: unknown) => {
        throw again instanceof TelegramError ? sendError(again, media.length > 0) : again
      })
    }
  }

  const made = async (part: Part, files: readonly Blob[], ms: number, signal: AbortSignal): Promise<Receipt> => {
    let result: unknown
    for (const { method, payload } of encode(part, files, markOf(part)))
      result = await client.call(method, payload, signal, ms)
    const read = v.safeParse(sent, result)
    const first = read.success ? [read.output].flat()[0] : undefined
    // Id 0: Telegram scheduled the message instead of sending it now; it can't be named.
    return { ...(first && first.message_id > 0 ? { message: String(first.message_id) } : {}), via: 'push' }
  }

  const edit = async (message: string, part: Part, signal: AbortSignal): Promise<Receipt> => {
    const id = messageNumber(message)
    const [item, more] = part.items
    if (id === null || item?.kind !== 'text' || more) throw new SendError('edit_gone', 'only a text can be edited in')
    const press = openPress(part, deps.now())
    const spinner = press === null ? null : stopSpinner(press, signal)
    const { chat_id } = target(part.to)
    // Without a keyboard in the call the old one goes away, which is what no buttons means.
    const markup = part.buttons.length > 0 ? { reply_markup: keyboard(part.buttons) } : {}
    const change = { chat_id, message_id: id, ...markup }
    try {
      await client
        .call('editMessageText', { ...change, ...plainText(item.text) }, signal, callMs)
        .catch((error: unknown) => {
          if (!(error instanceof TelegramError) || !hasNoText(error) || item.text.length > limits.caption) throw error
          return client.call('editMessageCaption', { ...change, caption: item.text }, signal, callMs)
        })
    } catch (error) {
      if (!(error instanceof TelegramError)) throw error
      if (!isNotModified(error)) throw editError(error)
    } finally {
      await spinner
    }
    return { message, via: 'edit' }
  }

  const typing = async (where: Part['to'], _message: string | undefined, signal: AbortSignal): Promise<void> => {
    await client
      .call('sendChatAction', { ...target(where), action: 'typing' }, signal, quickMs)
      .catch((error: unknown) => {
        deps.log.debug({ about: String(error) }, 'the typing sign was not shown')
      })
  }

  return { send, edit, typing }
}

/** The press this part answers, while it can still be answered. */
const openPress = ({ handle }: Part, nowMs: number): string | null =>
  handle?.kind === 'token' && handle.expiresAt > nowMs ? handle.value : null

/** What an alert can say instead of the part, or null when it can not. */
function alertText(part: Part, mark: string | null): string | null {
  const [item, more] = part.items
  if (part.audience !== 'asker' || item?.kind !== 'text' || more || part.buttons.length > 0) return null
  const text = mark === null ? item.text : `${mark}\n${item.text}`
  return text.length <= limits.alert ? text : null
}
