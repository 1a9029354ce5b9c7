import type { Address, MediaKind, ReplyHandle } from './event.ts'

/** Who may see an answer. `asker` falls back to everyone where the platform has no private answers; a part with a
 *  one-time handle keeps it, as such an answer may be private by itself (an alert on a press). */
export type Audience = 'everyone' | 'asker'

/** A file we hold: bytes lie in the blob store under `blob`, so that a restart can send it again. */
export interface Artifact {
  readonly kind: MediaKind
  readonly blob: string
  /** File name shown to people. */
  readonly name: string
  readonly mime: string
  readonly bytes: number
  readonly width?: number
  readonly height?: number
  /** True for a picture that moves (GIF, animated WebP, silent loop). */
  readonly animated?: boolean
  /** A small still picture of it (JPEG or PNG), for platforms that want one beside the file. */
  readonly preview?: { readonly blob: string; readonly mime: string; readonly bytes: number }
}

/** A button as a command wishes it: pressing it means typing `say`. */
export interface Button {
  readonly label: string
  /** A command line, e.g. `/approve apr_0123456789ab`. */
  readonly say: string
  readonly style?: 'primary' | 'danger'
  /** Only this person (qualified id) may press; absent: whoever the command's policy lets through. */
  readonly only?: string
  /** Buttons of one group die together when one of them has been used. Absent: the button can be used again. */
  readonly once?: string
  /** How long it can be pressed, in ms from now. */
  readonly ttlMs: number
}

/** What a command says. It knows no platform. */
export interface Reply {
  readonly text?: string
  readonly media?: readonly Artifact[]
  readonly buttons?: readonly Button[]
  readonly audience: Audience
  /** More will follow for the same request (a job was queued): a platform may keep its one-time answer for that. */
  readonly interim?: boolean
  /** The part key under which this answer can be edited later. Absent: it is never edited. */
  readonly editableAs?: string
  /** Edit what was sent under this key instead of sending anew; where that can't be done: `send` anew or `skip`. */
  readonly edits?: { readonly key: string; readonly otherwise: 'send' | 'skip' }
  /** How the answer counts for the visibility policy. Absent: an ordinary answer. */
  readonly visibility?: 'silent' | 'tool' | 'internal'
}

/** A button made to fit: `action` is the opaque id a press brings back. */
export interface PartButton {
  readonly label: string
  readonly action: string
  /** What pressing it means, for platforms whose buttons type text (quick replies). */
  readonly say: string
  readonly style?: 'primary' | 'danger'
}

/** A piece of one platform call. Caption texts are already inside the rung's limit. */
export type PartItem =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'media'
      readonly media: Artifact
      /** Name of the rung of `capabilities.media[kind]` that was chosen, e.g. `photo` or `document`. */
      readonly as: string
      readonly caption?: string
    }

/** One platform call, already made to fit. Written before the first call leaves, replayed as it stands. */
export interface Part {
  /** Stable and unique: the idempotency key where the platform takes one. */
  readonly key: string
  readonly to: Address
  readonly audience: Audience
  /** At least one; more than one only within `capabilities.call`. */
  readonly items: readonly PartItem[]
  readonly buttons: readonly PartButton[]
  /** The message to quote. A quote that no longer exists must not stop the sending. */
  readonly replyTo?: string
  readonly handle?: ReplyHandle
  readonly interim?: boolean
  /** This part may already have arrived once: say so visibly (only set where the platform cannot deduplicate). */
  readonly repeated?: boolean
  /** Says nothing but that something waits: goes out by `Adapter.nudge`, and is never repeated in doubt. */
  readonly nudge?: true
  /** The core's own note, where the platform deduplicates: since when it may have arrived, in ms since the epoch. */
  readonly maybeSinceMs?: number
}

export interface Receipt {
  /** The platform's id of the (first) message, if it gives one. */
  readonly message?: string
  /** Those of the messages behind it, where each item of the part became a message of its own. */
  readonly more?: readonly string[]
  readonly via: 'inline' | 'token' | 'push' | 'edit'
}
