import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import feishu from '../../adapters/feishu/index.ts'
import type { MediaRef, Webhook } from '../../src/contract/index.ts'
import { never, text } from '../kit/adapter.ts'
import { settingsFrom, testDeps } from '../kit/deps.ts'
import { testInstalls } from '../kit/installs.ts'
import { type FakeFeishu, startFeishu } from '../platforms/feishu.ts'
import { mainApp, otherApp } from '../platforms/feishu-events.ts'
import { connected, makeFeishu, makePart, running, settings } from './feishu-kit.ts'

let fake: FakeFeishu
beforeEach(async () => {
  fake = await startFeishu({ mode: 'webhook' })
})
afterEach(() => fake.close())

const entry = { app_id: mainApp.appId, app_secret: mainApp.secret, verification_token: mainApp.token }
const other = { app_id: otherApp.appId, app_secret: otherApp.secret, verification_token: otherApp.token }
const create = (given: Readonly<Record<string, string>>) => feishu.create(settingsFrom(feishu, given), testDeps())
const withManifest = (manifest: unknown, more: object = {}) =>
  create({ BINDINGS_JSON: typeof manifest === 'string' ? manifest : JSON.stringify(manifest), ...more })

describe('one app', () => {
  it('is named by ACCOUNT_ID, else DEFAULT_ACCOUNT_ID, else its App ID', () => {
    expect(create(settings).account).toBe(mainApp.appId)
    expect(create({ ...settings, DEFAULT_ACCOUNT_ID: 'acct-default' }).account).toBe('acct-default')
    expect(create({ ...settings, DEFAULT_ACCOUNT_ID: 'x', ACCOUNT_ID: 'acct-main' }).account).toBe('acct-main')
  })

  it('by webhook is not started without a verification token, and the variable is named', () => {
    const { VERIFICATION_TOKEN: _, ...open } = settings
    expect(() => create(open)).toThrow(/anybody could pose as anybody.*FEISHU_VERIFICATION_TOKEN/)
    expect(() => create({ ...open, MODE: 'websocket' })).not.toThrow()
  })

  it('listens where the specification says', () => {
    const hooks = create(settings).intakes as readonly Webhook[]
    expect(hooks.map(({ host, port, path }) => `${host}:${port}${path}`)).toEqual([
      '127.0.0.1:8094/feishu/events',
      '127.0.0.1:8094/feishu/callback',
    ])
    const one = create({ ...settings, CALLBACK_PATH: '/feishu/events' }).intakes as readonly Webhook[]
    expect(one.map(({ path }) => path)).toEqual(['/feishu/events'])
  })

  it.each([
    ['feishu', 'https://open.feishu.cn'],
    ['lark', 'https://open.larksuite.com'],
  ])('of the domain %s talks to %s', async (domain, origin) => {
    const { API_BASE: _, ...rest } = settings
    const asked: string[] = []
    const fetch = async (input: string | URL | Request) => {
      asked.push(new URL(String(input)).origin)
      throw new Error('no network here')
    }
    const adapter = feishu.create(settingsFrom(feishu, { ...rest, DOMAIN: domain }), testDeps({ fetch }))
    await expect(adapter.send(makePart([text('x')]), never)).rejects.toMatchObject({ code: 'unavailable' })
    expect(asked).toEqual([origin])
  })

  it('puts its workspace into addresses, as configured or as events name it', async () => {
    for (const [more, workspace] of [
      [{}, 'fa4etenant000001'],
      [{ WORKSPACE_ID: 'tenant-alpha' }, 'tenant-alpha'],
    ] as const) {
      const { events } = connected(fake, {}, more)
      await fake.say(fake.people.ann, fake.places.dm, 'hello')
      expect(events[0]?.where.workspace).toBe(workspace)
    }
  })
})

