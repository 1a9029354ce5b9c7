import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AdapterDeps, Installs } from '../../src/contract/index.ts'
import { never, requestOf, text } from '../kit/adapter.ts'
import { testInstalls } from '../kit/installs.ts'
import type { RawReply } from '../platforms/platform.ts'
import { type FakeSlack, startSlack } from '../platforms/slack.ts'
import { home, signingSecret, type Team, teams } from '../platforms/slack-hooks.ts'
import { clientId, clientSecret } from '../platforms/slack-oauth.ts'
import { type Connected, connected, golden, makePart, makeSlack } from './slack-kit.ts'

const redirectUri = 'https://bot.example.org/base/slack/oauth/callback'
const media: AdapterDeps['media'] = {
  open: async () => new Blob(['x']),
  link: (blob) => `https://bot.example.org/base/media/${blob}`,
}
const hourMs = 60 * 60 * 1000

let fake: FakeSlack
let nowMs: number
const now = () => nowMs
beforeEach(async () => {
  nowMs = Date.now()
  fake = await startSlack({ now })
})
afterEach(() => fake.close())

const open = (over: Partial<AdapterDeps> = {}, more: Readonly<Record<string, string>> = {}): Connected => {
  const { BOT_TOKEN: _, ...rest } = fake.settings
  const keys = { CLIENT_ID: clientId, CLIENT_SECRET: clientSecret }
  const slack = makeSlack({ ...rest, ...keys, ...more }, { media, now, ...over })
  const wire: Connected['wire'] = async (call) => {
    const verdict = await slack.receive(requestOf(call))
    if (verdict.kind === 'reject') return { status: verdict.status, headers: {}, body: '' }
    if (verdict.kind === 'answer') return verdict.answer
    events.push(...verdict.events)
    return verdict.ack
  }
  const events: Connected['events'] = []
  fake.connect(wire)
  return { ...slack, events, wire }
}

interface Begun {
  readonly location: URL
  readonly cookie: string
}
const begin = async ({ wire }: Connected): Promise<Begun> => {
  const { status, headers } = await wire({ method: 'GET', path: '/slack/install', headers: {}, body: '' })
  expect(status).toBe(302)
  return { location: new URL(headers.location ?? ''), cookie: (headers['set-cookie'] ?? '').split(';')[0] ?? '' }
}
const comeBack = ({ wire }: Connected, query: Readonly<Record<string, string>>, cookie: string): Promise<RawReply> => {
  const path = `/slack/oauth/callback?${new URLSearchParams(query)}`
  return wire({ method: 'GET', path, headers: cookie === '' ? {} : { cookie }, body: '' })
}
const install = async (slack: Connected, options: { team?: Team; rotating?: boolean } = {}): Promise<RawReply> => {
  const { location, cookie } = await begin(slack)
  const code = fake.oauth.agree({ ...options, redirectUri })
  return comeBack(slack, { code, state: location.searchParams.get('state') ?? '' }, `other=1; ${cookie}`)
}
const send = ({ adapter }: Connected, team: Team = home, chat = 'C0FAKECHAN1') =>
  adapter.send(
    makePart([text('hello')], { to: { platform: 'slack', account: 'app', workspace: team.id, chat, kind: 'group' } }),
    never,
  )
const states = (installs: Installs) =>
  installs.list().map(({ workspace, status, health }) => [workspace, status, health.state])

