import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readContent, readRef, refOf } from '../../adapters/feishu/content.ts'
import { decrypt } from '../../adapters/feishu/verify.ts'
import type { Verdict } from '../../src/contract/index.ts'
import { requestOf } from '../kit/adapter.ts'
import { type FakeFeishu, startFeishu } from '../platforms/feishu.ts'
import {
  callbackPath,
  callOf,
  challenge,
  delivered,
  encryptKey,
  eventPath,
  mainApp,
  mentionOf,
  oldCardHeaders,
  otherApp,
  pressOf,
  sealed,
  signedHeaders,
  textMessage,
  v2,
} from '../platforms/feishu-events.ts'
import { account, type Connected, connected, keyed, makeFeishu, recordedMs, settings } from './feishu-kit.ts'

const now = () => recordedMs
const ann = { openId: 'ou_ann', unionId: 'on_ann', userId: 'fakealice', name: 'Ann' }
const secretApp = { ...mainApp, encryptKey }
const said = (words: string, more: object = {}, app = mainApp) =>
  v2(app, 'ev1', 'im.message.receive_v1', recordedMs, textMessage(ann, more, words))
const receive = (call: ReturnType<typeof callOf>, given: Readonly<Record<string, string>> = settings) =>
  makeFeishu(given, { now }).receive(requestOf(call))
const eventsOf = (verdict: Verdict) => (verdict.kind === 'events' ? verdict.events : [])
const plain = (payload: object, path = eventPath) => callOf(path, JSON.stringify(payload))

