import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encode, fileNameOf, uploadType } from '../../adapters/feishu/encode.ts'
import { capabilities, limits } from '../../adapters/feishu/limits.ts'
import { receiverOf } from '../../adapters/feishu/send.ts'
import type { Part, PartItem } from '../../src/contract/index.ts'
import { makeGate } from '../../src/delivery/gate.ts'
import { buttons, file, never, text } from '../kit/adapter.ts'
import { type FakeFeishu, startFeishu } from '../platforms/feishu.ts'
import { otherApp } from '../platforms/feishu-events.ts'
import { refusalOf } from '../platforms/feishu-rules.ts'
import { account, type Feishu, makeFeishu, makePart } from './feishu-kit.ts'

let fake: FakeFeishu
let feishu: Feishu
beforeEach(async () => {
  fake = await startFeishu()
  feishu = makeFeishu(fake.settings)
})
afterEach(async () => {
  expect(feishu.lines.filter((line) => fake.secrets.some((secret) => line.includes(secret)))).toEqual([])
  await fake.close()
})

const send = (items: readonly PartItem[], more: Partial<Part> = {}) => feishu.adapter.send(makePart(items, more), never)
const refuseNext = (code: number, more: object = {}) =>
  fake.api.failNext({ kind: 'refused', refusal: refusalOf(code, more) })
const bodies = () => fake.api.bodies()
const methods = () => fake.calls().map(({ method }) => method)

describe('the tenant token', () => {
  it('is fetched once, however many calls begin at the same moment', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => send([text(`${i}`)], { key: `k${i}` })))
    expect(fake.api.tokenRequests()).toBe(1)
    expect(fake.shown()).toHaveLength(20)
  })

  it('is renewed once when it is refused, and the call repeated with the same key', async () => {
    await send([text('one')], { key: 'a' })
    fake.api.expireTokens()
    await Promise.all([send([text('two')], { key: 'b' }), send([text('three')], { key: 'c' })])
    expect(fake.api.tokenRequests()).toBe(2)
    expect(fake.shown()).toHaveLength(3)
    expect(methods().filter((method) => method === 'refused token')).toHaveLength(2)
  })

  it.each([99991663, 99991665, 99991661, 99991671, 20013])('is renewed on %i too', async (code) => {
    refuseNext(code)
    await send([text('one')])
    expect(fake.api.tokenRequests()).toBe(2)
    expect(new Set(bodies().map(({ uuid }) => uuid)).size).toBe(1)
    expect(fake.shown()).toHaveLength(1)
  })

  it('is renewed with half an hour left, while the old one is still good', async () => {
    await fake.close()
    let now = 1_767_225_600_000
    fake = await startFeishu({ now: () => now })
    feishu = makeFeishu(fake.settings, { now: () => now })
    const at = async (minutes: number) => {
      now = 1_767_225_600_000 + minutes * 60_000
      await send([text('x')], { key: `at ${minutes}` })
      return fake.api.tokenRequests()
    }
    expect([await at(0), await at(89), await at(91), await at(179), await at(182)]).toEqual([1, 1, 2, 2, 3])
    expect(methods()).not.toContain('refused token')
  })

  it('fetching it stops with the last call that waits for it', async () => {
    const abort = new AbortController()
    const { adapter } = makeFeishu(fake.settings, {
      fetch: (_, init) =>
        new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))),
    })
    const sending = adapter.send(makePart([text('x')]), abort.signal)
    abort.abort()
    await expect(sending).rejects.toMatchObject({ code: 'unavailable', delivered: 'no' })
  })
})