describe('installations', () => {
  it('hold each workspace that was heard of, without any secret; switched off it is neither heard nor told', async () => {
    const installs = testInstalls('feishu')
    const { adapter, events } = connected(fake, { installs, fetch }, { WORKSPACE_NAME: 'Alpha', ACCOUNT_ID: 'main' })
    const say = () => fake.say(fake.people.ann, fake.places.dm, 'hello')
    const tell = (more: object = { workspace: 'fa4etenant000001' }) => {
      const to = { platform: 'feishu', account: 'main', chat: fake.people.ann.id, kind: 'dm', ...more } as const
      return adapter.send(makePart([text('x')], { to, key: `k${Math.random()}` }), never)
    }
    await tell()
    await say()
    await say()
    expect(installs.list()).toMatchObject([{ workspace: 'fa4etenant000001', secretNames: [], status: 'active' }])
    expect(installs.list()[0]?.facts).toEqual({
      account: 'main',
      app_id: mainApp.appId,
      domain: 'feishu',
      mode: 'webhook',
      name: 'Alpha',
    })
    await installs.note('fa4etenant000001', { status: { to: 'deactivated', reason: 'by hand' } })
    expect(await say()).toMatchObject({ status: 401 })
    await expect(tell()).rejects.toMatchObject({ code: 'target_gone' })
    await expect(tell({})).rejects.toMatchObject({ code: 'target_gone' })
    await installs.note('fa4etenant000001', { status: { to: 'active', reason: 'by hand' } })
    await say()
    await tell()
    expect(events).toHaveLength(3)
    expect(fake.shown()).toHaveLength(2)
  })
})

describe('the health of an installation', () => {
  it('tells by its code what only the operator can end, and that it has ended; nothing is stopped by it', async () => {
    const installs = testInstalls('feishu')
    const { adapter, events } = connected(fake, { installs, fetch })
    await fake.say(fake.people.ann, fake.places.dm, 'hello')
    const [where] = events.map((event) => event.where)
    const tell = () => adapter.send(makePart([text('x')], { to: where, key: `k${Math.random()}` }), never)
    const health = () => installs.list()[0]?.health
    for (const code of [99991672, 99991401]) {
      fake.api.failNext({ kind: 'refused', refusal: { code, msg: 'no' } })
      await expect(tell()).rejects.toMatchObject({ code: 'auth' })
      expect(health()).toMatchObject({ state: 'degraded', reason: '99991672' })
    }
    fake.api.failNext({ kind: 'refused', refusal: { code: 230020, msg: 'slowly' } })
    await expect(tell()).rejects.toMatchObject({ code: 'rate_limited' })
    expect(health()).toMatchObject({ state: 'degraded' })
    await tell()
    expect(health()).toMatchObject({ state: 'ok' })
  })

  it('that can not be written takes nothing from what was sent', async () => {
    const installs = testInstalls('feishu')
    const noting = { ...installs, note: () => Promise.reject(new Error('the disk is full')) }
    const { adapter, events, lines } = connected(fake, { installs: { ...noting, having: () => noting }, fetch })
    await fake.say(fake.people.ann, fake.places.dm, 'hello')
    const [where] = events.map((event) => event.where)
    await adapter.send(makePart([text('x')], { to: where }), never)
    expect(fake.shown()).toHaveLength(1)
    expect(lines.join()).toContain('the disk is full')
  })
})

describe('a workspace that is named in the settings', () => {
  it('is among the installations as soon as the connection is there, before anybody wrote', async () => {
    const installs = testInstalls('feishu')
    const line = makeFeishu({ ...fake.settings, MODE: 'websocket', WORKSPACE_ID: 'tenant-alpha' }, { fetch, installs })
    const stream = running(line)
    await expect.poll(() => fake.sockets.open(), { interval: 5 }).toBe(1)
    expect(installs.list()).toMatchObject([{ workspace: 'tenant-alpha', status: 'active' }])
    await stream.stop()
  })
})

