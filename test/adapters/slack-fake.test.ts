import { SocketModeClient } from '@slack/socket-mode'
import { ErrorCode, WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../kit/core.ts'
import { type FakeSlack, startSlack } from '../platforms/slack.ts'
import { home, signatureOf } from '../platforms/slack-hooks.ts'
import { clientId, clientSecret } from '../platforms/slack-oauth.ts'
import { appToken, botToken } from '../platforms/slack-world.ts'

let fake: FakeSlack
beforeEach(async () => {
  fake = await startSlack()
})
afterEach(() => fake.close())

const quiet = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  setLevel: () => {},
  getLevel: () => 'error' as never,
  setName: () => {},
}
const client = (token = botToken, more: object = {}): WebClient =>
  new WebClient(token, { slackApiUrl: `${fake.host.origin}/api/`, retryConfig: { retries: 0 }, logger: quiet, ...more })
const channel = 'C0FAKECHAN1'
const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'ok',
    (error: { data?: { error?: string } }) => error.data?.error ?? error,
  )

describe('the fake, with Slack’s own Web API client', () => {
  it('knows the token, posts, changes and reads back with metadata', async () => {
    const web = client()
    expect(await web.auth.test()).toMatchObject({ team_id: home.id, user_id: home.botUser, bot_id: home.botId })
    const metadata = { event_type: 'part', event_payload: { key: 'k1' } }
    const posted = await web.chat.postMessage({ channel, text: 'hello *you* &amp; me', metadata })
    expect(fake.shown()).toMatchObject([{ text: 'hello you & me', place: fake.places.group }])
    const blocks = [
      { type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: '*as is*' }] }] },
      {
        type: 'actions',
        elements: [{ type: 'button', action_id: '0', value: 'v', text: { type: 'plain_text', text: 'Yes' } }],
      },
    ]
    await web.chat.update({ channel, ts: posted.ts ?? '', text: 'x', blocks: blocks as never })
    expect(fake.shown()).toMatchObject([{ text: '*as is*', edits: 1, buttons: [{ label: 'Yes' }] }])
    const { messages } = await web.conversations.history({ channel, include_all_metadata: true })
    expect(messages?.[0]).toMatchObject({ ts: posted.ts, metadata })
  })

  it('refuses as Slack does', async () => {
    const web = client()
    expect(await code(client('xoxb-other').auth.test())).toBe('invalid_auth')
    expect(await code(web.chat.postMessage({ channel: 'C0NOWHERE', text: 'x' }))).toBe('channel_not_found')
    expect(await code(web.chat.postMessage({ channel: 'C0FAKEFOREIGN', text: 'x' }))).toBe('not_in_channel')
    expect(await code(web.chat.postMessage({ channel, text: '' }))).toBe('no_text')
    expect(await code(web.chat.update({ channel, ts: '1.2', text: 'x' }))).toBe('message_not_found')
    expect(await code(web.chat.postMessage({ channel, text: 'x', blocks: [{ type: 'actions', elements: [] }] }))).toBe(
      'invalid_blocks',
    )
    expect(await code(web.apps.connections.open({}))).toBe('not_allowed_token_type')
    expect(await code(web.apiCall('chat.nothing'))).toBe('unknown_method')
    fake.mishap({
      method: /^chat\.postMessage$/,
      channel,
      how: { kind: 'status', status: 429, headers: { 'retry-after': '30' } },
    })
    await web.chat.postMessage({ channel: 'D0FAKEDM001', text: 'another channel' })
    const limited = client(botToken, { rejectRateLimitedCalls: true }).chat.postMessage({ channel, text: 'x' })
    await expect(limited).rejects.toMatchObject({ code: ErrorCode.RateLimitedError, retryAfter: 30 })
  })

  it('takes a file in three steps, into a thread', async () => {
    const upload = { file: Buffer.from('a picture'), filename: 'fox.png', channel_id: channel }
    await client().filesUploadV2({ ...upload, thread_ts: '1767225607.000100', initial_comment: 'look' })
    expect(fake.shown()).toMatchObject([
      { text: 'look', place: fake.places.thread, media: [{ name: 'fox.png', bytes: 9 }] },
    ])
    const info = await client().files.info({ file: [...fake.world.files.keys()][0] ?? '' })
    const response = await fetch(info.file?.url_private_download ?? '', {
      headers: { authorization: `Bearer ${botToken}` },
    })
    expect(await response.text()).toBe('a picture')
  })

  it('shows what is for one person to them alone, and a response_url works five times', async () => {
    await client().chat.postEphemeral({ channel, user: fake.people.ann.id, text: 'psst' })
    expect(fake.shown()).toMatchObject([{ text: 'psst', onlyFor: fake.people.ann.id }])
    fake.connect(async (call) => {
      const url = new URLSearchParams(String(call.body)).get('response_url') ?? ''
      const statuses: number[] = []
      for (let i = 0; i < 6; i++) {
        const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":"hi"}' }
        statuses.push((await fetch(url, init)).status)
      }
      return { status: 200, headers: {}, body: JSON.stringify(statuses) }
    })
    const reply = await fake.command(fake.people.ann, fake.places.group, '/openclaw', 'help')
    expect(JSON.parse(reply?.body ?? '')).toEqual([200, 200, 200, 200, 200, 404])
  })

  it('gives tokens for a code once, and rotates them', async () => {
    const web = new WebClient(undefined, { slackApiUrl: `${fake.host.origin}/api/`, logger: quiet })
    const keys = { client_id: clientId, client_secret: clientSecret }
    const once = fake.oauth.agree({ redirectUri: 'https://bot.example.org/cb', rotating: true })
    expect(await code(web.oauth.v2.access({ ...keys, code: once, redirect_uri: 'https://evil.example.org' }))).toBe(
      'bad_redirect_uri',
    )
    const second = fake.oauth.agree({ rotating: true })
    const first = await web.oauth.v2.access({ ...keys, code: second })
    expect(first).toMatchObject({ team: { id: home.id }, bot_user_id: home.botUser, expires_in: 43_200 })
    expect(await code(web.oauth.v2.access({ ...keys, code: second }))).toBe('invalid_code')
    const renew = { ...keys, grant_type: 'refresh_token' as const, refresh_token: first.refresh_token ?? '' }
    const renewed = await web.oauth.v2.access(renew)
    expect(await client(renewed.access_token).auth.test()).toMatchObject({ team_id: home.id })
    expect(await code(web.oauth.v2.access(renew))).toBe('invalid_refresh_token')
  })
})