describe('who may call', () => {
  it.each([eventPath, callbackPath])('%s answers the address check, and an event, of the app alone', async (path) => {
    expect(await receive(challenge(mainApp, path))).toMatchObject({ kind: 'answer', answer: { status: 200 } })
    expect(await receive(challenge(secretApp, path), keyed)).toMatchObject({ kind: 'answer' })
    expect(await receive(challenge(mainApp, path), keyed)).toMatchObject({ kind: 'reject', status: 401 })
    expect(eventsOf(await receive(plain(said('hello'), path)))).toMatchObject([{ proof: 'secret' }])
  })

  it('the bytes are checked, not what they mean', async () => {
    const call = delivered(secretApp, eventPath, said('hello'), recordedMs)
    const respaced = { ...call, body: ` ${String(call.body)}` }
    expect(await receive(call, keyed)).toMatchObject({ kind: 'events' })
    expect(await receive(respaced, keyed)).toMatchObject({ kind: 'reject', status: 401 })
  })

  it('a signature is good for five minutes, or as long as set, on both sides', async () => {
    const at = (seconds: number, given = keyed as Record<string, string>) =>
      receive(delivered(secretApp, eventPath, said('hello'), recordedMs + seconds * 1000), given)
    const kinds = await Promise.all([at(-299), at(299), at(-301), at(301)])
    expect(kinds.map(({ kind }) => kind)).toEqual(['events', 'events', 'reject', 'reject'])
    expect(await at(-3000, { ...keyed, SIGNATURE_MAX_AGE_SEC: '3600' })).toMatchObject({ kind: 'events' })
  })

  it('an encrypted address check is taken however it is signed; anything else with such headers is not', async () => {
    const headers = (body: string) => [
      signedHeaders(body, encryptKey, String(recordedMs / 1000)),
      signedHeaders(body, encryptKey, String(recordedMs / 1000 - 3600)),
      signedHeaders(body, 'another key', String(recordedMs / 1000)),
    ]
    const check = String(challenge(secretApp, eventPath).body)
    for (const given of headers(check))
      expect(await receive(callOf(eventPath, check, given), keyed)).toMatchObject({ kind: 'answer' })
    const foreign = String(challenge(secretApp, eventPath, 'a token of nobody').body)
    for (const given of headers(foreign))
      expect(await receive(callOf(eventPath, foreign, given), keyed)).toMatchObject({ kind: 'reject', status: 401 })
    const event = String(delivered(secretApp, eventPath, said('hello'), recordedMs).body)
    for (const given of headers(event).slice(1))
      expect(await receive(callOf(eventPath, event, given), keyed)).toMatchObject({ kind: 'reject', status: 401 })
  })

  it('an old press is never encrypted, and proven by its own signature also where there is a key', async () => {
    const body = JSON.stringify({
      open_id: 'ou_ann',
      open_message_id: 'om_1',
      open_chat_id: 'oc_1',
      token: 'c-1',
      action: { value: { k: 'opaque' }, tag: 'button' },
    })
    const call = callOf(callbackPath, body, oldCardHeaders(body, mainApp.token, String(recordedMs / 1000)))
    for (const given of [settings, keyed])
      expect(eventsOf(await receive(call, given))).toMatchObject([{ proof: 'signature', body: { action: 'opaque' } }])
    const old = callOf(callbackPath, body, oldCardHeaders(body, mainApp.token, String(recordedMs / 1000 - 301)))
    expect(await receive(old)).toMatchObject({ kind: 'reject', status: 401 })
  })

  it('a custom app has one tenant: the first that is proven, also after a restart', async () => {
    const notes = new Map([[`bot ${mainApp.appId}`, mainApp.bot]])
    const memo = {
      get: (key: string) => notes.get(key) ?? null,
      set: async (key: string, value: string) => void notes.set(key, value),
    }
    const event = said('hello')
    const foreign = { ...event, header: { ...event.header, tenant_key: 'fa4etenant000002' } }
    const take = (payload: object) => makeFeishu(settings, { now, memo }).receive(requestOf(plain(payload)))
    expect(await take(event)).toMatchObject({ kind: 'events' })
    expect(await take(foreign)).toMatchObject({ kind: 'reject', status: 401 })
    expect(await take(event)).toMatchObject({ kind: 'events' })
  })

  it('bodies that are none are refused, and too large ones', async () => {
    for (const body of ['', '[]', 'null', '"x"', '{', '{"a":'.repeat(9000)])
      expect(await receive(callOf(eventPath, body))).toMatchObject({ kind: 'reject', status: 400 })
    const huge = callOf(eventPath, JSON.stringify({ x: 'x'.repeat(1024 * 1024) }))
    expect(await receive(huge)).toMatchObject({ kind: 'reject', status: 413 })
  })

  it('nothing that a stranger sends is taken, or breaks it', async () => {
    const json = fc.json({ maxDepth: 4 }).map((text) => callOf(eventPath, text))
    const shaped = fc
      .record(
        {
          schema: fc.constantFrom('2.0', undefined),
          header: fc.jsonValue(),
          event: fc.jsonValue(),
          encrypt: fc.base64String(),
        },
        { requiredKeys: [] },
      )
      .map((body) => plain(body))
    await fc.assert(
      fc.asyncProperty(fc.oneof(json, shaped), fc.constantFrom(settings, keyed), async (call, given) => {
        expect((await receive(call, given)).kind).toBe('reject')
      }),
    )
  })
})

describe('the encryption', () => {
  it('opens the example of the documentation', () => {
    const opened = decrypt('P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=', 'test key')
    expect(Buffer.from(opened ?? []).toString()).toBe('hello world')
  })

  it('opens what was sealed, and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 1 }), (text, key) => {
        expect(Buffer.from(decrypt(sealed(text, key), key) ?? []).toString()).toBe(text)
      }),
    )
    for (const broken of ['', 'AAAA', '!!!!', 'A'.repeat(64)]) expect(decrypt(broken, 'key')).toBeNull()
  })
})