describe('where a message goes', () => {
  it.each([
    ['oc_1', 'chat_id'],
    ['ou_1', 'open_id'],
    ['on_1', 'union_id'],
    ['fakealice', 'user_id'],
  ])('%s is a %s', (chat, type) => {
    expect(receiverOf(chat)).toBe(type)
  })

  it('people are reached by each of their ids', async () => {
    for (const chat of [fake.people.bob.id, 'on_fa4e0007', 'fakealice'])
      await send([text('hello')], { key: chat, to: { platform: 'feishu', account, chat, kind: 'dm' } })
    expect(fake.shown().map(({ place }) => place.chat)).toEqual([fake.people.bob.id, 'on_fa4e0007', 'fakealice'])
  })

  const thread = () => ({ ...makePart([]).to, thread: fake.places.thread?.thread ?? '' })

  it('an answer in a topic quotes the message it answers, and stays in the topic when that is gone', async () => {
    await fake.say(fake.people.ann, fake.places.thread ?? fake.places.group, 'in the topic')
    const asked = 'om_fa4e000000000000000000000001'
    await send([text('yes')], { key: 'a', to: thread(), replyTo: asked })
    fake.recall(asked)
    await send([text('yes again')], { key: 'b', to: thread(), replyTo: asked })
    expect(fake.shown()).toMatchObject([
      { place: fake.places.thread, replyTo: asked },
      { place: fake.places.thread, replyTo: thread().thread },
    ])
    expect(bodies().every((body) => body.reply_in_thread === true)).toBe(true)
  })

  it('a topic whose first message is gone is gone', async () => {
    fake.recall(thread().thread)
    await expect(send([text('x')], { to: thread() })).rejects.toMatchObject({ code: 'thread_gone', delivered: 'no' })
  })

  it('with REPLY_IN_THREAD=false nothing is quoted', async () => {
    feishu = makeFeishu({ ...fake.settings, REPLY_IN_THREAD: 'false' })
    await fake.say(fake.people.ann, fake.places.group, 'hello')
    await send([text('hi')], { replyTo: 'om_fa4e000000000000000000000001' })
    expect(methods()).not.toContain('reply')
  })

  it('an account that is not configured any more ends the part', async () => {
    const to = { ...makePart([]).to, account: 'gone' }
    await expect(send([text('x')], { to })).rejects.toMatchObject({ code: 'rejected' })
  })
})

describe('what is sent', () => {
  it('says that it may be a repeat, with words, on a card and beside a picture', async () => {
    const repeated = true
    await send([text('a fox')], { key: 'a', repeated })
    await send([text('a fox')], { key: 'b', repeated, buttons: buttons('Again') })
    await send([file('image')], { key: 'c', repeated })
    expect(fake.shown().map(({ text: shown }) => shown.includes('<maybe_repeated>'))).toEqual([true, true, true])
    expect(fake.shown()[2]?.media).toHaveLength(1)
  })

  it('keys are hashed to what the platform takes, differ by part, and repeat with it', async () => {
    const long = 'k'.repeat(300)
    for (const key of [long, long, `${long}2`]) await send([text('x')], { key })
    const uuids = bodies().map(({ uuid }) => String(uuid))
    expect(uuids[0]).toBe(uuids[1])
    expect(uuids[2]).not.toBe(uuids[0])
    expect(uuids.every((uuid) => uuid.length <= 50)).toBe(true)
    expect(fake.shown()).toHaveLength(2)
  })

  it('every text of the declared length fits into a request, whatever it is made of, with two buttons too', () => {
    const any = fc
      .string({ unit: 'binary-ascii', maxLength: 200 })
      .map((some) => some.repeat(limits.text / (some.length || 1)))
    const worst = [...'"\\\n\t<&\u2028'].map((sign) => sign.repeat(limits.text))
    const check = (given: string): void => {
      const words = Buffer.from(given.toWellFormed()).subarray(0, limits.text).toString('utf8').slice(0, limits.text)
      const cut = Buffer.byteLength(words) > limits.text ? words.slice(0, -2) : words
      const two = ['Approve', 'Reject'].map((label) => ({ label, action: 'a'.repeat(40), say: '/x' }))
      const to = { ...makePart([]).to, chat: 'c'.repeat(40), thread: 't'.repeat(40) }
      const [card] = encode(makePart([text(cut)], { buttons: two, to }), null, (id) => id)
      const [post] = encode(makePart([text(cut)]), null, (id) => id)
      for (const { type, content } of [card, post].map((one) => one ?? expect.fail('nothing'))) {
        const request = { receive_id: to.chat, msg_type: type, content, uuid: 'u'.repeat(43) }
        expect(Buffer.byteLength(JSON.stringify(request))).toBeLessThanOrEqual(limits.requestBytes)
        JSON.parse(content)
      }
    }
    worst.forEach(check)
    fc.assert(fc.property(any, check), { numRuns: 30 })
  })

  it('no second has more messages for one chat than the platform takes', async () => {
    for (const kind of ['dm', 'group'] as const) {
      let now = 0
      const sleep = async (ms: number) => {
        now += ms
      }
      const gate = makeGate(capabilities.pace, { now: () => now, sleep })
      const times: number[] = []
      for (let i = 0; i < 30; i++) {
        await gate.enter('chat', kind, never)
        gate.leave()
        times.push(now)
      }
      const inSecondFrom = times.map((from) => times.filter((at) => at >= from && at < from + 1000).length)
      expect(Math.max(...inSecondFrom)).toBeLessThanOrEqual(5)
    }
  })

  it('buttons carry the opaque id and the place they hang in, and nothing of the command', async () => {
    await send([text('Sure?')], {
      buttons: [{ label: 'Yes', action: 'opaque', say: '/approve apr_1', style: 'primary' }],
    })
    const card = JSON.parse(String(bodies()[0]?.content))
    expect(card.elements[1].actions[0].value).toEqual({
      k: 'opaque',
      at: { chat: makePart([]).to.chat, kind: 'group' },
    })
    expect(JSON.stringify(card)).not.toContain('/approve')
  })

  it('a picture with words is one message, with buttons a card', async () => {
    await send([file('image', {}, 'A fox')], { key: 'a' })
    await send([file('image', {}, 'A fox')], { key: 'b', buttons: buttons('Again') })
    expect(fake.shown()).toMatchObject([
      { text: 'A fox', media: [{ as: 'image' }], buttons: [] },
      { text: 'A fox', media: [{ as: 'image' }], buttons: [{ label: 'Again' }] },
    ])
  })

  it('a file with buttons is two messages, and its repeat none', async () => {
    const part = makePart([file('file', { name: 'fox.zip' })], { buttons: buttons('Again') })
    const receipt = await feishu.adapter.send(part, never)
    expect(await feishu.adapter.send(part, never)).toEqual(receipt)
    expect(fake.shown()).toMatchObject([{ media: [{ as: 'file' }] }, { id: receipt.message, text: 'fox.zip' }])
  })

  it('a video takes its still picture along, and goes without it when that is refused', async () => {
    const preview = { blob: 'p', mime: 'image/jpeg', bytes: 5 }
    await send([file('video', { kind: 'video', name: 'clip.mp4', mime: 'video/mp4', preview })], { key: 'a' })
    fake.failNext({ kind: 'media_rejected' })
    await send([file('video', { kind: 'video', name: 'clip.mp4', mime: 'video/mp4', preview })], { key: 'b' })
    const keys = bodies().map(({ content }) => Object.keys(JSON.parse(String(content))))
    expect(keys).toEqual([['file_key', 'image_key'], ['file_key']])
  })

  it('sound that is not Opus goes as a file', async () => {
    const vorbis = new Blob([Buffer.from('OggS\u0000\u0002\u0000\u0000\u0001vorbis', 'latin1')])
    feishu = makeFeishu(fake.settings, { media: { open: async () => vorbis, link: () => null } })
    await expect(send([file('audio', { kind: 'audio', mime: 'audio/ogg' })])).rejects.toMatchObject({
      code: 'media_rejected',
    })
    expect(methods()).not.toContain('files')
  })

  it('a link needs a public address', async () => {
    await expect(send([file('link')])).rejects.toMatchObject({ code: 'media_rejected' })
  })

  it('a file that is gone ends the part', async () => {
    const open = async () => Promise.reject(new Error('ENOENT'))
    feishu = makeFeishu(fake.settings, { media: { open, link: () => null } })
    await expect(send([file('image')])).rejects.toMatchObject({ code: 'rejected', delivered: 'no' })
  })

  it.each([
    ['file', 'plan.PDF', 'pdf'],
    ['file', 'plan.docx', 'doc'],
    ['file', 'constructor', 'stream'],
    ['video', 'clip.webm', 'mp4'],
    ['audio', 'song.ogg', 'opus'],
  ])('as %s %s is uploaded as %s', (as, name, type) => {
    expect(uploadType(as, name)).toBe(type)
  })

  it('names of files are one line, and keep their ending', () => {
    expect(fileNameOf('a\nb.png')).toBe('a b.png')
    expect(fileNameOf(`${'x'.repeat(500)}.png`)).toMatch(/^…x+\.png$/)
    expect(fileNameOf('  ')).toBe('file')
  })
})

