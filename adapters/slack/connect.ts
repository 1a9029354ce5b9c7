import { isUtf8 } from 'node:buffer'
import * as v from 'valibot'
import type { HttpAnswer, InboundEvent, Log, Proof, RawRequest, Verdict } from '../../src/contract/index.ts'
import { vouch } from '../../src/contract/index.ts'
import { jsonObject } from '../kit/webhook.ts'
import {
  type DecodeContext,
  type Decoded,
  decodeEvent,
  decodePress,
  decodeSlash,
  enterpriseOf,
  pressedIn,
  workspaceOf,
} from './decode.ts'
import type { ShowHome } from './home.ts'
import type { Lifecycle } from './lifecycle.ts'
import { isSigned } from './verify.ts'
import { challenge, envelope, interaction, rateLimited, slash } from './wire.ts'

/** The largest are views of 250 kB and messages with many blocks. */
export const maxBytes = 1024 * 1024

export type DeliveryKind = 'events_api' | 'interactive' | 'slash_commands'

export interface TakeDeps {
  readonly context: DecodeContext
  readonly lifecycle: Lifecycle
  readonly belongs: (workspace: string, enterprise: string) => Promise<void>
  /** Why nothing of a workspace is served; null when it is. */
  readonly refusal: (workspace: string) => string | null
  /** Keeps the channel of a direct chat, which bears its person's id in our addresses. */
  readonly learn: (workspace: string | undefined, user: string, channel: string) => void
  readonly home: ShowHome
  readonly log: Log
}

/** What a delivery of Slack means, by whichever way it came. Whatever is not understood is nothing. */
export type Take = (kind: DeliveryKind, payload: unknown, proof: Proof) => Promise<readonly InboundEvent[]>

export const makeTake = ({ context, lifecycle, belongs, refusal, learn, home, log }: TakeDeps): Take => {
  /** `channel`: where it happened, if our bot is surely there (a command can be typed anywhere). */
  const eventsOf = (decoded: Decoded, channel?: string): readonly InboundEvent[] => {
    if (decoded.kind === 'event') {
      const { where } = decoded.event
      const { workspace = '' } = where
      const reason = refusal(workspace)
      if (reason !== null) {
        log.warn({ workspace, reason }, 'the installation is not to be used, so nothing of its workspace is served')
        return []
      }
      if (where.kind === 'dm' && channel !== undefined) learn(where.workspace, where.chat, channel)
      return [decoded.event]
    }
    log.debug({ why: decoded.why }, 'a delivery is not for us')
    return []
  }
  const unread = (kind: DeliveryKind): readonly InboundEvent[] => {
    log.warn({ kind }, 'a delivery of Slack could not be read and is skipped')
    return []
  }

  const fromEvents = async (payload: unknown, proof: Proof): Promise<readonly InboundEvent[]> => {
    const limit = v.safeParse(rateLimited, payload)
    if (limit.success) {
      await lifecycle.rateLimited(limit.output.team_id, limit.output.minute_rate_limited ?? context.now() / 1000)
      return []
    }
    const read = v.safeParse(envelope, payload)
    if (!read.success) return unread('events_api')
    const [authorization] = read.output.authorizations
    const enterprise = enterpriseOf(read.output)
    const workspace = workspaceOf(read.output)
    if (authorization?.is_enterprise_install === true && enterprise !== null && workspace !== null)
      await belongs(workspace, enterprise)
    if (await lifecycle.event(read.output)) return []
    // Slack waits for our confirmation, not for the tab.
    home(read.output, proof).catch((error: unknown) =>
      log.error({ error: String(error) }, 'the home tab failed unexpectedly'),
    )
    return eventsOf(decodeEvent(vouch(read.output, proof), context), read.output.event.channel)
  }

  return async (kind, payload, proof) => {
    if (kind === 'events_api') return fromEvents(payload, proof)
    if (kind === 'slash_commands') {
      const read = v.safeParse(slash, payload)
      if (!read.success) return unread(kind)
      const { is_enterprise_install: wide, enterprise_id: enterprise, team_id: team } = read.output
      if (wide === true && enterprise !== undefined && team !== undefined) await belongs(team, enterprise)
      return eventsOf(decodeSlash(vouch(read.output, proof), context))
    }
    const read = v.safeParse(interaction, payload)
    if (!read.success) return unread(kind)
    const { is_enterprise_install: wide, enterprise } = read.output
    const where = pressedIn(read.output)
    if (wide === true && enterprise && where !== null) await belongs(where, enterprise.id)
    return eventsOf(decodePress(vouch(read.output, proof), context), read.output.channel)
  }
}

const plain = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }
/** Empty: what stood in it would be shown to whoever typed a command. */
const taken: HttpAnswer = { status: 200, headers: plain, body: '' }

export interface ReceiveDeps {
  readonly take: Take
  readonly signingSecret: string
  readonly now: () => number
  readonly log: Log
}

/** The verdict on a call to any of our paths: events, commands and presses may all come to the same. What Slack did sign
 *  is answered 200, understood or not; anything else would come again. */
export const makeReceive = ({ take, signingSecret, now, log }: ReceiveDeps) => {
  const found = async (request: RawRequest): Promise<readonly InboundEvent[] | HttpAnswer> => {
    if (request.header('content-type')?.startsWith('application/x-www-form-urlencoded') === true) {
      const form = isUtf8(request.body) ? new URLSearchParams(Buffer.from(request.body).toString('utf8')) : null
      const payload = form?.get('payload')
      if (payload) return take('interactive', jsonObject(Buffer.from(payload)), 'signature')
      if (form?.has('command')) return take('slash_commands', Object.fromEntries(form), 'signature')
      if (form?.get('ssl_check') !== '1') log.warn({}, 'a signed form is nothing we know, and is ignored')
      return taken
    }
    const body = jsonObject(request.body)
    const asked = v.safeParse(challenge, body)
    if (asked.success) {
      log.info({}, 'Slack has checked the Request URL')
      return { ...taken, body: asked.output.challenge }
    }
    return take('events_api', body, 'signature')
  }

  return async (request: RawRequest): Promise<Verdict> => {
    if (request.method === 'GET') {
      if (request.query.get('ssl_check') === '1') return { kind: 'answer', answer: taken }
      return { kind: 'reject', status: 405, reason: 'Slack calls with POST' }
    }
    if (!isSigned(request.header, request.body, signingSecret, now()))
      return { kind: 'reject', status: 401, reason: 'wrong, missing or old X-Slack-Signature' }
    const events = await found(request)
    if ('status' in events) return { kind: 'answer', answer: events }
    return events.length === 0 ? { kind: 'answer', answer: taken } : { kind: 'events', events, ack: taken }
  }
}
