/** How the sender of an event was proven. `none` never gets admin, and runs only through an approval. */
export type Proof = 'signature' | 'secret' | 'tls' | 'none'

/** The full target of a message, always: an answer goes back by this alone, also after a restart. */
export interface Address {
  readonly platform: string
  /** Which of our own accounts (bot id, app id) took the message. */
  readonly account: string
  readonly workspace?: string
  /** Set by the core, by the workspace; only in multi-tenant mode. */
  readonly tenant?: string
  /** The platform's id of the conversation, as text (ids pass 2^53). */
  readonly chat: string
  readonly kind: 'dm' | 'group'
  /** Topic or thread, only where an answer has to name it to land there. */
  readonly thread?: string
}

export interface Sender {
  /** The platform's own id, unqualified, as text. Compare only through `qualified`. */
  readonly id: string
  /** Further ids of the same person on the same platform (allow lists may name any of them). */
  readonly aliases?: readonly string[]
  readonly name?: string
  /** The event is our own message coming back. */
  readonly self: boolean
  readonly bot: boolean
}

export type MediaKind = 'image' | 'video' | 'audio' | 'file'

/** A pointer to something a person sent, never a closure: it is stored and fetched later. */
export interface MediaRef {
  readonly kind: MediaKind
  readonly ref: string
  readonly mime?: string
  readonly bytes?: number
  readonly name?: string
}

export type Body =
  /** `addressed`: a DM, a mention of us (already cut off), a command naming us, or a reply to us. */
  | { readonly kind: 'text'; readonly text: string; readonly addressed: boolean }
  /** A pressed button: the opaque id of a stored action, and the message it hung on. */
  | { readonly kind: 'press'; readonly action: string; readonly message?: string }
  /** A native command (slash command with options). */
  | { readonly kind: 'command'; readonly name: string; readonly options: Readonly<Record<string, string>> }
  /** Words a machine heard in a voice message: offered back for confirmation, never run. */
  | { readonly kind: 'heard'; readonly text: string }
  /** A message was taken back, by the platform's id of it or the pointer to what it carried: that is not used any more. */
  | { readonly kind: 'unsent'; readonly message: string }
  /** Something we can't use (a sticker, a place, a contact): said kindly, once. */
  | { readonly kind: 'other'; readonly what: string }

/** A way to answer that the platform opened for this event only, and closes by itself. */
export interface ReplyHandle {
  readonly kind: 'inline' | 'token'
  readonly value: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** It can carry several answers, so that one for the asker alone stays private to its last part. */
  readonly several?: true
}

/** One human act, as plain data all the way down: it is stored, replayed and compared. */
export interface InboundEvent {
  /** Equal for redeliveries and for twin deliveries of one act. Made with `eventId`. */
  readonly id: string
  /** When the person acted, by the platform's clock, in ms since the epoch; the receiving time where it has none. */
  readonly at: number
  readonly from: Sender
  readonly proof: Proof
  readonly where: Address
  readonly body: Body
  readonly media: readonly MediaRef[]
  /** The platform's id of this message, so that an answer can quote it. */
  readonly message?: string
  /** The platform's id of the message this one answers. */
  readonly replyTo?: string
  readonly handle?: ReplyHandle
}

/** Who it is, where, and how that was proven: what a command's policy asks about. */
export type Person = Pick<InboundEvent, 'from' | 'where' | 'proof'>

/** Joins the parts of an event id; the platform and the account always come first. */
export const eventId = (platform: string, account: string, ...parts: readonly string[]): string =>
  [platform, account, ...parts].join(':')

/** The only form in which people are compared: `telegram:123`. */
export const qualified = (platform: string, id: string): string => `${platform}:${id}`

/** Everybody's tenant outside multi-tenant mode, and of whatever names none. */
export const defaultTenant = 'default'

export const tenantOf = (what: { readonly tenant?: string | undefined }): string => what.tenant ?? defaultTenant

/** The conversation as a key: what is said in it stays in order. Threads of one chat share its lane. */
export const laneOf = (where: Address): string =>
  [where.platform, where.account, where.workspace ?? '', where.chat].join(' ')
