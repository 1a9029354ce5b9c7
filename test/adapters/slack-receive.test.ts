import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { escapeText, spoken } from '../../adapters/slack/markup.ts'
import type { InboundEvent } from '../../src/contract/index.ts'
import { requestOf } from '../kit/adapter.ts'
import { type FakeSlack, startSlack } from '../platforms/slack.ts'
import { callOf, envelope, home, signed, teams } from '../platforms/slack-hooks.ts'
import { connected, makeSlack, settings } from './slack-kit.ts'

let fake: FakeSlack
beforeEach(async () => {
  fake = await startSlack()
})
afterEach(() => fake.close())

const words = ({ body }: InboundEvent): unknown => (body.kind === 'text' ? body.text : body)

describe('a request', () => {
  it('is proven by its signature over the bytes as they came, five minutes each way', async () => {
    const now = 1_767_225_610_000
    const { receive } = makeSlack(settings, { now: () => now })
    const delivery = envelope(
      home,
      { type: 'message', text: 'hällo', user: 'U0A', channel: 'D0A', ts: '1.1' },
      'Ev1',
      now,
    )
    for (const [ms, kind] of [
      [0, 'events'],
      [-300_000, 'events'],
      [300_000, 'events'],
      [-301_000, 'reject'],
      [301_000, 'reject'],
    ] as const)
      expect((await receive(requestOf(callOf(delivery, now + ms)))).kind, String(ms)).toBe(kind)
  })

  it('of every kind is taken on each path', async () => {
    const { wire, events } = connected(fake)
    fake.connect((call) =>
      wire({ ...call, path: call.path === '/slack/events' ? '/slack/interactions' : '/slack/events' }),
    )
    await fake.say(fake.people.ann, fake.places.dm, 'hello')
    await fake.command(fake.people.ann, fake.places.dm, '/openclaw', 'help')
    expect(events).toHaveLength(2)
    expect(await fake.challenge()).toMatchObject({ status: 200, body: 'fakechallenge' })
  })

  it('of Slack that means nothing to us is answered well, so that it does not come again', async () => {
    const { receive, lines } = makeSlack()
    const form = 'application/x-www-form-urlencoded'
    const calls = ['', '[]', '{', '{"type":"odd"}', '{"type":"event_callback"}', '\ud800'].map((body) =>
      signed(body, Date.now()),
    )
    for (const body of ['', 'a=b', 'payload=', 'payload=%7B', 'payload=[]', 'command=x', 'ssl_check=1', '%ff%fe=1'])
      calls.push(signed(body, Date.now(), { type: form }))
    for (const call of calls)
      expect(await receive(requestOf(call)), String(call.body)).toMatchObject({ kind: 'answer' })
    expect(lines.join()).not.toContain('rror')
  })

  it('can hold anything at all without an error', async () => {
    const { receive } = makeSlack()
    const json = fc.jsonValue().map((value) => JSON.stringify(value))
    const event = fc.record({ type: fc.constantFrom('message', 'app_mention', 'tokens_revoked'), text: fc.string() })
    const wrapped = event.map((one) => JSON.stringify(envelope(home, one, 'Ev1', Date.now()).payload))
    await fc.assert(
      fc.asyncProperty(fc.oneof(json, wrapped, fc.string()), async (body) => {
        const verdict = await receive(requestOf(signed(body, Date.now())))
        expect(['answer', 'events']).toContain(verdict.kind)
        const payload = new URLSearchParams({ payload: body }).toString()
        const form = signed(payload, Date.now(), { type: 'application/x-www-form-urlencoded' })
        expect((await receive(requestOf(form))).kind).toBe('answer')
      }),
      { numRuns: 150 },
    )
  })

  it('that only checks the certificate is answered, signed or not; a browser is not', async () => {
    const { wire } = connected(fake)
    const get = { method: 'GET', headers: {}, body: '' }
    expect(await wire({ ...get, path: '/slack/interactions?ssl_check=1' })).toMatchObject({ status: 200, body: '' })
    expect(await wire({ ...get, path: '/slack/events' })).toMatchObject({ status: 405 })
  })
})

