import type { Proof } from '../../src/contract/index.ts'
import { sameSecret } from '../kit/hmac.ts'
import type { JsonObject } from '../kit/webhook.ts'

/** Kakao signs nothing; a fixed header typed into the skill is the only proof there is (spec/kakao-channel.md). */
export const secretHeader = 'x-kakao-webhook-secret'

/** What the header proves: null for a wrong or missing secret, `none` when no secret is configured. */
export const prove = (given: string | null, secret: string | undefined): Proof | null => {
  if (secret === undefined || secret === '') return 'none'
  return given !== null && sameSecret(given, secret) ? 'secret' : null
}

/** Whose request this is, once a bot id is configured. The development channel of a bot has the same id with a `!`
 *  behind it (Group chatbot skill server quick start). */
export const whichBot = (body: JsonObject, botId: string): 'ours' | 'other' | 'unreadable' => {
  const bot = body.bot
  const id = typeof bot === 'object' && bot !== null && 'id' in bot ? bot.id : undefined
  if (typeof id !== 'string') return 'unreadable'
  return id === botId || id === `${botId}!` ? 'ours' : 'other'
}
