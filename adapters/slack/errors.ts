// A file of its own: Slack's words for refusals are read for posts, edits, files, tokens and sockets alike.
import { type SendCode, SendError } from '../../src/contract/index.ts'
import { statusError } from '../kit/http.ts'
import { CallError, type CallFacts, classesOf } from '../kit/refusal.ts'

/** `code`: Slack's word for it, null where it said none. */
export class SlackError extends CallError {
  override readonly name = 'SlackError'
  readonly method: string
  readonly code: string | null

  constructor(method: string, facts: CallFacts & { readonly words: string; readonly code?: string | null }) {
    super(`Slack ${method}: ${facts.words}`, facts)
    this.method = method
    this.code = facts.code ?? null
  }
}

const variable = 'OPENCLAW_CONNECTOR_SLACK_'
const hourMs = 60 * 60 * 1000

/** What is wrong with our token, as the health of an installation. */
const tokenTrouble: Readonly<Record<string, 'invalid_token' | 'revoked'>> = {
  invalid_auth: 'invalid_token',
  not_authed: 'invalid_token',
  token_expired: 'invalid_token',
  not_allowed_token_type: 'invalid_token',
  token_revoked: 'revoked',
  account_inactive: 'revoked',
  team_access_not_granted: 'revoked',
  user_removed_from_team: 'revoked',
}
export const tokenTroubleOf = (code: string | null): 'invalid_token' | 'revoked' | null =>
  code === null ? null : (tokenTrouble[code] ?? null)

const scopeTrouble: ReadonlySet<string> = new Set([
  'missing_scope',
  'no_permission',
  'app_access_restricted',
  'access_denied',
  'org_login_required',
])
export const isScopeTrouble = (code: string | null): boolean => code !== null && scopeTrouble.has(code)

const byClass: Readonly<Partial<Record<SendCode, readonly string[]>>> = {
  rate_limited: ['ratelimited', 'rate_limited', 'message_limit_exceeded'],
  unavailable: [
    'internal_error',
    'fatal_error',
    'service_unavailable',
    'request_timeout',
    'team_added_to_org',
    'update_failed',
    'external_channel_migrating',
    'accesslimited',
  ],
  target_gone: [
    'channel_not_found',
    'invalid_channel',
    'is_archived',
    'is_inactive',
    'not_in_channel',
    'user_not_in_channel',
    'messages_tab_disabled',
    'restricted_action',
    'restricted_action_read_only_channel',
    'restricted_action_thread_only_channel',
    'posting_to_channel_denied',
    'ekm_access_denied',
    'user_not_found',
    'users_not_found',
    'user_not_visible',
    'user_disabled',
    'cannot_dm_bot',
    'team_not_found',
  ],
  thread_gone: [
    'thread_not_found',
    'cannot_reply_to_message',
    'restricted_action_thread_locked',
    'restricted_action_non_threadable_channel',
  ],
  edit_gone: [
    'message_not_found',
    'cant_update_message',
    'edit_window_closed',
    'streaming_state_conflict',
    'block_mismatch',
  ],
}
const classes = classesOf(byClass)
/** Behind these something may have happened all the same. */
const doubtful: ReadonlySet<string> = new Set(['internal_error', 'fatal_error', 'request_timeout', 'update_failed'])

/** What about blocks or metadata was refused, so that the message may go without. */
export const refusedBlocks = (code: string | null): boolean => code !== null && /^(invalid|msg)_blocks/.test(code)
export const refusedMetadata = (code: string | null): boolean => code !== null && /metadata/.test(code)

const authCure = (code: string): string =>
  isScopeTrouble(code)
    ? 'give the app the scope (OAuth & Permissions), and install it into the workspace again'
    : `install the app into the workspace again and set the Bot User OAuth Token as ${variable}BOT_TOKEN`

/** What a refused or unanswered call means to a send. `file`: it was a step of handing over a file. */
export const sendError = (error: SlackError, what: 'post' | 'edit' | 'file'): SendError => {
  const { message, code, status, delivered } = error
  const retryAfterMs = error.retryAfterMs ?? (code === 'message_limit_exceeded' ? hourMs : null)
  if (code === null) {
    if (status === null || status === 200) return new SendError('unavailable', message, { delivered })
    return statusError(message, status, retryAfterMs)
  }
  const known = classes.get(code)
  // Without the scope for files words still arrive, and say why.
  if (isScopeTrouble(code))
    return what === 'file'
      ? new SendError('media_rejected', `${message}; ${authCure(code)}`, { why: 'no_permission' })
      : new SendError('auth', `${message}; ${authCure(code)}`)
  if (tokenTroubleOf(code) !== null) return new SendError('auth', `${message}; ${authCure(code)}`)
  if (what === 'edit' && known !== 'rate_limited' && known !== 'unavailable') return new SendError('edit_gone', message)
  if (known === 'edit_gone' && what !== 'edit') return new SendError('rejected', message)
  if (known === 'unavailable')
    return new SendError('unavailable', message, { retryAfterMs, delivered: doubtful.has(code) ? 'maybe' : 'no' })
  if (known !== undefined) return new SendError(known, message, { retryAfterMs })
  return new SendError(what === 'file' ? 'media_rejected' : 'rejected', message)
}
