import type { MediaKind } from '../../src/contract/index.ts'

/** Somebody on the platform. Each fake has at least two, and a third that is a bot. */
export interface Person {
  readonly id: string
  readonly name: string
}

/** A conversation on the platform. */
export interface Place {
  readonly chat: string
  readonly kind: 'dm' | 'group'
  readonly thread?: string
}

/** What the platform shows in a conversation after our call: one entry per message a person sees. */
export interface Shown {
  readonly id: string
  readonly place: Place
  readonly text: string
  readonly media: readonly {
    readonly kind: MediaKind
    readonly as: string
    readonly bytes: number
    readonly mime: string
    readonly name: string
  }[]
  readonly buttons: readonly { readonly label: string; readonly press: () => Promise<void> }[]
  /** The message it quotes. */
  readonly replyTo?: string
  /** Only this person sees it. */
  readonly onlyFor?: string
  /** How often it was edited. */
  readonly edits: number
}

export interface RawCall {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

export interface RawReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** How a platform's webhook reaches us: the conformance suite calls the adapter, the flow tests go through HTTP. The
 *  signal: the platform hangs up. */
export type Wire = (call: RawCall, signal?: AbortSignal) => Promise<RawReply>

/** A request the adapter must refuse, and with what. */
export interface Forgery {
  readonly name: string
  readonly call: RawCall
  readonly status: number
}

/** One small server per platform, written from its protocol facts: it verifies, limits, deduplicates, refuses as the
 *  real one does, keeps what it got, and misbehaves on order. */
export interface FakePlatform {
  readonly id: string
  /** Settings of the adapter that point at this fake, keyed as in its env table (without prefix), as text. */
  readonly settings: Readonly<Record<string, string>>
  /** Every secret inside `settings`: none may appear in a log line. */
  readonly secrets: readonly string[]
  readonly people: { readonly ann: Person; readonly bob: Person; readonly robot: Person }
  readonly places: { readonly dm: Place; readonly group: Place; readonly thread: Place | null }
  /** Webhook platforms: where calls to us go. Stream platforms ignore it. */
  readonly connect: (wire: Wire) => void
  /** A person writes. Resolves when the platform handed it over (webhook answered), or queued it (stream). */
  readonly say: (from: Person, place: Place, text: string, more?: SayMore) => Promise<RawReply | null>
  /** The platform brings the last event again (a redelivery, or the twin of it). */
  readonly redeliver: () => Promise<RawReply | null>
  /** All messages now visible, in order. */
  readonly shown: () => readonly Shown[]
  /** Every call we made to the platform, for "nothing undeclared is ever called". */
  readonly calls: () => readonly { readonly method: string; readonly at: number }[]
  /** The next send call misbehaves so. */
  readonly failNext: (how: Failure) => void
  /** Requests that must be refused (empty for stream platforms). */
  readonly forgeries: () => readonly Forgery[]
  readonly close: () => Promise<void>
}

/** What a person sends besides words. */
export interface PersonsFile {
  readonly kind: MediaKind
  readonly bytes: Uint8Array
  readonly mime: string
  readonly name: string
}

export interface SayMore {
  /** The message mentions us (groups). Default: true for groups. */
  readonly mention?: boolean
  readonly at?: number
  readonly replyTo?: string
  /** A file that comes with it; the text is its caption where the platform has such, else a message behind it. */
  readonly file?: PersonsFile
  /** Our own message coming back, where the platform does that. */
  readonly fromUs?: boolean
}

export type Failure =
  | { readonly kind: 'rate_limited'; readonly retryAfterMs: number }
  /** 5xx before anything was taken. */
  | { readonly kind: 'unavailable' }
  /** The message is taken and shown, then the connection is cut without an answer. */
  | { readonly kind: 'answer_lost' }
  /** Never answers (until the caller gives up). */
  | { readonly kind: 'hang' }
  | { readonly kind: 'auth' }
  | { readonly kind: 'target_gone' }
  | { readonly kind: 'media_rejected' }
