import type { Rules } from '../../policy/rules.ts'
import type { Who } from '../../policy/trust.ts'
import type { Cached } from '../backend/cached.ts'
import type { Backend } from '../backend/client.ts'
import type { Failure } from '../backend/http.ts'
import type { BackendConfig, Template } from '../backend/wire.ts'
import type {
  Address,
  Capabilities,
  CommandInfo,
  CommandLine,
  InboundEvent,
  Log,
  Quota,
  Reply,
} from '../contract/index.ts'
import type { HandOver } from '../jobs/hand-over.ts'
import type { Submitter } from '../jobs/submit.ts'
import type { Db } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import { texts } from '../texts/index.ts'

/** A command that policy let through. */
export interface Call {
  readonly command: Command
  readonly line: CommandLine
  readonly event: InboundEvent
  readonly where: Address
  /** Nothing of another tenant may be seen or touched. */
  readonly tenant: string
  readonly capabilities: Capabilities
  readonly asker: Asker
  /** Whether others' things may be touched and seen. */
  readonly scope: 'all' | 'own'
  /** The sender's `/run` has to be approved first. */
  readonly approvalOnly: boolean
  readonly signal: AbortSignal
}

export interface Asker {
  /** Qualified. */
  readonly id: string
  readonly name: string
  readonly who: Who
}

/** What a command decided: what it says, and what its settling transaction writes besides. */
export interface Outcome {
  readonly reply: Reply | null
  /** Runs inside the settling transaction; it may run twice, so it touches the database only. */
  readonly within?: (db: Db) => void
  /** Runs once the settling transaction is on disk. */
  readonly after?: () => void
  /** Answers from the mailbox to give with this one: keys of parts, oldest first. */
  readonly release?: readonly string[]
}

export interface Command extends CommandInfo {
  /** It changes nothing and asks nobody: performed twice, it is as if it was performed once. */
  readonly instant?: true
  /** Whether it makes sense on a platform at all; where not, it is not listed. */
  readonly fits?: (capabilities: Capabilities) => boolean
  readonly run: (call: Call, deps: CommandDeps) => Promise<Outcome>
}

export interface CommandDeps {
  readonly store: Store
  readonly backend: Backend
  readonly templates: Cached<readonly Template[]>
  readonly llmConfig: Cached<BackendConfig>
  readonly submitter: Submitter
  readonly rules: Rules
  readonly commands: () => readonly Command[]
  readonly hasAdminToken: boolean
  readonly maxOpenJobs: number
  /** Puts a file that a person sent among ComfyUI's inputs. */
  readonly handOver: HandOver
  readonly maxInputBytes: number
  /** Places for talks with the language model, which take minutes: fewer than there are for commands. */
  readonly talks: { readonly enter: () => boolean; readonly leave: () => void }
  /** When and why the backend stopped answering; null while it answers. */
  readonly away: () => { readonly sinceMs: number; readonly why: string } | null
  readonly tellJob: (id: string) => Promise<void>
  readonly now: () => number
  /** What is left of sending quotas, where a platform says so. */
  readonly quotas: (signal: AbortSignal) => Promise<readonly { readonly name: string; readonly quota: Quota }[]>
  /** A fresh UUID. */
  readonly newTrace: () => string
  readonly log: Log
  readonly step: (name: string) => void
}

export const say = (text: string, more: Partial<Reply> = {}): Outcome => ({
  reply: { text, audience: 'everyone', ...more },
})

const suggestionTtlMs = 10 * 60_000
const longestSuggestion = 500

/** A text with what was probably meant as a button; without one where nothing comes near. */
export const suggest = (text: string, meant: { readonly label: string; readonly say: string } | null): Outcome =>
  meant === null || meant.say.length > longestSuggestion
    ? say(text)
    : say(text, { buttons: [{ ...meant, ttlMs: suggestionTtlMs }] })

export const usage = (command: CommandInfo): Outcome => say(texts.usage(command.usage, command.example))

/** Why the backend could not be asked, in words for a chat. */
export const whyNot = (failure: Failure): string => {
  const why = texts.backend.why
  if (failure.kind === 'limited') return why.limited(failure.retryAfterMs)
  if (failure.code === 'route_missing') return why.packMissing
  if (failure.code === 'reads_denied') return why.readsDenied
  if (failure.kind === 'malformed' || failure.kind === 'too_large' || failure.kind === 'refused') return why.other
  return why[failure.kind]
}

/** The same with the time since when, where the backend is away. */
export const sorry = (failure: Failure, deps: Pick<CommandDeps, 'away' | 'now'>): Outcome => {
  const away = failure.kind === 'down' || failure.kind === 'unanswered' ? deps.away() : null
  return say(texts.backend.sorry(whyNot(failure), away?.sinceMs ?? null, deps.now()))
}
