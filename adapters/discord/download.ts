// A file of its own: the address of a file comes from outside, and only Discord's own hosts are asked for it.
import * as v from 'valibot'
import type { MediaRef } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { trustedUrl } from '../kit/hosts.ts'
import { fetchError, networkFault } from '../kit/http.ts'
import type { Api } from './client.ts'
import { pictureIn } from './decode.ts'
import { DiscordError, sendError } from './errors.ts'
import { refreshed } from './wire.ts'

/** Where Discord keeps what people send (facts/discord §6). */
const fileHosts = new Set(['cdn.discordapp.com', 'media.discordapp.net'])
const askMs = 15_000
const fetchMs = 60_000

/** Fetches what a person sent, without credentials, following no redirect. Addresses are signed and die; then the
 *  message is asked for a new one. The caller bounds the body. Throws SendError: `rejected` for what is gone or lies
 *  elsewhere, `unavailable` for trouble. */
export const makeDownload = (api: Api, apiBase: string, fetch: typeof globalThis.fetch) => {
  const get = async (address: string, signal: AbortSignal): Promise<Response> => {
    const url = trustedUrl(address, (host) => fileHosts.has(host), apiBase)
    if (url === null) throw new SendError('rejected', 'Discord names no address of its own for the file')
    try {
      return await fetch(url, { redirect: 'manual', signal: AbortSignal.any([signal, AbortSignal.timeout(fetchMs)]) })
    } catch (error) {
      throw new SendError('unavailable', `Discord's file host: network trouble (${networkFault(error).code})`)
    }
  }

  const renewed = async (
    channel: string,
    message: string,
    file: string,
    signal: AbortSignal,
  ): Promise<string | null> => {
    try {
      const path = `/channels/${channel}/messages/${message}` as const
      const read = v.safeParse(refreshed, await api.call({ method: 'GET', path }, signal, askMs))
      if (!read.success) return null
      const beside = read.output.attachments.find(({ id }) => id === file)
      const inside = read.output.embeds.find(({ image }) => pictureIn(image?.url ?? '')?.[1] === file)
      return beside?.url ?? inside?.image?.url ?? null
    } catch (error) {
      if (!(error instanceof DiscordError)) throw error
      throw fetchError(sendError(error, { media: false, thread: false }))
    }
  }

  return async (media: MediaRef, signal: AbortSignal): Promise<Response> => {
    const [address = '', channel, message, file] = media.ref.split(' ')
    let response = await get(address, signal)
    const isOver = response.status === 403 || response.status === 404
    if (isOver && channel !== undefined && message !== undefined && file !== undefined) {
      await response.body?.cancel()
      const fresh = await renewed(channel, message, file, signal)
      if (fresh === null) throw new SendError('rejected', 'the file is no longer there')
      response = await get(fresh, signal)
    }
    if (response.status === 200) return new Response(response.body, { headers: response.headers })
    await response.body?.cancel()
    const passes = response.status === 429 || response.status >= 500
    throw new SendError(passes ? 'unavailable' : 'rejected', `Discord's file host answered ${response.status}`)
  }
}
