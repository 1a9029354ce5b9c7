// A file of its own: questions `doctor` asks; nothing else uses them.
import * as v from 'valibot'
import type { Probe } from '../../src/contract/index.ts'
import type { Api } from './client.ts'
import { DiscordError, tokenCure } from './errors.ts'
import { mayStart } from './session.ts'
import { application, gatewayInfo, self } from './wire.ts'

const askMs = 15_000
/** Message content: for bots of many servers, and for all others (application flags). */
const contentFlags = [18n, 19n]

export const makeProbe =
  (api: Api, wantsContent: boolean) =>
  async (signal: AbortSignal): Promise<readonly Probe[]> => {
    const ask = async <T extends v.GenericSchema>(path: `/${string}`, schema: T): Promise<v.InferOutput<T>> => {
      const read = v.safeParse(schema, await api.call({ method: 'GET', path }, signal, askMs))
      if (!read.success) throw new DiscordError(`GET ${path}`, { words: 'was answered in an unknown form' })
      return read.output
    }
    try {
      const me = await ask('/users/@me', self)
      const app = await ask('/applications/@me', application)
      const start = (await ask('/gateway/bot', gatewayInfo)).session_start_limit
      return [
        { name: 'token', ok: true, about: `${me.username} (${me.id})` },
        {
          name: 'application',
          ok: true,
          about: `id ${app.id}; invite it with the scopes bot and applications.commands`,
        },
        contentProbe(app.flags, wantsContent),
        {
          name: 'gateway',
          ok: mayStart(start),
          about: `${start.remaining} of ${start.total} starts are left for today`,
        },
      ]
    } catch (error) {
      if (!(error instanceof DiscordError)) throw error
      const cure = error.status === 401 ? `; ${tokenCure}` : ''
      return [{ name: 'token', ok: false, about: `${error.message}${cure}` }]
    }
  }

const contentProbe = (flags: number, wanted: boolean): Probe => {
  const granted = contentFlags.some((bit) => ((BigInt(Math.trunc(flags)) >> bit) & 1n) === 1n)
  if (!wanted)
    return {
      name: 'intents',
      ok: true,
      about: 'message content is not asked for: slash commands, mentions and DMs only',
    }
  return granted
    ? { name: 'intents', ok: true, about: 'message content is allowed: commands can be typed without a mention' }
    : {
        name: 'intents',
        ok: false,
        about:
          'message content is not allowed, so the gateway will refuse us (4014): enable "Message Content Intent" in the ' +
          'Developer Portal (Bot), or set OPENCLAW_CONNECTOR_DISCORD_MESSAGE_CONTENT=false',
      }
}