describe('what people type', () => {
  it('reaches ComfyUI as it was typed', async () => {
    const { events } = connected(fake)
    const typed = ['/run p <lora:x:1> & "a > b" &amp; &lt;', '  spaced  ', 'two\nlines']
    for (const one of typed) await fake.say(fake.people.ann, fake.places.dm, one)
    expect(events.map(words)).toEqual(typed.map((one) => one.trim()))
  })

  it('comes without our mention, wherever it stands, and others’ as names', () => {
    const bot = 'U0BOT'
    const cases: Readonly<Record<string, [string, boolean]>> = {
      '<@U0BOT> /status': ['/status', true],
      '<@U0BOT|desk>, /status': ['/status', true],
      ' <@U0BOT>: <@U0BOT> hi': ['hi', true],
      'please <@U0BOT> draw': ['please draw', true],
      'ask <@U0BOB|bob> or <@U0EVE>': ['ask @bob or @U0EVE', false],
      '<!here> and <!subteam^S1|@team> in <#C1|general>': ['@here and @team in #general', false],
      '<https://a.example> <http://a.example|a.example> <https://b.example/x|here>': [
        'https://a.example a.example here (https://b.example/x)',
        false,
      ],
      '<mailto:a@b.example|a@b.example> <!date^1^{date}|today>': ['a@b.example today', false],
      '<lora:x:1> < > <>': ['<lora:x:1> < > <>', false],
    }
    for (const [raw, [text, mentioned]] of Object.entries(cases))
      expect(spoken(raw, bot), raw).toMatchObject({ text, mentioned })
  })

  it('survives being escaped and read again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(spoken(escapeText(text), 'U0BOT')).toMatchObject({ text: text.trim(), mentioned: false })
      }),
    )
  })

  it('in a channel needs a mention, unless the operator says otherwise', async () => {
    const strict = connected(fake)
    await fake.say(fake.people.ann, fake.places.group, '/run portrait', { mention: false })
    await fake.say(fake.people.ann, fake.places.dm, 'no mention needed')
    await fake.say(fake.people.ann, fake.places.group, '/run portrait')
    expect(strict.events.map(words)).toEqual(['no mention needed', '/run portrait', '/run portrait'])
    expect(new Set(strict.events.map(({ id }) => id)).size).toBe(2)
    const open = connected(fake, {}, { REQUIRE_MENTION: 'false' })
    await fake.say(fake.people.ann, fake.places.group, '/run portrait', { mention: false })
    expect(open.events).toMatchObject([{ body: { text: '/run portrait', addressed: false } }])
  })

  it('of somebody in no list, and in a channel in none, is brought all the same: lists say who is trusted', async () => {
    const lists = { ALLOWED_USERS: fake.people.ann.id, ALLOWED_CHANNELS: 'C0SOMEOTHER1' }
    const { events } = connected(fake, {}, lists)
    await fake.say(fake.people.bob, { chat: fake.people.bob.id, kind: 'dm' }, '/run portrait')
    await fake.say(fake.people.bob, fake.places.group, '/status')
    await fake.say(fake.people.ann, fake.places.dm, '/status')
    expect(events.map(({ from, where }) => `${from.id} ${where.kind}`)).toEqual([
      `${fake.people.bob.id} dm`,
      `${fake.people.bob.id} group`,
      `${fake.people.bob.id} group`,
      `${fake.people.ann.id} dm`,
    ])
  })

  it('is answered in its thread in channels, and in direct chats only if it began there', async () => {
    const { events } = connected(fake, {}, { REPLY_IN_THREAD: 'true' })
    const threadOfDm = { ...fake.places.dm, thread: '1767225607.000100' }
    for (const place of [fake.places.group, fake.places.thread!, fake.places.dm, threadOfDm])
      await fake.say(fake.people.ann, place, '/status')
    const acts = [...new Map(events.map((event) => [event.id, event])).values()]
    expect(acts.map(({ where, message }) => (where.thread === message ? 'own' : where.thread))).toEqual([
      'own',
      '1767225607.000100',
      undefined,
      '1767225607.000100',
    ])
    // A command in a thread may be about what the thread began with.
    expect(acts.map(({ replyTo }) => replyTo)).toEqual([undefined, '1767225607.000100', undefined, '1767225607.000100'])
  })

  it('into a message that was there before runs nothing', async () => {
    const { events } = connected(fake)
    const edited = { user: fake.people.ann.id, ts: fake.world.nextTs() }
    const text = `<@${home.botUser}> /stop`
    await fake.bring({ type: 'app_mention', ...edited, channel: fake.places.group.chat, text, edited })
    expect(events).toEqual([])
  })

  it('of another organisation is known by either of its marks', async () => {
    const { events } = connected(fake)
    for (const mark of ['user_team', 'source_team']) {
      const text = { type: 'message', user: 'U0PARTNER01', ts: fake.world.nextTs(), text: `<@${home.botUser}> status` }
      await fake.bring({ ...text, channel: 'C0FAKECHAN1', [mark]: 'T0PARTNER01' })
    }
    expect(events.map(({ from }) => [from.id, from.aliases])).toEqual([
      ['T0PARTNER01/U0PARTNER01', undefined],
      ['T0PARTNER01/U0PARTNER01', undefined],
    ])
  })

  it('with fields that are null is one without them', async () => {
    const { events } = connected(fake)
    const nothing = { subtype: null, bot_id: null, app_id: null, edited: null, thread_ts: null, files: null }
    const said = { type: 'message', user: fake.people.ann.id, ts: fake.world.nextTs(), text: '/status', ...nothing }
    await fake.bring({ ...said, channel: 'D0FAKEDM001', channel_type: 'im' })
    expect(events).toMatchObject([{ body: { text: '/status' } }])
  })

  it('brings its files along', async () => {
    const { events } = connected(fake)
    const photo = { kind: 'image', bytes: Buffer.from('abc'), mime: 'image/png', name: 'a.png' } as const
    await fake.say(fake.people.ann, fake.places.dm, '/run upscale', { file: photo })
    expect(events).toMatchObject([{ media: [{ kind: 'image', mime: 'image/png', bytes: 3, name: 'a.png' }] }])
  })
})

