import {
  callbackPath,
  callOf,
  challenge,
  delivered,
  eventPath,
  type FeishuApp,
  oldCardHeaders,
  otherApp,
  pressOf,
  signedHeaders,
  textMessage,
  type V2,
  v2,
  type Writer,
} from './feishu-events.ts'
import type { Forgery } from './platform.ts'

const zeros = (length: number) => ({ 'x-lark-signature': '0'.repeat(length) })

const withToken = (payload: V2, token: string | undefined): object => {
  const { token: _, ...header } = payload.header
  return { ...payload, header: token === undefined ? header : { ...header, token } }
}

/** Calls to one path that have to be refused, for an app with or without an encrypt key. */
const forgeriesAt = (path: string, app: FeishuApp, from: Writer, nowMs: number): readonly Forgery[] => {
  const stamp = String(Math.floor(nowMs / 1000))
  const message = v2(app, 'forged', 'im.message.receive_v1', nowMs, textMessage(from, {}, '/approve apr_1'))
  const press = v2(
    app,
    'forged',
    'card.action.trigger',
    nowMs,
    pressOf(from, { chat: 'oc_fa4e1', message: 'om_fa4e1' }, { k: 'x' }),
  )
  const oldCard = {
    open_id: from.openId,
    open_message_id: 'om_fa4e1',
    open_chat_id: 'oc_fa4e1',
    token: 'c-FAKE',
    action: { value: { k: 'x' }, tag: 'button' },
  }
  const plain = (payload: object) => callOf(path, JSON.stringify(payload))
  const oldBody = JSON.stringify(oldCard)
  const bypass = JSON.stringify({ schema: '2.0', ...oldCard })
  const oldHeaders = (body: string) => oldCardHeaders(body, app.token, stamp)
  const all: [string, ReturnType<typeof callOf>][] = [
    ['an event without a token', plain(withToken(message, undefined))],
    ['an event with an empty token', plain(withToken(message, ''))],
    ["an event with another app's token", plain(withToken(message, otherApp.token))],
    ["an event for another app's id", plain({ ...message, header: { ...message.header, app_id: otherApp.appId } })],
    ['a press without a token', plain(withToken(press, undefined))],
    ['a press with an empty token', plain(withToken(press, ''))],
    ["another app's address check", challenge(app, path, otherApp.token)],
    ['an address check without a token', plain({ challenge: 'x', type: 'url_verification' })],
    ['an old press without a signature', callOf(path, oldBody)],
    ['an old press with a wrong signature', callOf(path, oldBody, { ...oldHeaders(oldBody), ...zeros(40) })],
    ['an old press that calls itself a new one', callOf(path, bypass, { ...oldHeaders(bypass), ...zeros(40) })],
    ['an old event without a token', plain({ uuid: 'u1', type: 'event_callback', event: { type: 'message' } })],
    ['nothing at all', callOf(path, '{}')],
  ]
  if (app.encryptKey !== null) {
    const real = delivered(app, path, message, nowMs)
    const body = String(real.body)
    const { 'x-lark-signature': _, ...unsigned } = real.headers
    const stale = String(Number(stamp) - 3600)
    all.push(
      ['a plain event although there is a key', plain(message)],
      ['a plain press although there is a key', plain(press)],
      ['an encrypted event without a signature', { ...real, headers: unsigned }],
      ['an encrypted event with a wrong signature', { ...real, headers: { ...real.headers, ...zeros(64) } }],
      [
        'an encrypted event changed on the way',
        { ...real, body: body.replace(/.(?=..$)/, (c) => (c === 'A' ? 'B' : 'A')) },
      ],
      ['an encrypted event an hour old', callOf(path, body, signedHeaders(body, app.encryptKey, stale))],
      ["an event encrypted with another app's key", delivered(otherApp, path, message, nowMs)],
      ['an encrypted event with a wrong token inside', delivered(app, path, withToken(message, otherApp.token), nowMs)],
    )
  }
  return all.map(([name, call]) => ({ name: `${name} (${path})`, call, status: 401 }))
}

export const forgeriesFor = (
  app: FeishuApp,
  mode: 'websocket' | 'webhook',
  from: Writer,
  nowMs: number,
): readonly Forgery[] =>
  (mode === 'webhook' ? [eventPath, callbackPath] : [callbackPath]).flatMap((path) =>
    forgeriesAt(path, app, from, nowMs),
  )
