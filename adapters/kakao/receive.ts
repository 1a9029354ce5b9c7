import type { AdapterText, HttpAnswer, Log, RawRequest, Verdict } from '../../src/contract/index.ts'
import { vouch } from '../../src/contract/index.ts'
import { jsonAnswer, jsonObject } from '../kit/webhook.ts'
import { decode } from './decode.ts'
import { type EncodeDeps, encodeText } from './encode.ts'
import { makeRequestKeys } from './repeats.ts'
import { prove, secretHeader, whichBot } from './verify.ts'
import { readPayload } from './wire.ts'

/** A skill request has one or two kilobytes; an utterance may be long. */
export const maxBytes = 65_536

export interface ReceiveDeps extends EncodeDeps {
  readonly account: string
  readonly secret: string | undefined
  readonly botId: string | undefined
  readonly apiBase: string | undefined
  readonly now: () => number
  readonly log: Log
}

/**
 * The verdict on a skill request. Whatever is not 200 with a SkillResponse is an error bubble for the person, so a
 * plain refusal is only for who is not proven to be Kakao and for bodies that are no JSON object.
 */
export const makeReceive = (deps: ReceiveDeps): ((request: RawRequest) => Promise<Verdict>) => {
  const requestKey = makeRequestKeys(deps.now)
  const text = (id: AdapterText): HttpAnswer => jsonAnswer(encodeText(deps.say(id), deps))

  return async (request) => {
    const proof = prove(request.header(secretHeader), deps.secret)
    if (proof === null) return { kind: 'reject', status: 401, reason: 'wrong or missing skill secret' }
    if (request.body.byteLength > maxBytes) return { kind: 'reject', status: 413, reason: 'skill request too large' }
    const body = jsonObject(request.body)
    if (body === null) return { kind: 'reject', status: 400, reason: 'not a JSON object in UTF-8' }

    const bot = deps.botId === undefined ? 'ours' : whichBot(body, deps.botId)
    if (bot === 'other') return { kind: 'reject', status: 403, reason: 'skill request of another bot' }
    const read = readPayload(body)
    if (bot === 'unreadable' || read.kind === 'broken') {
      deps.log.warn({ at: read.kind === 'broken' ? read.at : 'bot.id' }, 'skill request could not be understood')
      return { kind: 'answer', answer: text('bad_request') }
    }
    const { payload } = read
    if (payload.userRequest.chat != null) return { kind: 'answer', answer: text('groups_unsupported') }
    const event = decode(vouch(payload, proof), {
      account: deps.account,
      apiBase: deps.apiBase,
      at: deps.now(),
      requestKey: requestKey(request.header('x-request-id'), payload, request.body),
      log: deps.log,
    })
    return { kind: 'events', events: [event], ack: text('nothing_to_say') }
  }
}
