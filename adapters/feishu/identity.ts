// A file of its own: which bot an app is, told once by the platform and remembered. Each app has its own.
import * as v from 'valibot'
import type { AdapterDeps } from '../../src/contract/index.ts'
import type { Client } from './client.ts'
import { FeishuError } from './errors.ts'
import { botInfo } from './wire.ts'

export interface Bot {
  readonly openId: string
  readonly name: string
  /** Whether the app is switched on for its tenant; null when not told. */
  readonly active: boolean | null
}

export interface Identity {
  /** The bot's open_id as far as it is known without asking. */
  readonly known: () => string | null
  /** Asks, and remembers. Throws FeishuError. */
  readonly ask: (signal: AbortSignal) => Promise<Bot>
}

const askMs = 10_000
/** `activate_status` of an app that is switched on (bot/v3/info). */
const switchedOn = 2

export const makeIdentity = (client: Client, appId: string, { memo }: Pick<AdapterDeps, 'memo'>): Identity => {
  const key = `bot ${appId}`
  let current = memo.get(key)
  return {
    known: () => current,
    ask: async (signal) => {
      const read = v.safeParse(botInfo, await client.call({ method: 'GET', path: '/bot/v3/info' }, signal, askMs))
      if (!read.success) throw new FeishuError({ words: 'the answer names no bot: add the feature Bot to the app' })
      const { open_id: openId, app_name: name = '', activate_status: status } = read.output.bot
      if (current !== openId) await memo.set(key, openId)
      current = openId
      return { openId, name, active: status === undefined ? null : status === switchedOn }
    },
  }
}
