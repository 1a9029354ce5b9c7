import * as v from 'valibot'
import type { InboundEvent, MediaKind, MediaRef, Proof, ReplyHandle, Verified } from '../../src/contract/index.ts'
import { eventId } from '../../src/contract/index.ts'
import { addressOf, kindOf } from './chats.ts'
import { fileRef } from './download.ts'
import { limits } from './limits.ts'
import { firstNamed, spoken } from './markup.ts'
import { type AnswerWay, type Envelope, file, type Interaction, type SlackEvent, type Slash } from './wire.ts'

export interface DecodeContext {
  readonly account: string
  readonly requireMention: boolean
  readonly replyInThread: boolean
  /** Our bot's user in that workspace, when the delivery does not say. */
  readonly botUser: (workspace: string, enterprise: string | null) => string | null
  /** Whether a word is one of our commands, so that `/word` by itself is one. */
  readonly isCommand: (word: string) => boolean
  readonly now: () => number
}

export type Decoded =
  | { readonly kind: 'event'; readonly event: InboundEvent }
  | { readonly kind: 'ignored'; readonly why: string }

const ignored = (why: string): Decoded => ({ kind: 'ignored', why })

const mostFiles = 10
/** Messages as people write them; the others tell of edits, joins, pins and the like. */
const spokenKinds: ReadonlySet<string | undefined> = new Set([
  undefined,
  'file_share',
  'thread_broadcast',
  'me_message',
])

/** Seconds with a fraction, as text, to milliseconds. */
const msOf = (ts: string): number => {
  const [seconds = '0', fraction = ''] = ts.split('.')
  return Number(seconds) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'))
}

/** The workspace whose installation this is for (a shared channel belongs to several); of an organisation-wide one the
 *  workspace where it happened. */
export const workspaceOf = ({ context_team_id, team_id, authorizations }: Envelope): string | null =>
  authorizations[0]?.team_id ?? context_team_id ?? team_id ?? null

/** The organisation of that workspace, where it is told. */
export const enterpriseOf = ({ context_enterprise_id, enterprise_id, authorizations }: Envelope): string | null =>
  authorizations[0]?.enterprise_id ?? context_enterprise_id ?? enterprise_id ?? null

const handleOf = (way: AnswerWay, atMs: number): ReplyHandle => ({
  kind: 'token',
  several: true,
  value: JSON.stringify(way),
  expiresAt: atMs + limits.responseMs,
})

/** An event of the Events API, by whichever way it came. Pure. */
export const decodeEvent = ({ payload, proof }: Verified<Envelope>, context: DecodeContext): Decoded => {
  const { event } = payload
  const workspace = workspaceOf(payload)
  if (workspace === null) return ignored('no workspace is named')
  const authorization = payload.authorizations[0]
  const told = authorization?.is_bot === true ? authorization.user_id : undefined
  const bot = told ?? context.botUser(workspace, enterpriseOf(payload))
  if (event.type === 'member_joined_channel') return greeting(event, workspace, bot, proof, context)
  if (event.type !== 'message' && event.type !== 'app_mention') return ignored(`an event of kind ${event.type}`)
  if (!spokenKinds.has(event.subtype)) return ignored(`a message of kind ${event.subtype}`)
  // A mention that is written into an older message is told as a mention of its own.
  if (event.edited !== undefined) return ignored('an edited message')
  const { user, channel, ts, app_id } = event
  const isOurs = user === bot || (app_id !== undefined && app_id === payload.api_app_id)
  if (isOurs || event.bot_id !== undefined || user === 'USLACKBOT') return ignored('a message of a bot')
  if (user === undefined || channel === undefined || ts === undefined) return ignored('a message without its ids')
  return message(event, { workspace, bot, user, channel, ts, proof }, context)
}

interface Ids {
  readonly workspace: string
  readonly bot: string | null
  readonly user: string
  readonly channel: string
  readonly ts: string
  readonly proof: Proof
}

const message = (event: SlackEvent, ids: Ids, context: DecodeContext): Decoded => {
  const { workspace, bot, user, channel, ts, proof } = ids
  const { account, requireMention, replyInThread } = context
  const isTold = event.type === 'app_mention'
  const raw = event.text ?? ''
  // Where our own name is not told, Slack's word that we were mentioned makes the first name in front ours.
  const { text, mentioned, mentions } = spoken(raw, bot ?? (isTold ? firstNamed(raw) : null))
  const kind = kindOf(channel)
  const isMention = isTold || mentioned
  // Whom it names can't be seen here; if it is us, its twin says so, and both bear one id.
  if (bot === null && kind === 'group' && mentions && !isMention) return ignored('a mention of somebody')
  const addressed = kind === 'dm' || isMention
  if (!addressed && requireMention) return ignored('talk in a channel')
  const inThread = event.thread_ts !== undefined && event.thread_ts !== ts
  const thread = event.thread_ts ?? (replyInThread && kind === 'group' ? ts : undefined)
  const media = mediaOf(event, workspace)
  const at = msOf(ts)
  const found: InboundEvent = {
    // The same for a message and for the mention it is told as a second time, with another event id.
    id: eventId('slack', account, workspace, channel, ts),
    at,
    from: senderOf(user, event.user_team ?? event.source_team, workspace),
    proof,
    where: addressOf(account, workspace, ids, kind === 'dm' && !inThread ? undefined : thread),
    body: { kind: 'text', text, addressed },
    media,
    message: ts,
    // A command in a thread may be about what the thread began with.
    ...(inThread && text.startsWith('/') && event.thread_ts !== undefined ? { replyTo: event.thread_ts } : {}),
    ...(kind === 'group' ? { handle: handleOf({ user, ...(inThread ? { threaded: true } : {}) }, at) } : {}),
  }
  return { kind: 'event', event: found }
}

