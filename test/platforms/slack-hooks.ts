import { createHmac } from 'node:crypto'
import type { Forgery, RawCall } from './platform.ts'

export const signingSecret = 'fake-slack-signing-secret-for-tests-only'
export const appId = 'A0FAKEAPP01'
export const eventsPath = '/slack/events'
export const interactionsPath = '/slack/interactions'

/** A workspace that has the app, and the bot's own names in it. */
export interface Team {
  readonly id: string
  readonly name: string
  readonly botUser: string
  readonly botId: string
  /** The organisation it belongs to, when the app was installed there for all of its workspaces. */
  readonly enterprise: string | null
}

export const teams: readonly Team[] = [
  { id: 'T0FAKETEAM1', name: 'Example WS', botUser: 'U0FAKEBOT01', botId: 'B0FAKEBOT01', enterprise: null },
  { id: 'T0FAKETEAM2', name: 'Other WS', botUser: 'U0FAKEBOT02', botId: 'B0FAKEBOT02', enterprise: null },
  { id: 'T0FAKETEAM3', name: 'Grid WS', botUser: 'U0FAKEBOT03', botId: 'B0FAKEBOT03', enterprise: 'E0FAKEORG01' },
]
export const home = teams[0] as Team

export const signatureOf = (body: string, timestamp: string, secret = signingSecret): string =>
  `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`, 'utf8').digest('hex')}`

export interface CallMore {
  readonly path?: string
  readonly type?: 'application/json' | 'application/x-www-form-urlencoded'
  readonly headers?: Readonly<Record<string, string>>
}

/** A request as Slack signs it at that moment. */
export const signed = (body: string, atMs: number, more: CallMore = {}): RawCall => {
  const timestamp = String(Math.floor(atMs / 1000))
  return {
    method: 'POST',
    path: more.path ?? eventsPath,
    headers: {
      'content-type': more.type ?? 'application/json',
      'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': signatureOf(body, timestamp),
      ...more.headers,
    },
    body,
  }
}

/** A delivery in all its forms: as an HTTP request, and as what a Socket Mode envelope holds. */
export interface Delivery {
  readonly kind: 'events_api' | 'interactive' | 'slash_commands'
  readonly payload: Readonly<Record<string, unknown>>
}

export const callOf = ({ kind, payload }: Delivery, atMs: number, headers: Readonly<Record<string, string>> = {}) => {
  if (kind === 'events_api') return signed(JSON.stringify(payload), atMs, { headers })
  const form =
    kind === 'interactive'
      ? new URLSearchParams({ payload: JSON.stringify(payload) })
      : new URLSearchParams(payload as Record<string, string>)
  return signed(form.toString(), atMs, { path: interactionsPath, type: 'application/x-www-form-urlencoded', headers })
}

export const envelope = (team: Team, event: object, eventId: string, atMs: number, more: object = {}): Delivery => ({
  kind: 'events_api',
  payload: {
    token: 'FAKE-legacy-verification-token',
    team_id: team.id,
    context_team_id: team.id,
    context_enterprise_id: team.enterprise,
    ...(team.enterprise === null ? {} : { enterprise_id: team.enterprise }),
    api_app_id: appId,
    event,
    type: 'event_callback',
    event_id: eventId,
    event_time: Math.floor(atMs / 1000),
    authorizations: [
      {
        enterprise_id: team.enterprise,
        team_id: team.enterprise === null ? team.id : null,
        user_id: team.botUser,
        is_bot: true,
        is_enterprise_install: team.enterprise !== null,
      },
    ],
    is_ext_shared_channel: false,
    event_context: '4-fakeeventcontext',
    ...more,
  },
})

/** Only these three are ever written as entities (Slack, "Escaping text"). */
export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
export const unescaped = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')

/** Requests of somebody who is not Slack, or of Slack at another time or for another app. */
export const forgeriesWith = (delivery: Delivery, atMs: number): readonly Forgery[] => {
  const good = callOf(delivery, atMs)
  const body = String(good.body)
  const now = String(Math.floor(atMs / 1000))
  const withHeaders = (more: Readonly<Record<string, string>>): RawCall => ({
    ...good,
    headers: { ...good.headers, ...more },
  })
  const { 'x-slack-signature': _, ...unsigned } = good.headers
  const { 'x-slack-request-timestamp': __, ...undated } = good.headers
  const dated = (ms: number): RawCall => callOf(delivery, atMs + ms)
  return [
    { name: 'no signature', call: { ...good, headers: unsigned }, status: 401 },
    { name: 'no timestamp', call: { ...good, headers: undated }, status: 401 },
    { name: 'an empty signature', call: withHeaders({ 'x-slack-signature': '' }), status: 401 },
    {
      name: 'the secret of another app',
      call: withHeaders({ 'x-slack-signature': signatureOf(body, now, 'fake-other-secret') }),
      status: 401,
    },
    {
      name: 'a cut signature',
      call: withHeaders({ 'x-slack-signature': signatureOf(body, now).slice(0, -2) }),
      status: 401,
    },
    { name: 'a signature of six minutes ago', call: dated(-360_000), status: 401 },
    { name: 'a signature of the future', call: dated(360_000), status: 401 },
    {
      name: 'a signature with another timestamp',
      call: withHeaders({ 'x-slack-request-timestamp': String(Number(now) - 1) }),
      status: 401,
    },
    {
      name: 'a timestamp that is no number',
      call: withHeaders({ 'x-slack-request-timestamp': 'NaN', 'x-slack-signature': signatureOf(body, 'NaN') }),
      status: 401,
    },
    { name: 'words changed after signing', call: { ...good, body: body.replace('status', 'stop  ') }, status: 401 },
    {
      name: 'an unsigned url_verification',
      call: { ...good, headers: unsigned, body: JSON.stringify({ type: 'url_verification', challenge: 'x' }) },
      status: 401,
    },
    { name: 'another method', call: { ...good, method: 'PUT' }, status: 405 },
    { name: 'a body too large', call: { ...good, body: `${body}${' '.repeat(2 * 1024 * 1024)}` }, status: 413 },
  ]
}