describe('each workspace', () => {
  const said = (team: (typeof teams)[number], text: string) => ({
    type: 'message',
    user: 'U0SOMEBODY1',
    ts: fake.world.nextTs(),
    channel: 'C0FAKECHAN2',
    channel_type: 'channel',
    text,
    team: team.id,
  })

  it('knows our bot by another name', async () => {
    const { events } = connected(fake)
    const other = teams[1]!
    await fake.bring(said(other, `<@${other.botUser}> /status`), other)
    await fake.bring(said(other, `<@${home.botUser}> /status`), other)
    expect(events).toMatchObject([{ body: { text: '/status', addressed: true }, where: { workspace: 'T0FAKETEAM2' } }])
  })

  it('where it is not told leaves a mention to its twin, so that none is lost', async () => {
    const { events } = connected(fake, {}, { REQUIRE_MENTION: 'false' })
    const event = said(home, `<@${home.botUser}> /status`)
    await fake.bring(event, home, { authorizations: [] })
    expect(events).toEqual([])
    await fake.bring({ ...event, type: 'app_mention' }, home)
    expect(events).toMatchObject([{ body: { text: '/status', addressed: true } }])
  })

  it('where it is told in neither of the twins is still known by being mentioned', async () => {
    const { events } = connected(fake)
    const event = said(home, `<@${home.botUser}|render-desk> /run a <@U0SOMEBODY2>`)
    for (const type of ['message', 'app_mention']) await fake.bring({ ...event, type }, home, { authorizations: [] })
    expect(events).toMatchObject([{ body: { text: '/run a @U0SOMEBODY2', addressed: true } }])
  })
})

describe('a slash command', () => {
  const menu = { everyone: [{ command: 'run', about: '' }], admin: [], admins: [] }

  it('is one of ours by its name, or stands in front of ours', async () => {
    const { events } = connected(fake, { menu })
    for (const [command, text] of [
      ['/run', 'portrait a "red fox"'],
      ['/openclaw', 'run portrait'],
      ['/openclaw', '/status'],
      ['/comfy', ''],
      ['/RUN', '&lt;lora:x:1&gt; <lora:y:1> &'],
    ] as const)
      await fake.command(fake.people.ann, fake.places.group, command, text)
    expect(events.map(words)).toEqual([
      '/run portrait a "red fox"',
      '/run portrait',
      '/status',
      '/help',
      '/run <lora:x:1> <lora:y:1> &',
    ])
    expect(events.every(({ body }) => body.kind === 'text' && body.addressed)).toBe(true)
  })

  it('and a press can be answered by their own address for half an hour', async () => {
    const { events } = connected(fake)
    await fake.command(fake.people.ann, fake.places.group, '/openclaw', 'status')
    const [{ at, handle } = { at: 0, handle: undefined }] = events
    expect((handle?.expiresAt ?? 0) - at).toBe(30 * 60_000)
  })

  it('answers nothing by itself, so that its words stay unseen', async () => {
    connected(fake)
    expect(await fake.command(fake.people.ann, fake.places.group, '/openclaw', 'x')).toMatchObject({
      status: 200,
      body: '',
    })
  })
})

