import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { capabilities } from '../../adapters/wechat/limits.ts'
import { makeNonces } from '../../adapters/wechat/nonces.ts'
import type { AdapterDeps, Verdict } from '../../src/contract/index.ts'
import { eventOf, requestOf } from '../kit/adapter.ts'
import { type FakeWechat, type Mode, startFakeWechat, type WechatOptions } from '../platforms/wechat.ts'
import { seal, sha1Of } from '../platforms/wechat-crypt.ts'
import { aesKey, ann, appId, connected, makeWechat, ours, token, type Wechat } from './wechat-kit.ts'

let nowMs: number
let fake: FakeWechat
let made: Wechat

const open = async (options: WechatOptions = {}, deps: Partial<AdapterDeps> = {}): Promise<void> => {
  fake = await startFakeWechat({ now: () => nowMs, ...options })
  made = connected(fake, undefined, { now: () => nowMs, ...deps })
}
const text = (words: string, id = '1'): string =>
  fake.xml(fake.people.ann, 'text', `<Content><![CDATA[${words}]]></Content><MsgId>${id}</MsgId>`)
const take = (body: string, more?: Parameters<FakeWechat['signed']>[1]): Promise<Verdict> =>
  made.receive(requestOf(fake.signed(body, more)))
const bodyOf = async (inner: string, type = 'text') => eventOf(await take(fake.xml(fake.people.ann, type, inner))).body

beforeEach(() => {
  nowMs = Date.now()
})
afterEach(() => fake.close())

describe('the check of the console', () => {
  it.each<Mode>(['plain', 'compatible', 'safe'])('is answered with its own words in %s mode', async (mode) => {
    await open({ mode })
    for (const echo of ['4375120948345356249', 'echo_Of-some.kind~='])
      expect(await fake.check(echo)).toMatchObject({ status: 200, body: echo })
  })

  it('never gives markup or a flood back', async () => {
    await open()
    for (const echo of ['<script>', 'a b', '', 'a'.repeat(129)]) {
      expect(await fake.check(echo)).toMatchObject({ status: 403, body: '' })
    }
  })

  it('is refused with a stale timestamp', async () => {
    await open()
    const stamp = String(Math.floor(nowMs / 1000) - 301)
    const query = new URLSearchParams({
      signature: sha1Of([token, stamp, '1']),
      timestamp: stamp,
      nonce: '1',
      echostr: '1',
    })
    const call = { method: 'GET', path: `/wechat/webhook?${query}`, headers: {}, body: '' }
    expect(await made.receive(requestOf(call))).toMatchObject({ kind: 'reject', status: 403 })
  })
})

describe.each<Mode>(['plain', 'compatible', 'safe'])('a push in %s mode', (mode) => {
  beforeEach(() => open({ mode }))

  it('brings the words', async () => {
    expect(eventOf(await take(text('／status '))).body).toEqual({ kind: 'text', text: '/status', addressed: true })
  })

  it('has five minutes, forward and back', async () => {
    const nowS = Math.floor(nowMs / 1000)
    nowMs = nowS * 1000
    for (const timestamp of [nowS - 300, nowS + 300])
      expect((await take(text('hi'), { timestamp })).kind).toBe('events')
    for (const timestamp of [nowS - 301, nowS + 301]) {
      expect(await take(text('hi'), { timestamp })).toMatchObject({
        status: 403,
        reason: expect.stringContaining('stale'),
      })
    }
  })

  it('is as old as its signature says, whatever stands in the message', async () => {
    const old = text('hi').replace(/<CreateTime>\d+/, '<CreateTime>1773619200')
    const timestamp = Math.floor(nowMs / 1000) - 120
    expect(eventOf(await take(old, { timestamp })).at).toBe(timestamp * 1000)
  })

  it('may be repeated as it is, and not with other words under the same nonce', async () => {
    const first = eventOf(await take(text('hi'), { nonce: '77' }))
    expect(eventOf(await take(text('hi'), { nonce: '77' })).id).toBe(first.id)
    expect(await take(text('/approve all', '2'), { nonce: '77' })).toMatchObject({ kind: 'reject', status: 403 })
  })

  it.each([
    '',
    '<xml>',
    '{"a":1}',
    '<!DOCTYPE a><xml><Content>1</Content></xml>',
    '<xml><Content>&lol;</Content></xml>',
  ])('with the body %j is refused', async (body) => {
    expect((await take(body)).kind).toBe('reject')
  })

  it('without a sender is taken and forgotten', async () => {
    const verdict = await take('<xml><MsgType>text</MsgType><Content>hi</Content></xml>')
    expect(verdict).toMatchObject({ kind: 'answer', answer: { status: 200, body: 'success' } })
    expect(made.lines.join()).toContain('without sender')
  })

  it('says nothing of its secrets, whatever happens', async () => {
    for (const { call } of fake.forgeries()) await made.receive(requestOf(call))
    const said = JSON.stringify(made.lines)
    for (const secret of fake.secrets) expect(said).not.toContain(secret)
  })
})

