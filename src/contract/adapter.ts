import type { Capabilities } from './capabilities.ts'
import type { EnvTable, SettingsOf } from './env.ts'
import type { SendCode } from './errors.ts'
import type { Address, InboundEvent, MediaRef, Person } from './event.ts'
import type { Installs } from './installs.ts'
import type { Part, Receipt } from './reply.ts'

export interface RawRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  /** Lower-case name; null when absent. */
  readonly header: (name: string) => string | null
  /** The bytes as they came. Verify these, before anything is parsed. */
  readonly body: Uint8Array
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * What a webhook made of a request.
 * `events`: keep these, then answer `ack` (on inline platforms the answer is made of the parts instead, and `ack` is
 * what is said when there is nothing to say). `answer`: nothing to keep (a challenge, a malformed but authentic body).
 * `reject`: not authentic or not understood; `reason` goes to the log only, the caller learns nothing.
 */
export type Verdict =
  | {
      readonly kind: 'events'
      readonly events: readonly InboundEvent[]
      readonly ack: HttpAnswer
      /** What the platform says became of earlier sends. */
      readonly reports?: readonly SendReport[]
      /** How long this one request may wait for its answer, where that differs from `inlineMs`. */
      readonly waitMs?: number
    }
  | { readonly kind: 'answer'; readonly answer: HttpAnswer }
  | { readonly kind: 'reject'; readonly status: 400 | 401 | 403 | 404 | 405 | 413 | 415; readonly reason: string }

/**
 * The fate of an earlier send, told later by the platform. It is found by `key` (where we gave the part's key along)
 * or by `message` (the id in the receipt). `failed` carries the same words as a send that failed at once.
 */
export interface SendReport {
  readonly key?: string
  readonly message?: string
  readonly outcome: 'sent' | 'delivered' | 'read' | 'failed'
  readonly error?: { readonly code: SendCode; readonly about: string }
}

/** What may still be sent without being asked in this period; `limit` null: no limit. */
export interface Quota {
  readonly used: number
  readonly limit: number | null
  /** Milliseconds since the epoch. */
  readonly resetsAt?: number
}

/** Resolves once the inbox holds the events durably; only then acknowledge or move a cursor. Rejects when it can't. */
export type Deliver = (events: readonly InboundEvent[]) => Promise<void>

export interface Webhook {
  readonly kind: 'webhook'
  readonly host: string
  readonly port: number
  readonly path: string
  readonly methods: readonly ('GET' | 'POST')[]
  /** Media types the body of a POST may be of, in small letters. A POST that names none is judged by its bytes alone. */
  readonly types: readonly string[]
  readonly maxBytes: number
  /** How long the open request may wait for its answer; null exactly when `capabilities.answer.inlineMs` is. */
  readonly inlineMs: number | null
  readonly receive: (request: RawRequest) => Promise<Verdict>
}

export interface Stream {
  readonly kind: 'stream'
  /** Runs until the signal aborts or its source ends for good (then it resolves). Throws StreamError or anything
   *  else on trouble; the caller starts it again with back-off. */
  readonly run: (deliver: Deliver, report: Report, signal: AbortSignal) => Promise<void>
}

export type Intake = Webhook | Stream

/** How a stream is doing, for /readyz: `up` with a word about it, or `down` with the reason and the cure. */
export type Report = (state: 'up' | 'down', about: string) => void

export interface Probe {
  readonly name: string
  readonly ok: boolean
  /** What was seen; when not ok: what is wrong and the cure. Never a secret. */
  readonly about: string
}

export interface Adapter {
  /** Which of our accounts this is; the `account` of every address. */
  readonly account: string
  readonly intakes: readonly Intake[]
  /** Makes one platform call. Throws SendError. Must stop within 100 ms of the signal. */
  readonly send: (part: Part, signal: AbortSignal) => Promise<Receipt>
  /** Tells somebody to whom we may not speak freely any more (`answer.windowMs`) that something waits for them, in the
   *  one form the platform takes then; it may cost money. Throws as `send` does. Absent: there is none, or it is not set
   *  up, and what waits waits in silence. */
  readonly nudge?: (part: Part, signal: AbortSignal) => Promise<Receipt>
  /** Replaces text and buttons of a message we sent. Null exactly when `capabilities.edit` is. */
  readonly edit: ((message: string, part: Part, signal: AbortSignal) => Promise<Receipt>) | null
  /** Shows "working on it", about a message where the platform wants one named. Best effort. Null exactly when
   *  `capabilities.typing` is. */
  readonly typing: ((where: Address, message: string | undefined, signal: AbortSignal) => Promise<void>) | null
  /** Makes the answer of an open request. Null exactly when `capabilities.answer.inlineMs` is. */
  readonly inline: ((answer: InlineAnswer) => InlineResult) | null
  /** Whether it may speak first right now (a right is missing, a quota is used up: false). What then can't be answered
   *  waits in the mailbox. Null: as `capabilities.answer.push` says, always. */
  readonly pushes: (() => boolean) | null
  /** Asks the platform what is left of a sending quota; resolves to null when it does not say. Null exactly when
   *  `capabilities.answer.push` is not `quota`. */
  readonly quota: ((signal: AbortSignal) => Promise<Quota | null>) | null
  /** Fetches what a person sent, from the platform's own hosts only. Null when `capabilities.receives` is empty. */
  readonly download: ((media: MediaRef, signal: AbortSignal) => Promise<Response>) | null
  /** Asks the platform whether our credentials and setup work. Used by `doctor`. */
  readonly probe: (signal: AbortSignal) => Promise<readonly Probe[]>
}

