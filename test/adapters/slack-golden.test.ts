import { describe, expect, it } from 'vitest'
import type { InboundEvent, SendCode } from '../../src/contract/index.ts'
import { never, requestOf, text } from '../kit/adapter.ts'
import { makeClock } from '../kit/core.ts'
import { type Golden, golden, goldenClock, goldenNames, home, makePart, makeSlack, settings } from './slack-kit.ts'

const channel = { ...home, chat: 'C0FAKECHAN1', kind: 'group' }
const dm = { ...home, chat: 'U0FAKEALICE', kind: 'dm' }
const thread = '1767225607.000100'
const alice = { id: 'U0FAKEALICE', aliases: ['T0FAKETEAM1/U0FAKEALICE'], self: false, bot: false }
const said = (words: string, addressed = true) => ({ kind: 'text', text: words, addressed })
const mention = {
  id: `slack:app:T0FAKETEAM1:C0FAKECHAN1:${thread}`,
  at: 1_767_225_607_000,
  body: said('/status'),
  from: alice,
  where: { ...channel, thread },
  message: thread,
}
const command = {
  id: 'slack:app:T0FAKETEAM1:command:1111.2222.fakefakefakefake',
  body: said('/run portrait steps=20 prompt="a red fox & friends"'),
  from: { ...alice, name: 'alice' },
  where: channel,
}
const press = {
  id: 'slack:app:T0FAKETEAM1:C0FAKECHAN1:1767225607.001300:approve:U0FAKEALICE:1767225720.123456',
  at: 1_767_225_720_123,
  body: { kind: 'press', action: 'apr_12345:9f2c', message: '1767225607.001300' },
  from: { ...alice, name: 'alice' },
  where: { ...channel, thread },
}

/** What each delivery means where the bot need not be mentioned. */
const events: Readonly<Record<string, readonly object[]>> = {
  'events.app-mention': [mention],
  'events.message-channel-same-ts': [mention],
  'events.app-mention-retry1': [mention],
  'events.message-dm': [{ body: said('/help'), from: alice, where: dm, message: '1767225607.000200', media: [] }],
  'events.message-private': [{ where: { ...home, kind: 'group' } }],
  'events.message-thread-reply': [{ body: said('and the second one?', false), where: { ...channel, thread } }],
  'events.message-thread-broadcast': [{ where: { ...channel, thread } }],
  'events.message-file-share': [
    {
      body: said('/run upscale'),
      where: dm,
      media: [{ kind: 'image', ref: 'T0FAKETEAM1/F0FAKEFILE1', mime: 'image/png', bytes: 183_422, name: 'fox.png' }],
    },
  ],
  'events.message-file-connect': [{ media: [{ kind: 'file', ref: 'T0FAKETEAM1/F0FAKEFILE2' }] }],
  'events.message-changed': [],
  'events.message-changed-unfurl': [],
  'events.message-deleted': [],
  'events.message-own-bot': [],
  'events.message-other-bot': [],
  'events.member-joined-channel': [{ body: said('/start'), from: alice, where: channel }],
  'events.channel-left': [],
  'events.reaction-added': [],
  'events.app-home-opened': [],
  'events.tokens-revoked': [],
  'events.app-uninstalled': [],
  'events.app-rate-limited': [],
  'events.enterprise-install': [{ body: said('hello from org'), where: { ...dm, workspace: 'T0FAKETEAM1' } }],
  // Somebody of another organisation is nobody by their bare id.
  'events.shared-channel': [{ from: { id: 'T0PARTNER01/U0PARTNER01', self: false, bot: false } }],
  'events.assistant-thread-started': [],
  'slash.command': [command],
  'slash.ssl-check': [],
  'interactive.block-actions': [press],
  'interactive.view-submission': [],
  'interactive.message-shortcut': [],
}

const socketEvents: Readonly<Record<string, readonly object[]>> = {
  'socket.events-api': [{ body: said('/status'), where: dm, proof: 'tls' }],
  'socket.events-api-retry': [{ body: said('/status'), where: dm, proof: 'tls' }],
  'socket.slash-command': [command],
  'socket.interactive': [press],
}

const refused: Readonly<Record<string, number>> = {
  'events.bad-signature': 401,
  'events.stale-timestamp': 401,
  'events.other-secret': 401,
}

