import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InboundEvent, Memo, Part } from '../../src/contract/index.ts'
import { never, text as textItem } from '../kit/adapter.ts'
import { testDeps } from '../kit/deps.ts'
import { type FakeLine, startLine } from '../platforms/line.ts'
import { answerTo, connected, keepingMemo, type Line, makeLine, makePart, mediaItem, unreachable } from './line-kit.ts'

let nowMs = Date.now()
let fake: FakeLine
let memo: Memo
let line: Line & { readonly events: readonly InboundEvent[] }

beforeEach(async () => {
  nowMs = Date.now()
  fake = await startLine({ now: () => nowMs })
  memo = keepingMemo()
  line = connected(fake, {}, { now: () => nowMs, memo })
})
afterEach(() => fake.close())

const asked = async (text = '/run fox', place = fake.places.dm): Promise<InboundEvent> => {
  await fake.say(fake.people.ann, place, text)
  return line.events.at(-1)!
}
const send = (part: Part, signal = never, through = line.adapter) => through.send(part, signal)
const texts = (): readonly string[] => fake.shown().map(({ text }) => text)
const paths = (): readonly string[] => fake.requests().map(({ path }) => path.replace('/v2/bot/message/', ''))
const pushed = (text: string, more: Partial<Part> = {}): Part =>
  makePart([textItem(text)], { to: { ...makePart([]).to, chat: fake.people.ann.id }, ...more })
const afterRestart = () => makeLine(fake.settings, { now: () => nowMs, memo }).adapter

describe('an answer while its token is fresh', () => {
  it('goes by reply: free of charge and without a retry key', async () => {
    const receipt = await send(answerTo(await asked()))
    expect(receipt).toMatchObject({ via: 'token', message: fake.shown()[0]?.id })
    expect(paths()).toEqual(['reply'])
    expect(fake.world.quota.used).toBe(500)
    expect(fake.requests()[0]?.headers).not.toHaveProperty('x-line-retry-key')
  })

  it('takes up to five messages in one call', async () => {
    const items = ['a', 'b', 'c', 'd'].map(textItem)
    await send({ ...answerTo(await asked()), items: [...items, mediaItem('image')] })
    expect(paths()).toEqual(['reply'])
    expect(texts()).toEqual(['a', 'b', 'c', 'd', ''])
  })

  it('goes to the group it was asked in', async () => {
    await send(answerTo(await asked('/run fox', fake.places.group)))
    expect(fake.shown()).toMatchObject([{ place: fake.places.group, text: 'done' }])
  })

  it('goes by push once the token is too old, and costs one message', async () => {
    const part = answerTo(await asked())
    nowMs += 55_000
    expect(await send(part)).toMatchObject({ via: 'push' })
    expect([paths(), fake.world.quota.used]).toEqual([['push'], 501])
  })

  it('whose token somebody else used says so, and the push brings it', async () => {
    const event = await asked()
    await send(answerTo(event, 'first', { key: 'p1' }))
    const second = answerTo(event, 'second', { key: 'p2' })
    await expect(send(second)).rejects.toMatchObject({ code: 'handle_gone', delivered: 'no' })
    await send({ ...second, handle: undefined })
    expect(texts()).toEqual(['first', 'second'])
  })
})

