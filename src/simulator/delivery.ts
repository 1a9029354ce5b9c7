import { isObject, type JsonObject } from './types.ts'

/** Stored with a schedule; nothing is ever delivered by it. The newer chat networks are not in the pack's list. */
const platforms = ['telegram', 'discord', 'slack', 'feishu', 'lark', 'webhook', 'custom']

type Checked =
  | { readonly value: JsonObject | null }
  | { readonly error: string; readonly code: 'delivery_malformed' | 'delivery_ambiguous' | 'delivery_unsupported' }

/** Several names for the same thing are taken as long as they agree. */
export function checkDelivery(given: unknown): Checked {
  if (given === undefined || given === null) return { value: null }
  if (!isObject(given)) return { error: 'delivery must be an object', code: 'delivery_malformed' }
  const platform = String(given.platform ?? '').toLowerCase()
  if (!platforms.includes(platform)) {
    return { error: `unsupported delivery platform: ${platform}`, code: 'delivery_unsupported' }
  }
  const target = oneOf(given, ['target_id', 'channel_id', 'chat_id'])
  if ('error' in target) return target
  if (target.value === null) return { error: 'delivery.target_id is required', code: 'delivery_malformed' }
  const thread = oneOf(given, ['thread_id', 'message_thread_id', 'thread_ts'])
  if ('error' in thread) return thread
  return {
    value: {
      enabled: given.enabled !== false,
      platform: platform === 'lark' ? 'feishu' : platform,
      target_id: target.value,
      ...(thread.value === null ? {} : { thread_id: thread.value }),
      mode: typeof given.mode === 'string' ? given.mode : 'reply',
      failure_alert: given.failure_alert !== false,
    },
  }
}

function oneOf(
  given: Readonly<Record<string, unknown>>,
  names: readonly string[],
): { readonly value: string | null } | { readonly error: string; readonly code: 'delivery_ambiguous' } {
  const set = names.filter((name) => given[name] !== undefined && given[name] !== null && given[name] !== '')
  const values = new Set(set.map((name) => String(given[name])))
  if (values.size > 1) return { error: `delivery fields conflict: ${set.join(', ')}`, code: 'delivery_ambiguous' }
  return { value: [...values][0] ?? null }
}
