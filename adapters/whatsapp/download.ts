// A file of its own: the address of a file comes in an answer, and our token is sent to it.
import * as v from 'valibot'
import type { MediaRef } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Graph } from './client.ts'
import { GraphError, sendError } from './errors.ts'
import { mediaInfo } from './wire.ts'

/** Where Meta keeps what people send (facts/whatsapp-cloud §3). */
const fileHost = 'lookaside.fbsbx.com'
const askMs = 15_000
const fetchMs = 60_000

/** The address, if our token may go there: Meta's file host, or the origin that the operator configured. */
const trusted = (text: string, base: string): URL | null => {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') return null
  if (url.origin === URL.parse(base)?.origin) return url
  return url.protocol === 'https:' && url.hostname === fileHost && url.port === '' ? url : null
}

/** Fetches what a person sent: the address first, which lives five minutes, then the file. The caller bounds the body.
 *  Throws SendError: `rejected` for what is gone or lies elsewhere, `unavailable` for trouble. */
export const makeDownload =
  (graph: Graph, account: string, base: string) =>
  async (media: MediaRef, signal: AbortSignal): Promise<Response> => {
    try {
      const query = { phone_number_id: account }
      const { body } = await graph.call({ path: encodeURIComponent(media.ref), query }, signal, askMs)
      const read = v.safeParse(mediaInfo, body)
      const url = read.success ? trusted(read.output.url, base) : null
      if (url === null) throw new SendError('rejected', 'WhatsApp names no address of its own for the file')
      return await graph.file(url, AbortSignal.any([signal, AbortSignal.timeout(fetchMs)]))
    } catch (error) {
      if (!(error instanceof GraphError)) throw error
      const { code, message } = sendError(error, false)
      throw new SendError(
        code === 'unavailable' || code === 'rate_limited' || code === 'auth' ? code : 'rejected',
        message,
      )
    }
  }
