// A file of its own: what the codes mean, for sends, uploads, edits and the long connection (Feishu server error codes).
import { type SendCode, SendError } from '../../src/contract/index.ts'
import { statusError } from '../kit/http.ts'
import { CallError, type CallFacts, classesOf } from '../kit/refusal.ts'

/** `code` is null where the answer was not the API's. */
export class FeishuError extends CallError {
  override readonly name = 'FeishuError'
  readonly code: number | null
  /** The platform's own words, or ours when there was no answer; redacted. */
  readonly words: string

  constructor(facts: CallFacts & { readonly words: string; readonly code?: number | null }) {
    const { words, status = null, code = null } = facts
    super(`Feishu ${code ?? status ?? ''}: ${words}`.replace(' :', ':'), facts)
    this.words = words
    this.code = code
  }
}

const variable = 'OPENCLAW_CONNECTOR_FEISHU_'
const secretCure = `copy App ID and App Secret from Credentials & Basic Info into ${variable}APP_ID and ${variable}APP_SECRET, and check ${variable}DOMAIN`
const releaseCure = 'then release a new version of the app: changes work only after that'
const scopeCure = `add the permission under Permissions & Scopes, ${releaseCure}`

/** The tenant token is old or was never one: fetching a new one may help. */
const tokenCodes: ReadonlySet<number> = new Set([99991663, 99991665, 99991661, 99991671, 20013])
const scopeCodes: ReadonlySet<number> = new Set([99991672, 99991676, 230027])

const notInstalledCodes: ReadonlySet<number> = new Set([99991662, 99991673, 11210])

const authCures: readonly (readonly [readonly number[], string])[] = [
  [[...tokenCodes], secretCure],
  [[10003, 10005, 10012, 10014, 10015, 20002, 99991543, 514], secretCure],
  [[...notInstalledCodes], 'the app is disabled or no longer installed: enable it in the admin console'],
  [[...scopeCodes], scopeCure],
  [[99991401], "add this machine's address to the IP allow list of the app, or empty the list"],
  [[99991403], "the month's API calls are used up: raise the plan, or wait for the next month"],
  [[230006, 234007], `add the feature Bot to the app, ${releaseCure}`],
  [[403], `the app may not connect: enable it in the admin console; an app of the store takes ${variable}MODE=webhook`],
  [[1000040350], 'more than 50 connections of this app are open: stop other programs that use it'],
  [[1000040351], `the app is on the other side: set ${variable}DOMAIN to the other of feishu and lark`],
]
const cures = new Map(authCures.flatMap(([codes, cure]) => codes.map((code) => [code, cure] as const)))

const byClass: Readonly<Partial<Record<SendCode, readonly number[]>>> = {
  rate_limited: [99991400, 230020, 11232, 11233, 11247],
  unavailable: [1500, 10101, 10500, 230049, 2200, 1000040343],
  target_gone: [230002, 230013, 230018, 230029, 230034, 230035, 230038, 230053, 230075, 232009],
  // Said of a reply: what it answers is gone. Of an edit: it can't be edited any more.
  thread_gone: [230011, 230019, 230050, 230071, 230072, 230110, 230031],
  media_rejected: [230055, 234001, 234006, 234010, 234011, 234039],
  rejected: [230001, 230022, 230025, 230028, 230099],
}
const classes = classesOf(byClass)

/** Five messages a second go to one person or group. */
const chatDistanceMs = 1000

export const isToken = ({ code }: FeishuError): boolean => code !== null && tokenCodes.has(code)
export const isScope = ({ code }: FeishuError): boolean => code !== null && scopeCodes.has(code)
/** The ticket of a store app is none any more, or its app token is. */
export const isTicket = ({ code }: FeishuError): boolean => code === 10012
export const isAppToken = (error: FeishuError): boolean => isToken(error) || error.code === 99991664
/** The organisation has not installed the app, or has switched it off. */
export const isNotInstalled = ({ code }: FeishuError): boolean => code !== null && notInstalledCodes.has(code)
/** The card itself was refused, perhaps as too long with all its buttons. */
export const isCard = ({ code }: FeishuError): boolean => code === 230099 || code === 230028 || code === 230025
/** What is answered was withdrawn, deleted, or can't be seen any more. */
export const isGone = ({ code }: FeishuError): boolean => code !== null && classes.get(code) === 'thread_gone'

/** More connections of the app are open than there may be. */
export const isCrowded = ({ code }: FeishuError): boolean => code === 1000040350

/** What the operator can do about it; null where nothing has to be done. */
export const cureOf = ({ code }: FeishuError): string | null => (code === null ? null : (cures.get(code) ?? null))

/** What a refused or unanswered call means. `media`: the call carried a file. */
export const sendError = (error: FeishuError, media = false): SendError => {
  const { status, code, message, retryAfterMs } = error
  if (status === null) return new SendError('unavailable', message, { delivered: error.delivered })
  const cure = cureOf(error)
  if (cure !== null) return new SendError('auth', `${message}; ${cure}`)
  const known = code === null ? undefined : classes.get(code)
  if (known === undefined) {
    const plain = statusError(message, status, retryAfterMs)
    // HTTP 200 with a code nobody knows is a refusal, and so is 400.
    return media && plain.code === 'rejected' ? new SendError('media_rejected', message) : plain
  }
  if (known === 'rate_limited') return new SendError(known, message, { retryAfterMs: retryAfterMs ?? chatDistanceMs })
  if (known === 'unavailable') return new SendError(known, message, { delivered: 'maybe', retryAfterMs })
  return new SendError(known === 'rejected' && media ? 'media_rejected' : known, message)
}
