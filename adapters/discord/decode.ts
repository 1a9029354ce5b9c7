import type { Address, Body, InboundEvent, MediaKind, MediaRef, Sender, Verified } from '../../src/contract/index.ts'
import { eventId } from '../../src/contract/index.ts'
import { tokenMs } from './limits.ts'
import type { Attachment, User, WireInteraction, WireMessage } from './wire.ts'

export type Decoded =
  | { readonly kind: 'event'; readonly event: InboundEvent }
  /** Said where we do not listen. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'ignored'; readonly why: string }

export interface Setting {
  readonly account: string
  /** Our own user id. */
  readonly self: string
  /** The channel a thread belongs to, where it is one and that is known. */
  readonly parent: string | null
  /** Our own role in this server. */
  readonly role: string | null
  /** Channels we listen in; empty: all. */
  readonly channels: readonly string[]
  readonly nowMs: number
}

const ignored = (why: string): Decoded => ({ kind: 'ignored', why })

/** Announcement thread, public thread (forum posts too), private thread. */
export const isThread = (type: number | null | undefined): boolean => type === 10 || type === 11 || type === 12

/** Whether a channel whose kind may be left out can be one; without a known parent it is taken for none. */
export const mayBeThread = (type: number | null | undefined): boolean => type == null || isThread(type)

/** Milliseconds since the epoch, out of a snowflake (facts/discord §1). */
export const momentOf = (id: string): number => Number((BigInt(id) >> 22n) + 1_420_070_400_000n)

/** Pure. Ordinary messages (type 0) and replies (19); everything else is Discord's own talk. */
export function decodeMessage({ payload, proof }: Verified<WireMessage>, setting: Setting): Decoded {
  const { account, self } = setting
  const { author, type } = payload
  if (type !== 0 && type !== 19) return ignored('a message of the system')
  if (author.id === self) return ignored('our own message')
  if (author.system) return ignored('a message of the system')
  const guild = payload.guild_id ?? undefined
  const where: Address =
    guild === undefined
      ? { platform: 'discord', account, chat: author.id, kind: 'dm' }
      : guildAddress(account, guild, payload.channel_id, mayBeThread(payload.channel_type), setting.parent)
  if (!listens(where, setting.channels)) return { kind: 'elsewhere' }

  const answered = payload.referenced_message ?? undefined
  const said = spoken(payload, setting)
  const own = payload.attachments.map((file) => mediaOf(file, payload.channel_id, payload.id))
  // A command is about the picture it answers; other words are not.
  const media = own.length === 0 && answered && said.text.startsWith('/') ? carried(answered, payload.channel_id) : own
  const body = bodyOf(payload, said.text, guild === undefined || said.toUs || answered?.author.id === self, media)
  if (body === null) return ignored('nothing to read (outside of mentions that needs the message content intent)')
  const replyTo = (type === 19 && payload.message_reference?.message_id) || undefined
  return {
    kind: 'event',
    event: {
      id: eventId('discord', account, 'message', payload.id),
      at: momentOf(payload.id),
      from: senderOf(author, payload.member?.nick, payload.webhook_id != null, self),
      proof,
      where,
      body,
      media,
      message: payload.id,
      ...(replyTo === undefined ? {} : { replyTo }),
    },
  }
}

/** What an answered message shows: files stand beside its cards, or inside them and nowhere else. */
const carried = (
  { id, attachments, embeds }: NonNullable<WireMessage['referenced_message']>,
  channel: string,
): readonly MediaRef[] => [
  ...attachments.map((file) => mediaOf(file, channel, id)),
  ...embeds.flatMap(({ image }) => {
    const [, file, name] = pictureIn(image?.url ?? '') ?? []
    return image && file && name ? [{ kind: 'image' as const, ref: `${image.url} ${channel} ${id} ${file}`, name }] : []
  }),
]

function bodyOf(payload: WireMessage, text: string, addressed: boolean, media: readonly MediaRef[]): Body | null {
  if (text !== '' || media.length > 0 || (addressed && payload.content !== '')) return { kind: 'text', text, addressed }
  if (payload.sticker_items.length > 0) return { kind: 'other', what: 'sticker' }
  if (payload.poll != null) return { kind: 'other', what: 'poll' }
  return payload.message_snapshots.length > 0 ? { kind: 'other', what: 'forwarded message' } : null
}