describe('refusals', () => {
  it.each([[230099], [230025]])(
    'a card that is refused with %i goes as text with the commands to type, under a key of its own',
    async (code) => {
      refuseNext(code)
      const { message } = await send([text('Sure?')], { buttons: buttons('Yes', 'No') })
      expect(fake.shown()).toMatchObject([{ id: message, text: 'Sure?\n\n/say Yes 0\n/say No 1', buttons: [] }])
      expect(bodies()[1]?.uuid).not.toBe(bodies()[0]?.uuid)
    },
  )

  it('a card that went as text is edited as a text', async () => {
    refuseNext(230099)
    const { message } = await send([text('Sure?')], { buttons: buttons('Yes') })
    await feishu.adapter.edit?.(message ?? '', makePart([text('Approved.')]), never)
    expect(fake.shown()).toMatchObject([{ id: message, text: 'Approved.', edits: 1 }])
  })

  it.each([
    [99991662, 'auth', 'enable it in the admin console'],
    [99991401, 'auth', 'IP allow list'],
    [99991403, 'auth', "month's API calls"],
    [230006, 'auth', 'feature Bot'],
    [230013, 'target_gone', ''],
    [230035, 'target_gone', ''],
    [11232, 'rate_limited', ''],
    [230049, 'unavailable', ''],
    [230022, 'rejected', ''],
    [230011, 'rejected', ''],
    [987654, 'rejected', ''],
  ])('%i is %s, with the cure', async (code, expected, about) => {
    refuseNext(code)
    await expect(send([text('x')])).rejects.toMatchObject({ code: expected, message: expect.stringContaining(about) })
  })

  it('a missing permission for files takes the file alone', async () => {
    const fetch: typeof globalThis.fetch = async (input, init) =>
      String(input).includes('/im/v1/images')
        ? Response.json({ code: 99991672, msg: 'scope im:resource' }, { status: 400 })
        : globalThis.fetch(input, init)
    feishu = makeFeishu(fake.settings, { fetch })
    await expect(send([file('image')])).rejects.toMatchObject({ code: 'media_rejected' })
  })

  it('words of the platform that hold a secret are told without it', async () => {
    refuseNext(230001, { msg: `secret ${fake.app.secret} token t-FAKEtenanttoken0001` })
    await expect(send([text('x')])).rejects.toThrow('secret [secret] token [token]')
  })

  it('with several apps the trouble of one stops no other', async () => {
    const entry = { app_id: otherApp.appId, app_secret: 'another-secret', account_id: 'other' }
    const good = { app_id: fake.app.appId, app_secret: fake.app.secret, account_id: 'main' }
    const both = { BINDINGS_JSON: JSON.stringify([entry, good]), API_BASE: fake.api.origin }
    const { adapter, lines } = makeFeishu(both)
    const to = (name: string) => ({ ...makePart([]).to, account: name })
    const failing = adapter.send(makePart([text('x')], { to: to('other') }), never)
    await expect(failing).rejects.toMatchObject({ code: 'unavailable', delivered: 'no' })
    expect(lines.join()).toContain('wrong app secret')
    await adapter.send(makePart([text('x')], { to: to('main') }), never)
    expect(fake.shown()).toHaveLength(1)
  })
})

