import { type Capabilities, type InboundEvent, laneOf, qualified } from '../contract/index.ts'
import { addSentMedia, latestMedia } from '../store/sent-media.ts'
import { texts } from '../texts/index.ts'
import { type CommandDeps, type Outcome, say } from './command.ts'
import { templatesFor } from './files.ts'

/** An album arrives as several messages: one answer will do for what comes within this time. */
const togetherMs = 60_000

/** Whether a message with files is ours although it says nothing: in a direct chat, or when it speaks to us. */
export const isForUs = ({ media, where, body }: InboundEvent): boolean =>
  media.length > 0 && (where.kind === 'dm' || (body.kind === 'text' && body.addressed))

/** What to do with a file that came without a command. Null: nothing is said. `words`: something was said with it. */
export const filesAlone = async (
  event: InboundEvent,
  words: boolean,
  capabilities: Capabilities,
  deps: Pick<CommandDeps, 'store' | 'templates' | 'now'>,
  signal: AbortSignal,
): Promise<Outcome | null> => {
  const kind = event.media[0]?.kind ?? 'file'
  const answer = async (): Promise<Outcome> => say(texts.files.got(kind, await templatesFor(kind, deps, signal)))
  if (words) return answer()
  // A picture in answer to one of our messages is talk among people; it is remembered, not remarked on.
  if (event.where.kind === 'group' && event.replyTo !== undefined) return null
  const person = qualified(event.where.platform, event.from.id)
  const sinceMs = deps.now() - togetherMs
  const before = deps.store.read((db) => latestMedia(db, laneOf(event.where), person, sinceMs))
  // Where the open request is the answer, silence would look like a failure.
  return before.length > 0 && capabilities.answer.inlineMs === null ? null : answer()
}

/** Whatever became of the message: what it carried can be used by a later one. */
export const remembering = (event: InboundEvent, outcome: Outcome, nowMs: number): Outcome => {
  if (event.media.length === 0) return outcome
  return {
    ...outcome,
    within: (db) => {
      outcome.within?.(db)
      addSentMedia(db, event, nowMs)
    },
  }
}
