// A file of its own: the order of calls around a part (uploads, answers to what is gone, cards that are refused).
import { hash } from 'node:crypto'
import * as v from 'valibot'
import type { Adapter, AdapterDeps, Address, Artifact, Part, Receipt } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { type App, appOf } from './app.ts'
import type { Client } from './client.ts'
import { card, encode, type Handed, type Message, textPost, withoutCard, wordsOf } from './encode.ts'
import { FeishuError, isCard, isGone, isNotInstalled, isScope, sendError } from './errors.ts'
import { type Uploads, upload } from './upload.ts'
import { sent } from './wire.ts'

const callMs = 30_000
const mostKinds = 5000

export interface SenderDeps extends Pick<AdapterDeps, 'log' | 'media' | 'say'> {
  readonly apps: readonly App[]
  readonly replyInThread: boolean
}

/** The app that a message goes by, in the tenant it goes to. */
interface Way {
  readonly binding: App['binding']
  readonly client: Client
  /** Notes how it went. */
  readonly fares: (trouble: FeishuError | null) => Promise<void>
}

/** A message that is there, and what it became. */
interface Shown {
  readonly id: string
  readonly type: Message['type']
}

/** The key by which the platform drops repeats for an hour: at most 50 characters, so ours is hashed. */
const uuidOf = (key: string, nth: string): string => hash('sha256', nth === '' ? key : `${key}#${nth}`, 'base64url')

/** What a message may be addressed to, by the form of its id. */
export const receiverOf = (chat: string): string => {
  if (chat.startsWith('oc_')) return 'chat_id'
  if (chat.startsWith('ou_')) return 'open_id'
  return chat.startsWith('on_') ? 'union_id' : 'user_id'
}

const isMessageId = (id: string | undefined): id is string => id !== undefined && /^om_[\w-]{1,100}$/.test(id)