describe('a reply whose answer was lost', () => {
  const lost = async (): Promise<Part> => {
    const part = answerTo(await asked())
    fake.failNext({ kind: 'answer_lost' })
    await expect(send(part)).rejects.toMatchObject({ code: 'unavailable', delivered: 'maybe' })
    return part
  }

  it('is repeated with the same token; that this is used up proves that it had arrived', async () => {
    const part = await lost()
    expect(await send(part)).toEqual({ via: 'token' })
    expect([texts(), paths()]).toEqual([['done'], ['reply', 'reply']])
  })

  it('is not shown twice after a restart either', async () => {
    const part = await lost()
    expect(await send(part, never, afterRestart())).toEqual({ via: 'token' })
    expect(texts()).toEqual(['done'])
  })

  it('arrives by the repetition when the first one was never taken', async () => {
    const part = answerTo(await asked())
    fake.failNext({ kind: 'unavailable' })
    await expect(send(part)).rejects.toMatchObject({ code: 'unavailable', delivered: 'maybe' })
    expect(await send(part)).toMatchObject({ via: 'token', message: expect.any(String) })
    expect(texts()).toEqual(['done'])
  })

  it('that waited in the mailbox after a push whose answer was lost says so', async () => {
    await send({ ...answerTo(await asked()), repeated: true })
    expect(texts()).toEqual([`${testDeps().say('maybe_repeated')}\ndone`])
  })

  it('says that it may be there already when its token died before that could be found out', async () => {
    const part = answerTo(await asked())
    const picture = { ...answerTo(await asked()), key: 'p2', items: [mediaItem('image')] }
    for (const one of [part, picture]) {
      fake.failNext({ kind: 'answer_lost' })
      await expect(send(one)).rejects.toMatchObject({ delivered: 'maybe' })
    }
    nowMs += 61_000
    await send(part, never, afterRestart())
    await send(picture)
    const mark = testDeps().say('maybe_repeated')
    expect(texts()).toEqual(['done', '', `${mark}\ndone`, mark, ''])
    expect(paths()).toEqual(['reply', 'reply', 'push', 'push'])
  })

  it('is not taken as arrived after a plain refusal', async () => {
    const event = await asked()
    const part = answerTo(event)
    fake.failNext({ kind: 'rate_limited', retryAfterMs: 1000 })
    await expect(send(part)).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 1000 })
    for (const token of fake.world.tokens.values()) token.used = true
    await expect(send(part)).rejects.toMatchObject({ code: 'handle_gone' })
  })

  it('still goes out when its mark can not be kept', async () => {
    const full: Memo = {
      get: () => null,
      set: async () => {
        throw new Error('disk full')
      },
    }
    const { adapter, lines } = makeLine(fake.settings, { now: () => nowMs, memo: full })
    await adapter.send(answerTo(await asked()), never)
    expect(texts()).toEqual(['done'])
    expect(lines.join()).toContain('could not be noted')
  })
})

describe('a push', () => {
  it('carries a retry key, and the same part again is the same message', async () => {
    fake.failNext({ kind: 'answer_lost' })
    await expect(send(pushed('result'))).rejects.toMatchObject({ code: 'unavailable', delivered: 'maybe' })
    const [shown] = fake.shown()
    expect(await send(pushed('result'))).toEqual({ via: 'push', message: shown?.id })
    expect(await send(pushed('result'), never, afterRestart())).toEqual({ via: 'push', message: shown?.id })
    expect(texts()).toEqual(['result'])
    expect(fake.world.quota.used).toBe(501)
  })

  it('whose fate is unknown is repeated word for word, links and all, while these are young', async () => {
    let made = 0
    const media = { open: async () => new Blob([]), link: (blob: string) => `https://m.example/${blob}/${made++}` }
    const bodies: string[] = []
    const statuses = [500, 429, 400, 500, 500, 200]
    const answering: typeof fetch = async (_, init) => {
      bodies.push(String(init?.body))
      return Response.json({}, { status: statuses[bodies.length - 1] })
    }
    const { adapter } = makeLine({}, { now: () => nowMs, media, fetch: answering })
    const picture = { ...pushed(''), items: [mediaItem('image')] }
    for (const code of ['unavailable', 'rate_limited', 'media_rejected', 'unavailable']) {
      await expect(send(picture, never, adapter)).rejects.toMatchObject({ code })
      nowMs += 10_000
    }
    nowMs += 20_000
    await expect(send(picture, never, adapter)).rejects.toMatchObject({ code: 'unavailable' })
    await send(picture, never, adapter)
    const [first, second, third, afterRefusal, later, same] = bodies
    expect([second, third, same]).toEqual([first, first, later])
    expect(new Set([first, afterRefusal, later]).size).toBe(3)
  })

  it('of another part is another message, with the same words too', async () => {
    await send(pushed('result'))
    await send(pushed('result', { key: 'p2' }))
    expect(texts()).toEqual(['result', 'result'])
  })

  it('into a group costs as many messages as it has members', async () => {
    await send(pushed('result', { to: { ...makePart([]).to, chat: fake.places.group.chat, kind: 'group' } }))
    expect(fake.world.quota.used).toBe(503)
  })

  it('to a group that was left ends what waits for it', async () => {
    fake.world.groups.clear()
    const to = { ...makePart([]).to, chat: fake.places.group.chat, kind: 'group' as const }
    await expect(send(pushed('x', { to }))).rejects.toMatchObject({ code: 'target_gone', delivered: 'no' })
    await expect(send(pushed('x', { to: { ...to, chat: 'nobody' } }))).rejects.toMatchObject({ code: 'target_gone' })
  })
})