const errors: Readonly<Record<string, { readonly code: SendCode; delivered?: 'maybe'; retryAfterMs?: number }>> = {
  'error.429': { code: 'rate_limited', retryAfterMs: 30_000 },
  'error.account_inactive': { code: 'auth' },
  'error.channel_not_found': { code: 'target_gone' },
  'error.internal_error': { code: 'unavailable', delivered: 'maybe' },
  'error.invalid_auth': { code: 'auth' },
  'error.invalid_blocks': { code: 'rejected' },
  'error.is_archived': { code: 'target_gone' },
  'error.missing-scope': { code: 'auth' },
  'error.msg_too_long': { code: 'rejected' },
  'error.not_in_channel': { code: 'target_gone' },
  'error.token_expired': { code: 'auth' },
  'error.token_revoked': { code: 'auth' },
}

/** Used by the tests of Socket Mode, of installing, and below. */
const elsewhere = [
  'socket.hello',
  'socket.ack-sent',
  'socket.disconnect-refresh',
  'socket.disconnect-warning',
  'socket.disconnect-disabled',
  'oauth.v2-access',
  'oauth.v2-access-rotation',
  'oauth.v2-refresh',
  'oauth.v2-access-enterprise',
  'oauth.invalid-code',
]
const here = [
  'events.url-verification',
  'api.auth-test',
  'api.postmessage-ok',
  'api.getuploadurl-ok',
  'api.upload-post-ok',
  'api.completeupload-ok',
]

const clock = makeClock(goldenClock)
const receive = async (name: string) => {
  const { method, path, headers, rawBody } = golden(name).request ?? raise(name)
  const slack = makeSlack({ ...settings, REQUIRE_MENTION: 'false' }, { now: clock.now })
  const verdict = await slack.receive(requestOf({ method, path, headers, body: rawBody }))
  return { verdict, lines: slack.lines }
}
const raise = (name: string): never => {
  throw new Error(`${name} holds no request`)
}

/** An adapter whose calls are answered with recorded answers. */
const answering = (answers: Readonly<Record<string, Golden>>) => {
  const asked: { url: string; headers: Headers; body: unknown }[] = []
  const fetch: typeof globalThis.fetch = async (url, init) => {
    asked.push({ url: String(url), headers: new Headers(init?.headers), body: init?.body })
    const { response } =
      answers[Object.keys(answers).find((part) => String(url).includes(part)) ?? ''] ?? raise(String(url))
    const body = typeof response?.body === 'string' ? response.body : JSON.stringify(response?.body)
    return new Response(body, { status: response!.status, headers: response!.headers })
  }
  const { API_BASE: _, ...real } = settings
  return { ...makeSlack(real, { fetch, now: clock.now }), asked }
}

const check = (name: string, got: readonly InboundEvent[], wanted: readonly object[]): void => {
  expect(got).toMatchObject(wanted)
  expect(got).toHaveLength(wanted.length)
  for (const event of got) {
    expect(event.at).toBeGreaterThanOrEqual(1_767_225_600_000)
    expect(JSON.parse(JSON.stringify(event))).toStrictEqual(event)
  }
  const key = golden(name).meta.idempotencyKey
  if (got[0] && key?.startsWith('slack:action:')) expect(got[0].id).toBe(key.replace('slack:action', 'slack:app'))
}

describe('recorded requests', () => {
  it.each(Object.entries(events))('%s means what it should', async (name, wanted) => {
    const { verdict, lines } = await receive(name)
    expect(verdict.kind).toBe(wanted.length > 0 ? 'events' : 'answer')
    if (verdict.kind === 'events') expect(verdict.ack).toMatchObject({ status: 200, body: '' })
    else expect(verdict).toMatchObject({ answer: { status: 200, body: '' } })
    check(name, verdict.kind === 'events' ? verdict.events : [], wanted)
    for (const event of verdict.kind === 'events' ? verdict.events : []) expect(event.proof).toBe('signature')
    expect(lines.filter((line) => line.includes('could not be read'))).toEqual([])
  })

  it.each(Object.entries(refused))('%s is refused with %i', async (name, status) => {
    expect((await receive(name)).verdict).toMatchObject({ kind: 'reject', status })
  })

  it('the check of the Request URL is answered with the challenge', async () => {
    const { verdict } = await receive('events.url-verification')
    const answer = { status: 200, body: 'fakechallenge0123456789abcdef' }
    expect(verdict).toMatchObject({ kind: 'answer', answer })
  })

  it('one message told twice, or again, is one act', async () => {
    const names = ['events.app-mention', 'events.message-channel-same-ts', 'events.app-mention-retry1']
    const found = await Promise.all(names.map(async (name) => (await receive(name)).verdict))
    const all = found.flatMap((one) => (one.kind === 'events' ? one.events : []))
    expect(all).toHaveLength(3)
    expect(all[1]).toEqual(all[0])
    expect(all[2]).toEqual(all[0])
  })

  it('with a mention required, talk in channels is not even kept', async () => {
    for (const name of ['events.message-thread-reply', 'events.message-file-connect', 'events.shared-channel']) {
      const { method, headers, rawBody } = golden(name).request ?? raise(name)
      const slack = makeSlack(settings, { now: clock.now })
      const call = { method, path: '/slack/events', headers, body: rawBody }
      expect(await slack.receive(requestOf(call)), name).toMatchObject({ kind: 'answer' })
    }
  })
})

