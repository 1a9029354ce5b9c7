// A file of its own: fetching what people send.
import type { MediaRef } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Client } from './connect.ts'
import { noRight, sendErrorOf, WechatError } from './errors.ts'

/** Fetches a picture or voice message by its media id (three days long). The link beside it is another host's and never used. Throws
 *  SendError. The caller bounds the body. */
export const makeDownload =
  (client: Client | null, now: () => number) =>
  async (media: MediaRef, signal: AbortSignal): Promise<Response> => {
    if (client === null)
      throw new SendError(
        'auth',
        'what people send can only be fetched with OPENCLAW_CONNECTOR_WECHAT_APP_ID and _APP_SECRET',
      )
    try {
      return await client.file(media.ref, signal)
    } catch (error) {
      if (!(error instanceof WechatError)) throw error
      if (noRight.has(error.errcode)) throw new SendError('auth', `${error.message}; only verified accounts may`)
      throw sendErrorOf(error, now(), false)
    }
  }
