import type { Body, InboundEvent, MediaKind, MediaRef, Proof, Sender, Verified } from '../../src/contract/index.ts'
import { eventId } from '../../src/contract/index.ts'
import { type Contact, isNumber, type Message } from './wire.ts'

export interface DecodeContext {
  /** The phone number id. */
  readonly account: string
  /** Our own number, in digits; null when the webhook does not say. */
  readonly ownNumber: string | null
  readonly contacts: readonly Contact[]
}

export type Decoded =
  | { readonly kind: 'event'; readonly event: InboundEvent }
  /** Nothing to answer, but the operator may want to know. */
  | { readonly kind: 'note'; readonly about: string }
  | { readonly kind: 'ignored'; readonly why: string }

const ignored = (why: string): Decoded => ({ kind: 'ignored', why })

/** Said of what we can't use, and in its words. */
const unusable: Readonly<Record<string, string>> = {
  sticker: 'a sticker',
  location: 'a place',
  contacts: 'a contact',
  order: 'an order',
  interactive: 'a form',
}

/** One message as an event. Pure. */
export const decode = ({ payload, proof }: Verified<Message>, context: DecodeContext): Decoded => {
  const { type } = payload
  if (type === 'system') {
    return { kind: 'note', about: `a person has a new number or identity (${payload.system?.type ?? 'unknown'})` }
  }
  if (type === 'reaction' || type === 'edit' || type === 'revoke') return ignored(type)
  const from = senderOf(payload, context)
  if (from === null) return ignored('a message without a sender')
  const media = mediaOf(payload)
  return { kind: 'event', event: eventOf(payload, proof, from, media, context) }
}

const eventOf = (
  message: Message,
  proof: Proof,
  from: Sender,
  media: readonly MediaRef[],
  { account, ownNumber }: DecodeContext,
): InboundEvent => {
  const { id, timestamp, group_id: group, context } = message
  const toUs = ownNumber !== null && context?.from?.replaceAll(/\D/g, '') === ownNumber
  return {
    id: eventId('whatsapp', account, 'message', id),
    at: timestamp * 1000,
    from,
    proof,
    where: {
      platform: 'whatsapp',
      account,
      // Where it is told, the number: what we sent to a listed number and what comes from it have to be one chat.
      chat: group ?? numberOf(from),
      kind: group === undefined ? 'dm' : 'group',
    },
    body: bodyOf(message, media.length > 0, toUs),
    media,
    message: id,
    ...(context?.id === undefined ? {} : { replyTo: context.id }),
  }
}

const bodyOf = (message: Message, hasMedia: boolean, toUs: boolean): Body => {
  const { type, interactive, button, context, unsupported } = message
  const action = interactive?.button_reply?.id ?? interactive?.list_reply?.id ?? button?.payload
  if (action !== undefined) return { kind: 'press', action, ...(context?.id ? { message: context.id } : {}) }
  // Somebody opened the chat with us for the first time.
  if (type === 'request_welcome') return { kind: 'text', text: '/start', addressed: true }
  const said = message.text?.body ?? captionOf(message)
  if (said === undefined && !hasMedia) {
    return { kind: 'other', what: unusable[type] ?? `a message of kind ${unsupported?.type ?? type}` }
  }
  const text = (said ?? '').toWellFormed()
  // WhatsApp knows no mentions of businesses: in a group a command or a reply to us is meant for us.
  const addressed = message.group_id === undefined || toUs || text.trimStart().startsWith('/')
  return { kind: 'text', text, addressed }
}

const captionOf = ({ image, video, audio, document }: Message): string | undefined =>
  (image ?? video ?? audio ?? document)?.caption

const numberOf = ({ id, aliases = [] }: Sender): string => aliases.find(isNumber) ?? id

const senderOf = (message: Message, { contacts, ownNumber }: DecodeContext): Sender | null => {
  const { from, from_user_id: given, from_parent_user_id: parent } = message
  const contact = contacts.find(
    ({ wa_id, user_id }) => (given !== undefined && user_id === given) || (from !== undefined && wa_id === from),
  )
  const number = from ?? contact?.wa_id
  const userId = given ?? contact?.user_id
  // A number can be hidden or change hands; the business-scoped id can not. Lists may name either.
  const id = userId ?? number
  if (id === undefined) return null
  const aliases = [number, parent].filter((one) => one !== undefined && one !== id) as string[]
  const name = contact?.profile?.name?.toWellFormed().slice(0, 100)
  return {
    id,
    ...(aliases.length > 0 ? { aliases } : {}),
    ...(name ? { name } : {}),
    self: ownNumber !== null && number === ownNumber,
    bot: false,
  }
}

const mediaOf = ({ image, video, audio, document }: Message): readonly MediaRef[] => {
  if (image) return [refOf('image', image)]
  if (video) return [refOf('video', video)]
  if (audio) return [refOf('audio', audio)]
  return document ? [refOf(kindOf(document.mime_type), document)] : []
}

/** Who wants a picture to keep its size sends it as a document. */
const kindOf = (mime = ''): MediaKind =>
  (['image', 'video', 'audio'] as const).find((kind) => mime.startsWith(`${kind}/`)) ?? 'file'

const refOf = (kind: MediaKind, { id, mime_type: mime, filename: name }: NonNullable<Message['image']>): MediaRef => ({
  kind,
  ref: id,
  ...(mime === undefined ? {} : { mime }),
  ...(name === undefined ? {} : { name }),
})
