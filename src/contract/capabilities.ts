import type { MediaKind } from './event.ts'
import type { Audience } from './reply.ts'

/** One way of handing over a file, best first in its list. The planner takes the first that fits. */
export interface MediaRung {
  /** The adapter's word for it; comes back in `PartItem.as`. */
  readonly as: string
  readonly by: 'upload' | 'url'
  readonly maxBytes: number
  /** MIME types taken; `*` for any. */
  readonly mime: readonly string[]
  /** Longest caption, in the unit of `text`; 0: none. */
  readonly caption: number
  /** Pixel limits of pictures: longest sum of both sides, largest ratio of them. */
  readonly pixels?: { readonly sum: number; readonly ratio: number }
  /** Only for files that move (or only for those that do not). */
  readonly animated?: boolean
  /** It needs a small still picture beside it (JPEG or PNG) of at most this size. */
  readonly previewBytes?: number
  /** Whether several of this rung may share one call (an album), and how many. */
  readonly album: number
}

/** What a platform can do, as data, with a value for every adapter. No behaviour in here. */
export interface Capabilities {
  /** The name people know it by. */
  readonly name: string
  /** How events can come, the usual way first. `webhook` needs a public https address, `stream` goes out from here. */
  readonly intakes: readonly ('webhook' | 'stream')[]
  readonly text: {
    readonly max: number
    readonly unit: 'utf16' | 'codepoint' | 'byte'
    readonly markup: 'plain' | 'html' | 'markdown' | 'mrkdwn'
  }
  readonly media: Readonly<Record<MediaKind, readonly MediaRung[]>>
  /** How many texts and files of mixed kinds one call may carry (1: one item a call, albums aside). */
  readonly call: { readonly items: number }
  /** `press`: a press brings back the action id; `type`: pressing types the text into the chat. */
  readonly buttons: {
    readonly kind: 'press' | 'type'
    readonly max: number
    readonly perRow: number
    readonly labelMax: number
    /** A message with several files carries them too. */
    readonly withFiles?: true
  } | null
  /** Whether our messages can be edited: how soon again (a budget per chat), and for how long after sending. */
  readonly edit: { readonly everyMs: number; readonly withinMs: number | null } | null
  /** A "working on it" sign that has to be renewed this often. */
  readonly typing: { readonly everyMs: number } | null
  readonly threads: boolean
  /** Whether an answer can quote the message it answers. */
  readonly quotes: boolean
  readonly audiences: readonly Audience[]
  /** A person's id is also the id of the direct chat with them, so that we can write to people we never heard from. */
  readonly directByUserId: boolean
  readonly answer: {
    /** The open request is the answer: how long it may stay open. */
    readonly inlineMs: number | null
    /** A one-time answering token comes with an event: how long it lives. */
    readonly tokenMs: number | null
    /** Whether we may speak first. `never`: what can't be answered at once waits in the mailbox. */
    readonly push: 'always' | 'quota' | 'never'
    /** Speaking first is only allowed this long after the person last wrote. */
    readonly windowMs: number | null
  }
  /** What to do with a send that may or may not have arrived. `deduplicated`: the key makes a repeat harmless;
   *  `marked`: repeat once, visibly marked. */
  readonly resend: 'deduplicated' | 'marked'
  /** How long after its first use a key makes a repeat harmless; what is tried again later is marked. Absent: for as long
   *  as anything is tried. */
  readonly keyMs?: number
  /** How long the platform may bring the same event again. */
  readonly redeliveryMs: number
  /** Older events are answered with a notice instead of being run; null: events carry no time. */
  readonly staleAfterMs: number | null
  /** `menu`: the platform shows a list of commands that we register. */
  readonly commands: 'menu' | 'none'
  /** Sending bounds: calls in flight at once, and the shortest distance between two calls. */
  readonly pace: {
    readonly concurrent: number
    readonly everyMs: number
    readonly perChatMs: number
    /** So many calls may go to one chat at once before the distance counts. */
    readonly burst: number
    /** For groups, where it is stricter. */
    readonly perGroupMs: number
  }
  /** What a person can send us that we understand beyond text. */
  readonly receives: readonly MediaKind[]
}
