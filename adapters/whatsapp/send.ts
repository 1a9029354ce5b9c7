// A file of its own: the order of calls around a part (uploads, quotes that are gone), which encode.ts must not know.
import * as v from 'valibot'
import type { Adapter, AdapterDeps, Artifact, Part, Receipt } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Graph } from './client.ts'
import { type Content, encode, type FileName, recipient } from './encode.ts'
import { GraphError, sendError } from './errors.ts'
import { limits } from './limits.ts'
import { sent, uploaded } from './wire.ts'

const callMs = 30_000
const quickMs = 5_000
const mostRemembered = 1_000
/** Uploads get a minute, and more for size: 250 kB/s is the slowest line we wait for. */
const uploadMs = (bytes: number): number => 60_000 + Math.ceil(bytes / 250)

export interface SenderDeps extends Pick<AdapterDeps, 'log' | 'media' | 'say'> {
  readonly graph: Graph
  readonly account: string
  /** The approved template that says that something waits (Cloud API, messages, template object). */
  readonly template: { readonly name: string; readonly language: { readonly code: string } } | null
}

export const makeSender = (deps: SenderDeps): Pick<Adapter, 'send' | 'nudge' | 'typing'> => {
  const { graph, account, template, log, media, say } = deps
  const path = `${account}/messages`
  /** Messages of people that are marked as read, the latest. */
  const read = new Set<string>()

  /** Best effort: never throws. */
  const markRead = async (message: string, more: object, signal: AbortSignal): Promise<void> => {
    read.add(message)
    const [oldest] = read
    if (read.size > mostRemembered && oldest !== undefined) read.delete(oldest)
    const json = { messaging_product: 'whatsapp', status: 'read', message_id: message, ...more }
    await graph.call({ path, json }, signal, quickMs).catch((error: unknown) => {
      log.debug({ about: String(error) }, 'a message was not marked as read')
    })
  }

  const send = async (part: Part, signal: AbortSignal): Promise<Receipt> => {
    if (signal.aborted) throw new SendError('unavailable', 'stopped before it was sent')
    const to = recipient(part.to)
    const [item] = part.items
    const file = item?.kind === 'media' ? await handOver(item.media, item.as, signal) : null
    const { lead, main } = encode(part, file, { say })
    const key = correlation(part)
    const quote = part.replyTo === undefined ? {} : { context: { message_id: part.replyTo } }
    const messages = [...lead, ...main.map((content, i) => ({ ...(i === 0 ? quote : {}), ...key, ...content }))]
    let message: string | undefined
    for (const [i, content] of messages.entries()) {
      message = await post({ messaging_product: 'whatsapp', ...to, ...content }, signal).catch((error: unknown) => {
        if (!(error instanceof GraphError)) throw error
        const failure = sendError(error, file !== null)
        if (i === 0) throw failure
        // The message before it stands there already.
        throw new SendError(failure.code, failure.message, { delivered: 'maybe', retryAfterMs: failure.retryAfterMs })
      })
    }
    // What was answered before a typing sign was worth it has been read as well. The answer is there: nothing waits.
    const { replyTo } = part
    if (replyTo !== undefined && part.to.kind === 'dm' && !read.has(replyTo)) void markRead(replyTo, {}, signal)
    return { ...(message === undefined ? {} : { message }), via: 'push' }
  }

  const nudge = async (part: Part, signal: AbortSignal): Promise<Receipt> => {
    const json = { ...recipient(part.to), ...correlation(part), type: 'template', template }
    const message = await post({ messaging_product: 'whatsapp', ...json }, signal).catch((error: unknown) => {
      throw error instanceof GraphError ? sendError(error, false) : error
    })
    return { ...(message === undefined ? {} : { message }), via: 'push' }
  }

  const post = async (json: Content, signal: AbortSignal): Promise<string | undefined> => {
    try {
      const { body } = await graph.call({ path, json }, signal, callMs)
      const read = v.safeParse(sent, body)
      return read.success ? read.output.messages[0]?.id : undefined
    } catch (error) {
      const isQuote = error instanceof GraphError && (error.code === 100 || error.code === 131009)
      if (!isQuote || json.context === undefined) throw error
      // A quote that no longer exists must not stop the sending; anything else that is wrong is refused again.
      const { context: _, ...without } = json
      return post(without, signal)
    }
  }

  const handOver = async (artifact: Artifact, as: string, signal: AbortSignal): Promise<FileName> => {
    if (as !== 'link') return { id: await upload(artifact, signal) }
    const link = media.link(artifact.blob)
    if (link === null) throw new SendError('media_rejected', 'there is no public address to fetch the file from')
    return { link }
  }

  /** Nothing is seen of an upload, so none of its failures leaves a doubt. */
  const upload = async ({ blob, name, mime, bytes }: Artifact, signal: AbortSignal): Promise<string> => {
    const file = await media.open(blob).catch((error: unknown) => {
      throw new SendError('rejected', 'the file to send is no longer there', { cause: error })
    })
    const type = mime.split(';', 1)[0]?.trim().toLowerCase() ?? mime
    const form = new FormData()
    form.set('messaging_product', 'whatsapp')
    form.set('type', type)
    form.set('file', file.slice(0, file.size, type), name)
    try {
      const { body } = await graph.call({ path: `${account}/media`, form }, signal, uploadMs(bytes))
      const read = v.safeParse(uploaded, body)
      if (!read.success) throw new SendError('unavailable', 'WhatsApp: the upload was answered without an id')
      return read.output.id
    } catch (error) {
      if (!(error instanceof GraphError)) throw error
      const { code, message, retryAfterMs } = sendError(error, true)
      throw new SendError(code, message, { retryAfterMs })
    }
  }

  /** Marks the message as read, and shows that we are at work. In groups there is neither. */
  const typing: NonNullable<Adapter['typing']> = async (where, message, signal) => {
    if (message === undefined || where.kind === 'group') return
    await markRead(message, { typing_indicator: { type: 'text' } }, signal)
  }

  return { send, typing, ...(template === null ? {} : { nudge }) }
}

/** Longer keys are of no use to Meta; then the status is found by the message's id alone. */
const correlation = ({ key }: Part): Content =>
  key.length <= limits.correlation ? { biz_opaque_callback_data: key } : {}
