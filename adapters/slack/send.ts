// A file of its own: the order of calls around a part (private answers, repeats, what is refused), which encode.ts
// must not know.
import { createHash } from 'node:crypto'
import * as v from 'valibot'
import type { Adapter, AdapterDeps, Address, Part, Receipt } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { readText } from '../kit/http.ts'
import type { Chats } from './chats.ts'
import type { SlackClient } from './client.ts'
import { type Content, encode, encodeText } from './encode.ts'
import { refusedBlocks, refusedMetadata, SlackError, sendError } from './errors.ts'
import { sendFiles } from './upload.ts'
import { type AnswerWay, answerWay, messages, posted } from './wire.ts'
import type { Access, Workspaces } from './workspaces.ts'

const quickMs = 5_000
/** How far back a message is looked for in a thread, which is told from its beginning. */
const lookBackS = 60 * 60
const maxWordBytes = 16 * 1024
/** Of our own kind of metadata; what is behind the key only we know. */
const eventType = 'openclaw_part'

export interface SenderDeps extends Pick<AdapterDeps, 'log' | 'media' | 'say' | 'now'> {
  readonly client: SlackClient
  readonly workspaces: Workspaces
  readonly chats: Chats
}

const keyOf = (part: Part): string => createHash('sha256').update(part.key).digest('hex').slice(0, 32)

const wayOf = ({ handle }: Part, nowMs: number): AnswerWay | null => {
  if (handle?.kind !== 'token' || handle.expiresAt <= nowMs) return null
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), answerWay), handle.value)
  return read.success ? read.output : null
}

const threadOf = ({ thread }: Address): object => (thread === undefined ? {} : { thread_ts: thread })

/** Into its thread, where that has replies: in one without nobody would see it (chat.postEphemeral, `thread_ts`), and a
 *  response_url, unless told, answers in the channel. */
const threadFor = (part: Part, { threaded }: AnswerWay): object => (threaded === true ? threadOf(part.to) : {})

const wordsOf = ({ text, blocks }: Content): object => ({ text, blocks })

/** With blocks, and the same text for where they are not shown. Unfurled links would add pictures nobody asked for. */
const fieldsOf = ({ text, blocks }: Content): object => ({
  text,
  blocks,
  mrkdwn: false,
  unfurl_links: false,
  unfurl_media: false,
})

