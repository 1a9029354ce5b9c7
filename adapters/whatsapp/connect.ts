import * as v from 'valibot'
import type { HttpAnswer, InboundEvent, Log, Proof, RawRequest, SendReport, Verdict } from '../../src/contract/index.ts'
import { vouch } from '../../src/contract/index.ts'
import { jsonObject } from '../kit/webhook.ts'
import { decode } from './decode.ts'
import { inOrder, reportOf } from './statuses.ts'
import { challengeOf, prove, signatureHeader } from './verify.ts'
import { change, contact, entry, envelope, message, problem, status, type Value, value } from './wire.ts'

/** Meta's own bound of a webhook body. */
export const maxBytes = 3 * 1024 * 1024

export interface ReceiveDeps {
  /** Our phone number id: what comes for another one is not ours. */
  readonly account: string
  readonly appSecret: string | undefined
  readonly verifyToken: string | undefined
  readonly log: Log
}

const plain = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }
const taken: HttpAnswer = { status: 200, headers: plain, body: 'OK' }

/**
 * The verdict on a call to the webhook. Whoever is not proven to be Meta is refused; everything that Meta did sign is
 * answered 200, understood or not, because anything else comes again for a week.
 */
export const makeReceive = (deps: ReceiveDeps): ((request: RawRequest) => Promise<Verdict>) => {
  const { account, appSecret, verifyToken, log } = deps

  const verification = ({ query }: RawRequest): Verdict => {
    const challenge = challengeOf(query, verifyToken)
    if (challenge === null) return { kind: 'reject', status: 403, reason: 'not the verification of our webhook' }
    log.info({}, 'the webhook was verified')
    return { kind: 'answer', answer: { status: 200, headers: plain, body: challenge } }
  }

  const readMessages = (read: Value, proof: Proof): readonly InboundEvent[] => {
    const contacts = parsed(contact, read.contacts, () => {})
    const ownNumber = read.metadata.display_phone_number?.replaceAll(/\D/g, '') || null
    const found = parsed(message, read.messages, (at) => log.warn({ at }, 'a message could not be read and is skipped'))
    return found.flatMap((one) => {
      const decoded = decode(vouch(one, proof), { account, ownNumber, contacts })
      if (decoded.kind === 'event') return [decoded.event]
      if (decoded.kind === 'note') log.warn({ id: one.id }, `${decoded.about}: lists do not follow by themselves`)
      else log.debug({ id: one.id, why: decoded.why }, 'a message is not for us')
      return []
    })
  }

  const readStatuses = (read: Value): readonly SendReport[] =>
    parsed(status, read.statuses, (at) => log.warn({ at }, 'a status could not be read and is skipped')).flatMap(
      (one) => reportOf(one) ?? [],
    )

  const valuesOf = (body: unknown): readonly Value[] => {
    const read = v.safeParse(envelope, body)
    if (!read.success || read.output.object !== 'whatsapp_business_account') {
      log.warn({}, 'a signed call is no WhatsApp webhook, and is ignored')
      return []
    }
    const skipped = (at: string): void => log.warn({ at }, 'an entry could not be read and is skipped')
    return parsed(entry, read.output.entry, skipped).flatMap(({ id, changes }) =>
      parsed(change, changes, skipped).flatMap((one) => {
        if (one.field === 'messages') return parsed(value, [one.value], skipped)
        if (one.field === 'account_update') {
          const { event: named } = one.value
          const event = typeof named === 'string' ? named.slice(0, 60) : 'unknown'
          log.warn({ waba: id, event }, 'Meta changed something about a business account: look into WhatsApp Manager')
        } else log.debug({ field: one.field }, 'a field of the webhook is not used')
        return []
      }),
    )
  }

  const isOurs = ({ metadata }: Value): boolean => {
    if (metadata.phone_number_id === account) return true
    log.debug({ number: metadata.phone_number_id }, 'a webhook of another phone number is ignored')
    return false
  }

  return async (request) => {
    if (request.method === 'GET') return verification(request)
    const proof = prove(request.header(signatureHeader), request.body, appSecret)
    if (proof === null) return { kind: 'reject', status: 401, reason: 'wrong or missing X-Hub-Signature-256' }
    if (request.body.byteLength > maxBytes) return { kind: 'reject', status: 413, reason: 'webhook body too large' }
    const body = jsonObject(request.body)
    if (body === null) {
      if (proof === 'none') return { kind: 'reject', status: 400, reason: 'not a JSON object in UTF-8' }
      log.warn({ bytes: request.body.byteLength }, 'a signed call is no JSON object, and is ignored')
      return { kind: 'answer', answer: taken }
    }
    const values = valuesOf(body).filter(isOurs)
    for (const found of parsed(
      problem,
      values.flatMap(({ errors }) => errors),
      () => {},
    ))
      log.warn({ code: found.code, title: found.title }, 'WhatsApp reports a problem')
    const events = values.flatMap((one) => readMessages(one, proof)).toSorted((a, b) => a.at - b.at)
    const reports = inOrder(values.flatMap(readStatuses))
    if (events.length + reports.length === 0) return { kind: 'answer', answer: taken }
    return { kind: 'events', events, ack: taken, ...(reports.length > 0 ? { reports } : {}) }
  }
}

/** Each item on its own: those that can be read, and for each other one the place where it can not. */
const parsed = <S extends v.GenericSchema>(
  schema: S,
  items: readonly unknown[],
  skipped: (at: string) => void,
): readonly v.InferOutput<S>[] =>
  items.flatMap((item) => {
    const read = v.safeParse(schema, item, { abortEarly: true })
    if (read.success) return [read.output]
    skipped(v.getDotPath(read.issues[0]) ?? 'item')
    return []
  })