export const makeSender = (
  deps: SenderDeps,
): Required<Pick<Adapter, 'send'>> & { edit: NonNullable<Adapter['edit']> } => {
  const { apps, replyInThread, log, media, say } = deps
  // Texts and cards are edited by different calls. Forgotten at a restart; then both are tried.
  const kinds = new Map<string, Message['type']>()

  const appFor = ({ account, workspace }: Address): Way => {
    const app = appOf(apps, account)
    if (app === undefined) throw new SendError('rejected', `the account ${account} is not configured any more`)
    const fares: Way['fares'] = (trouble) => app.fares(workspace, trouble)
    return { binding: app.binding, client: app.clientTo(workspace), fares }
  }

  /** `auth` stops the whole platform: with several apps or tenants the trouble of one is its own, and tried again. */
  const failed = async (error: unknown, { binding, fares }: Way, carriesFile = false): Promise<never> => {
    if (!(error instanceof FeishuError)) throw error
    await fares(error)
    const isStore = binding.type === 'store'
    if (isStore && isNotInstalled(error)) throw new SendError('target_gone', error.message)
    const failure = sendError(error, carriesFile)
    // Of a message that answers nothing: there is no thread to leave away.
    if (failure.code === 'thread_gone') throw new SendError('rejected', failure.message)
    if (failure.code !== 'auth' || (apps.length === 1 && !isStore)) throw failure
    log.error({ account: binding.account, about: failure.message }, 'an app can not send')
    throw new SendError('unavailable', `${binding.account}: ${failure.message}`, { retryAfterMs: 60_000 })
  }

  const post = async (app: Way, path: string, json: object, signal: AbortSignal): Promise<string> => {
    const read = v.safeParse(sent, await app.client.call({ method: 'POST', path, json }, signal, callMs))
    if (!read.success) throw new FeishuError({ words: 'the answer names no message', delivered: 'maybe' })
    return read.output.data.message_id
  }

  const reply = (app: Way, target: string, body: object, inThread: boolean, signal: AbortSignal): Promise<string> =>
    post(app, `/im/v1/messages/${target}/reply`, { ...body, ...(inThread ? { reply_in_thread: true } : {}) }, signal)

  /** An answer where there is something to answer, in the topic where there is one. What it answers may be gone: then
   *  the topic's first message is answered, and outside of topics nothing. */
  const place = async (app: Way, part: Part, body: object, quotes: boolean, signal: AbortSignal): Promise<string> => {
    const { to } = part
    const thread = isMessageId(to.thread) ? to.thread : null
    const quoted = quotes && replyInThread && isMessageId(part.replyTo) ? part.replyTo : null
    const targets = [...new Set([quoted, thread].filter((one) => one !== null))]
    for (const target of targets) {
      try {
        return await reply(app, target, body, thread !== null, signal)
      } catch (error) {
        if (!(error instanceof FeishuError) || !isGone(error)) throw error
        log.debug({ target, code: error.code }, 'what was to be answered is gone')
        if (target === thread) throw new SendError('thread_gone', error.message)
      }
    }
    const path = `/im/v1/messages?receive_id_type=${receiverOf(to.chat)}`
    return post(app, path, { receive_id: to.chat, ...body }, signal)
  }

  const send = async (part: Part, signal: AbortSignal): Promise<Receipt> => {
    if (signal.aborted) throw new SendError('unavailable', 'stopped before it was sent')
    const app = appFor(part.to)
    const [item] = part.items
    const handed = item?.kind === 'media' ? await handOver(app, item.media, item.as, signal) : null
    const messages = encode(part, handed, say)
    let last = ''
    for (const [i, { type, content }] of messages.entries()) {
      const body = { msg_type: type, content, uuid: uuidOf(part.key, i === 0 ? '' : String(i)) }
      const shown = await place(app, part, body, i === 0, signal)
        .then((id): Shown => ({ id, type }))
        .catch((error: unknown) => retryPlain(error, type, app, part, signal))
        .catch((left: unknown) => failed(left, app, handed !== null))
      last = shown.id
      remember(shown)
    }
    await app.fares(null)
    return { message: last, via: 'push' }
  }

  /** A card that is refused goes out as words, with the commands of its buttons. New content takes a new key. */
  const retryPlain = async (
    error: unknown,
    type: Message['type'],
    app: Way,
    part: Part,
    signal: AbortSignal,
  ): Promise<Shown> => {
    if (type !== 'interactive' || !(error instanceof FeishuError) || !isCard(error)) throw error
    log.warn({ part: part.key, code: error.code }, 'a card was refused and is sent as text')
    const { content } = withoutCard(part, say)
    const id = await place(app, part, { msg_type: 'post', content, uuid: uuidOf(part.key, 'text') }, true, signal)
    return { id, type: 'post' }
  }

  const remember = ({ id, type }: Shown): void => {
    kinds.set(id, type)
    const [oldest] = kinds.size > mostKinds ? kinds.keys() : []
    if (oldest !== undefined) kinds.delete(oldest)
  }

  const uploads: Uploads = { media, log }
  const handOver = async (app: Way, artifact: Artifact, as: string, signal: AbortSignal): Promise<Handed> => {
    if (as === 'link') {
      const href = media.link(artifact.blob)
      if (href === null) throw new SendError('media_rejected', 'there is no public address for the file')
      return { kind: 'link', href }
    }
    return upload(app.client, artifact, as, uploads, signal).catch((error: unknown) => {
      // Without the permission to upload words still go.
      if (error instanceof FeishuError && isScope(error))
        throw new SendError('media_rejected', sendError(error).message)
      return failed(error, app, true)
    })
  }

  const edit = async (id: string, part: Part, signal: AbortSignal): Promise<Receipt> => {
    const app = appFor(part.to)
    if (signal.aborted) throw new SendError('unavailable', 'stopped before it was sent')
    if (!isMessageId(id) || part.items[0]?.kind !== 'text') throw new SendError('edit_gone', 'only texts can be edited')
    const path = `/im/v1/messages/${id}`
    const text = wordsOf(part, say)
    const known = kinds.get(id)
    const asCard = { method: 'PATCH', path, json: { content: card({ text }, part).content } } as const
    const asPost = { method: 'PUT', path, json: { msg_type: 'post', content: textPost(text).content } } as const
    // Buttons hang on cards alone.
    const calls = [
      ...(known === undefined || known === 'interactive' ? [asCard] : []),
      ...(known !== 'interactive' && part.buttons.length === 0 ? [asPost] : []),
    ]
    let refusal = 'a text can not get buttons'
    for (const call of calls) {
      try {
        await app.client.call(call, signal, callMs)
        return { message: id, via: 'edit' }
      } catch (error) {
        if (!(error instanceof FeishuError)) throw error
        const { code, message } = sendError(error)
        const passes = code === 'rate_limited' || code === 'unavailable'
        if (passes || (code === 'auth' && !isScope(error))) await failed(error, app)
        refusal = message
      }
    }
    throw new SendError('edit_gone', refusal)
  }

  return { send, edit }
}