describe('the fake, with Slack’s own Socket Mode client', () => {
  it('greets, hands over, is confirmed, and is followed to a new connection', async () => {
    await fake.close()
    fake = await startSlack({ mode: 'socket' })
    const socket = new SocketModeClient({
      appToken,
      logger: quiet,
      clientPingTimeout: 300,
      clientOptions: { slackApiUrl: `${fake.host.origin}/api/` },
    })
    const seen: string[] = []
    socket.on('slack_event', async ({ ack, body, type }: { ack: () => Promise<void>; body: object; type: string }) => {
      seen.push(type)
      expect(body).toBeTypeOf('object')
      await ack()
    })
    await socket.start()
    await fake.say(fake.people.ann, fake.places.dm, 'hello')
    await fake.command(fake.people.ann, fake.places.dm, '/openclaw', 'help')
    await eventually(() => fake.socket.idle())
    expect(seen).toEqual(['events_api', 'slash_commands'])
    fake.socket.disconnect('refresh_requested')
    await eventually(() => fake.socket.opened() === 2 && fake.socket.connections() === 1)
    await fake.say(fake.people.ann, fake.places.dm, 'again')
    await eventually(() => fake.socket.idle())
    expect(seen).toHaveLength(3)
    await socket.disconnect()
  })

  it('hands over again what nobody confirmed', async () => {
    const opened = await client(appToken).apps.connections.open({})
    const ws = new WebSocket(opened.url ?? '')
    const frames: { envelope_id?: string; type: string; retry_attempt?: number; payload?: { event_id: string } }[] = []
    ws.addEventListener('message', ({ data }) => frames.push(JSON.parse(String(data))))
    await eventually(() => frames.length === 1)
    fake.socket.push({ kind: 'events_api', payload: { event_id: 'Ev1' } })
    await eventually(() => frames.length === 3)
    expect(frames.map(({ type, retry_attempt }) => [type, retry_attempt])).toEqual([
      ['hello', undefined],
      ['events_api', 0],
      ['events_api', 1],
    ])
    expect(frames[1]?.envelope_id).not.toBe(frames[2]?.envelope_id)
    expect(frames[1]?.payload).toEqual(frames[2]?.payload)
    ws.send(JSON.stringify({ envelope_id: frames[2]?.envelope_id }))
    await eventually(() => fake.socket.idle())
    ws.close()
    await expect(fetch(opened.url?.replace('ws', 'http') ?? '')).resolves.toMatchObject({ status: 404 })
  })
})

it('signs as the recorded requests are signed', () => {
  const body =
    '{"token":"FAKE-legacy-verification-token","challenge":"fakechallenge0123456789abcdef","type":"url_verification"}'
  expect(signatureOf(body, '1767225610')).toBe('v0=2ca506bcaa594a755cd077d797464e81f7292ec073f486d6941b99f8104731a5')
})