describe('a quote', () => {
  it('shows which message an answer answers', async () => {
    const event = await asked()
    await send(answerTo(event, 'done', { replyTo: event.message ?? '' }))
    expect(fake.shown()[0]?.replyTo).toBe(event.message)
  })

  it.each(['reply', 'push'])('that can not be had stops no %s', async (way) => {
    const part = answerTo(await asked(), 'done', { replyTo: 'unknown-token' })
    await send(way === 'reply' ? part : { ...part, handle: undefined })
    expect([texts(), paths()]).toEqual([['done'], [way, way]])
  })
})

describe('trouble', () => {
  it('with the token names the variable to set, and ends when it is right again', async () => {
    fake.world.revoked = true
    await expect(send(pushed('x'))).rejects.toMatchObject({
      code: 'auth',
      message: expect.stringContaining('OPENCLAW_CONNECTOR_LINE_CHANNEL_ACCESS_TOKEN'),
    })
    fake.world.revoked = false
    await send(pushed('x'))
    expect(texts()).toEqual(['x'])
  })

  it('names the field LINE refuses and the id of the request', async () => {
    const error: unknown = await send(pushed('')).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'rejected', delivered: 'no' })
    expect(String(error)).toMatch(/messages\[0\]\.text: May not be empty; request 0{8}-/)
  })

  it('with a host that is not there leaves the answer unsent', async () => {
    const { origin, close } = await startLine()
    await close()
    const gone = makeLine({ API_BASE: origin }).adapter
    await expect(send(pushed('x'), never, gone)).rejects.toMatchObject({ code: 'unavailable', delivered: 'no' })
  })

  it('of a redirect is not followed with our token', async () => {
    const asked: string[] = []
    const redirecting = makeLine(
      {},
      {
        fetch: async (url, init) => {
          asked.push(`${url} ${init?.redirect}`)
          return new Response(null, { status: 307, headers: { location: 'https://evil.example' } })
        },
      },
    ).adapter
    await expect(send(pushed('x'), never, redirecting)).rejects.toMatchObject({ code: 'unavailable', delivered: 'no' })
    expect(asked).toEqual(['https://api.line.me/v2/bot/message/push manual'])
  })

  it('with an answer that is no JSON or endless is no success by mistake', async () => {
    const answering = (body: string, status: number) =>
      makeLine({}, { fetch: async () => new Response(body, { status }) }).adapter
    await expect(send(pushed('x'), never, answering('<html>', 502))).rejects.toMatchObject({
      code: 'unavailable',
      delivered: 'maybe',
    })
    await expect(send(pushed('x'), never, answering('x'.repeat(300_000), 200))).rejects.toMatchObject({
      delivered: 'maybe',
    })
  })
})

describe('the loading animation', () => {
  it('is shown in a chat with one person', async () => {
    await line.adapter.typing?.(pushed('').to, undefined, never)
    expect(fake.world.loading).toEqual([{ chat: fake.people.ann.id, seconds: 20 }])
  })

  it('is not asked for in groups', async () => {
    await line.adapter.typing?.({ ...makePart([]).to, chat: fake.places.group.chat, kind: 'group' }, undefined, never)
    expect(fake.calls()).toEqual([])
  })

  it('never fails anything', async () => {
    fake.world.revoked = true
    await line.adapter.typing?.(pushed('').to, undefined, never)
    await makeLine({ API_BASE: unreachable }).adapter.typing?.(pushed('').to, undefined, never)
    expect(fake.world.loading).toEqual([])
  })
})

describe('a pressed quick reply', () => {
  it('brings back its id, shows its label in the chat, and is gone afterwards', async () => {
    await send({ ...answerTo(await asked()), buttons: [{ label: 'Again', action: 'abc-123', say: '/again' }] })
    const [shown] = fake.shown()
    await shown?.buttons[0]?.press()
    expect(line.events.at(-1)).toMatchObject({
      body: { kind: 'press', action: 'abc-123' },
      from: { id: fake.people.ann.id },
    })
    expect(fake.world.posts.at(-1)?.object).toEqual({ type: 'text', text: 'Again' })
    expect(fake.shown()[0]?.buttons).toEqual([])
  })
})
