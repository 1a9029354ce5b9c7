// A file of its own because sends, edits and polling read the same refusals differently (facts/telegram §2, §6).
import { SendError, StreamError } from '../../src/contract/index.ts'
import { statusError } from '../kit/http.ts'
import { CallError, type CallFacts } from '../kit/refusal.ts'

export class TelegramError extends CallError {
  override readonly name = 'TelegramError'
  /** The Bot API's own words (or ours, when there was no answer), redacted. */
  readonly description: string
  /** The group became a supergroup and is reached by this id now. */
  readonly movedTo: string | null

  constructor(
    method: string,
    facts: CallFacts & {
      readonly status: number | null
      readonly description: string
      readonly movedTo?: string | null
    },
  ) {
    super(`Telegram ${method}: ${facts.status === null ? '' : `${facts.status} `}${facts.description}`, facts)
    this.description = facts.description
    this.movedTo = facts.movedTo ?? null
  }
}

export const isNotModified = (error: TelegramError): boolean => /message is not modified/i.test(error.description)
export const hasNoText = (error: TelegramError): boolean =>
  /there is no text in the message to edit/i.test(error.description)

const threadGone = /message thread not found|topic[_ ](closed|deleted|id_invalid)/i
const targetGone =
  /chat not found|user not found|peer_id_invalid|have no rights to send|not enough rights to send text|group chat was (upgraded|deactivated)|chat_write_forbidden|bot is not a member/i
const editGone =
  /message to edit not found|message can't be edited|message_id_invalid|message identifier is not specified|no caption in the message/i
/** An album stops at its first bad item; items before it may already be there. */
const albumItem = /failed to send message #\d+ with the error message "?([^"]*)/i

/** What a refused or unanswered send means. `media`: the call carried a file. */
export function sendError(error: TelegramError, media: boolean): SendError {
  const about = error.message
  const { status, description, retryAfterMs } = error
  if (status === null) return new SendError('unavailable', about, { delivered: error.delivered })
  const inside = albumItem.exec(description)?.[1]
  if (inside !== undefined) return albumError(about, inside)
  // 404 is what a path without a known token answers, so it is the token or the base URL, never the part.
  if (status === 404) return new SendError('auth', about)
  if (status === 403) return new SendError('target_gone', about)
  if (status !== 400) return statusError(about, status, retryAfterMs)
  if (threadGone.test(description)) return new SendError('thread_gone', about)
  if (targetGone.test(description) || error.movedTo !== null) return new SendError('target_gone', about)
  // Whatever else is wrong with a file (dimensions, type, rights to send this kind): a plainer form may pass.
  return new SendError(media ? 'media_rejected' : 'rejected', about)
}

function albumError(about: string, inside: string): SendError {
  const after = /retry after (\d{1,6})/i.exec(inside)?.[1]
  if (after !== undefined)
    return new SendError('rate_limited', about, { delivered: 'maybe', retryAfterMs: Number(after) * 1000 })
  return new SendError('media_rejected', about, { delivered: 'maybe' })
}

/** What a refused or unanswered edit means. Editing twice is harmless, so nothing is ever "maybe". */
export function editError(error: TelegramError): SendError {
  const gone = error.status === 400 && (editGone.test(error.description) || error.movedTo !== null)
  if (gone || (error.status === 400 && hasNoText(error))) return new SendError('edit_gone', error.message)
  const { code, message, retryAfterMs } = sendError(error, false)
  return new SendError(code, message, { retryAfterMs })
}

const tokenCure =
  'check OPENCLAW_CONNECTOR_TELEGRAM_TOKEN against @BotFather, and OPENCLAW_CONNECTOR_TELEGRAM_API_BASE if it is set'
const webhookCure =
  'a webhook is set for this bot, and then nobody may poll: call deleteWebhook once, or use a bot of its own'
const pollerCure =
  'another program polls with this token: stop it, or give the other one a bot of its own (@BotFather, /newbot)'

/** Pure. Why polling stopped, with the cure in the message. `random` spreads two pollers that push each other out. */
export function streamError(error: TelegramError, random: number): StreamError {
  const { status, message, retryAfterMs } = error
  // 404 can also be a proxy having a bad moment, so only 401 is final.
  if (status === 401) return new StreamError(`${message}; ${tokenCure}`, { fatal: true })
  if (status === 409) {
    const cure = /webhook/i.test(error.description) ? webhookCure : pollerCure
    return new StreamError(`${message}; ${cure}`, { retryAfterMs: 15_000 + Math.round(random * 45_000) })
  }
  if (status === 404 || (status !== null && status >= 300 && status < 400))
    return new StreamError(`${message}; ${tokenCure}`)
  return new StreamError(message, { retryAfterMs })
}