describe('installing the app', () => {
  it('leads to Slack’s page with scopes, address and a state, and stores nothing', async () => {
    const stored: string[] = []
    const memo = { get: () => null, set: async (key: string) => void stored.push(key) }
    const slack = open({ memo })
    const { location, cookie } = await begin(slack)
    expect(location.pathname).toBe('/oauth/v2/authorize')
    expect(Object.fromEntries(location.searchParams)).toMatchObject({ client_id: clientId, redirect_uri: redirectUri })
    expect(location.searchParams.get('scope')).toContain('files:read')
    expect((await begin(slack)).location.searchParams.get('state')).not.toBe(location.searchParams.get('state'))
    expect(cookie).not.toContain(location.searchParams.get('state'))
    expect(stored).toEqual([])
  })

  it('ends with tokens of that workspace, and its answers go by them', async () => {
    const slack = open()
    expect(await install(slack)).toMatchObject({ status: 200, body: expect.stringContaining('Installed') })
    const [found] = slack.installs.list()
    expect(found).toMatchObject({
      workspace: home.id,
      status: 'active',
      secretNames: ['botToken'],
      facts: { name: home.name, botUser: home.botUser, botId: home.botId, enterpriseWide: 'false' },
    })
    await send(slack)
    expect(fake.shown()).toMatchObject([{ text: 'hello' }])
    for (const secret of [clientSecret, signingSecret, ...fake.oauth.secrets()])
      expect(slack.lines.join()).not.toContain(secret)
  })

  it('keeps the workspaces apart', async () => {
    const slack = open()
    await install(slack)
    await install(slack, { team: teams[1]! })
    await send(slack)
    await send(slack, teams[1], 'C0FAKECHAN2')
    expect(fake.shown().map(({ place }) => place.chat)).toEqual(['C0FAKECHAN1', 'C0FAKECHAN2'])
    // Who is addressed by their id alone could be anybody's.
    const bare = makePart([text('x')], { to: { platform: 'slack', account: 'app', chat: 'U0FAKEBOB01', kind: 'dm' } })
    await expect(slack.adapter.send(bare, never)).rejects.toMatchObject({ code: 'target_gone' })
  })

  it('that is called off, or that Slack refuses, tells a browser nothing', async () => {
    const slack = open()
    const { location, cookie } = await begin(slack)
    const state = location.searchParams.get('state') ?? ''
    expect(await comeBack(slack, { error: 'access_denied', state }, cookie)).toMatchObject({ status: 200 })
    const next = await begin(slack)
    const wrong = { code: 'fakecode', state: next.location.searchParams.get('state') ?? '' }
    const reply = await comeBack(slack, wrong, next.cookie)
    expect(reply).toMatchObject({ status: 400, body: expect.not.stringContaining('invalid_code') })
    expect(slack.lines.join()).toContain('invalid_code')
    expect(slack.installs.list()).toEqual([])
  })

  it('of a whole organisation answers for each of its workspaces, after a restart too', async () => {
    const slack = open()
    const grid = teams[2]!
    await install(slack, { team: grid })
    expect(slack.installs.list()).toMatchObject([{ workspace: 'E0FAKEORG01', facts: { enterpriseWide: 'true' } }])
    const dm = { type: 'message', user: 'U0FAKEALICE', ts: '1767225607.000001', channel: 'D0FAKEDM003', text: 'hi' }
    await fake.bring({ ...dm, channel_type: 'im' }, grid)
    expect(slack.events).toMatchObject([{ where: { workspace: grid.id } }])
    const again = open({ installs: slack.installs, memo: slack.deps.memo })
    await send(again, grid, 'D0FAKEDM003')
    expect(fake.shown()).toMatchObject([{ text: 'hello' }])
  })

  it.each([
    ['oauth.v2-access', 'T0FAKETEAM1', ['botToken']],
    ['oauth.v2-access-rotation', 'T0FAKETEAM1', ['botToken', 'refreshToken']],
    ['oauth.v2-access-enterprise', 'E0FAKEORG01', ['botToken']],
    ['oauth.invalid-code', null, []],
  ] as const)('%s is understood', async (name, workspace, secretNames) => {
    const me = golden('api.auth-test').response?.body
    const fetch: typeof globalThis.fetch = async (url) =>
      Response.json(String(url).endsWith('auth.test') ? me : golden(name).response?.body)
    const slack = open({ fetch })
    const reply = await install(slack)
    expect(reply.status).toBe(workspace === null ? 400 : 200)
    expect(slack.installs.list()).toMatchObject(workspace === null ? [] : [{ workspace, secretNames }])
  })
})

