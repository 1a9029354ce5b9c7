// A file of its own: what people send lies on another host, and is not always ready.
import type { AdapterDeps, MediaRef } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { statusError } from '../kit/http.ts'
import type { Client } from './connect.ts'
import { tokenCure } from './errors.ts'

const longestMs = 120_000
const firstWaitMs = 1_000
const longestWaitMs = 8_000

/** Fetches the content of a message; while LINE prepares it (202) asks again. The time limit holds while the body is
 *  read, too; the caller bounds its bytes. Throws SendError: `rejected` for what is unsent, expired or no file. */
export const makeDownload =
  (client: Client, { sleep }: Pick<AdapterDeps, 'sleep'>) =>
  async (media: MediaRef, signal: AbortSignal): Promise<Response> => {
    if (!/^\d{1,32}$/.test(media.ref)) throw new SendError('rejected', 'not the id of a LINE message')
    const both = AbortSignal.any([signal, AbortSignal.timeout(longestMs)])
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, waitMs * 2)) {
      const response = await client.content(media.ref, both)
      if (response.status === 200) return response
      await response.body?.cancel()
      if (response.status !== 202) throw refusal(response.status)
      await sleep(waitMs, both)
      if (both.aborted) throw new SendError('unavailable', 'LINE content: still being prepared')
    }
  }

/** 404: no file or unknown; 410: the person took it back. Neither says anything about our token. */
const refusal = (status: number): SendError =>
  status === 401 ? new SendError('auth', tokenCure) : statusError(`LINE content: ${status}`, status, null)