describe('encryption', () => {
  it('looks only at the encrypted copy in compatible mode', async () => {
    await open({ mode: 'compatible' })
    const call = fake.signed(text('hello'))
    const forged = { ...call, body: String(call.body).replace('<![CDATA[hello]]>', '<![CDATA[/approve all]]>') }
    expect(eventOf(await made.receive(requestOf(forged))).body).toMatchObject({ text: 'hello' })
  })

  it('knows a message brought again under its nonce, also where only its encrypted copy is another', async () => {
    await open({ mode: 'compatible' })
    made = makeWechat({ TOKEN: token })
    const once = { timestamp: Math.floor(nowMs / 1000), nonce: '77' }
    const body = text('hi')
    expect([(await take(body, once)).kind, (await take(body, once)).kind]).toEqual(['events', 'events'])
    expect((await take(text('/approve all', '2'), once)).kind).toBe('reject')
  })

  it('takes the previous key while it is being changed, and answers with the one that fitted', async () => {
    await open({ keys: false })
    const newKey = `New${aesKey.slice(3)}`
    made = makeWechat({ TOKEN: token, APP_ID: appId, ENCODING_AES_KEY: newKey, ENCODING_AES_KEY_PREVIOUS: aesKey })
    const event = eventOf(await take(text('hi')))
    const { answer } = made.inline({ kind: 'late', event })
    const encrypted = /<Encrypt><!\[CDATA\[(.*?)\]\]>/.exec(answer.body)?.[1] ?? ''
    const { decrypt, cipherOf } = await import('../../adapters/wechat/crypt.ts')
    expect(decrypt(encrypted, cipherOf(aesKey, appId))).toContain('<still_working>')
    expect(decrypt(encrypted, cipherOf(newKey, appId))).toBeNull()
  })

  it('needs to know the AppID before it starts', async () => {
    await open()
    expect(() => makeWechat({ TOKEN: token, ENCODING_AES_KEY: aesKey })).toThrow(
      /needs OPENCLAW_CONNECTOR_WECHAT_APP_ID/,
    )
  })

  it('answers all forgeries alike', async () => {
    await open()
    const broken = seal(text('hi'), { token, aesKey: `Other${aesKey.slice(5)}`, appId })
    const { path } = fake.signed(text('hi'))
    const call = { method: 'POST', path, headers: {}, body: `<xml><Encrypt>${broken}</Encrypt></xml>` }
    const refusals = await Promise.all(
      [
        ...fake
          .forgeries()
          .filter(({ status }) => status === 403)
          .map((one) => one.call),
        call,
      ].map((one) => made.receive(requestOf(one))),
    )
    expect(new Set(refusals.map((verdict) => (verdict.kind === 'reject' ? verdict.status : verdict.kind)))).toEqual(
      new Set([403]),
    )
  })
})

