import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AdapterDeps } from '../../src/contract/index.ts'
import { never, text as textItem } from '../kit/adapter.ts'
import { type FakeWechat, startFakeWechat } from '../platforms/wechat.ts'
import { ann, connected, golden, goldenJson, makePart, makeWechat, mediaItem, type Wechat } from './wechat-kit.ts'

let fake: FakeWechat
let nowMs: number
let made: Wechat
let memo: Map<string, string>

const day = 86_400_000
const deps = (): Partial<AdapterDeps> => ({
  now: () => nowMs,
  media: { open: async () => new Blob(['fox']), link: (blob) => `https://media.example.org/${blob}` },
  memo: { get: (key) => memo.get(key) ?? null, set: async (key, value) => void memo.set(key, value) },
})
const connect = (): void => {
  made = connected(fake, undefined, deps())
}
const hello = () => fake.say(fake.people.ann, fake.places.dm, 'hello')
const say = (text: string, more = {}) => made.adapter.send(makePart([textItem(text)], more), never)
const calls = (method: string) => fake.api.calls().filter((call) => call.method === method)
const button = (label: string, command: string) => ({ label, say: command, action: command })

beforeEach(async () => {
  nowMs = Date.now()
  memo = new Map()
  fake = await startFakeWechat({ now: () => nowMs })
  connect()
  await hello()
})
afterEach(() => fake.close())

describe('a message of our own', () => {
  it('goes out by customer service, with a token fetched once', async () => {
    await Promise.all([say('one'), say('two'), say('three')])
    expect(
      fake
        .shown()
        .map(({ text }) => text)
        .toSorted(),
    ).toEqual(['one', 'three', 'two'])
    expect(calls('stable_token').map(({ body }) => JSON.parse(body))).toEqual([goldenJson('api-stable-token.json')])
  })

  it('is written in raw UTF-8, as the platform wants it', async () => {
    await say('答案在这里')
    expect(JSON.parse(calls('message/custom/send')[0]?.body ?? '')).toEqual(goldenJson('api-custom-text.json'))
    expect(calls('message/custom/send')[0]?.body).toContain('答案在这里')
  })

  it('has five places for each message of the person', async () => {
    for (const nth of [1, 2, 3, 4, 5]) await say(`${nth}`)
    await expect(say('6')).rejects.toMatchObject({ code: 'window_closed', delivered: 'no' })
    await hello()
    expect(await say('6')).toEqual({ via: 'push' })
  })

  it('waits for the person after 48 hours', async () => {
    nowMs += 2 * day
    await expect(say('late')).rejects.toMatchObject({ code: 'window_closed', delivered: 'no' })
  })

  it('has a minute and three places after a menu click', async () => {
    await fake.sendEvent(fake.people.bob, 'CLICK', '<EventKey>x</EventKey>')
    const to = { ...makePart([]).to, chat: fake.people.bob.id }
    for (const nth of [1, 2, 3]) await say(`${nth}`, { to })
    await expect(say('4', { to })).rejects.toMatchObject({ code: 'window_closed' })
    await fake.sendEvent(fake.people.bob, 'CLICK', '<EventKey>x</EventKey>')
    nowMs += 60_000
    await expect(say('4', { to })).rejects.toMatchObject({ code: 'window_closed' })
  })

  it('to nobody ends what waits for them', async () => {
    const to = { ...makePart([]).to, chat: 'nobody' }
    await expect(say('hi', { to })).rejects.toMatchObject({ code: 'target_gone', delivered: 'no' })
  })

  it.each([
    [-1, 'unavailable', 'maybe', null],
    [45011, 'rate_limited', 'no', 60_000],
    [50002, 'auth', 'no', null],
    [40033, 'rejected', 'no', null],
    [49999, 'rejected', 'no', null],
  ])('refused with %i is %s', async (errcode, code, delivered, retryAfterMs) => {
    fake.api.answerNext('message/custom/send', errcode)
    await expect(say('x')).rejects.toMatchObject({
      code,
      delivered,
      retryAfterMs,
      message: expect.stringContaining('rid:'),
    })
  })
})