/** Ids of people of other workspaces (Slack Connect) are not ours to know: only with their workspace are they somebody. */
export const senderOf = (
  user: string,
  team: string | undefined,
  workspace: string,
  name?: string,
): InboundEvent['from'] => {
  const foreign = team !== undefined && team !== workspace
  const qualified = `${team ?? workspace}/${user}`
  return {
    id: foreign ? qualified : user,
    ...(foreign ? {} : { aliases: [qualified] }),
    ...(name ? { name: name.toWellFormed().slice(0, 100) } : {}),
    self: false,
    bot: false,
  }
}

const mediaOf = ({ files }: SlackEvent, workspace: string): readonly MediaRef[] =>
  files.slice(0, mostFiles).flatMap((one): readonly MediaRef[] => {
    const read = v.safeParse(file, one)
    // Deleted ones, and those that lie with somebody else.
    if (!read.success || read.output.mode === 'tombstone' || read.output.mode === 'external') return []
    const { id, mimetype, size, name } = read.output
    const kind = (['image', 'video', 'audio'] as const).find((start) => mimetype?.startsWith(`${start}/`))
    return [
      {
        kind: kind ?? ('file' satisfies MediaKind),
        ref: fileRef(workspace, id),
        ...(mimetype ? { mime: mimetype } : {}),
        ...(size === undefined ? {} : { bytes: size }),
        ...(name === undefined ? {} : { name: name.toWellFormed().slice(0, 255) }),
      },
    ]
  })

/** Somebody brought us into a channel. */
const greeting = (
  { user, inviter, channel, event_ts: ts }: SlackEvent,
  workspace: string,
  bot: string | null,
  proof: Proof,
  { account }: DecodeContext,
): Decoded => {
  if (user === undefined || user !== bot) return ignored('somebody else joined a channel')
  if (inviter === undefined || channel === undefined || ts === undefined) return ignored('a joining without its ids')
  const event: InboundEvent = {
    id: eventId('slack', account, workspace, channel, 'joined', ts),
    at: msOf(ts),
    from: senderOf(inviter, undefined, workspace),
    proof,
    where: addressOf(account, workspace, { user: inviter, channel }, undefined),
    body: { kind: 'text', text: '/start', addressed: true },
    media: [],
  }
  return { kind: 'event', event }
}

/** A slash command: one of our own (`/run …`), or one in front of ours (`/openclaw run …`). Pure. */
export const decodeSlash = ({ payload, proof }: Verified<Slash>, context: DecodeContext): Decoded => {
  const { command, channel_id: channel, user_id: user, trigger_id, response_url: url } = payload
  const workspace = payload.team_id ?? payload.enterprise_id
  if (workspace === undefined) return ignored('no workspace is named')
  const at = context.now()
  const { text } = spoken(payload.text, null)
  const word = command.slice(1).toLowerCase()
  const line = context.isCommand(word) ? `/${word} ${text}`.trim() : text.startsWith('/') ? text : `/${text || 'help'}`
  const event: InboundEvent = {
    id: eventId('slack', context.account, workspace, 'command', trigger_id),
    // It comes once and tells no time.
    at,
    from: senderOf(user, undefined, workspace, payload.user_name),
    proof,
    where: addressOf(context.account, workspace, { user, channel }, undefined),
    body: { kind: 'text', text: line, addressed: true },
    media: [],
    handle: handleOf({ user, ...(url === undefined ? {} : { url }) }, at),
  }
  return { kind: 'event', event }
}

/** The workspace of a press; those by an organisation-wide installation may name only that of the person. */
export const pressedIn = ({ team, user, enterprise }: Interaction): string | null =>
  team?.id ?? user.team_id ?? enterprise?.id ?? null

/** A press of one of our buttons. Pure. */
export const decodePress = ({ payload, proof }: Verified<Interaction>, context: DecodeContext): Decoded => {
  const { type, user, channel, message: ts, actions, response_url: url } = payload
  const [action] = actions
  if (type !== 'block_actions') return ignored(`an interaction of kind ${type}`)
  const workspace = pressedIn(payload)
  if (action?.type !== 'button' || !action.value || workspace === null) return ignored('no button of ours')
  if (channel === undefined) return ignored('a press outside of a conversation')
  const at = msOf(action.action_ts)
  const isRoot = kindOf(channel) === 'group' && !payload.isEphemeral
  const thread = payload.thread ?? (context.replyInThread && isRoot ? ts : undefined)
  const way = { user: user.id, ...(url === undefined ? {} : { url }), threaded: payload.thread !== undefined }
  const event: InboundEvent = {
    id: eventId('slack', context.account, workspace, channel, ts ?? '', action.action_id, user.id, action.action_ts),
    at,
    from: senderOf(user.id, user.team_id, workspace, user.name),
    proof,
    where: addressOf(context.account, workspace, { user: user.id, channel }, thread),
    body: { kind: 'press', action: action.value, ...(ts === undefined ? {} : { message: ts }) },
    media: [],
    handle: handleOf(way, at),
  }
  return { kind: 'event', event }
}
