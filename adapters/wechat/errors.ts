// A file of its own: HTTP is 200 whatever happened, and a number in the body says what (global return codes).
import type { SendCode } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'

/** The API said no. The message holds the number and Tencent's `rid`, never a token. */
export class WechatError extends Error {
  override readonly name = 'WechatError'
  readonly errcode: number

  constructor(call: string, errcode: number, errmsg: string) {
    super(`WeChat ${call}: ${errcode} ${errmsg.slice(0, 200)}`)
    this.errcode = errcode
  }
}

/** The token is not (or no longer) the account's: fetch one and try once more. */
export const tokenCodes: ReadonlySet<number> = new Set([40_001, 40_014, 42_001])
/** The right is missing; some calls name the kind of the account instead. */
export const noRight: ReadonlySet<number> = new Set([40_200, 48_001])
export const mediaIdGone = 40_007
/** A kind of message this account may not send, or does not know: words can take its place. */
export const kindRefused: ReadonlySet<number> = new Set([40_008, 45_048, 45_050, 48_008])

const minute = 60_000
const day = 24 * 60 * minute
const chinaOffsetMs = 8 * 60 * minute

/** Quotas of a day begin anew at midnight in China. */
const untilMidnightMs = (nowMs: number): number => day - ((nowMs + chinaOffsetMs) % day)

const codes: Readonly<Record<number, SendCode>> = {
  40003: 'target_gone',
  43004: 'target_gone',
  50005: 'target_gone',
  // Blocked by us, or the person takes no messages.
  43019: 'target_gone',
  48002: 'target_gone',
  // 48 hours are over or the person left; the allowance of 5 is used up; no right to speak first.
  45015: 'window_closed',
  45047: 'window_closed',
  40200: 'window_closed',
  48001: 'window_closed',
}

const secretCure = 'check OPENCLAW_CONNECTOR_WECHAT_APP_ID and _APP_SECRET against the developer platform'

const cures: Readonly<Record<number, string>> = {
  40001: secretCure,
  40002: secretCure,
  40013: secretCure,
  40014: secretCure,
  40125: secretCure,
  42001: secretCure,
  40243: 'the AppSecret is frozen: thaw it or make a new one on the developer platform',
  89501: 'an administrator of the account has to confirm the address of this machine in WeChat',
  89503: 'an administrator of the account has to confirm the address of this machine in WeChat',
  89506: 'an administrator refused the address of this machine: ask again after 24 hours',
  89507: 'an administrator refused the address of this machine: ask again after an hour',
  48004: 'the account is banned from this call: look for a notice in its console',
  50002: 'the account is limited: look for a notice in its console',
}

const addressCure = (message: string): string => {
  const address = /(?<![\w.])(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-f:]{3,39}:[\da-f:.]*)/i.exec(message)?.[0]
  return `add ${address ?? 'the address of this machine'} to the IP allow list of the account on the developer platform`
}

/** What a refusal means for what was to be sent. `media`: it was about a file. */
export const sendErrorOf = (error: WechatError, nowMs: number, media: boolean): SendError => {
  const { errcode, message } = error
  // Busy: nobody knows how far it came.
  if (errcode === -1) return new SendError('unavailable', message, { delivered: 'maybe' })
  if (errcode === 45_011) return new SendError('rate_limited', message, { retryAfterMs: minute })
  if (errcode === 45_009) return new SendError('rate_limited', message, { retryAfterMs: untilMidnightMs(nowMs) })
  if (errcode === 40_164) return new SendError('auth', `${message}; ${addressCure(message)}`)
  const cure = cures[errcode]
  if (cure !== undefined) return new SendError('auth', `${message}; ${cure}`)
  const code = codes[errcode]
  if (code !== undefined) return new SendError(code, message)
  // Size, type, length, form: another form may pass.
  return new SendError(media ? 'media_rejected' : 'rejected', message)
}

/** For calls in front of the one that shows something: whatever became of them, nothing was shown. */
export const beforeShowing = (error: unknown): unknown => {
  if (error instanceof WechatError && error.errcode === -1) return new SendError('unavailable', error.message)
  if (!(error instanceof SendError)) return error
  return new SendError(error.code, error.message, { retryAfterMs: error.retryAfterMs })
}
