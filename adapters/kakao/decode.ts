import type { Body, InboundEvent, Log, ReplyHandle, Sender, Verified } from '../../src/contract/index.ts'
import { eventId } from '../../src/contract/index.ts'
import { callbackDomain, hostOf, trustedUrl } from './hosts.ts'
import { isPhoto, picturesIn } from './pictures.ts'
import type { SkillPayload } from './wire.ts'

/** A callback address lives one minute and works once (AI chatbot callback guide); the rest is for the way there. */
export const callbackLifeMs = 55_000

export interface DecodeContext {
  readonly account: string
  readonly apiBase: string | undefined
  /** Receiving time: requests carry none. */
  readonly at: number
  readonly requestKey: readonly string[]
  readonly log: Log
}

/** Composed Hangul, trimmed (no-break and ideographic spaces too), and the full-width slash of Korean keyboards. */
const normalise = (text: string): string => text.toWellFormed().normalize('NFC').trim().replace(/^／/, '/')

const senderOf = ({ id, properties }: SkillPayload['userRequest']['user']): Sender => {
  const keys = [
    properties?.botUserKey,
    properties?.plusfriendUserKey,
    properties?.bot_user_key,
    properties?.plusfriend_user_key,
  ]
  const aliases = [...new Set(keys.filter((key) => key !== undefined).filter((key) => key !== id))]
  return { id, ...(aliases.length > 0 ? { aliases } : {}), self: false, bot: false }
}

const handleOf = (callbackUrl: string | undefined, context: DecodeContext): ReplyHandle | null => {
  if (callbackUrl === undefined) return null
  const url = trustedUrl(callbackUrl, callbackDomain, context.apiBase)
  if (url !== null) return { kind: 'token', value: url.href, expiresAt: context.at + callbackLifeMs }
  context.log.warn({ host: hostOf(callbackUrl) }, 'ignored a callback address outside kakao.com')
  return null
}

const bodyOf = (payload: SkillPayload, hasMedia: boolean): Body => {
  const action = payload.action?.clientExtra?.token
  if (action !== undefined) return { kind: 'press', action }
  const text = isPhoto(payload) ? '' : normalise(payload.userRequest.utterance ?? '')
  // Silence is no answer here: who sends nothing readable gets the help.
  return { kind: 'text', text: text === '' && !hasMedia ? '/help' : text, addressed: true }
}

/** One skill request of a 1:1 chat as an event. */
export const decode = ({ payload, proof }: Verified<SkillPayload>, context: DecodeContext): InboundEvent => {
  const { media, refusedHosts } = picturesIn(payload, context.apiBase)
  if (refusedHosts.length > 0) context.log.warn({ hosts: refusedHosts }, 'ignored pictures outside kakaocdn.net')
  const from = senderOf(payload.userRequest.user)
  const handle = handleOf(payload.userRequest.callbackUrl, context)
  return {
    id: eventId('kakao', context.account, ...context.requestKey),
    at: context.at,
    from,
    proof,
    where: { platform: 'kakao', account: context.account, chat: from.id, kind: 'dm' },
    body: bodyOf(payload, media.length > 0),
    media,
    ...(handle === null ? {} : { handle }),
  }
}
