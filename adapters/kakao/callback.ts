import * as v from 'valibot'
import type { Receipt, ReplyHandle } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { networkFault, readText, retryAfterMs, statusError, withDeadline } from '../kit/http.ts'
import { callbackDomain, trustedUrl } from './hosts.ts'
import type { SkillResponse } from './wire.ts'

export interface CallbackDeps {
  readonly fetch: typeof fetch
  readonly now: () => number
  readonly apiBase: string | undefined
  readonly timeoutMs: number
}

const maxReplyBytes = 16_384

const replySchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    status: v.pipe(v.string(), v.maxLength(50)),
    message: v.fallback(v.pipe(v.string(), v.maxLength(200)), ''),
  }),
)

/** HTTP status and wording of refusals are not documented; `status` in the body decides where it can be read. */
const receiptOf = async (response: Response, now: () => number): Promise<Receipt> => {
  const reply = v.safeParse(replySchema, await readText(response, maxReplyBytes))
  const word = reply.success ? reply.output.status : 'no readable reply'
  if (response.ok && word === 'SUCCESS') return { via: 'token' }
  if (response.status === 429) {
    throw statusError('the callback host asks to wait', 429, retryAfterMs(response.headers.get('retry-after'), now()))
  }
  if (response.status === 503) throw new SendError('unavailable', 'the callback host is unavailable (503)')
  const refused = word === 'FAIL' || word === 'ERROR' || (response.status >= 300 && response.status < 500)
  const said = `HTTP ${response.status}, ${word} ${reply.success ? reply.output.message : ''}`.trim()
  throw new SendError('handle_gone', `the callback was not taken: ${said}`, { delivered: refused ? 'no' : 'maybe' })
}

/** A lost one must not be posted again, its address may be spent. Where no connection stood, nothing is spent. */
const lost = (error: unknown): SendError => {
  const { code, delivered } = networkFault(error)
  return delivered === 'no'
    ? new SendError('unavailable', `the callback host cannot be reached: ${code}`)
    : new SendError('handle_gone', `no reply from the callback host: ${code}`, { delivered })
}

/**
 * Posts an answer to the one-time address of a request: once, following no redirect, while it lives. Throws SendError:
 * `window_closed` without a living address, `handle_gone` when it is used up, refused, or (`maybe`) lost on the way;
 * then the answer belongs into the mailbox. `unavailable` and `rate_limited` leave the address as it is.
 */
export const postCallback = async (
  handle: ReplyHandle | undefined,
  response: SkillResponse,
  signal: AbortSignal,
  { fetch, now, apiBase, timeoutMs }: CallbackDeps,
): Promise<Receipt> => {
  const leftMs = handle?.kind === 'token' ? handle.expiresAt - now() : 0
  if (handle === undefined || leftMs <= 0) {
    throw new SendError('window_closed', 'nothing can be pushed here: the person has to write first')
  }
  const url = trustedUrl(handle.value, callbackDomain, apiBase)
  if (url === null) throw new SendError('handle_gone', 'the callback address is not one of kakao.com')
  if (signal.aborted) throw new SendError('unavailable', 'stopped before the callback was posted')
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  const body = JSON.stringify(response)
  try {
    return await withDeadline(signal, Math.min(timeoutMs, leftMs), async (both) =>
      receiptOf(await fetch(url, { method: 'POST', redirect: 'manual', headers, body, signal: both }), now),
    )
  } catch (error) {
    throw error instanceof SendError ? error : lost(error)
  }
}