export const makeSender = (deps: SenderDeps): Pick<Adapter, 'send' | 'edit'> => {
  const { client, workspaces, log, say, now } = deps
  const { channelOf } = deps.chats
  const send: Adapter['send'] = async (part, signal) => {
    if (signal.aborted) throw new SendError('unavailable', 'stopped before it was sent')
    const { workspace } = part.to
    if (part.items.some((item) => item.kind === 'media'))
      return workspaces.using(workspace, 'file', signal, (access) => sendMedia(part, access, signal))
    const content = encode(part, { say })
    const way = wayOf(part, now())
    const isPrivate = part.audience === 'asker' && part.to.kind === 'group' && way !== null
    return workspaces.using(workspace, 'post', signal, async (access): Promise<Receipt> => {
      if (isPrivate && (await whispered(part, way, content, access, signal))) return { via: 'token' }
      const earlier = part.repeated === true ? await findEarlier(part, access, signal) : null
      if (earlier !== null) return { message: earlier, via: 'push' }
      try {
        return await post(part, content, access, signal)
      } catch (error) {
        // A command can be typed where our bot is not; there only its own address answers.
        const outside = error instanceof SlackError && sendError(error, 'post').code === 'target_gone'
        if (!outside || way?.url === undefined) throw error
        const type = part.audience === 'asker' ? 'ephemeral' : 'in_channel'
        const said = part.interim === true ? encode(part, { say }, say('not_a_member')) : content
        if (await responded(way.url, { ...wordsOf(said), ...threadFor(part, way) }, type, signal))
          return { via: 'token' }
        throw error
      }
    })
  }

  const post = async (part: Part, content: Content, access: Access, signal: AbortSignal): Promise<Receipt> => {
    const { token, workspace } = access
    const channel = await channelOf(part.to, access, signal)
    const metadata = { event_type: eventType, event_payload: { key: keyOf(part) } }
    const to = { channel, ...threadOf(part.to) }
    const attempt = (more: object): Promise<unknown> =>
      client.call({ method: 'chat.postMessage', args: { ...to, ...more }, token, workspace }, signal)
    const answer = await attempt({ ...fieldsOf(content), metadata }).catch((error: unknown) => {
      const code = error instanceof SlackError ? error.code : null
      if (refusedMetadata(code)) return attempt(fieldsOf(content))
      if (!refusedBlocks(code)) throw error
      log.warn({ code, workspace }, 'Slack does not take the blocks of a message: it goes as text')
      return attempt({ ...fieldsOf(content), text: content.plain, blocks: undefined, metadata })
    })
    const read = v.safeParse(posted, answer)
    return { ...(read.success ? { message: read.output.ts } : {}), via: 'push' }
  }

  /** Whether the person alone was answered; false when there is no such way any more. */
  const whispered = async (
    part: Part,
    way: AnswerWay,
    content: Content,
    access: Access,
    signal: AbortSignal,
  ): Promise<boolean> => {
    const said = { ...wordsOf(content), ...threadFor(part, way) }
    if (way.url !== undefined && (await responded(way.url, said, 'ephemeral', signal))) return true
    const { token, workspace } = access
    const args = { channel: part.to.chat, user: way.user, ...said }
    try {
      await client.call({ method: 'chat.postEphemeral', args, token, workspace }, signal)
      return true
    } catch (error) {
      const { code, delivered } =
        error instanceof SlackError ? sendError(error, 'post') : { code: null, delivered: 'no' }
      const impossible = code === 'target_gone' || code === 'rejected' || code === 'thread_gone'
      if (!impossible || delivered === 'maybe') throw error
      log.debug({ about: String(error) }, 'no private answer is possible here')
      return false
    }
  }

  const responded = async (
    url: string,
    said: object,
    response_type: 'ephemeral' | 'in_channel',
    signal: AbortSignal,
  ): Promise<boolean> => {
    const body = JSON.stringify({ response_type, replace_original: false, ...said })
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(quickMs)])
    const response = await client.request('response_url', url, init, bounded).catch((error: unknown) => {
      if (!(error instanceof SlackError) || error.code !== 'foreign_address') throw error
      log.warn({ about: error.message }, 'an answer takes another way')
      return null
    })
    if (response === null) return false
    // The status is the answer; what is written beside it may only take it back.
    const words = await readText(response, maxWordBytes).catch(() => '')
    if (response.ok && !/"ok":\s*false/.test(words)) return true
    if (response.status === 429 || response.status >= 500) {
      const delivered = response.status === 429 || response.status === 503 ? 'no' : 'maybe'
      const words = `answered ${response.status}`
      throw new SlackError('response_url', { words, status: response.status, delivered })
    }
    log.debug({ status: response.status }, 'the address for an answer is used up or expired')
    return false
  }

  /** Slack knows no key for posts, so the key goes along, and is looked for before a post is repeated. */
  const findEarlier = async (part: Part, access: Access, signal: AbortSignal): Promise<string | null> => {
    const { token, workspace } = access
    const { thread } = part.to
    try {
      const channel = await channelOf(part.to, access, signal)
      const inThread = thread === undefined ? {} : { ts: thread, oldest: String(Math.floor(now() / 1000) - lookBackS) }
      const args = { channel, limit: 15, include_all_metadata: true, ...inThread }
      const method = thread === undefined ? 'conversations.history' : 'conversations.replies'
      const read = v.safeParse(
        messages,
        await client.call({ method, args, token, workspace, timeoutMs: quickMs }, signal),
      )
      const key = keyOf(part)
      const found = read.success ? read.output.messages : []
      return found.find(({ metadata }) => metadata?.event_payload?.key === key)?.ts ?? null
    } catch (error) {
      if (!(error instanceof SlackError)) throw error
      log.debug({ about: error.message }, 'whether it arrived before could not be looked up')
      return null
    }
  }

  const sendMedia = async (part: Part, access: Access, signal: AbortSignal): Promise<Receipt> => {
    const channel = await channelOf(part.to, access, signal)
    const message = await sendFiles(part, { ...deps, access, channel }, signal)
    if (part.buttons.length === 0) return { ...(message === undefined ? {} : { message }), via: 'push' }
    // Files carry no buttons; those hang on a line of their own behind them.
    const names = part.items.flatMap((item) => (item.kind === 'media' ? [item.media.name] : [])).join(', ')
    const content = encodeText(names.slice(0, 300).toWellFormed() || say('choose'), part.buttons)
    return post(part, content, access, signal).catch((error: unknown) => {
      const { code, message: about } =
        error instanceof SlackError ? sendError(error, 'post') : { code: null, message: '' }
      if (code === null) throw error
      // The files stand there already.
      throw new SendError(code === 'media_rejected' ? 'rejected' : code, about, { delivered: 'maybe' })
    })
  }

  const edit: Adapter['edit'] = async (message, part, signal) => {
    const [item] = part.items
    if (item?.kind !== 'text') throw new SendError('edit_gone', 'only a text can be edited in')
    const { text, blocks } = encode(part, { say })
    return workspaces.using(part.to.workspace, 'edit', signal, async (access) => {
      const channel = await channelOf(part.to, access, signal)
      // Both, always: what happens to blocks that are not named is not said.
      const args = { channel, ts: message, text, blocks, parse: 'none' }
      const { token, workspace } = access
      await client.call({ method: 'chat.update', args, token, workspace }, signal)
      return { message, via: 'edit' }
    })
  }

  return { send, edit }
}
