// A file of its own: questions `doctor` asks; nothing else uses them.
import * as v from 'valibot'
import type { Probe } from '../../src/contract/index.ts'
import type { Client } from './client.ts'
import { identify } from './connect.ts'
import { streamError, TelegramError } from './errors.ts'
import { webhookInfo } from './wire.ts'

const askMs = 15_000

export async function probe(client: Client, signal: AbortSignal): Promise<readonly Probe[]> {
  try {
    const me = await identify(client, signal)
    const groups = me.can_read_all_group_messages
      ? 'privacy mode is off: the bot sees everything said in its groups'
      : 'privacy mode is on: in groups the bot sees commands and replies to it; mentions need it off (@BotFather)'
    return [
      { name: 'token', ok: true, about: `@${me.username} (${me.id})` },
      { name: 'groups', ok: true, about: groups },
      await webhookProbe(client, signal),
    ]
  } catch (error) {
    if (!(error instanceof TelegramError)) throw error
    return [{ name: 'token', ok: false, about: streamError(error, 0).message }]
  }
}

async function webhookProbe(client: Client, signal: AbortSignal): Promise<Probe> {
  const read = v.safeParse(webhookInfo, await client.call('getWebhookInfo', {}, signal, askMs))
  if (!read.success) return { name: 'polling', ok: false, about: 'getWebhookInfo was answered in an unknown form' }
  const { url, pending_update_count: waiting = 0 } = read.output
  if (url === '') return { name: 'polling', ok: true, about: `no webhook is set; ${waiting} updates are waiting` }
  const host = URL.parse(url)?.host ?? 'an unknown host'
  return {
    name: 'polling',
    ok: false,
    about: `a webhook to ${host} is set, so polling is refused: call deleteWebhook once, or use a bot of its own`,
  }
}