describe('a rotating token', () => {
  it('is renewed before it ends, once for all who wait, and both its halves are kept', async () => {
    const slack = open()
    await install(slack, { rotating: true })
    nowMs += 10.5 * hourMs
    await Promise.all([send(slack), send(slack), send(slack)])
    expect(fake.shown()).toHaveLength(3)
    expect(fake.oauth.exchanges()).toBe(2)
    nowMs += 10.5 * hourMs
    await send(slack)
    expect(fake.oauth.exchanges()).toBe(3)
    expect(slack.installs.list()[0]?.facts).toMatchObject({ botId: home.botId, name: home.name })
  })

  it('that expired early is renewed at once, and the message goes out', async () => {
    const slack = open()
    await install(slack, { rotating: true })
    fake.mishap({ method: /postMessage/, how: { kind: 'error', error: 'token_expired' } })
    await send(slack)
    expect(fake.shown()).toHaveLength(1)
    expect(fake.oauth.exchanges()).toBe(2)
  })

  it('that can not be renewed yet is used while it lives; once dead, the workspace says so', async () => {
    const slack = open()
    await install(slack, { rotating: true })
    nowMs += 11 * hourMs
    fake.mishap({ method: /^oauth/, how: { kind: 'status', status: 503 } })
    await send(slack)
    expect(fake.shown()).toHaveLength(1)
    fake.mishap({ method: /postMessage/, how: { kind: 'error', error: 'token_expired' } })
    fake.mishap({ method: /^oauth/, how: { kind: 'error', error: 'invalid_refresh_token' }, times: 2 })
    await expect(send(slack)).rejects.toMatchObject({ name: 'SendError' })
    expect(states(slack.installs)).toEqual([[home.id, 'active', 'invalid_token']])
    await expect(send(slack)).rejects.toMatchObject({ code: 'target_gone' })
  })

  it('is not lost when the disk is in trouble for a moment', async () => {
    const real = testInstalls('slack', now)
    let failing = 0
    const installs: Installs = {
      ...real,
      save: (one) => (failing-- > 0 ? Promise.reject(new Error('disk')) : real.save(one)),
    }
    const slack = open({ installs, sleep: async () => {} })
    await install(slack, { rotating: true })
    nowMs += 11 * hourMs
    failing = 3
    await send(slack)
    nowMs += 11 * hourMs
    await send(slack)
    expect(fake.shown()).toHaveLength(2)
  })

  it('oauth.v2-refresh is understood', async () => {
    const slack = open()
    await install(slack, { rotating: true })
    nowMs += 11 * hourMs
    const tokens: (string | null)[] = []
    const fetch: typeof globalThis.fetch = async (url, init) => {
      if (String(url).endsWith('oauth.v2.access')) return Response.json(golden('oauth.v2-refresh').response?.body)
      tokens.push(new Headers(init?.headers).get('authorization'))
      return Response.json(golden('api.postmessage-ok').response?.body)
    }
    await send(open({ installs: slack.installs, fetch }))
    expect(tokens).toEqual(['Bearer FAKE-slack-rotating-bot-token-2'])
  })
})

describe('the end of an installation', () => {
  const revoked = (bot: readonly string[]) => ({ type: 'tokens_revoked', tokens: { oauth: ['U0FAKEALICE'], bot } })

  it('closes its workspace and no other', async () => {
    const slack = open()
    await install(slack)
    await install(slack, { team: teams[1]! })
    nowMs += 5000
    expect(await fake.bring(revoked([home.botUser]), home, { authorizations: [] })).toMatchObject({ status: 200 })
    expect(states(slack.installs)).toEqual([
      [home.id, 'revoked', 'revoked'],
      [teams[1]?.id, 'active', 'ok'],
    ])
    await expect(send(slack)).rejects.toMatchObject({ code: 'target_gone' })
    await send(slack, teams[1], 'C0FAKECHAN2')
    await install(slack)
    await send(slack)
    expect(fake.shown()).toHaveLength(2)
  })

  it('is not what the end of somebody’s own token is', async () => {
    const slack = open()
    await install(slack)
    nowMs += 5000
    await fake.bring(revoked([]))
    await fake.bring(revoked(['U0FAKEBOT99']))
    expect(states(slack.installs)).toEqual([[home.id, 'active', 'ok']])
    await fake.bring({ type: 'app_uninstalled' }, home, { authorizations: [] })
    expect(states(slack.installs)).toEqual([[home.id, 'uninstalled', 'revoked']])
  })

  it('that comes late does not end what was installed anew', async () => {
    const slack = open()
    await install(slack)
    for (const form of [Number, String]) {
      const eventTime = form(Math.floor(nowMs / 1000))
      nowMs += 60_000
      await install(slack)
      await fake.bring({ type: 'app_uninstalled' }, home, { event_time: eventTime })
      expect(states(slack.installs)).toEqual([[home.id, 'active', 'ok']])
    }
  })

  it('is seen in refusals too, and a channel without our bot is none', async () => {
    const slack = open()
    await install(slack)
    await expect(send(slack, home, 'C0FAKEFOREIGN')).rejects.toMatchObject({ code: 'target_gone' })
    expect(states(slack.installs)).toEqual([[home.id, 'active', 'ok']])
    fake.mishap({
      method: /postMessage/,
      how: { kind: 'error', error: 'missing_scope', more: { needed: 'chat:write' } },
    })
    await expect(send(slack)).rejects.toMatchObject({ code: 'rejected' })
    expect(states(slack.installs)).toEqual([[home.id, 'active', 'degraded']])
    fake.mishap({ method: /postMessage/, how: { kind: 'error', error: 'account_inactive' } })
    // Not `auth`, which would silence every other workspace as well.
    await expect(send(slack)).rejects.toMatchObject({ code: 'target_gone' })
    expect(states(slack.installs)).toEqual([[home.id, 'active', 'revoked']])
  })

  it('that expired and can not be renewed at all says so', async () => {
    const slack = open()
    await install(slack)
    fake.mishap({ method: /postMessage/, how: { kind: 'error', error: 'token_expired' } })
    await expect(send(slack)).rejects.toMatchObject({ code: 'target_gone' })
    expect(states(slack.installs)).toEqual([[home.id, 'active', 'invalid_token']])
  })

  it('that concerns the bot token of the settings is told', async () => {
    const slack = connected(fake)
    await fake.bring({ type: 'app_uninstalled' })
    expect(slack.lines.join()).toContain('check the bot token')
  })
})