describe('recorded envelopes of Socket Mode', () => {
  it.each(Object.entries(socketEvents))('%s means the same as by HTTP', async (name, wanted) => {
    const { makeTake } = await import('../../adapters/slack/connect.ts')
    const got: InboundEvent[] = []
    const take = makeTake({
      context: {
        account: 'app',
        requireMention: true,
        replyInThread: true,
        botUser: () => null,
        isCommand: () => false,
        now: clock.now,
      },
      lifecycle: { event: async () => false, rateLimited: async () => {} },
      belongs: async () => {},
      refusal: () => null,
      learn: () => {},
      home: async () => {},
      log: makeSlack().deps.log,
    })
    const { payload, type } = golden(name).payload as { payload: unknown; type: 'events_api' }
    got.push(...(await take(type, payload, 'tls')))
    check(name, got, wanted)
  })
})

describe('recorded answers of the Web API', () => {
  it.each(Object.entries(errors))('%s is told in the words of the contract', async (name, { code, ...more }) => {
    const { adapter } = answering({ 'chat.postMessage': golden(name) })
    const sending = adapter.send(makePart([text('hello')]), never)
    await expect(sending).rejects.toMatchObject({ name: 'SendError', code, delivered: 'no', ...more })
  })

  it('names the cure where the operator has one', async () => {
    const { adapter } = answering({ 'chat.postMessage': golden('error.token_revoked') })
    await expect(adapter.send(makePart([text('hello')]), never)).rejects.toThrow(
      /token_revoked.*OPENCLAW_CONNECTOR_SLACK_BOT_TOKEN/,
    )
    const lacking = answering({ 'files.getUploadURLExternal': golden('error.missing-scope') })
    const media = { kind: 'image', blob: 'b', name: 'fox.png', mime: 'image/png', bytes: 10 } as const
    const sending = lacking.adapter.send(makePart([{ kind: 'media', as: 'file', media }]), never)
    // Words still arrive, so only the file is given up.
    await expect(sending).rejects.toMatchObject({
      code: 'media_rejected',
      message: expect.stringContaining('files:write of app_mentions:read,chat:write'),
    })
  })

  it('api.postmessage-ok gives the id of the message', async () => {
    const { adapter, asked } = answering({ 'chat.postMessage': golden('api.postmessage-ok') })
    expect(await adapter.send(makePart([text('queued')]), never)).toEqual({ message: '1767225607.001300', via: 'push' })
    expect(asked[0]?.url).toBe('https://slack.com/api/chat.postMessage')
    expect(asked[0]?.headers.get('authorization')).toBe(`Bearer ${settings.BOT_TOKEN}`)
  })

  it('api.getuploadurl-ok, api.upload-post-ok and api.completeupload-ok are the way of a file', async () => {
    const { adapter, asked } = answering({
      'files.getUploadURLExternal': golden('api.getuploadurl-ok'),
      'upload/v1': golden('api.upload-post-ok'),
      'files.completeUploadExternal': golden('api.completeupload-ok'),
    })
    const media = { kind: 'image', blob: 'b', name: 'fox.png', mime: 'image/png', bytes: 10 } as const
    await adapter.send(makePart([{ kind: 'media', as: 'file', media }]), never)
    expect(asked.map(({ url }) => new URL(url).host)).toEqual(['slack.com', 'files.slack.com', 'slack.com'])
    expect(asked[1]?.headers.get('authorization')).toBeNull()
    expect(String(asked[2]?.body)).toContain('F0FAKEFILE9')
  })

  it('api.auth-test tells whose token it is', async () => {
    const { adapter } = answering({ 'auth.test': golden('api.auth-test') })
    expect((await adapter.probe(never))[0]).toEqual({
      name: 'bot token',
      ok: true,
      about: 'workspace Example WS (T0FAKETEAM1), our bot is U0FAKEBOT01',
    })
  })
})

it('every recorded payload is used', () => {
  const used = [events, socketEvents, refused, errors].flatMap((table) => Object.keys(table))
  expect([...used, ...elsewhere, ...here].toSorted()).toEqual(goldenNames().toSorted())
})
