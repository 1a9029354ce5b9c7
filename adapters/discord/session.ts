// A file of its own: what a resume needs, kept over restarts, and what a fresh start costs.
import * as v from 'valibot'
import type { AdapterDeps } from '../../src/contract/index.ts'
import { StreamError } from '../../src/contract/index.ts'
import type { Api } from './client.ts'
import { gatewayInfo } from './wire.ts'

const stored = v.object({
  id: v.string(),
  url: v.string(),
  seq: v.number(),
  intents: v.number(),
  account: v.string(),
  /** The bot's user id. */
  self: v.optional(v.string()),
  application: v.optional(v.string()),
  name: v.string(),
})
/** `seq` is that of the last event that was kept, so that everything behind it comes again. */
export type Session = v.InferOutput<typeof stored>

export const remembered = (note: string | null, account: string, intents: number): Session | null => {
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), stored), note ?? '')
  if (!read.success || read.output.account !== account || read.output.intents !== intents) return null
  return read.output
}

const isOwnMachine = (host: string): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(host)

/** The token is sent there, so it is Discord's own host or the one the operator configured. Null: neither. */
export const gatewayUrl = (text: string, apiBase: string): string | null => {
  const url = URL.parse(text)
  const base = URL.parse(apiBase)
  if (url === null || base === null || url.username !== '' || url.password !== '') return null
  const isDiscord = url.protocol === 'wss:' && (url.hostname === 'discord.gg' || url.hostname.endsWith('.discord.gg'))
  const isNear = isOwnMachine(url.hostname) && isOwnMachine(base.hostname)
  const isOurs = (url.hostname === base.hostname || isNear) && url.protocol === base.protocol.replace('http', 'ws')
  if (!isDiscord && !isOurs) return null
  url.searchParams.set('v', '10')
  url.searchParams.set('encoding', 'json')
  return url.href
}

const askMs = 15_000
/** One a shard in five seconds. */
const identifyEveryMs = 5000
/** Who uses up the starts of a day (1000 as a rule) has the token reset by Discord (facts/discord §1), so the last fiftieth
 *  is left alone. */
export const mayStart = ({ remaining, total }: { readonly remaining: number; readonly total: number }): boolean =>
  remaining > Math.floor(total / 50)

/** Where to start a new session; waits until one may be started. Throws StreamError when the day has no more. */
export const makeStarts = (api: Api, apiBase: string, deps: Pick<AdapterDeps, 'now' | 'sleep'>) => {
  let lastMs = Number.NEGATIVE_INFINITY
  return async (signal: AbortSignal): Promise<string> => {
    const read = v.safeParse(gatewayInfo, await api.call({ method: 'GET', path: '/gateway/bot' }, signal, askMs))
    if (!read.success) throw new StreamError('Discord GET /gateway/bot was answered in an unknown form')
    const { url, session_start_limit: budget } = read.output
    if (!mayStart(budget))
      throw new StreamError(
        `Discord allows only ${budget.remaining} more starts today, and resets the token after that: ` +
          'find out what keeps starting with it (another program?)',
        { retryAfterMs: budget.reset_after },
      )
    const gateway = gatewayUrl(url, apiBase)
    if (gateway === null) throw new StreamError('Discord names a gateway that is not its own; nothing is sent there')
    await deps.sleep(Math.max(0, lastMs + identifyEveryMs - deps.now()), signal)
    lastMs = deps.now()
    return gateway
  }
}