describe('a direct chat', () => {
  it('is named by its person, and its channel is not asked for once it was seen', async () => {
    const { adapter, events } = connected(fake)
    await fake.say(fake.people.bob, { chat: fake.people.bob.id, kind: 'dm' }, 'hello')
    expect(events).toMatchObject([{ where: { chat: fake.people.bob.id, kind: 'dm', workspace: home.id } }])
    const part = { key: 'k', audience: 'everyone', items: [{ kind: 'text', text: 'hi' }], buttons: [] } as const
    await adapter.send({ ...part, to: events[0]!.where }, new AbortController().signal)
    expect(fake.calls().map(({ method }) => method)).toEqual(['chat.postMessage'])
  })

  it('answers a command that was typed between two people', async () => {
    const { adapter, events } = connected(fake)
    await fake.command(fake.people.ann, { chat: 'D0FAKEOTHER', kind: 'dm' }, '/openclaw', 'status')
    const part = { key: 'k', audience: 'everyone', items: [{ kind: 'text', text: 'hi' }], buttons: [] } as const
    await adapter.send({ ...part, to: events[0]!.where }, new AbortController().signal)
    expect(fake.shown()).toMatchObject([{ text: 'hi', place: fake.places.dm }])
  })
})

describe('a press', () => {
  it('is told once, with the message it hung on and its thread', async () => {
    const { adapter, events } = connected(fake, {}, { REPLY_IN_THREAD: 'true' })
    await fake.say(fake.people.ann, fake.places.group, '/approvals')
    const { where } = events.at(-1)!
    const part = { key: 'k', to: where, audience: 'everyone', items: [{ kind: 'text', text: 'Sure?' }] } as const
    const buttons = [{ label: 'Yes', action: 'act', say: '/yes' }]
    const { message } = await adapter.send({ ...part, buttons }, new AbortController().signal)
    await fake.shown()[0]?.buttons[0]?.press()
    await fake.redeliver()
    const [press, again] = events.slice(-2)
    expect(press).toMatchObject({ where, body: { kind: 'press', action: 'act', message }, proof: 'signature' })
    expect(again?.id).toBe(press?.id)
  })

  it('tells where it was in any of the places where Slack tells it', async () => {
    const { events } = connected(fake, {}, { REPLY_IN_THREAD: 'true' })
    const actions = [{ type: 'button', action_id: 'b0', value: 'act', action_ts: '1767225720.123456' }]
    const [ts, thread, chat] = ['1767225607.001300', '1767225607.000100', fake.places.group.chat]
    const wholly = { container: { message_ts: ts, thread_ts: thread, channel_id: chat }, channel: { id: chat } }
    for (const more of [
      { ...wholly, channel: null },
      { ...wholly, container: { message_ts: ts, channel_id: chat }, message: { ts, thread_ts: thread } },
      { channel: { id: chat }, message: { ts, thread_ts: thread } },
    ]) {
      const payload = { type: 'block_actions', user: { id: 'U0A' }, team: { id: home.id }, actions, ...more }
      await fake.deliver({ kind: 'interactive', payload })
    }
    expect(events.map(({ body, where }) => [body, where.chat, where.thread])).toEqual(
      Array.from({ length: 3 }, () => [{ kind: 'press', action: 'act', message: ts }, chat, thread]),
    )
    expect(new Set(events.map(({ id }) => id)).size).toBe(1)
  })

  it('without a value, as links send it, is nothing', async () => {
    const { events } = connected(fake)
    const actions = [{ type: 'button', action_id: 'b0', action_ts: '1.1', url: 'https://example.org' }]
    const user = { id: 'U0A', team_id: home.id }
    await fake.deliver({ kind: 'interactive', payload: { type: 'block_actions', user, actions } })
    expect(events).toEqual([])
  })
})
