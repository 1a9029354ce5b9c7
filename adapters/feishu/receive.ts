// A file of its own: the order of checks of a request, the same on both paths.
import * as v from 'valibot'
import type { HttpAnswer, Log, Proof, RawRequest, Verdict } from '../../src/contract/index.ts'
import { vouch } from '../../src/contract/index.ts'
import { type JsonObject, jsonAnswer, jsonObject } from '../kit/webhook.ts'
import type { App } from './app.ts'
import { FeishuError } from './errors.ts'
import { type Opened, openEnvelope } from './occurrence.ts'
import { decrypt, isCardSigned, isEventSigned, isFresh, isToken, readSigned } from './verify.ts'
import { urlCheck } from './wire.ts'

export const maxBytes = 1024 * 1024
/** The platform waits three seconds for us. */
const workMs = 2500

export interface ReceiveDeps {
  /** Those with a verification token: of others nothing that comes by webhook can be proven. */
  readonly apps: readonly App[]
  readonly maxAgeMs: number
  readonly now: () => number
  readonly log: Log
}

type Refusal = Extract<Verdict, { kind: 'reject' }>
const unproven = (reason: string): Refusal => ({ kind: 'reject', status: 401, reason })
const unreadable = (reason: string): Refusal => ({ kind: 'reject', status: 400, reason })

const later: HttpAnswer = { ...jsonAnswer({}), status: 503 }
const taken: HttpAnswer = jsonAnswer({})

/**
 * The verdict on a request. Nothing is taken without the verification token of an app of ours, and where the app has an
 * encrypt key, without its signature over the bytes as they came. What is proven is answered 200, understood or not:
 * anything else comes again for seven hours.
 */
export const makeReceive = ({ apps, maxAgeMs, now, log }: ReceiveDeps): ((request: RawRequest) => Promise<Verdict>) => {
  const isOpen = ({ binding }: App): boolean => binding.encryptKey === undefined

  /** The check of an address by the console: the token inside is all that proves it. */
  const challenge = (body: JsonObject, among: readonly App[]): Verdict => {
    const read = v.safeParse(urlCheck, body)
    const app = read.success ? among.find(({ binding }) => isToken(read.output.token, binding.verificationToken)) : null
    if (!read.success || !app) return unproven('an address check without a token of ours')
    log.info({ account: app.binding.account }, 'the address was checked by the developer console')
    return { kind: 'answer', answer: jsonAnswer({ challenge: read.output.challenge }) }
  }

  const accept = async (app: App, { occurrence }: Opened, proof: Proof): Promise<Verdict> => {
    if (await app.settles(occurrence)) return { kind: 'answer', answer: taken }
    if (!(await app.admits(occurrence))) return unproven('an event of another tenant, or of one that is switched off')
    const events = await app.read(vouch(occurrence, proof), AbortSignal.timeout(workMs)).catch((error: unknown) => {
      if (!(error instanceof FeishuError)) throw error
      log.warn({ account: app.binding.account, about: error.message }, 'who we are could not be asked, it comes again')
      return null
    })
    if (events === null) return { kind: 'answer', answer: later }
    return events.length === 0 ? { kind: 'answer', answer: taken } : { kind: 'events', events, ack: taken }
  }

  const byToken = async (body: JsonObject, among: readonly App[], proof: Proof): Promise<Verdict> => {
    const opened = openEnvelope(body)
    if (opened === null) return unproven('no event of any form')
    const { token, appId } = opened
    const app = among.find(({ binding }) => isToken(token, binding.verificationToken) && binding.appId === appId)
    return app ? accept(app, opened, proof) : unproven('an event without the token of the app it names')
  }

  const oldPress = async (opened: Opened, request: RawRequest): Promise<Verdict> => {
    const signed = readSigned(request)
    if (signed === null || !isFresh(signed, now(), maxAgeMs)) return unproven('an old press without a fresh signature')
    const app = apps.find(({ binding }) => isCardSigned(signed, binding.verificationToken ?? '', request.body))
    return app ? accept(app, opened, 'signature') : unproven('an old press with a wrong signature')
  }

  const plain = async (body: JsonObject, request: RawRequest): Promise<Verdict> => {
    const open = apps.filter(isOpen)
    if (body.type === 'url_verification') return challenge(body, open)
    const opened = openEnvelope(body)
    // Never encrypted, also where there is a key (facts/feishu §5).
    if (opened?.form === 'old press') return oldPress(opened, request)
    return byToken(body, open, 'secret')
  }

  const inside = (sealed: string, { binding }: App): JsonObject | null => {
    const bytes = decrypt(sealed, binding.encryptKey ?? '')
    return bytes === null ? null : jsonObject(bytes)
  }

  /** The check of an address is not signed, or not as events are (facts/feishu §2); nothing else is let through so. */
  const unsigned = (sealed: string, keyed: readonly App[], reason: string): Verdict => {
    const all = keyed.map((app) => ({ app, body: inside(sealed, app) }))
    const found = all.find(({ body }) => body?.type === 'url_verification')
    return found?.body ? challenge(found.body, [found.app]) : unproven(reason)
  }

  const encrypted = async (sealed: string, request: RawRequest): Promise<Verdict> => {
    const keyed = apps.filter((app) => !isOpen(app))
    const signed = readSigned(request)
    if (signed === null) return unsigned(sealed, keyed, 'encrypted, but not signed')
    if (!isFresh(signed, now(), maxAgeMs)) return unsigned(sealed, keyed, 'a signature that is too old')
    const app = keyed.find(({ binding }) => isEventSigned(signed, binding.encryptKey ?? '', request.body))
    if (app === undefined) return unsigned(sealed, keyed, 'a wrong signature')
    const body = inside(sealed, app)
    if (body === null) return unreadable('signed, but not to be decrypted')
    return body.type === 'url_verification' ? challenge(body, [app]) : byToken(body, [app], 'signature')
  }

  return async (request) => {
    if (request.body.byteLength > maxBytes) return { kind: 'reject', status: 413, reason: 'the body is too large' }
    const body = jsonObject(request.body)
    if (body === null) return unreadable('not a JSON object in UTF-8')
    return typeof body.encrypt === 'string' ? encrypted(body.encrypt, request) : plain(body, request)
  }
}