describe('buttons', () => {
  const buttons = [button('Approve', '/approve apr_1'), button('Reject', '/reject apr_1')]

  it('are a menu whose tap says the command', async () => {
    await say('Well?', { buttons })
    const [message] = fake.shown()
    expect(message).toMatchObject({ text: 'Well?', buttons: [{ label: 'Approve' }, { label: 'Reject' }] })
  })

  it('are words where the account has no menus, and from then on', async () => {
    fake.api.answerNext('message/custom/send', 40008)
    await say('Well?', { buttons })
    await say('And now?', { buttons })
    expect(fake.shown().map(({ text }) => text)).toEqual([
      'Well?\nApprove: /approve apr_1\nReject: /reject apr_1',
      'And now?\nApprove: /approve apr_1\nReject: /reject apr_1',
    ])
    expect(calls('message/custom/send')).toHaveLength(3)
  })

  it('are words for once where only this menu was refused', async () => {
    fake.api.answerNext('message/custom/send', 47001)
    await say('Well?', { buttons })
    await say('And now?', { buttons })
    expect(fake.shown().map((message) => message.buttons.length)).toEqual([0, 2])
  })

  it('of a file come behind it, and their trouble does not send it again', async () => {
    const part = makePart([mediaItem('image', 'image')], { buttons })
    await made.adapter.send(part, never)
    expect(fake.shown()).toMatchObject([{ media: [{ as: 'image' }] }, { text: 'fox.png', buttons: [{}, {}] }])
    for (const nth of [1, 2]) await say(`${nth}`)
    expect(await made.adapter.send(part, never)).toEqual({ via: 'push' })
    expect(made.lines.join()).toContain('the buttons of a file were not sent')
  })
})