/** `part`: the answer is ready. `late`: it is not, time is up; `handle` if the event brought a one-time token. */
export type InlineAnswer =
  | { readonly kind: 'part'; readonly part: Part }
  | { readonly kind: 'late'; readonly event: InboundEvent }
  | { readonly kind: 'none'; readonly event: InboundEvent }

export interface InlineResult {
  readonly answer: HttpAnswer
  /** True when the one-time token stays open for what follows (the answer only promised it). */
  readonly tokenKept: boolean
}

/** Small keyed values that survive a restart (cursors, hashes of what was registered). Private to the adapter. */
export interface Memo {
  readonly get: (key: string) => string | null
  readonly set: (key: string, value: string) => Promise<void>
}

export interface Log {
  readonly debug: (fields: object, message: string) => void
  readonly info: (fields: object, message: string) => void
  readonly warn: (fields: object, message: string) => void
  readonly error: (fields: object, message: string) => void
}

export interface MenuEntry {
  /** Without the slash, `[a-z0-9_]`, at most 32 characters. */
  readonly command: string
  readonly about: string
}

export interface AdapterDeps {
  readonly fetch: typeof fetch
  readonly now: () => number
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly log: Log
  readonly memo: Memo
  readonly media: {
    /** The bytes of an artifact, read from disk as they are needed. Throws when the file is gone. */
    readonly open: (blob: string) => Promise<Blob>
    /** A signed public https link to it, or null when no public base is configured. */
    readonly link: (blob: string) => string | null
  }
  /** Workspaces we were installed in, with their tokens. */
  readonly installs: Installs
  /** What can be made, for choices while somebody types. Cached, quick; empty when the backend can't be asked. */
  readonly templates: (signal: AbortSignal) => Promise<readonly TemplateHint[]>
  /** What `/jobs` would say to somebody there, for a page that only they see; null where it would not be answered. */
  readonly jobsOf: (person: Person, signal: AbortSignal) => Promise<string | null>
  /** Texts of the catalogue an adapter may need by itself. */
  readonly say: (id: AdapterText) => string
  /** Commands to register where `capabilities.commands` is `menu`; admins are this platform's unqualified ids. */
  readonly menu: {
    readonly everyone: readonly MenuEntry[]
    readonly admin: readonly MenuEntry[]
    readonly admins: readonly string[]
  }
}

/** A template as somebody chooses it while typing. */
export interface TemplateHint {
  readonly id: string
  readonly label: string
  readonly inputs: readonly { readonly name: string; readonly required: boolean }[]
}

export type AdapterText =
  | 'still_working'
  | 'fetch_later'
  | 'bad_request'
  | 'groups_unsupported'
  | 'not_listening'
  | 'maybe_repeated'
  | 'empty'
  | 'choose'
  | 'nothing_to_say'
  | 'no_link'
  | 'without_slash'
  | 'not_a_member'

export interface AdapterModule {
  /** Lower case, `[a-z]+`; the first half of every qualified id and the middle of every variable name. */
  readonly id: string
  readonly env: EnvTable
  /** Names of the env table that switch it on: any of these groups, complete. A flag counts when it is true. */
  readonly activation: readonly (readonly string[])[]
  readonly capabilities: Capabilities
  /** Who is the operator by sitting at the machine itself: an admin while this flag of the table is true. */
  readonly operator: { readonly id: string; readonly flag: string } | null
  /** The setting without which nobody can prove who writes here; null: the platform proves it by itself. */
  readonly provenBy: string | null
  readonly create: (settings: Readonly<Record<string, unknown>>, deps: AdapterDeps) => Adapter
}

/** Generic where an adapter is written (settings typed from its table), not generic where it is used. */
export const defineAdapter = <T extends EnvTable>(module: {
  readonly id: string
  readonly env: T
  readonly activation: readonly (readonly (keyof T & string)[])[]
  readonly capabilities: Capabilities
  readonly operator: { readonly id: string; readonly flag: keyof T & string } | null
  readonly provenBy: (keyof T & string) | null
  readonly create: (settings: SettingsOf<T>, deps: AdapterDeps) => Adapter
}): AdapterModule => module as unknown as AdapterModule
