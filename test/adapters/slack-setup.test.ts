import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import slack from '../../adapters/slack/index.ts'
import { never, requestOf } from '../kit/adapter.ts'
import { testInstalls } from '../kit/installs.ts'
import { type FakeSlack, startSlack } from '../platforms/slack.ts'
import { signingSecret } from '../platforms/slack-hooks.ts'
import { appToken, botToken } from '../platforms/slack-world.ts'
import { connected, makeSlack } from './slack-kit.ts'

let fake: FakeSlack
beforeEach(async () => {
  fake = await startSlack()
})
afterEach(() => fake.close())

describe('what people send', () => {
  const photo = { kind: 'image', bytes: Buffer.from('a photo'), mime: 'image/png', name: 'fox.png' } as const
  const sent = async (more: object = {}) => {
    const found = connected(fake)
    await fake.say(fake.people.ann, fake.places.dm, '', { file: { ...photo, ...more } })
    return { ...found, media: found.events.at(-1)!.media[0]! }
  }

  it('is fetched with the token of its workspace, by an address asked for at that moment', async () => {
    const { adapter, media } = await sent()
    const response = await adapter.download!(media, never)
    expect(await response.text()).toBe('a photo')
    expect(response.url).toBe('')
  })

  it('is not fetched from anywhere else, and our token goes nowhere else', async () => {
    const asked: string[] = []
    const fetch: typeof globalThis.fetch = (url, init) => {
      asked.push(String(url))
      return globalThis.fetch(url, init)
    }
    const { media } = await sent()
    const { adapter } = connected(fake, { fetch })
    for (const origin of ['https://example.org', 'https://files.slack.com.example.org', 'http://127.0.0.1:1', 'x']) {
      fake.host.lieAboutFiles(origin)
      await expect(adapter.download!(media, never)).rejects.toMatchObject({ code: 'rejected' })
    }
    expect(asked.filter((url) => !url.startsWith(`${fake.host.origin}/api/`))).toEqual([])
  })

  it('behind a page to log in names the scope, and nobody takes the page for the file', async () => {
    const { adapter, media } = await sent()
    fake.mishap({ method: /^file$/, how: { kind: 'page' } })
    await expect(adapter.download!(media, never)).rejects.toMatchObject({
      code: 'rejected',
      message: expect.stringContaining('files:read'),
    })
  })

  it('that is gone, moved or a strange pointer is told as gone', async () => {
    const { adapter, media } = await sent({ name: 'moved' })
    await expect(adapter.download!(media, never)).rejects.toMatchObject({ code: 'rejected' })
    for (const ref of ['T0FAKETEAM1/F0NOWHERE', 'F0X', '../x', 'T0A/F0/../x', ''])
      await expect(adapter.download!({ kind: 'image', ref }, never), ref).rejects.toMatchObject({ code: 'rejected' })
  })

  it('is asked for again when Slack is in trouble', async () => {
    const { adapter, media } = await sent()
    fake.mishap({ method: /files\.info/, how: { kind: 'status', status: 503 } })
    await expect(adapter.download!(media, never)).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('a look at the setup', () => {
  const look = async (given: Readonly<Record<string, string>>) => {
    const probes = await makeSlack(given).adapter.probe(never)
    for (const secret of fake.secrets) expect(JSON.stringify(probes)).not.toContain(secret)
    return Object.fromEntries(probes.map(({ name, ok, about }) => [name, `${ok ? 'ok' : 'not ok'}: ${about}`]))
  }

  it('finds everything well, and says what only a person can look at', async () => {
    expect(await look(fake.settings)).toEqual({
      'bot token': 'ok: workspace Example WS (T0FAKETEAM1), our bot is U0FAKEBOT01',
      scopes: 'ok: all that are needed',
      'Request URL': expect.stringMatching(/^ok: .*\/slack\/events .*\/slack\/interactions/),
    })
  })

  it('names a dead token with the cure', async () => {
    fake.world.tokens.get(botToken)!.revoked = 'account_inactive'
    expect((await look(fake.settings))['bot token']).toMatch(/^not ok.*OPENCLAW_CONNECTOR_SLACK_BOT_TOKEN/)
  })

  it('names the scopes the app lacks, with the cure', async () => {
    const { tokens } = fake.world
    const scopes = tokens.get(botToken)!.scopes.filter((one) => one !== 'files:write' && one !== 'channels:read')
    tokens.set(botToken, { ...tokens.get(botToken)!, scopes })
    expect((await look(fake.settings)).scopes).toMatch(/^not ok: .*channels:read, files:write: .*OAuth & Permissions/)
    const installs = testInstalls('slack')
    await installs.save({ workspace: 'T0A', facts: { scopes: scopes.join(',') }, secrets: { botToken: 'x' } })
    const { SIGNING_SECRET, API_BASE } = fake.settings as Record<string, string>
    const many = { SIGNING_SECRET: SIGNING_SECRET!, API_BASE: API_BASE!, CLIENT_ID: '1.2', CLIENT_SECRET: 's' }
    expect(await makeSlack(many, { installs }).adapter.probe(never)).toContainEqual({
      name: 'scopes of installations',
      ok: false,
      about: expect.stringContaining('T0A lacks channels:read, files:write'),
    })
  })

  it('tries the app-level token, and counts the installations', async () => {
    const settings = { ...fake.settings, MODE: 'socket', APP_TOKEN: appToken, CLIENT_ID: '1.2', CLIENT_SECRET: 's' }
    expect(await look(settings)).toMatchObject({
      'Socket Mode': expect.stringMatching(/^ok/),
      installing: expect.stringMatching(/^ok: \/slack\/install/),
      installations: 'ok: 0 usable',
    })
    expect((await look({ ...settings, APP_TOKEN: 'xapp-other' }))['Socket Mode']).toMatch(
      /^not ok.*invalid_auth.*OPENCLAW_CONNECTOR_SLACK_APP_TOKEN/,
    )
  })
})

describe('the settings', () => {
  const base = { API_BASE: 'http://127.0.0.1:9/api' }

  it('need a proof of who calls, and a token or a way to get some', () => {
    expect(() => makeSlack({ ...base, BOT_TOKEN: botToken })).toThrow(/SIGNING_SECRET/)
    expect(() => makeSlack({ ...base, SIGNING_SECRET: signingSecret })).toThrow(/BOT_TOKEN or .*CLIENT_ID/)
    expect(() => makeSlack({ ...base, BOT_TOKEN: botToken, MODE: 'socket' })).toThrow(/APP_TOKEN/)
    expect(() => makeSlack({ ...base, BOT_TOKEN: botToken, MODE: 'socket', APP_TOKEN: 'xoxb-wrong' })).toThrow(/xapp-/)
  })

  it('of OAuth alone are enough, and Socket Mode keeps the paths for installing', () => {
    const keys = { ...base, CLIENT_ID: '1.2', CLIENT_SECRET: 's' }
    const paths = (given: Readonly<Record<string, string>>) =>
      makeSlack(given).adapter.intakes.map((one) => (one.kind === 'webhook' ? one.path : one.kind))
    const install = ['/slack/install', '/slack/oauth/callback']
    expect(paths({ ...keys, SIGNING_SECRET: signingSecret })).toEqual([
      '/slack/events',
      '/slack/interactions',
      '/slack/commands',
      ...install,
    ])
    expect(paths({ ...keys, MODE: 'socket', APP_TOKEN: appToken })).toEqual(['stream', ...install])
  })

  it('keep what the browser holds during an installation from scripts and from plain HTTP', async () => {
    const keys = { ...base, SIGNING_SECRET: signingSecret, CLIENT_ID: '1.2', CLIENT_SECRET: 's' }
    const call = { method: 'GET', path: '/slack/install', headers: {}, body: '' } as const
    const verdict = await makeSlack(keys).receive(requestOf(call))
    const cookie = verdict.kind === 'answer' ? verdict.answer.headers['set-cookie'] : ''
    expect(cookie).toMatch(/; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  })

  it('let a browser on this machine come back by plain HTTP, where the operator says so', async () => {
    const keys = { ...base, SIGNING_SECRET: signingSecret, CLIENT_ID: '1.2', CLIENT_SECRET: 's' }
    const call = { method: 'GET', path: '/slack/install', headers: {}, body: '' } as const
    const local = { ...keys, OAUTH_REDIRECT_URI: 'http://127.0.0.1:8095/slack/oauth/callback' }
    const verdict = await makeSlack(local).receive(requestOf(call))
    const cookie = verdict.kind === 'answer' ? verdict.answer.headers['set-cookie'] : ''
    expect(cookie).toMatch(/; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/)
  })

  it('ask for the scopes of the manifest that operators paste', async () => {
    const page = await readFile(new URL('../../docs/slack.md', import.meta.url), 'utf8')
    const pasted = /bot: \[(app_mentions[^\]]+)\]/.exec(page)?.[1]?.split(', ').toSorted()
    const { OAUTH_SCOPES: scopes } = slack.env
    const asked = scopes?.kind === 'text' ? scopes.fallback?.split(',').toSorted() : []
    expect(pasted).toEqual(asked)
    // Slack brings `member_joined_channel` only to who may look at channels.
    expect(asked).toEqual(expect.arrayContaining(['channels:read', 'groups:read']))
  })

  it('list people of other organisations with their workspace, and nothing malformed', () => {
    const { ALLOWED_USERS: users } = slack.env
    const form = users?.kind === 'ids' ? users.matches! : /never/
    for (const id of ['U12345', 'W12345', 'slack:U12345', 'T12345/U67890']) expect(form.test(id), id).toBe(true)
    for (const id of ['u12345', 'U1', '@ann', 'C12345', 'U12345/T12345', '12345']) expect(form.test(id), id).toBe(false)
  })
})
