// A file of its own: the path comes from outside and becomes part of a URL that holds the token.
import * as v from 'valibot'
import type { MediaRef } from '../../src/contract/index.ts'
import type { Client } from './client.ts'
import { fileInfo } from './wire.ts'

const askMs = 15_000

/** Fetches what a person sent. Telegram hands out at most 20 MB. The caller bounds the body. */
export async function download(client: Client, media: MediaRef, signal: AbortSignal): Promise<Response> {
  const read = v.safeParse(fileInfo, await client.call('getFile', { file_id: media.ref }, signal, askMs))
  if (!read.success) throw new Error('Telegram getFile: the answer names no file')
  const { file_path: path } = read.output
  if (path.startsWith('/'))
    throw new Error('the Bot API server runs with --local and keeps files to itself; start it without --local')
  if (!isPlain(path)) throw new Error('Telegram getFile: the path leads elsewhere')
  return client.file(path, signal)
}

const isPlain = (path: string): boolean =>
  path.split('/').every((segment) => /^[\w .~@+()-]+$/u.test(segment) && !/^\.+$/.test(segment))
