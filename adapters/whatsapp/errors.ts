// A file of its own because refusals come twice: at once, and later as the status of a message (facts/whatsapp-cloud §4).
import { type SendCode, SendError } from '../../src/contract/index.ts'
import { statusError } from '../kit/http.ts'
import { CallError, type CallFacts, classesOf } from '../kit/refusal.ts'

/** `code` is null where the answer was not Meta's. */
export class GraphError extends CallError {
  override readonly name = 'GraphError'
  readonly code: number | null
  readonly subcode: number | null
  /** Meta says that it passes by itself. */
  readonly transient: boolean
  /** Meta's own words, or ours when there was no answer; redacted. */
  readonly words: string

  constructor(
    facts: CallFacts & {
      readonly words: string
      readonly code?: number | null
      readonly subcode?: number | null
      readonly transient?: boolean
    },
  ) {
    const { words, status = null, code = null, subcode = null, transient = false } = facts
    const numbers = [code, subcode].filter((one) => one !== null).join('/')
    super(`WhatsApp ${numbers || (status ?? '')}: ${words}`.replace(' :', ':'), facts)
    this.words = words
    this.code = code
    this.subcode = subcode
    this.transient = transient
  }
}

const variable = 'OPENCLAW_CONNECTOR_WHATSAPP_'
const tokenCure = `make a new System User token with whatsapp_business_messaging and set it as ${variable}ACCESS_TOKEN`
const numberCure = `check ${variable}PHONE_NUMBER_ID: the id of the number, not the number itself, and one the token may use`
const templateCure = `check ${variable}TEMPLATE and ${variable}TEMPLATE_LANGUAGE: an approved template without variables`
const proofCure = `check ${variable}APP_SECRET: it has to be that of the app the token belongs to`
const accountCure = 'look at the account in WhatsApp Manager: it is locked, limited or has to be paid for'

const auth: readonly (readonly [readonly number[], string])[] = [
  [[0, 102, 190], tokenCure],
  [[3, 10, 131005], `give the token the permission whatsapp_business_messaging, or ${tokenCure}`],
  [[33, 131045, 133010], numberCure],
  [[368, 131031, 131042, 131044], accountCure],
]
const cures = new Map(auth.flatMap(([codes, cure]) => codes.map((code) => [code, cure] as const)))

const byClass: Readonly<Partial<Record<SendCode, readonly number[]>>> = {
  rate_limited: [4, 80007, 130429, 131056, 133016],
  unavailable: [1, 2, 131000, 131016, 131057, 133004, 135000],
  window_closed: [131047],
  // Not on WhatsApp, has not agreed to the terms, not on the test number's list, our own number, a country we may not
  // write to: the account is well, this person can't be reached.
  target_gone: [131021, 131026, 131030, 130497],
  media_rejected: [131052, 131053],
  rejected: [100, 131008, 131009, 131048, 131049, 131050, 131051, 131062, 131064, 130472],
}
const classes = classesOf(byClass)

/** One message to one person in about six seconds is what Meta lets through for long. */
const pairDistanceMs = 6_000

const proofWords = /appsecret_proof/i

/** The app demands a proof that the caller knows its secret, or the one given was wrong. */
export const wantsProof = ({ code, words }: GraphError): boolean => code === 100 && proofWords.test(words)

/** The class of a code, null for one we do not know. */
export const classOf = (code: number, words: string): SendCode | null => {
  if (cures.has(code) || (code >= 200 && code <= 299)) return 'auth'
  if (code === 100 && proofWords.test(words)) return 'auth'
  // Said of a phone number id that does not exist or is not the token's; any other 100 is about the part.
  if (code === 100 && /unsupported (post|get) request/i.test(words)) return 'auth'
  return classes.get(code) ?? (isAboutTemplate(code) ? 'rejected' : null)
}

const cureOf = (code: number, words: string): string => {
  if (code === 100) return proofWords.test(words) ? proofCure : numberCure
  return cures.get(code) ?? cures.get(10) ?? tokenCure
}

/** 132000 to 132999: about the template that a message names. */
const isAboutTemplate = (code: number): boolean => Math.floor(code / 1000) === 132

/** What is wrong, with the cure where the operator has one. */
const aboutOf = (code: number, sendCode: SendCode, message: string): string => {
  if (sendCode === 'auth') return `${message}; ${cureOf(code, message)}`
  return isAboutTemplate(code) ? `${message}; ${templateCure}` : message
}

/** Codes that say "not this file, or not so" when the message carried one; a plainer form may pass. */
const perhapsTheFile = new Set([100, 131008, 131009, 131051])

/** What a refused or unanswered send means. `media`: the call carried a file. */
export const sendError = (error: GraphError, media: boolean): SendError => {
  const { message, status, code, words, transient, retryAfterMs } = error
  if (status === null) return new SendError('unavailable', message, { delivered: error.delivered })
  const known = code === null ? null : classOf(code, words)
  if (code === null || known === null) {
    const plain = statusError(message, status, retryAfterMs)
    if (transient && plain.code === 'rejected') return new SendError('unavailable', message, { retryAfterMs })
    return media && plain.code === 'rejected' ? new SendError('media_rejected', message) : plain
  }
  const sendCode = media && known === 'rejected' && perhapsTheFile.has(code) ? 'media_rejected' : known
  // 503 says that nothing was done; behind any other 5xx the message may be on its way.
  const delivered = sendCode === 'unavailable' && status >= 500 && status !== 503 ? 'maybe' : 'no'
  const afterMs = retryAfterMs ?? (code === 131056 ? pairDistanceMs : null)
  return new SendError(sendCode, aboutOf(code, sendCode, message), { delivered, retryAfterMs: afterMs })
}

/** Why a message failed that had been accepted. */
export const reportError = (code: number, words: string): { readonly code: SendCode; readonly about: string } => {
  const sendCode = classOf(code, words) ?? 'rejected'
  return { code: sendCode, about: aboutOf(code, sendCode, `WhatsApp ${code}: ${words}`) }
}
