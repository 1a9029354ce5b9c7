// A file of its own: files go in three steps, the last of which makes them visible (facts/slack §6).
import * as v from 'valibot'
import type { AdapterDeps, Artifact, Part } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import { withDeadline } from '../kit/http.ts'
import type { SlackClient } from './client.ts'
import { encodeCaption } from './encode.ts'
import { refusedBlocks, SlackError, sendError } from './errors.ts'
import { fileInfo, uploadUrl } from './wire.ts'
import type { Access } from './workspaces.ts'

/** A minute, and more for size: 250 kB/s is the slowest line we wait for. */
const uploadMs = (bytes: number): number => 60_000 + Math.ceil(bytes / 250)
const completeMs = 30_000

export interface FileDeps extends Pick<AdapterDeps, 'media' | 'log' | 'say'> {
  readonly client: SlackClient
  readonly access: Access
  readonly channel: string
}

/** Uploads the files of a part and shares them in one message. Its id, where Slack says it. */
export const sendFiles = async (part: Part, deps: FileDeps, signal: AbortSignal): Promise<string | undefined> => {
  const { client, access, channel, say } = deps
  const { token, workspace } = access
  const files: { id: string; title: string }[] = []
  for (const item of part.items) {
    if (item.kind !== 'media') throw new SendError('rejected', 'Slack takes words with files as their caption')
    files.push({ id: await upload(item.media, deps, signal), title: item.media.name })
  }
  const caption = encodeCaption(part, { say })
  const where = { files, channel_id: channel, ...(part.to.thread === undefined ? {} : { thread_ts: part.to.thread }) }
  const complete = (more: object): Promise<unknown> =>
    client.call(
      { method: 'files.completeUploadExternal', args: { ...where, ...more }, token, workspace, timeoutMs: completeMs },
      signal,
    )
  try {
    await complete(caption === null ? {} : { blocks: caption.blocks }).catch((error: unknown) => {
      if (caption === null || !(error instanceof SlackError) || !refusedBlocks(error.code)) throw error
      return complete({ initial_comment: caption.plain })
    })
  } catch (error) {
    if (!(error instanceof SlackError) || sendError(error, 'file').delivered === 'no') throw error
    const found = await sharedAs(files[0]?.id ?? '', deps, signal)
    if (found === null) throw error
    return found
  }
  // Where the message stands is only known once Slack has processed the file; nothing waits for that.
  return undefined
}

/** After a lost answer: the message a file was shared with, if it was. */
const sharedAs = async (file: string, deps: FileDeps, signal: AbortSignal): Promise<string | null> => {
  const { client, access, channel, log } = deps
  if (signal.aborted) return null
  const { token, workspace } = access
  try {
    const read = v.safeParse(
      fileInfo,
      await client.call({ method: 'files.info', args: { file }, token, workspace }, signal),
    )
    const shares = read.success ? read.output.file.shares : undefined
    return (shares?.public?.[channel] ?? shares?.private?.[channel])?.[0]?.ts ?? null
  } catch (error) {
    if (!(error instanceof SlackError)) throw error
    log.debug({ about: error.message }, 'whether a file arrived could not be looked up')
    return null
  }
}

/** Nothing is seen of an upload that is not completed, so none of its failures leaves a doubt. */
const upload = async ({ blob, name, mime }: Artifact, deps: FileDeps, signal: AbortSignal): Promise<string> => {
  const { client, access, media } = deps
  const { token, workspace } = access
  const file = await media.open(blob).catch((error: unknown) => {
    throw new SendError('rejected', 'the file to send is no longer there', { cause: error })
  })
  if (file.size === 0) throw new SendError('media_rejected', 'the file is empty')
  try {
    const args = { filename: name.slice(0, 255), length: file.size }
    const answer = await client.call({ method: 'files.getUploadURLExternal', args, token, workspace }, signal)
    const read = v.safeParse(uploadUrl, answer)
    if (!read.success) throw new SlackError('files.getUploadURLExternal', { words: 'answered without an address' })
    // Without our token: the address is enough, and it is the only thing this host has to know.
    const init = { method: 'POST', headers: { 'content-type': mime }, body: file }
    const url = read.output.upload_url
    const response = await withDeadline(signal, uploadMs(file.size), (both) =>
      client.request('upload', url, init, both),
    )
    await response.body?.cancel()
    if (!response.ok) throw new SlackError('upload', { words: `answered ${response.status}`, status: response.status })
    return read.output.file_id
  } catch (error) {
    if (!(error instanceof SlackError)) throw error
    if (error.delivered === 'no') throw error
    const { code, status, retryAfterMs, message } = error
    const words = message.replace(`Slack ${error.method}: `, '')
    throw new SlackError(error.method, { words, code, status, retryAfterMs, delivered: 'no' })
  }
}
