// A file of its own because sends, edits, tokens and the gateway read the same refusals differently (facts/discord §7).
import { type SendCode, SendError } from '../../src/contract/index.ts'
import { statusError } from '../kit/http.ts'
import { CallError, type CallFacts, classesOf } from '../kit/refusal.ts'

/** `code`: the JSON error code, null where Discord named none. */
export class DiscordError extends CallError {
  override readonly name = 'DiscordError'
  readonly code: number | null

  constructor(about: string, facts: CallFacts & { readonly words: string; readonly code?: number | null }) {
    const { status = null, code = null } = facts
    const numbers = [status, code].filter((one) => one !== null && one !== 0).join('/')
    super(`Discord ${about}: ${numbers === '' ? '' : `${numbers} `}${facts.words}`, facts)
    this.code = code
  }
}

export const tokenCure =
  'reset the token in the Developer Portal (Bot, Reset Token) and set it as OPENCLAW_CONNECTOR_DISCORD_TOKEN'

const byClass: Readonly<Partial<Record<SendCode, readonly number[]>>> = {
  // Announcements, slow mode, opening direct chats, edits of old messages: limits that pass by themselves.
  rate_limited: [20016, 20028, 20029, 30046, 40003, 40062],
  unavailable: [40004, 130000],
  // No such channel, server or person; not visible to us, no right to write, takes no messages from us; a forum itself.
  target_gone: [10003, 10004, 10013, 40058, 50001, 50007, 50013, 50278],
  thread_gone: [50083, 160005],
  media_rejected: [40005],
  // Empty or wrong in form; blocked by the server's own filters.
  rejected: [50006, 50035, 200000, 240000],
}
const classes = classesOf(byClass)

export interface SendContext {
  /** The call carried files. */
  readonly media: boolean
  /** It went to a thread. */
  readonly thread: boolean
}

/** Pure. What a refused or unanswered send to a channel means. */
export function sendError(error: DiscordError, { media, thread }: SendContext): SendError {
  const { message, status, code, retryAfterMs } = error
  if (status === null) return new SendError('unavailable', message, { delivered: error.delivered })
  if (status === 429) return new SendError('rate_limited', message, { retryAfterMs })
  if (status === 401) return new SendError('auth', `${message}; ${tokenCure}`)
  const known = code === null ? undefined : classes.get(code)
  // "Missing permissions" can be "Embed Links" or "Attach Files" alone: the bare file, or words, may pass.
  if (media && (code === 50013 || known === 'rejected')) return new SendError('media_rejected', message)
  if (thread && code === 10003) return new SendError('thread_gone', message)
  // Outside of a thread it is the channel that is closed.
  if (known === 'thread_gone' && !thread) return new SendError('target_gone', message)
  if (known !== undefined) return new SendError(known, message, { retryAfterMs })
  return statusError(message, status, retryAfterMs)
}

/** Editing twice is harmless, so nothing is ever "maybe". */
export function editError(error: DiscordError): SendError {
  const gone = [10003, 10008, 50001, 50005, 50013, 50083, 160005].includes(error.code ?? 0)
  if (gone) return new SendError('edit_gone', error.message)
  const { code, message, retryAfterMs } = sendError(error, { media: false, thread: false })
  return new SendError(code, message, { retryAfterMs })
}

export const isAcknowledged = (error: DiscordError): boolean => error.code === 40060

/** Whether the one-time token of an interaction is dead: too late, unknown, or its message gone. Discord says 401 here
 *  too, which is no word about the bot's own token (facts/discord §7). */
export const isTokenDead = ({ status, code }: DiscordError): boolean =>
  status === 401 || status === 404 || [10008, 10015, 10062, 40060, 50027].includes(code ?? 0)

/** Pure. What a refused or unanswered answer by token means. */
export const tokenError = (error: DiscordError, media: boolean): SendError =>
  isTokenDead(error) ? new SendError('handle_gone', error.message) : sendError(error, { media, thread: false })

/** Whether we may not speak in a channel, where a one-time token still may. */
export const isShutOut = ({ code }: DiscordError): boolean => [10003, 50001, 50013].includes(code ?? 0)
