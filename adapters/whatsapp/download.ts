// A file of its own: the address of a file comes in an answer, and our token is sent to it.
import * as v from 'valibot'
import type { MediaRef } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { trustedUrl } from '../kit/hosts.ts'
import { fetchError } from '../kit/http.ts'
import type { Graph } from './client.ts'
import { GraphError, sendError, wantsProof } from './errors.ts'
import { mediaInfo } from './wire.ts'

/** Where Meta keeps what people send (facts/whatsapp-cloud §3). */
const fileHost = 'lookaside.fbsbx.com'
const askMs = 15_000
const fetchMs = 60_000

/** Fetches what a person sent: the address first, which lives five minutes, then the file. The caller bounds the body.
 *  Throws SendError: `rejected` for what is gone or lies elsewhere, `unavailable` for trouble. */
export const makeDownload =
  (graph: Graph, account: string, base: string) =>
  async (media: MediaRef, signal: AbortSignal): Promise<Response> => {
    try {
      const query = { phone_number_id: account }
      const { body } = await graph.call({ path: encodeURIComponent(media.ref), query }, signal, askMs)
      const read = v.safeParse(mediaInfo, body)
      const url = read.success ? trustedUrl(read.output.url, (host) => host === fileHost, base) : null
      if (url === null) throw new SendError('rejected', 'WhatsApp names no address of its own for the file')
      return await graph.file(url, AbortSignal.any([signal, AbortSignal.timeout(fetchMs)]))
    } catch (error) {
      if (!(error instanceof GraphError)) throw error
      // What would be a wrong number id in a send is here a file that is gone.
      if (error.code === 100 && !wantsProof(error)) throw new SendError('rejected', error.message)
      throw fetchError(sendError(error, false))
    }
  }