describe('a message', () => {
  it('comes once, whichever form brings it', async () => {
    const old = {
      uuid: 'u1',
      token: mainApp.token,
      ts: `${recordedMs / 1000}.25`,
      type: 'event_callback',
      event: {
        type: 'message',
        app_id: mainApp.appId,
        open_id: ann.openId,
        open_chat_id: 'oc_1',
        chat_type: 'group',
        msg_type: 'text',
        open_message_id: 'om_1',
        is_mention: true,
        text: '<at open_id="x">@FakeBot</at> /status',
        text_without_at_bot: ' /status',
      },
    }
    const named = { mentions: [mentionOf('@_user_1', mainApp.bot, 'FakeBot', 'bot')], chat_type: 'group' }
    const fresh = said('@_user_1 /status', { message_id: 'om_1', chat_id: 'oc_1', ...named })
    const [first] = eventsOf(await receive(plain(old)))
    const [second] = eventsOf(await receive(plain(fresh)))
    expect(first).toMatchObject({ id: second?.id, body: { text: '/status', addressed: true }, at: recordedMs + 250 })
    expect(second?.body).toEqual(first?.body)
  })

  it('is of somebody with three ids, each of which a list may name', async () => {
    const [event] = eventsOf(await receive(plain(said('hello'))))
    expect(event?.from).toMatchObject({ id: 'ou_ann', aliases: ['on_ann', 'fakealice'] })
  })

  it('of somebody in no list, and in a chat in none, is brought all the same: lists say who is trusted', async () => {
    const lists = { ...settings, ALLOWED_USERS: 'ou_somebody_else', ALLOWED_CHATS: 'oc_elsewhere' }
    const inGroup = { chat_type: 'group', mentions: [mentionOf('@_user_1', mainApp.bot, 'FakeBot', 'bot')] }
    for (const more of [{}, inGroup])
      expect(eventsOf(await receive(plain(said('@_user_1 hello', more)), lists))).toHaveLength(1)
  })

  it('that starts a topic is its first message; with REPLY_IN_THREAD=false there are no topics', async () => {
    const start = plain(said('hello', { thread_id: 'omt_1', message_id: 'om_root' }))
    expect(eventsOf(await receive(start))[0]?.where.thread).toBe('om_root')
    expect(eventsOf(await receive(start, { ...settings, REPLY_IN_THREAD: 'false' }))[0]?.where.thread).toBeUndefined()
  })

  it('in a topic that answers another one says which', async () => {
    const more = { thread_id: 'omt_1', root_id: 'om_root', parent_id: 'om_2' }
    expect(eventsOf(await receive(plain(said('hello', more))))[0]).toMatchObject({ replyTo: 'om_2' })
  })

  it('to a group waits until it is known which bot we are: then it comes again, and is told from talk', async () => {
    const fake = await startFeishu({ mode: 'webhook' })
    const memo = new Map<string, string>()
    const deps = {
      memo: { get: (key: string) => memo.get(key) ?? null, set: async (k: string, v: string) => void memo.set(k, v) },
    }
    let broken = true
    const fetch: typeof globalThis.fetch = async (...args) => {
      if (broken) throw new Error('no network')
      return globalThis.fetch(...args)
    }
    const feishu = connected(fake, { ...deps, fetch })
    expect(await fake.say(fake.people.ann, fake.places.group, 'draw')).toMatchObject({ status: 503 })
    expect(feishu.lines.join()).toContain('network trouble')
    await fake.say(fake.people.ann, fake.places.dm, 'in a direct chat it is clear')
    broken = false
    await fake.redeliver()
    await fake.say(fake.people.ann, fake.places.group, 'draw')
    expect(feishu.events.map(({ where }) => where.kind)).toEqual(['dm', 'dm', 'group'])
    expect([...memo.values()]).toContain(fake.app.bot)
    await fake.close()
  })

  it('of a kind nobody can use is told as such, in words', async () => {
    const bodyOf = async (message_type: string, content: object = {}) =>
      eventsOf(await receive(plain(said('', { message_type, content: JSON.stringify(content) }))))[0]?.body
    expect(await bodyOf('sticker', { file_key: 'f' })).toEqual({ kind: 'other', what: 'a sticker' })
    expect(await bodyOf('merge_forward')).toEqual({ kind: 'other', what: 'a message of kind merge_forward' })
    expect(await bodyOf('image', { wrong: 1 })).toMatchObject({ kind: 'other' })
    expect(await bodyOf('text', { wrong: 1 })).toBeUndefined()
  })
})

