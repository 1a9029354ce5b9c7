import * as v from 'valibot'
import type { HttpAnswer, InboundEvent, Log, RawRequest, Verdict, Verified } from '../../src/contract/index.ts'
import { vouch } from '../../src/contract/index.ts'
import { jsonObject } from '../kit/webhook.ts'
import { decode } from './decode.ts'
import { isSigned, signatureHeader } from './verify.ts'
import { type LineEvent, readEvent, webhook } from './wire.ts'

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
    const kept = inSetOrder(events.flatMap(readable)).flatMap((event) =>
      eventOf(vouch(event, body.proof), destination, nowMs),
    )
    return kept.length === 0 ? { kind: 'answer', answer: ok } : { kind: 'events', events: kept, ack: ok }
  }

  function readable(raw: unknown): readonly LineEvent[] {
    const read = readEvent(raw)
    if (read.kind === 'event') return [read.event]
    log.warn({ at: read.at }, 'an event could not be read and is skipped')
    return []
  }

  function eventOf(verified: Verified<LineEvent>, self: string, nowMs: number): readonly InboundEvent[] {
    const { webhookEventId, type } = verified.payload
    const decoded = decode(verified, { account, self, nowMs, requireMention })
    if (decoded.kind === 'event') return [decoded.event]
    log.debug({ event: webhookEventId, type, why: decoded.why }, 'an event is not for us')
    return []
  }
}

const setOf = ({ message }: LineEvent): string | undefined => message?.imageSet?.id
const indexOf = ({ message }: LineEvent): number => message?.imageSet?.index ?? 0

/** Pictures sent together come in any order (reference, Image message): each set takes the places it has in its own. */
const inSetOrder = (events: readonly LineEvent[]): readonly LineEvent[] => {
  const sets = Map.groupBy(events, setOf)
  const sorted = new Map([...sets].map(([id, ones]) => [id, ones.toSorted((a, b) => indexOf(a) - indexOf(b)).values()]))
  return events.map((event) => sorted.get(setOf(event))?.next().value ?? event)
}
