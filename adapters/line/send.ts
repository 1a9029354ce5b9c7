// A file of its own: reply or push, and what their answers mean, which encode.ts must not know.
import * as v from 'valibot'
import type { Adapter, AdapterDeps, Part, Receipt, ReplyHandle } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Client, LineAnswer } from './connect.ts'
import { durationOf } from './duration.ts'
import { encode, retryKey, unquoted } from './encode.ts'
import { isMonthlyLimit, isQuoteGone, isTokenGone, sendError } from './errors.ts'
import { limits, loadingSeconds } from './limits.ts'
import type { PushQuota } from './quota.ts'
import { makeUnsure } from './unsure.ts'
import { makeUsedTokens } from './used.ts'
import { type LineMessage, sent } from './wire.ts'

const replyPath = '/v2/bot/message/reply'
const pushPath = '/v2/bot/message/push'
const loadingPath = '/v2/bot/chat/loading/start'
const loadingMs = 5_000

type Deps = Pick<AdapterDeps, 'log' | 'memo' | 'media' | 'now' | 'say'>

export function sender(
  client: Client,
  quota: PushQuota,
  deps: Deps,
): { readonly send: Adapter['send']; readonly typing: NonNullable<Adapter['typing']> } {
  const { log, media, memo, now, say } = deps
  const tokens = makeUsedTokens(memo, log)
  const unsure = makeUnsure(now)

  const send: Adapter['send'] = async (part, signal) => {
    if (signal.aborted) throw new SendError('unavailable', 'stopped before it was sent')
    const encoded = encode(part, await durationsOf(part), media)
    const messages = part.repeated ? marked(encoded) : encoded
    const token = openToken(part.handle, now())
    if (token !== null) return reply(part, token, messages, signal)
    // A reply of it whose answer was lost can't be asked about any more: no key connects it with this push.
    const { handle } = part
    const maybeThere = handle?.kind === 'token' && tokens.begun(handle.value, part.key)
    return push(part, maybeThere ? marked(encoded) : messages, signal)
  }

  /** That it may have been seen before: in front of the first text where it fits, else as a message of its own. */
  const marked = (messages: readonly LineMessage[]): readonly LineMessage[] => {
    const [first, ...rest] = messages
    const mark = say('maybe_repeated')
    if (first?.type === 'text' && first.text.length + mark.length < limits.text)
      return [{ ...first, text: `${mark}\n${first.text}` }, ...rest]
    return messages.length < limits.messages ? [{ type: 'text', text: mark }, ...messages] : messages
  }

  const durationsOf = async (part: Part): Promise<ReadonlyMap<string, number>> => {
    const blobs = part.items.flatMap((item) => (item.kind === 'media' && item.as === 'audio' ? [item.media.blob] : []))
    const durations = blobs.map(async (blob) => [blob, await durationOf(await media.open(blob))] as const)
    return new Map(
      await Promise.all(durations).catch((error: unknown) => {
        throw new SendError('rejected', 'the file to send is no longer there', { cause: error })
      }),
    )
  }

  /** Free of charge, once, while the token is fresh. */
  const reply = async (
    part: Part,
    token: string,
    messages: readonly LineMessage[],
    signal: AbortSignal,
  ): Promise<Receipt> => {
    const begunBefore = tokens.begun(token, part.key)
    const refused = async (error: unknown): Promise<never> => {
      const isHarmless = error instanceof SendError && error.delivered === 'no' && !begunBefore
      if (isHarmless) await tokens.undo(token, part.key)
      throw error
    }
    await tokens.begin(token, part.key)
    const post = (body: readonly LineMessage[]) =>
      client.call({ method: 'POST', path: replyPath, body: { replyToken: token, messages: body } }, signal)
    const answer = await quoteOrNot(post, messages).catch(refused)
    if (answer.status === 200) return receiptOf(answer, 'token')
    // A fresh token can only be gone because our own earlier attempt used it: that one arrived.
    if (begunBefore && isTokenGone(answer)) return { via: 'token' }
    return refused(sendError(replyPath, answer, hasMedia(part), now()))
  }

  /** Counts against the month's quota. The retry key makes a repeat harmless: 409 means that it was taken before. */
  const push = async (part: Part, messages: readonly LineMessage[], signal: AbortSignal): Promise<Receipt> => {
    if (!quota.pushes())
      throw new SendError('window_closed', 'the month’s messages are used up: the person has to write')
    const headers = { 'x-line-retry-key': retryKey(part.key) }
    const same = unsure.before(part.key) ?? messages
    const post = (body: readonly LineMessage[]) =>
      client.call({ method: 'POST', path: pushPath, headers, body: { to: part.to.chat, messages: body } }, signal)
    const failed = (error: unknown): never => {
      if (error instanceof SendError && error.delivered === 'maybe') unsure.keep(part.key, same)
      // What follows is another request: the file one rung lower.
      if (error instanceof SendError && error.code === 'media_rejected') unsure.settled(part.key)
      throw error
    }
    const answer = await quoteOrNot(post, same).catch(failed)
    if (answer.status !== 200 && answer.status !== 409) {
      if (isMonthlyLimit(answer)) await quota.usedUp()
      return failed(sendError(pushPath, answer, hasMedia(part), now()))
    }
    unsure.settled(part.key)
    return receiptOf(answer, 'push')
  }

  /** A message that can't be quoted must not stop the answer. The refused call used nothing up. */
  const quoteOrNot = async (
    post: (messages: readonly LineMessage[]) => Promise<LineAnswer>,
    messages: readonly LineMessage[],
  ): Promise<LineAnswer> => {
    const answer = await post(messages)
    return isQuoteGone(answer) ? post(unquoted(messages)) : answer
  }

  const typing: NonNullable<Adapter['typing']> = async (where, _message, signal) => {
    // One-to-one chats only; it ends with our next message.
    if (where.kind !== 'dm') return
    const body = { chatId: where.chat, loadingSeconds }
    try {
      const answer = await client.call({ method: 'POST', path: loadingPath, body, timeoutMs: loadingMs }, signal)
      if (answer.status >= 300) log.debug({ status: answer.status }, 'the loading animation was not shown')
    } catch (error) {
      log.debug({ about: String(error) }, 'the loading animation was not shown')
    }
  }

  return { send, typing }
}

const openToken = (handle: ReplyHandle | undefined, nowMs: number): string | null =>
  handle?.kind === 'token' && handle.expiresAt > nowMs ? handle.value : null

const hasMedia = ({ items }: Part): boolean => items.some(({ kind }) => kind === 'media')

const receiptOf = (answer: LineAnswer, via: 'token' | 'push'): Receipt => {
  const read = v.safeParse(sent, answer.body)
  const [message, ...more] = read.success ? read.output.sentMessages.map(({ id }) => String(id)) : []
  return { ...(message === undefined ? {} : { message }), ...(more.length > 0 ? { more } : {}), via }
}