describe('a press', () => {
  let fake: FakeFeishu
  let feishu: Connected
  beforeEach(async () => {
    fake = await startFeishu({ mode: 'webhook' })
    feishu = connected(fake)
  })
  afterEach(() => fake.close())
  const group = { chat: 'oc_fa4e0000000000000000000000000002', kind: 'group' }
  const pressed = async (at: object | undefined, chat: string, by = fake.people.ann) => {
    await fake.press(by, 'om_card', { k: 'opaque', ...(at ? { at } : {}) }, chat)
    return feishu.events.at(-1)
  }

  it('comes from where the card hangs, with its topic', async () => {
    const at = { ...group, thread: 'om_root' }
    expect((await pressed(at, group.chat))?.where).toMatchObject(at)
    expect((await pressed({ chat: 'oc_dm', kind: 'dm' }, 'oc_dm'))?.where).toMatchObject({ chat: 'oc_dm', kind: 'dm' })
  })

  it('of a card that was sent to a person comes from there, whichever id it was sent to', async () => {
    const { id } = fake.people.ann
    for (const chat of [id, 'on_fa4e0001', 'fakealice'])
      expect((await pressed({ chat, kind: 'dm' }, 'oc_dm'))?.where).toMatchObject({ chat, kind: 'dm' })
  })

  it('of a card that was forwarded comes from where it is pressed, and without its topic', async () => {
    for (const at of [
      { ...group, thread: 'om_root' },
      { chat: fake.people.bob.id, kind: 'dm' },
    ]) {
      const where = (await pressed(at, 'oc_elsewhere'))?.where
      expect(where).toMatchObject({ chat: 'oc_elsewhere', kind: 'group' })
      expect(where?.thread).toBeUndefined()
    }
  })

  it('twice is two events, its redelivery one; what carries nothing of ours is none', async () => {
    const first = await pressed(undefined, group.chat)
    await fake.redeliver()
    const again = feishu.events.at(-1)
    const second = await pressed(undefined, group.chat)
    expect(again?.id).toBe(first?.id)
    expect(second?.id).not.toBe(first?.id)
    const count = feishu.events.length
    for (const value of [null, {}, { k: 7 }, [], 7]) await fake.press(fake.people.ann, 'om_card', value, group.chat)
    expect(feishu.events).toHaveLength(count)
  })

  it('is proven by the token of the header: the one beside it is for updating the card', async () => {
    const event = pressOf(ann, { chat: 'oc_1', message: 'om_1' }, { k: 'x' })
    const payload = v2(mainApp, 'ev1', 'card.action.trigger', recordedMs, { ...event, token: mainApp.token })
    const { token: _, ...header } = payload.header
    expect(await receive(plain({ ...payload, header }))).toMatchObject({ kind: 'reject', status: 401 })
  })
})

