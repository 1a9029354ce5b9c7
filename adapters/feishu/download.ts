// A file of its own: fetches what people send.
import type { Adapter } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { fetchError } from '../kit/http.ts'
import { type App, appOf } from './app.ts'
import { readRef } from './content.ts'
import { FeishuError, sendError } from './errors.ts'

const fetchMs = 60_000

/** From the API's own host, with the app that got the message; no redirect is followed, and the caller bounds the body.
 *  Throws SendError: `rejected` for what can't be had, else what may pass. */
export const makeDownload =
  (apps: readonly App[]): NonNullable<Adapter['download']> =>
  async (media, signal) => {
    const [account = '', message = '', key = '', type = '', tenant] = readRef(media.ref) ?? []
    const app = appOf(apps, account)
    const isOurs = app !== undefined && (app.binding.type === 'store') === (tenant !== undefined)
    if (!isOurs || (type !== 'image' && type !== 'file'))
      throw new SendError('rejected', 'the file belongs to no app that is configured')
    const path = `/im/v1/messages/${encodeURIComponent(message)}/resources/${encodeURIComponent(key)}?type=${type}`
    const { client } = app.at(tenant)
    try {
      return await client.file(path, AbortSignal.any([signal, AbortSignal.timeout(fetchMs)]))
    } catch (error) {
      if (!(error instanceof FeishuError)) throw error
      throw fetchError(sendError(error))
    }
  }