describe('a manifest', () => {
  it('makes an account of each entry, with a connection or by webhook as it says', () => {
    const adapter = withManifest([
      { ...entry, account_id: 'main', mode: 'webhook' },
      { ...other, domain: 'lark' },
    ])
    expect(adapter.account).toBe('main')
    expect(adapter.intakes.map(({ kind }) => kind)).toEqual(['stream', 'webhook', 'webhook'])
  })

  it('fills a missing account_id with DEFAULT_ACCOUNT_ID, and refuses two of one name', () => {
    expect(withManifest([entry], { DEFAULT_ACCOUNT_ID: 'acct' }).account).toBe('acct')
    expect(() => withManifest([entry, other], { DEFAULT_ACCOUNT_ID: 'acct' })).toThrow('account_id acct is there more')
    expect(() => withManifest([entry, { ...entry, account_id: 'b' }])).toThrow(/app_id cli_\w+ is there more than once/)
  })

  it('names each wrong entry and field at once, and no value, as it may be a secret', () => {
    const wrong = [
      { ...entry, app_secret: undefined },
      { ...entry, app_id: 'PRIVATE-1', domain: 'PRIVATE-2', mode: 'PRIVATE-3', account_id: 'PRIVATE 4' },
      { ...entry, encrypt_key: 7, verification_token: 'PRIVATE 5' },
      'PRIVATE-6',
      { ...entry, app_secert: 'PRIVATE-7' },
    ]
    const thrown = (() => {
      try {
        withManifest(wrong)
        return ''
      } catch (error) {
        return (error as Error).message
      }
    })()
    expect(thrown).not.toContain('PRIVATE')
    expect(thrown.split('\n').map((line) => line.replace(/.*BINDINGS_JSON /, ''))).toEqual([
      'entry 1: app_secret is missing',
      'entry 2: account_id must be letters, digits, and . _ @ - (64 at most)',
      'entry 2: app_id must look like cli_a1b2c3d4e5f60718',
      'entry 2: domain must be feishu or lark',
      'entry 2: mode must be websocket or webhook',
      'entry 3: verification_token must be text',
      'entry 3: encrypt_key must be text',
      'entry 4: is no JSON object',
      'entry 5: app_secert is no field of an entry',
    ])
  })

  it.each(['', '{}', '[]', 'no json', '[[]'])('%j is none', (manifest) => {
    expect(() => withManifest(manifest)).toThrow(/BINDINGS_JSON (is no JSON list|has 0 entries)/)
  })

  it('takes an empty text for none, as with variables, and ids of apps that are not made by the console', () => {
    const blank = { account_id: '', workspace_id: '', workspace_name: '', encrypt_key: '', domain: '', mode: '' }
    const adapter = withManifest([{ ...blank, ...entry, app_id: 'cli_test_app-1' }], { MODE: 'webhook' })
    expect(adapter.account).toBe('cli_test_app-1')
    expect(() => withManifest([{ ...entry, ...blank, verification_token: '' }], { MODE: 'webhook' })).toThrow(
      /without a verification token/,
    )
    expect(() => withManifest([{ ...entry, app_secret: '' }])).toThrow(/app_secret is missing/)
  })

  it('goes before the single app, and says so', () => {
    const { lines } = makeFeishu({ ...settings, BINDINGS_JSON: JSON.stringify([{ ...other, mode: 'webhook' }]) })
    expect(lines.join()).toContain('FEISHU_APP_ID is not used')
  })

  it('each app knows its own bot: a mention of one is none of the other', async () => {
    const manifest = JSON.stringify([
      { ...entry, account_id: 'main' },
      { ...other, account_id: 'other', encrypt_key: otherApp.encryptKey },
    ])
    const { events } = connected(fake, { memo: { get: () => null, set: async () => {} } }, { BINDINGS_JSON: manifest })
    const mention = (bot: string) => [{ key: '@_user_1', id: { open_id: bot }, name: 'Bot' }]
    for (const app of [mainApp, otherApp]) {
      for (const bot of [mainApp.bot, otherApp.bot]) {
        const content = { text: `@_user_1 for ${bot === app.bot ? 'me' : 'another'}` }
        await fake.bring(fake.people.ann, fake.places.group, 'text', content, { app, mentions: mention(bot) })
      }
    }
    expect(events.map(({ where, body }) => [where.account, body.kind === 'text' && body.text])).toEqual([
      ['main', 'for me'],
      ['other', 'for me'],
    ])
  })

  it('one app in trouble ends its own connection alone', async () => {
    const bad = { app_id: otherApp.appId, app_secret: 'wrong', account_id: 'bad' }
    const manifest = { BINDINGS_JSON: JSON.stringify([bad, entry]), API_BASE: fake.api.origin }
    const one = makeFeishu(manifest)
    const [failing, well] = [running(one, undefined, 0), running(one, undefined, 1)]
    expect(await failing.ended).toMatchObject({
      fatal: true,
      message: expect.stringMatching(/^bad: .*FEISHU_APP_SECRET/),
    })
    await expect.poll(() => well.reports, { interval: 5 }).toMatchObject([{ state: 'up' }])
    await well.stop()
  })
})

