// A file of its own: answers by the one-time token of an interaction. Which way is open depends on what was said before.
import * as v from 'valibot'
import type { Part, Receipt } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { type Desk, type Pending, wordsOf } from './desk.ts'
import { ephemeral, type Message } from './encode.ts'
import { DiscordError, isAcknowledged, isTokenDead, type SendContext, tokenError } from './errors.ts'
import { called, sent } from './wire.ts'

const callMs = 30_000
const uploadMs = 180_000

export interface Answering {
  /** Answers where the token is the best way: the first word to a command, and everything private. Null: it is an
   *  ordinary message then, which has a key against repeats. Throws SendError. */
  readonly first: (
    pending: Pending,
    part: Part,
    messages: readonly Message[],
    context: SendContext,
    signal: AbortSignal,
  ) => Promise<Receipt | null>
  /** A further message by the token, whatever came before. Null: the token is dead too. */
  readonly further: Answering['first']
  /** Replaces the message whose button was pressed. False: not by this token. */
  readonly change: (pending: Pending, message: string, json: object, signal: AbortSignal) => Promise<boolean>
}

const receipt = (message: string | undefined): Receipt => ({ ...(message ? { message } : {}), via: 'token' })

export const answering = (desk: Desk): Answering => {
  const withFlags = (message: Message, part: Part): object =>
    part.audience === 'asker' ? { ...message.json, flags: Number(message.json.flags ?? 0) | ephemeral } : message.json

  const put = async (
    pending: Pending,
    part: Part,
    message: Message,
    replaces: string | null,
    signal: AbortSignal,
  ): Promise<string | undefined> => {
    const how = replaces === null ? ({ method: 'POST' } as const) : ({ method: 'PATCH', id: replaces } as const)
    const body = { json: replaces === null ? withFlags(message, part) : message.json, files: message.files }
    const ms = message.files.length > 0 ? uploadMs : callMs
    const read = v.safeParse(sent, await desk.message(pending, how, body, signal, ms))
    return read.success ? read.output.id : undefined
  }

  /** The first of several replaces `replaces`, the others follow. */
  const say = async (
    pending: Pending,
    part: Part,
    messages: readonly Message[],
    replaces: string | null,
    signal: AbortSignal,
  ): Promise<Receipt> => {
    let id: string | undefined
    for (const [i, message] of messages.entries()) {
      const made = await put(pending, part, message, i === 0 ? replaces : null, signal)
      if (i > 0) continue
      id = made
      pending.state = 'answered'
      pending.by = part.key
      pending.said = id ?? pending.said
    }
    return receipt(id)
  }

  /** At once, without "thinking…" before it. Said twice, Discord refuses the second: then the first has arrived, from
   *  this process or the one before. Null: something else was said. */
  const direct = async (
    pending: Pending,
    part: Part,
    message: Message,
    signal: AbortSignal,
  ): Promise<Receipt | null> => {
    pending.waiting.abort()
    const asked = pending.by === part.key
    pending.by = part.key
    try {
      const read = v.safeParse(called, await desk.callback(pending, 4, withFlags(message, part), signal))
      const id = read.success ? read.output.resource?.message?.id : undefined
      pending.state = 'answered'
      const known = id ?? (await desk.originalOf(pending, signal))
      pending.said = known ?? '@original'
      return receipt(known)
    } catch (error) {
      if (!(error instanceof DiscordError) || !isAcknowledged(error)) throw error
    }
    await desk.look(pending, signal)
    if (pending.state === 'deferred') return say(pending, part, [message], '@original', signal)
    if (pending.state === 'answered' && (asked || stands(pending, message))) return receipt(pending.said)
    pending.by = null
    return null
  }

  /** Whether this stands there already: of what was said before our last start we know no key. */
  const stands = ({ words }: Pending, { json }: Message): boolean => words !== null && words === wordsOf(json)

  const first: Answering['first'] = async (pending, part, messages, context, signal) => {
    const [head] = messages
    const isPrivate = part.audience === 'asker'
    if (!head) return null
    if (pending.kind === 'press' && !isPrivate) {
      // Its answer is an ordinary message; the press itself only wants to be acknowledged.
      void desk.acknowledge(pending)
      return null
    }
    return byToken(pending, context, async () => {
      if (pending.state === 'unknown') await desk.look(pending, signal)
      const mayBeDirect = pending.state === 'open' && messages.length === 1 && head.files.length === 0
      // Asked before under this very key and not heard of: asking again tells whether it arrived.
      if (mayBeDirect && pending.acknowledging === null) return direct(pending, part, head, signal)
      if (pending.state === 'open') await desk.acknowledge(pending)
      if (pending.state === 'gone') throw new SendError('handle_gone', 'the interaction can not be answered any more')
      if (pending.state === 'answered' && pending.by === null && stands(pending, head)) {
        pending.by = part.key
        if (messages.length === 1 && head.files.length === 0) return receipt(pending.said)
      }
      const again = pending.state === 'answered' && pending.by === part.key
      if (again) return say(pending, part, messages, pending.said, signal)
      if (pending.state === 'answered') return isPrivate ? say(pending, part, messages, null, signal) : null
      if (!isPrivate) return say(pending, part, messages, '@original', signal)
      // "Thinking…" was said to everyone; a private word can not take its place.
      if (pending.kind === 'command') await withdraw(pending, signal)
      return say(pending, part, messages, null, signal)
    })
  }

  const withdraw = async (pending: Pending, signal: AbortSignal): Promise<void> => {
    try {
      await desk.message(pending, { method: 'DELETE', id: '@original' }, {}, signal, callMs)
    } catch (error) {
      // Withdrawn by an earlier try whose word got lost.
      if (!(error instanceof DiscordError) || error.code !== 10008) throw error
    }
  }

  const further: Answering['further'] = async (pending, part, messages, context, signal) => {
    try {
      if (pending.state === 'open') await desk.acknowledge(pending)
      return await byToken(pending, context, () => say(pending, part, messages, null, signal))
    } catch (error) {
      if (error instanceof SendError && error.code === 'handle_gone') return null
      throw error
    }
  }

  const byToken = async <T>(pending: Pending, { media }: SendContext, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof DiscordError)) throw error
      if (isTokenDead(error)) pending.state = 'gone'
      throw tokenError(error, media)
    }
  }

  const change: Answering['change'] = async (pending, message, json, signal) => {
    if (pending.kind !== 'press' || pending.message !== message) return false
    try {
      if (pending.state === 'open' && pending.acknowledging === null) {
        pending.waiting.abort()
        await desk.callback(pending, 7, json, signal)
        pending.state = 'answered'
        return true
      }
      await pending.acknowledging
      if (pending.state === 'gone' || pending.state === 'unknown') return false
      await desk.message(pending, { method: 'PATCH', id: '@original' }, { json }, signal, callMs)
      return true
    } catch (error) {
      // The ordinary way edits as well; doing it twice is harmless.
      if (error instanceof DiscordError) return false
      throw error
    }
  }

  return { first, further, change }
}