describe('an edit', () => {
  const edit = (message: string | undefined, words: string, more: Partial<Part> = {}) =>
    feishu.adapter.edit?.(message ?? '', makePart([text(words)], more), never)

  it('is one call, of the kind that the message takes', async () => {
    const post = await send([text('a text')], { key: 'a' })
    const card = await send([text('a card')], { key: 'b', buttons: buttons('Yes') })
    await edit(post.message, 'another text')
    await edit(card.message, 'another card')
    expect(fake.shown()).toMatchObject([{ text: 'another text' }, { text: 'another card', buttons: [] }])
    expect(methods().slice(-2)).toEqual(['edit', 'edit card'])
  })

  it('finds its way after a restart too', async () => {
    const post = await send([text('a text')], { key: 'a' })
    const card = await send([text('a card')], { key: 'b', buttons: buttons('Yes') })
    feishu = makeFeishu(fake.settings)
    await edit(post.message, 'another text')
    await edit(card.message, 'another card', { buttons: buttons('No') })
    expect(fake.shown()).toMatchObject([{ text: 'another text' }, { text: 'another card', buttons: [{ label: 'No' }] }])
  })

  it('of a text that was edited twenty times is over; a card never is', async () => {
    const post = await send([text('0')], { key: 'a' })
    const card = await send([text('0')], { key: 'b', buttons: buttons('Stop') })
    for (let i = 1; i <= 20; i++) await edit(post.message, `${i}`)
    await expect(edit(post.message, '21')).rejects.toMatchObject({ code: 'edit_gone' })
    for (let i = 1; i <= 25; i++) await edit(card.message, `${i}`, { buttons: buttons('Stop') })
    expect(fake.shown()[1]).toMatchObject({ text: '25', edits: 25 })
  })

  it('can not give buttons to a text, and says so before it tries', async () => {
    const { message } = await send([text('a text')])
    await expect(edit(message, 'x', { buttons: buttons('Yes') })).rejects.toMatchObject({ code: 'edit_gone' })
    expect(methods()).not.toContain('edit card')
  })

  it('that is asked to wait waits', async () => {
    const { message } = await send([text('0')], { buttons: buttons('Stop') })
    refuseNext(99991400, { status: 429, headers: { 'x-ogw-ratelimit-reset': '7' } })
    await expect(edit(message, '1')).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 7000 })
  })
})

it('what the table promises is within what the platform takes', () => {
  const { media, pace } = capabilities
  expect(media.image[0]?.maxBytes).toBe(10 * 1024 * 1024)
  expect(media.file[0]?.maxBytes).toBe(30 * 1024 * 1024)
  // 1000 calls a minute, 5 a second to one chat, the first of them at once.
  expect(pace.everyMs).toBeGreaterThanOrEqual(60)
  expect(pace.burst + 1000 / pace.perChatMs).toBeLessThan(10)
})