describe('a file', () => {
  it('is uploaded once and named by its id from then on', async () => {
    const part = makePart([mediaItem('image', 'image')])
    await made.adapter.send(part, never)
    await made.adapter.send(part, never)
    expect(calls('media/upload')).toHaveLength(1)
    expect(fake.shown()).toHaveLength(2)
    nowMs += 3 * day
    await hello()
    await made.adapter.send(part, never)
    expect(calls('media/upload')).toHaveLength(2)
  })

  it('is uploaded anew, once, when its id is no longer known', async () => {
    const part = makePart([mediaItem('image', 'image')])
    await made.adapter.send(part, never)
    fake.api.answerNext('message/custom/send', 40007)
    await made.adapter.send(part, never)
    expect(calls('media/upload')).toHaveLength(2)
    expect(fake.shown()).toHaveLength(2)
  })

  it.each([
    ['a video without a small picture', mediaItem('video', 'video')],
    [
      'a video with a PNG beside it',
      mediaItem('video', 'video', { preview: { blob: 'p', mime: 'image/png', bytes: 3 } }),
    ],
    ['a picture the platform does not take', mediaItem('image', 'image', { mime: 'image/webp' })],
  ])('goes another way: %s', async (_, item) => {
    await expect(made.adapter.send(makePart([item]), never)).rejects.toMatchObject({
      code: 'media_rejected',
      delivered: 'no',
    })
    expect(fake.shown()).toEqual([])
  })

  it('without a link is told to be refused, so that its name is said', async () => {
    made = connected(fake, undefined, { ...deps(), media: { open: async () => new Blob(['x']), link: () => null } })
    await hello()
    const part = makePart([mediaItem('file', 'news')])
    await expect(made.adapter.send(part, never)).rejects.toMatchObject({ code: 'media_rejected' })
  })

  it('that is gone from the disk ends its part', async () => {
    const open = async (): Promise<Blob> => {
      throw new Error('ENOENT')
    }
    made = connected(fake, undefined, { ...deps(), media: { open, link: () => null } })
    await expect(made.adapter.send(makePart([mediaItem('image', 'image')]), never)).rejects.toMatchObject({
      code: 'rejected',
    })
  })

  it('lost on its way up was shown to nobody', async () => {
    const part = makePart([mediaItem('image', 'image')])
    fake.api.answerNext('media/upload', -1)
    await expect(made.adapter.send(part, never)).rejects.toMatchObject({ code: 'unavailable', delivered: 'no' })
    const cut = async (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> => {
      if (String(input).includes('media/upload')) throw new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } })
      return fetch(input, init)
    }
    made = connected(fake, undefined, { ...deps(), fetch: cut })
    await expect(made.adapter.send(part, never)).rejects.toMatchObject({ code: 'unavailable', delivered: 'no' })
  })

  it('somebody sent is fetched by its id, and its URL tells nothing', async () => {
    fake.api.keep('in-1', golden('image.xml'), 'image/jpeg')
    const response = await made.adapter.download?.({ kind: 'image', ref: 'in-1' }, never)
    expect(response?.headers.get('content-type')).toBe('image/jpeg')
    expect(response?.url).toBe('')
    expect(Buffer.from((await response?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(golden('image.xml'))
  })

  it('somebody sent long ago is gone, and without AppSecret nothing can be fetched', async () => {
    await expect(made.adapter.download?.({ kind: 'image', ref: 'old' }, never)).rejects.toMatchObject({
      code: 'rejected',
    })
    const bare = makeWechat({ TOKEN: 'FakeWechatToken' })
    await expect(bare.adapter.download?.({ kind: 'image', ref: 'x' }, never)).rejects.toMatchObject({
      code: 'auth',
      message: expect.stringContaining('APP_SECRET'),
    })
  })

  it('somebody sent to an account without the right is nothing that coming again would cure', async () => {
    fake.api.grant(false)
    await expect(made.adapter.download?.({ kind: 'image', ref: 'in-1' }, never)).rejects.toMatchObject({
      code: 'auth',
      message: expect.stringContaining('48001'),
    })
  })
})

describe('an account that may not speak first', () => {
  it('is recognised once, and that is kept over a restart', async () => {
    fake.api.grant(false)
    expect(made.adapter.pushes?.()).toBe(true)
    await expect(say('x')).rejects.toMatchObject({ code: 'window_closed', delivered: 'no' })
    expect(made.adapter.pushes?.()).toBe(false)
    const before = fake.api.calls().length
    await expect(say('y')).rejects.toMatchObject({ code: 'window_closed', delivered: 'no' })
    connect()
    expect(made.adapter.pushes?.()).toBe(false)
    await made.adapter.typing?.(makePart([]).to, undefined, never)
    expect(fake.api.calls()).toHaveLength(before)
  })

  it('is recognised by the kind of the account too, which some calls name instead', async () => {
    fake.api.answerNext('message/custom/send', 40_200)
    await expect(say('x')).rejects.toMatchObject({ code: 'window_closed', delivered: 'no' })
    expect(made.adapter.pushes?.()).toBe(false)
  })

  it('is asked again once a day, and speaks when it has been verified', async () => {
    fake.api.grant(false)
    await expect(say('x')).rejects.toThrow()
    nowMs += day
    await made.adapter.typing?.(makePart([]).to, undefined, never)
    expect(made.adapter.pushes?.()).toBe(false)
    fake.api.grant(true)
    nowMs += day
    await made.adapter.typing?.(makePart([]).to, undefined, never)
    expect(made.adapter.pushes?.()).toBe(true)
    await hello()
    expect(await say('at last')).toEqual({ via: 'push' })
  })

  it('is another one with another AppID', async () => {
    memo.set('no_customer_service', `wxother ${nowMs}`)
    connect()
    expect(made.adapter.pushes?.()).toBe(true)
  })

  it('is one without AppID and AppSecret', async () => {
    const bare = makeWechat({ TOKEN: 'FakeWechatToken', APP_ID: 'wx1' })
    expect(bare.adapter.pushes?.()).toBe(false)
    await expect(bare.adapter.send(makePart([textItem('x')]), never)).rejects.toMatchObject({ code: 'window_closed' })
    expect(await bare.adapter.quota?.(never)).toBeNull()
  })
})

describe('the sign that we are at work', () => {
  it('is what the platform expects, and its errors are nobody’s', async () => {
    await made.adapter.typing?.(makePart([]).to, undefined, never)
    expect(JSON.parse(calls('message/custom/typing')[0]?.body ?? '')).toEqual(goldenJson('api-typing.json'))
    fake.api.answerNext('message/custom/typing', 45081)
    await made.adapter.typing?.(makePart([]).to, undefined, never)
    expect(made.adapter.pushes?.()).toBe(true)
    expect(makePart([]).to.chat).toBe(ann)
  })
})