/** Pure. Slash commands and pressed buttons; `runOptions` makes the inputs of a template out of the options of /run. */
export function decodeInteraction(
  { payload, proof }: Verified<WireInteraction>,
  setting: Setting,
  optionsOf: (name: string, options: Readonly<Record<string, string>>) => Body,
): Decoded {
  const { account, self, nowMs } = setting
  const person = payload.member?.user ?? payload.user
  if (!person) return ignored('an interaction of nobody')
  const guild = payload.guild_id ?? undefined
  const channel = payload.channel_id ?? payload.channel?.id
  if (guild !== undefined && channel === undefined) return ignored('an interaction without a channel')
  const where: Address =
    guild === undefined || channel === undefined
      ? { platform: 'discord', account, chat: person.id, kind: 'dm' }
      : guildAddress(account, guild, channel, mayBeThread(payload.channel?.type), setting.parent)
  const body = interactionBody(payload, optionsOf)
  if (body === null) return ignored('an interaction we do not use')
  // A button of ours stands where we once spoke; only new talk is filtered.
  if (body.kind !== 'press' && !listens(where, setting.channels)) return { kind: 'elsewhere' }
  return {
    kind: 'event',
    event: {
      id: eventId('discord', account, 'interaction', payload.id),
      at: momentOf(payload.id),
      from: senderOf(person, payload.member?.nick, false, self),
      proof,
      where,
      body,
      media: filesOf(payload),
      handle: { kind: 'token', value: handleOf(payload), expiresAt: nowMs + tokenMs, several: true },
    },
  }
}

function interactionBody(
  { type, data, message }: WireInteraction,
  optionsOf: (name: string, options: Readonly<Record<string, string>>) => Body,
): Body | null {
  if (type === 3 && data?.component_type === 2 && data.custom_id != null)
    return { kind: 'press', action: data.custom_id, ...(message ? { message: message.id } : {}) }
  if (type !== 2 || data?.name == null || (data.type ?? 1) !== 1) return null
  // Attachments (11) come as media; subcommands we never register.
  const values = data.options.flatMap((option) =>
    option.type === 11 || option.value == null ? [] : [[option.name, String(option.value)] as const],
  )
  return optionsOf(data.name, Object.fromEntries(values))
}

const filesOf = ({ data }: WireInteraction): readonly MediaRef[] => {
  const files = data?.resolved?.attachments ?? {}
  return (data?.options ?? []).flatMap(({ type, value }) => {
    const file = type === 11 ? files[String(value)] : undefined
    return file ? [mediaOf(file)] : []
  })
}

/** What answers an interaction, as one word: kind, application, id, token. */
const handleOf = ({ type, application_id, id, token }: WireInteraction): string =>
  [type === 2 ? 'command' : 'press', application_id, id, token].join(' ')

export const guildAddress = (
  account: string,
  workspace: string,
  channel: string,
  thread: boolean,
  parent: string | null,
): Address => ({
  platform: 'discord',
  account,
  workspace,
  chat: thread && parent !== null ? parent : channel,
  kind: 'group',
  ...(thread && parent !== null ? { thread: channel } : {}),
})

/** A thread is listened in when it or its channel is listed. Direct chats always are. */
export const listens = (where: Address, channels: readonly string[]): boolean =>
  where.kind === 'dm' ||
  channels.length === 0 ||
  channels.includes(where.chat) ||
  (where.thread !== undefined && channels.includes(where.thread))

/** Our mentions cut off: by id, by the old form with "!", by our role. */
function spoken({ content }: WireMessage, { self, role }: Setting): { readonly text: string; readonly toUs: boolean } {
  const ours = new RegExp(`<@!?${self}>${role === null ? '' : `|<@&${role}>`}`, 'g')
  if (content.search(ours) < 0) return { text: content.trim(), toUs: false }
  const front = new RegExp(`^\\s*(?:(?:${ours.source})[\\s,:]*)+`)
  const bare = content.replace(front, '').replaceAll(new RegExp(`[ \\t]*(?:${ours.source})`, 'g'), '')
  return { text: bare.trim(), toUs: true }
}

const senderOf = (user: User, nick: string | null | undefined, webhook: boolean, self: string): Sender => {
  const name = nick || user.global_name || user.username
  return {
    id: user.id,
    ...(name ? { name: name.slice(0, 100) } : {}),
    self: user.id === self,
    bot: user.bot || webhook,
  }
}

const kindOf = (mime = ''): MediaKind =>
  (['image', 'video', 'audio'] as const).find((kind) => mime.startsWith(`${kind}/`)) ?? 'file'

/** Id and name of an uploaded picture, out of the address it has in a card. Pictures from elsewhere have neither. */
export const pictureIn = (url: string): RegExpExecArray | null =>
  /^https?:\/\/[^/?#]+\/attachments\/\d+\/(\d{1,20})\/([\w.-]{1,200})(?:\?\S*)?$/.exec(url)

/** The address is signed and dies after a day; where it hung says how to get a new one. */
const mediaOf = (file: Attachment, channel?: string, message?: string): MediaRef => ({
  kind: kindOf(file.content_type ?? undefined),
  ref: channel === undefined ? file.url : `${file.url} ${channel} ${message} ${file.id}`,
  ...(file.content_type ? { mime: file.content_type } : {}),
  bytes: file.size,
  name: file.filename.slice(0, 200),
})
