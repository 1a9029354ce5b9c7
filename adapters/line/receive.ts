import * as v from 'valibot'
import type { HttpAnswer, InboundEvent, Log, RawRequest, Verdict, Verified } from '../../src/contract/index.ts'
import { vouch } from '../../src/contract/index.ts'
import { jsonObject } from '../kit/webhook.ts'
import { decode } from './decode.ts'
import { isSigned, signatureHeader } from './verify.ts'
import { readEvent, webhook } from './wire.ts'

/** One body carries events of many people; the size is not documented. */
export const maxBytes = 1024 * 1024

export interface ReceiveDeps {
  readonly account: string
  readonly channelSecret: string
  readonly requireMention: boolean
  readonly now: () => number
  readonly log: Log
}

const ok: HttpAnswer = { status: 200, headers: {}, body: '' }

/** The verdict on a webhook call. Whatever LINE signed is answered with 200, else it would be brought again or the
 *  webhook be switched off; what can't be read is logged and left out, event by event. */
export const makeReceive = (deps: ReceiveDeps): ((request: RawRequest) => Promise<Verdict>) => {
  const { account, requireMention, log } = deps

  return async (request) => {
    if (request.body.byteLength > maxBytes) return { kind: 'reject', status: 413, reason: 'webhook body too large' }
    if (!isSigned(request.body, request.header(signatureHeader), deps.channelSecret))
      return { kind: 'reject', status: 401, reason: 'wrong or missing signature' }
    const body = vouch(v.safeParse(webhook, jsonObject(request.body)), 'signature')
    if (!body.payload.success) {
      log.warn({ bytes: request.body.byteLength }, 'a signed webhook body could not be understood')
      return { kind: 'answer', answer: ok }
    }
    const { destination, events } = body.payload.output
    const nowMs = deps.now()
    const kept = events.flatMap((raw) => eventOf(vouch(raw, body.proof), destination, nowMs))
    return kept.length === 0 ? { kind: 'answer', answer: ok } : { kind: 'events', events: kept, ack: ok }
  }

  function eventOf({ payload, proof }: Verified<unknown>, self: string, nowMs: number): readonly InboundEvent[] {
    const read = readEvent(payload)
    if (read.kind === 'broken') {
      log.warn({ at: read.at }, 'an event could not be read and is skipped')
      return []
    }
    const { event } = read
    const decoded = decode(vouch(event, proof), { account, self, nowMs, requireMention })
    if (decoded.kind === 'event') return [decoded.event]
    log.debug({ event: event.webhookEventId, type: event.type, why: decoded.why }, 'an event is not for us')
    return []
  }
}