it('events that Slack holds back are a state of the workspace, until they come again', async () => {
  const slack = open()
  await install(slack)
  const limited = { type: 'app_rate_limited', team_id: home.id, minute_rate_limited: Math.floor(nowMs / 1000) }
  await fake.deliver({ kind: 'events_api', payload: limited })
  expect(states(slack.installs)).toEqual([[home.id, 'active', 'degraded']])
  await send(slack)
  const again = open({ installs: slack.installs })
  await fake.say(fake.people.ann, fake.places.dm, 'too early')
  expect(states(slack.installs)).toEqual([[home.id, 'active', 'degraded']])
  nowMs += 180_000
  await fake.say(fake.people.ann, fake.places.dm, 'hello')
  expect(states(slack.installs)).toEqual([[home.id, 'active', 'ok']])
  expect(again.events).toHaveLength(2)
  await slack.installs.note(home.id, { health: { state: 'degraded', reason: 'missing_scope' } })
  await fake.deliver({ kind: 'events_api', payload: { ...limited, minute_rate_limited: Math.floor(nowMs / 1000) } })
  nowMs += 180_000
  await fake.say(fake.people.ann, fake.places.dm, 'hello')
  expect(slack.installs.list()).toMatchObject([{ health: { state: 'degraded', reason: 'missing_scope' } }])
})

it('what the operator switches off is not served, though its token is just being renewed', async () => {
  const slack = open()
  await install(slack, { rotating: true })
  nowMs += 10.5 * hourMs
  const sent = expect(send(slack)).rejects.toMatchObject({ code: 'target_gone' })
  await slack.installs.note(home.id, { status: { to: 'deactivated', reason: 'operator' } })
  await sent
  expect(states(slack.installs)).toEqual([[home.id, 'deactivated', 'ok']])
  expect(await fake.say(fake.people.ann, fake.places.dm, 'hello')).toMatchObject({ status: 200 })
  expect(slack.events).toEqual([])
  expect(slack.lines.join()).toContain('inactive_binding')
})

it('what is said and answered writes nothing about the installation', async () => {
  const real = testInstalls('slack', now)
  const slack = open({ installs: real })
  await install(slack)
  const before = JSON.stringify(real.list())
  nowMs += 60_000
  await fake.say(fake.people.ann, fake.places.group, '/status')
  await send(slack)
  await send(slack)
  expect(JSON.stringify(real.list())).toBe(before)
})

describe('the bot token of the settings beside installations', () => {
  it('is for its own workspace, and never stands in for what was revoked', async () => {
    const slack = open({}, { BOT_TOKEN: fake.settings.BOT_TOKEN ?? '' })
    await send(slack)
    await send(slack)
    expect(fake.calls().filter(({ method }) => method === 'auth.test')).toHaveLength(1)
    await expect(send(slack, teams[1], 'C0FAKECHAN2')).rejects.toMatchObject({ code: 'target_gone' })
    await install(slack)
    nowMs += 5000
    await fake.bring({ type: 'app_uninstalled' })
    await expect(send(slack)).rejects.toMatchObject({ code: 'target_gone' })
  })
})
