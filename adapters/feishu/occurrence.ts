// A file of its own: the envelopes, which come by webhook and over the long connection alike.
import * as v from 'valibot'
import type { JsonObject } from '../kit/webhook.ts'
import type { Occurrence } from './decode.ts'
import { envelope, oldEnvelope, oldPress } from './wire.ts'

export interface Opened {
  readonly occurrence: Occurrence
  /** The verification token inside. Presses of the old form have none. */
  readonly token: string | undefined
  /** The app it is meant for. */
  readonly appId: string | undefined
  readonly form: 'new' | 'old' | 'old press'
}

/** Milliseconds since the epoch: events tell 13 digits, cards 16 (microseconds). */
const timeOf = (digits: string | undefined): number | null => {
  if (digits === undefined || digits.length < 10) return null
  if (digits.length <= 10) return Number(digits) * 1000
  return digits.length >= 16 ? Math.floor(Number(digits) / 1000) : Number(digits)
}

/** Reads an envelope of any form; null for anything else. A body that calls itself new is never read as an old one. */
export const openEnvelope = (body: JsonObject): Opened | null => {
  if (body.schema !== undefined || body.header !== undefined) {
    const read = v.safeParse(envelope, body)
    if (!read.success) return null
    const { header, event } = read.output
    const occurrence: Occurrence = {
      type: header.event_type,
      id: header.event_id,
      atMs: timeOf(header.create_time),
      tenantKey: header.tenant_key,
      event,
    }
    return { occurrence, token: header.token, appId: header.app_id, form: 'new' }
  }
  const old = v.safeParse(oldEnvelope, body)
  if (old.success) {
    const { uuid, ts, token, event } = old.output
    const atMs = ts === undefined ? null : Math.floor(Number(ts) * 1000)
    const occurrence: Occurrence = { type: event.type, id: uuid, atMs, tenantKey: event.tenant_key, event }
    return { occurrence, token, appId: event.app_id, form: 'old' }
  }
  const card = v.safeParse(oldPress, body)
  if (!card.success) return null
  const type = 'card.action.trigger_v1'
  const occurrence: Occurrence = { type, id: undefined, atMs: null, tenantKey: card.output.tenant_key, event: body }
  return { occurrence, token: undefined, appId: undefined, form: 'old press' }
}