describe('words', () => {
  const bot = mainApp.bot
  const person = (key: string, name: string) => ({ key, id: { open_id: `ou_${name}` }, name })
  const us = { key: '@_user_1', id: { open_id: bot }, name: 'FakeBot' }
  const words = (text: string, mentions: Parameters<typeof readContent>[2] = []) => {
    const content = readContent('text', JSON.stringify({ text }), mentions, bot)
    return content.kind === 'found' ? [content.found.text, content.found.named] : content
  }

  it.each([
    ['@_user_1 /run fox', '/run fox', true],
    ['/run @_user_1 fox', '/run fox', true],
    ['/run fox @_user_1', '/run fox', true],
    ['@_user_10 and @_user_2', 'Ten and Two', false],
    ['@_user_1 @_user_10', 'Ten', true],
    ['@_all lunch?', '@all lunch?', false],
    ['@_user_7 is nobody', '@_user_7 is nobody', false],
    ['  two spaces', '  two spaces', false],
  ])('%j are %j', (given, text, named) => {
    expect(words(given, [us, person('@_user_10', 'Ten'), person('@_user_2', 'Two'), null])).toEqual([text, named])
  })

  it.each([
    ['/run img [https://a.example/x_y](https://a.example/x_y)', '/run img https://a.example/x_y'],
    ['[a.example](http://a.example/)', 'http://a.example/'],
    ['[click](https://a.example)', '[click](https://a.example)'],
    ['array[0](x)', 'array[0](x)'],
  ])('%j are %j: an address is no link to itself', (given, text) => {
    expect(words(given)).toEqual([text, false])
  })

  it('in rich text are its lines, with title, names and code, and pictures apart', () => {
    const at = (user_id: string) => ({ tag: 'at', user_id, user_name: 'somebody' })
    const content = [
      [at('@_user_1'), { tag: 'text', text: ' /run' }, { tag: 'a', text: 'here', href: 'https://a.example' }],
      [{ tag: 'img', image_key: 'img_1' }],
      [
        { tag: 'code_block', language: 'TEXT', text: 'a\nb' },
        { tag: 'emotion', emoji_type: 'SMILE' },
      ],
      [at('all'), null, { tag: 'media', file_key: 'file_1' }, 7],
    ]
    const read = readContent('post', JSON.stringify({ title: 'Title', content }), [us], bot)
    expect(read).toEqual({
      kind: 'found',
      found: {
        text: 'Title\n /runhere\na\nb\nsomebody',
        named: true,
        files: [
          { kind: 'image', key: 'img_1', as: 'image' },
          { kind: 'video', key: 'file_1', as: 'file' },
        ],
      },
    })
  })

  it('take any content without falling over', () => {
    const types = fc.constantFrom(
      'text',
      'post',
      'image',
      'file',
      'audio',
      'media',
      'sticker',
      '__proto__',
      'constructor',
    )
    fc.assert(
      fc.property(types, fc.oneof(fc.json(), fc.string()), (type, json) => {
        const read = readContent(type, json, [us], bot)
        expect(['found', 'other', 'ignored']).toContain(read.kind)
        if (read.kind === 'other') expect(typeof read.what).toBe('string')
      }),
    )
  })

  it('references to files come back whole, whatever is in them', () => {
    const word = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(word, word, word, fc.option(word, { nil: undefined }), (name, message, key, tenant) => {
        const { ref } = refOf(name, message, { kind: 'image', key, as: 'image' }, tenant)
        expect(readRef(ref)).toEqual([name, message, key, 'image', ...(tenant === undefined ? [] : [tenant])])
      }),
    )
  })
})

it('several apps on one path are told apart by what proves them', async () => {
  const entries = [
    { app_id: mainApp.appId, app_secret: 'x', verification_token: mainApp.token },
    { app_id: otherApp.appId, app_secret: 'x', verification_token: otherApp.token, encrypt_key: otherApp.encryptKey },
  ]
  const given = { ...settings, BINDINGS_JSON: JSON.stringify(entries) }
  const [first] = eventsOf(await receive(plain(said('hello')), given))
  const [second] = eventsOf(
    await receive(delivered(otherApp, eventPath, said('hello', {}, otherApp), recordedMs), given),
  )
  expect([first?.where.account, second?.where.account]).toEqual([account, otherApp.appId])
  // In the open the second is a forgery, and so is the first with the second's key.
  expect(await receive(plain(said('hello', {}, otherApp)), given)).toMatchObject({ kind: 'reject', status: 401 })
  const mixed = delivered({ ...mainApp, encryptKey: otherApp.encryptKey }, eventPath, said('hello'), recordedMs)
  expect(await receive(mixed, given)).toMatchObject({ kind: 'reject', status: 401 })
})