describe('what people send', () => {
  const photo = { mime: 'image/png', bytes: Buffer.from('a photo') }
  const sent = async (type: string, content: object, events: readonly { media: readonly MediaRef[] }[]) => {
    await fake.bring(fake.people.ann, fake.places.dm, type, content)
    return events.at(-1)!.media
  }

  it('is fetched with the token of the app that got it', async () => {
    const { adapter, events } = connected(fake)
    const [media] = await sent('image', { image_key: fake.keep(photo) }, events)
    expect(await (await adapter.download!(media!, never)).text()).toBe('a photo')
  })

  it('is fetched though the token has expired meanwhile', async () => {
    const { adapter, events } = connected(fake)
    const [media] = await sent('file', { file_key: fake.keep(photo), file_name: 'fox.PNG' }, events)
    expect(media).toMatchObject({ kind: 'image', name: 'fox.PNG' })
    await adapter.send(makePart([text('x')]), never)
    fake.api.expireTokens()
    expect(await (await adapter.download!(media!, never)).text()).toBe('a photo')
  })

  it('is told as gone when it is, follows no redirect, and a way out of references is none', async () => {
    const { adapter, events } = connected(fake)
    const [moved] = await sent('image', { image_key: fake.keep({ ...photo, mime: 'moved' }) }, events)
    const refs = [moved!.ref.replace('file_v3', 'file_v4'), '', 'a/b', '%', 'x/om_1/key/image', `${moved!.ref}/more`]
    for (const ref of [...refs, `${mainApp.appId}/om_1/..%2F..%2Fbot/image`])
      await expect(adapter.download!({ kind: 'image', ref }, never), ref).rejects.toMatchObject({ code: 'rejected' })
    await expect(adapter.download!(moved!, never)).rejects.toMatchObject({ name: 'SendError' })
  })
})

describe('a look at the setup', () => {
  const look = async (given: Readonly<Record<string, string>>) => {
    const probes = await makeFeishu(given).adapter.probe(never)
    for (const secret of fake.secrets) expect(JSON.stringify(probes)).not.toContain(secret)
    return Object.fromEntries(
      probes.map(({ name, ok, about }) => [name.replace(/ \(.*/, ''), `${ok ? 'ok' : 'not ok'}: ${about}`]),
    )
  }

  it('finds everything well, and tells what has to be subscribed', async () => {
    expect(await look({ ...fake.settings, MODE: 'websocket' })).toEqual({
      token: `ok: feishu gives one for ${mainApp.appId}`,
      bot: `ok: FakeBot, ${mainApp.bot}`,
      'long connection': 'ok: the platform offers one',
      webhook: 'ok: /feishu/callback takes presses, proven by the verification token',
      subscriptions: expect.stringMatching(/im\.message\.receive_v1.*card\.action\.trigger.*by long connection/),
    })
    expect((await look(fake.settings)).subscriptions).toContain('https://<public host>/feishu/events')
  })

  it('names the cure of what it finds', async () => {
    expect(await look({ ...fake.settings, APP_SECRET: 'wrong' })).toEqual({
      token: expect.stringMatching(/^not ok: Feishu 10015.*APP_SECRET/),
    })
    fake.api.disableBot()
    fake.api.refuseEndpoint({ code: 1000040351, msg: 'Incorrect domain name' })
    expect(await look({ ...fake.settings, MODE: 'websocket' })).toMatchObject({
      bot: expect.stringMatching(/^not ok.*enable it in the admin console/),
      'long connection': expect.stringMatching(/^not ok.*FEISHU_DOMAIN/),
    })
  })
})