describe('what people do', () => {
  beforeEach(() =>
    open(
      {},
      { menu: { everyone: [{ command: 'status', about: '' }], admin: [{ command: 'run', about: '' }], admins: [] } },
    ),
  )
  const typed = (words: string) => ({ kind: 'text', text: words, addressed: true })
  const event = (name: string, key = '') =>
    bodyOf(`<Event>${name}</Event><EventKey><![CDATA[${key}]]></EventKey>`, 'event')

  it.each([
    ['/status', '/status'],
    ['／Status', '/Status'],
    [' /run portrait a fox ', '/run portrait a fox'],
    ['/approve all', '/help'],
    ['status', '/help'],
    ['MENU_STATUS', '/help'],
    ['', '/help'],
    ['/status\u0000', '/help'],
  ])('a menu entry with the key %j means %s', async (key, command) => {
    if (key.includes('\u0000')) return expect(await event('CLICK', '/stat\u0008us')).toEqual(typed('/status'))
    expect(await event('CLICK', key)).toEqual(typed(command))
  })

  it.each(['subscribe', 'SCAN'])('%s is a greeting, with or without a scene', async (name) => {
    expect(await event(name, 'qrscene_/run')).toEqual(typed('/start'))
  })

  it.each(['unsubscribe', 'VIEW', 'LOCATION', 'TEMPLATESENDJOBFINISH', 'anything_new'])(
    '%s is taken and needs no answer',
    async (name) => {
      const body = fake.xml(fake.people.ann, 'event', `<Event>${name}</Event>`)
      expect(await take(body)).toMatchObject({ kind: 'answer', answer: { status: 200, body: 'success' } })
    },
  )

  it('two events in one second are two, the same one brought again is one', async () => {
    const id = async (key: string) =>
      eventOf(await take(fake.xml(fake.people.ann, 'event', `<Event>CLICK</Event><EventKey>${key}</EventKey>`))).id
    expect(await id('a')).toBe(await id('a'))
    expect(await id('a')).not.toBe(await id('b'))
    expect(await id('a')).toContain(`wechat:${appId}:${ann}:`)
  })

  it('never takes the notice of an unsupported message for words', async () => {
    const notice = '【收到不支持的消息类型，暂无法显示】'
    expect(await bodyOf(`<Content><![CDATA[${notice}]]></Content><MsgId>1</MsgId>`)).toMatchObject({ kind: 'other' })
    expect(await bodyOf(`<Content><![CDATA[what is ${notice}?]]></Content><MsgId>2</MsgId>`)).toMatchObject({
      kind: 'text',
    })
  })

  it('offers what was heard, and never takes it for typed', async () => {
    const voice = '<MediaId>m</MediaId><Format>amr</Format><MsgId>1</MsgId>'
    expect(await bodyOf(`${voice}<Recognition><![CDATA[/run fox]]></Recognition>`, 'voice')).toEqual({
      kind: 'heard',
      text: '/run fox',
    })
    expect(await bodyOf('<Format>amr</Format><MsgId>1</MsgId>', 'voice')).toMatchObject({ kind: 'other' })
  })

  it('takes what was spoken as a sound for a later command, recognised or not', async () => {
    const voice = '<MediaId>voice-1</MediaId><Format>amr</Format><Recognition></Recognition>'
    const event = eventOf(await take(fake.xml(fake.people.ann, 'voice', `${voice}<MsgId>1</MsgId>`)))
    expect(event).toMatchObject({
      body: { kind: 'text', text: '' },
      media: [{ kind: 'audio', ref: 'voice-1' }],
    })
    const heard = voice.replace('<Recognition>', '<Recognition>a fox')
    expect(eventOf(await take(fake.xml(fake.people.ann, 'voice', `${heard}<MsgId>2</MsgId>`)))).toMatchObject({
      body: { kind: 'heard', text: 'a fox' },
      media: [{ kind: 'audio', ref: 'voice-1' }],
    })
    expect(capabilities.receives).toEqual(['image', 'audio'])
  })

  it('takes a tap on our menu for what it says, and on one of others for its label', async () => {
    const tap = (id: string) =>
      bodyOf(`<Content>Yes</Content><MsgId>1</MsgId><bizmsgmenuid><![CDATA[${id}]]></bizmsgmenuid>`)
    expect(await tap('say:/approve apr_1')).toEqual(typed('/approve apr_1'))
    expect(await tap('101')).toEqual(typed('Yes'))
    expect(await tap('/approve apr_1')).toEqual(typed('Yes'))
  })

  it('gives help for nothing readable, and keeps messages without an id apart', async () => {
    expect(await bodyOf('<Content></Content><MsgId>1</MsgId>')).toEqual(typed('/help'))
    const id = async (words: string) =>
      eventOf(await take(fake.xml(fake.people.ann, 'text', `<Content>${words}</Content>`))).id
    expect(await id('a')).toBe(await id('a'))
    expect(await id('a')).not.toBe(await id('b'))
  })

  it('knows the person, the chat and the account', async () => {
    const found = eventOf(await take(text('hi', '18446744073709551615')))
    expect(found).toMatchObject({
      id: `wechat:${appId}:${ann}:18446744073709551615`,
      message: '18446744073709551615',
      where: { account: appId, workspace: ours, chat: ann, kind: 'dm' },
      at: Math.floor(nowMs / 1000) * 1000,
    })
  })
})

describe('the memory of nonces', () => {
  const query = (nonce: string, timestamp = '1773619200') => ({ signature: '', timestamp, nonce, msgSignature: null })

  it('forgets what is stale anyway, and stays bounded', async () => {
    await open()
    let now = 1_773_619_200_000
    const bound = makeNonces(() => now)
    expect(bound(query('a'), 'one')).toBe(true)
    expect(bound(query('a'), 'two')).toBe(false)
    now += 301_000
    expect(bound(query('b', '1773619501'), 'one')).toBe(true)
    expect(bound(query('a'), 'two')).toBe(true)
    for (let nth = 0; nth < 20_001; nth++) bound(query(`n${nth}`, '1773619501'), 'x')
    expect(bound(query('b', '1773619501'), 'two')).toBe(true)
    expect(bound(query('n20000', '1773619501'), 'y')).toBe(false)
  })
})
