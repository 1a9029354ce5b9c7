// A file of its own: the address of a file comes in an answer, and our token is sent to it.
import * as v from 'valibot'
import type { MediaRef } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { SlackClient } from './client.ts'
import { SlackError } from './errors.ts'
import { fileInfo } from './wire.ts'
import type { Workspaces } from './workspaces.ts'

const fetchMs = 60_000

/** The pointer to a file: the workspace whose token reads it, and its id. */
export const fileRef = (workspace: string, file: string): string => `${workspace}/${file}`
const form = /^([A-Z][A-Z0-9]{1,63})\/(F[A-Z0-9]{1,63})$/

/** Fetches what a person sent: its address first, which files of other workspaces do not bring along. The caller bounds
 *  the body. Throws SendError: `rejected` for what is gone, lies elsewhere or may not be read, `unavailable` for trouble. */
export const makeDownload =
  (client: SlackClient, workspaces: Workspaces) =>
  async ({ ref }: MediaRef, signal: AbortSignal): Promise<Response> => {
    const [, workspace, file] = form.exec(ref) ?? []
    if (workspace === undefined || file === undefined) throw new SendError('rejected', 'not a file of Slack')
    try {
      return await workspaces.using(workspace, 'post', signal, async (access) => {
        const { token } = access
        const call = { method: 'files.info', args: { file }, token, workspace: access.workspace } as const
        const read = v.safeParse(fileInfo, await client.call(call, signal))
        const { url_private_download: first, url_private: second, mimetype } = read.success ? read.output.file : {}
        const url = first ?? second
        if (url === undefined) throw new SendError('rejected', 'Slack names no address for the file')
        const init = { headers: { authorization: `Bearer ${token}` } }
        const bounded = AbortSignal.any([signal, AbortSignal.timeout(fetchMs)])
        const response = await client.request('file', url, init, bounded)
        const isPage = response.headers.get('content-type')?.startsWith('text/html') === true
        if (response.ok && (!isPage || mimetype === 'text/html')) return response
        await response.body?.cancel()
        // Who may not read files is shown the page to log in, with status 200.
        if (isPage || response.status === 302)
          throw new SendError('rejected', 'Slack wants a login for the file: give the app the scope files:read')
        throw new SlackError('file', { words: `answered ${response.status}`, status: response.status })
      })
    } catch (error) {
      if (!(error instanceof SendError) || ['unavailable', 'rate_limited', 'rejected'].includes(error.code)) throw error
      throw new SendError('rejected', error.message)
    }
  }
