// A file of its own: what LINE's refusals mean, read by sends, downloads and the look at the setup.
import * as v from 'valibot'
import { SendError } from '../../src/contract/index.ts'
import { networkFault, retryAfterMs, statusError } from '../kit/http.ts'
import type { LineAnswer } from './connect.ts'
import { type Failure, failure } from './wire.ts'

export const tokenCure =
  'LINE refuses the channel access token (401): issue one in the LINE Developers Console (channel, Messaging API) and ' +
  'set OPENCLAW_CONNECTOR_LINE_CHANNEL_ACCESS_TOKEN'

/** No answer came. Only codes and names of the error are told. */
export const lostError = (path: string, error: unknown): SendError => {
  const { code, delivered } = networkFault(error)
  return new SendError('unavailable', `LINE ${path}: no answer (${code})`, { delivered })
}

export const failureOf = (answer: LineAnswer): Failure => {
  const read = v.safeParse(failure, answer.body)
  return read.success ? read.output : { message: '', details: [] }
}

export const isMonthlyLimit = (answer: LineAnswer): boolean =>
  answer.status === 429 && /monthly limit/i.test(failureOf(answer).message)

/** The token was used, has expired, or was never one. */
export const isTokenGone = (answer: LineAnswer): boolean =>
  answer.status === 400 && /invalid reply token/i.test(failureOf(answer).message)

/** The message to quote is not (or no longer) to be had. */
export const isQuoteGone = (answer: LineAnswer): boolean => {
  if (answer.status !== 400) return false
  const { message, details } = failureOf(answer)
  return [message, ...details.flatMap((one) => [one.message, one.property])].some((text) => /quote ?token/i.test(text))
}

/** LINE's own words, with the fields that are wrong and the id under which LINE knows the request. */
const aboutOf = (path: string, answer: LineAnswer): string => {
  const { message, details } = failureOf(answer)
  const wrong = details.slice(0, 3).map((one) => `${one.property}: ${one.message}`)
  const request = answer.header('x-line-request-id')?.slice(0, 100)
  const parts = [
    `LINE ${path}: ${answer.status} ${message}`.trim(),
    ...wrong,
    ...(request ? [`request ${request}`] : []),
  ]
  return parts.join('; ')
}

/** What a refused call means. `media`: it carried a file; `nowMs`: for dates in `Retry-After`. */
export function sendError(path: string, answer: LineAnswer, media: boolean, nowMs: number): SendError {
  const { status } = answer
  const about = aboutOf(path, answer)
  if (status === 401) return new SendError('auth', tokenCure)
  if (isTokenGone(answer)) return new SendError('handle_gone', about)
  if (isMonthlyLimit(answer)) return new SendError('window_closed', about)
  if (status !== 400) return statusError(about, status, retryAfterMs(answer.header('retry-after'), nowMs))
  const { message, details } = failureOf(answer)
  // The group was left, the account is gone, or the id belongs to another provider (reference, Send push message).
  if (/failed to send messages/i.test(message) || /property, 'to',/i.test(message))
    return new SendError('target_gone', about)
  if (details.some(({ property }) => property === 'to')) return new SendError('target_gone', about)
  return new SendError(media ? 'media_rejected' : 'rejected', about)
}
