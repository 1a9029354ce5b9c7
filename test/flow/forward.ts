import type { RawCall, RawReply } from '../platforms/platform.ts'

/** Makes a platform's call to a daemon, on a connection of its own. Rejects when nobody listens or the connection ends
 *  without an answer, as the platform's own call would. */
export const forward = async (
  url: string,
  { method, path, headers, body }: RawCall,
  signal?: AbortSignal,
): Promise<RawReply> => {
  const init = { method, headers: { ...headers, connection: 'close' }, signal: signal ?? null }
  const whole = method === 'GET' ? init : { ...init, body: body as string }
  const response = await fetch(url + path, whole)
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
}
