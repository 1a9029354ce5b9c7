import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InboundEvent, Part, SendError } from '../../src/contract/index.ts'
import { never, text } from '../kit/adapter.ts'
import { sleep } from '../kit/deps.ts'
import { type FakeTelegram, startTelegram } from '../platforms/telegram.ts'
import { type Connected, connected, media, partTo, pngHeader, running } from './telegram-kit.ts'

let fake: FakeTelegram
let telegram: Connected
const blobs = new Map<string, Uint8Array<ArrayBuffer>>()
const open = async (blob: string): Promise<Blob> => {
  const bytes = blobs.get(blob)
  if (!bytes) throw new Error('ENOENT')
  return new Blob([bytes])
}

beforeEach(async () => {
  fake = await startTelegram()
  blobs.clear()
  telegram = connected(fake, { media: { open, link: () => null } })
})
afterEach(async () => {
  expect([...telegram.lines].filter((line) => line.includes(fake.token.slice(11)))).toEqual([])
  await fake.close()
})

const send = (part: Part, signal: AbortSignal = never) => telegram.adapter.send(part, signal)
const failure = async (work: Promise<unknown>): Promise<SendError> =>
  work.then(
    () => {
      throw new Error('it was sent')
    },
    (error: SendError) => error,
  )
const methodsCalled = () => fake.calls().map(({ method }) => method)

describe('an answer', () => {
  it('appears in the chat, in its topic, quoting its question', async () => {
    await fake.say(fake.people.ann, fake.places.thread ?? fake.places.group, '/jobs')
    const asked = fake.world.posts.at(-1)?.id
    const receipt = await send(partTo(fake.places.thread ?? fake.places.group, [text('none')], { replyTo: `${asked}` }))
    expect(fake.shown()).toMatchObject([
      { id: receipt.message, text: 'none', place: fake.places.thread, replyTo: `${asked}`, buttons: [] },
    ])
    expect(receipt.via).toBe('push')
  })

  it('is sent although what it quotes was deleted', async () => {
    await send(partTo(fake.places.dm, [text('late')], { replyTo: '999' }))
    expect(fake.shown()).toMatchObject([{ text: 'late' }])
  })

  it('follows its group to the new id when that became a supergroup', async () => {
    const old = fake.world.rooms.get(-1_001_900_000_001)
    if (old) old.movedTo = -1_001_900_000_002
    await send(partTo(fake.places.group, [text('found you')], { replyTo: '5' }))
    expect(fake.shown()).toMatchObject([{ text: 'found you', place: { chat: '-1001900000002' } }])
    expect(telegram.lines.join()).toContain('-1001900000002')
  })

  it('to a person who blocked the bot ends there', async () => {
    const room = fake.world.rooms.get(501_000_111)
    if (room) room.forbidden = 'bot was blocked by the user'
    expect(await failure(send(partTo(fake.places.dm, [text('x')])))).toMatchObject({ code: 'target_gone' })
  })

  it('into a deleted topic is told apart, so that it can go to the group', async () => {
    const part = partTo({ ...fake.places.group, chat: '-1001900000002', thread: '78' }, [text('x')])
    expect(await failure(send(part))).toMatchObject({ code: 'thread_gone' })
  })
})

describe('files', () => {
  it('arrive with their bytes, name and caption', async () => {
    blobs.set('b1', pngHeader(64, 64))
    await send(partTo(fake.places.dm, [media('photo', { name: 'ein Fuchs "ü";.png' }, 'a fox')]))
    expect(fake.shown()).toMatchObject([
      { text: 'a fox', media: [{ as: 'photo', kind: 'image', bytes: 64, name: 'ein Fuchs _ü__.png' }] },
    ])
  })

  it('arrive as an album of messages, the first of which is named', async () => {
    blobs.set('b1', pngHeader(64, 64))
    const receipt = await send(partTo(fake.places.group, [media('photo', {}, 'one'), media('photo', {}, 'two')]))
    expect(fake.shown().map((message) => message.text)).toEqual(['one', 'two'])
    expect(receipt.message).toBe(fake.shown()[0]?.id)
    expect(methodsCalled()).toEqual(['sendMediaGroup'])
  })

  it.each([
    ['too large a sum of sides', 6000, 4001],
    ['too narrow', 2100, 100],
  ])('that are no photo for Telegram go one rung down: %s', async (_, width, height) => {
    blobs.set('b1', pngHeader(width, height))
    expect(await failure(send(partTo(fake.places.dm, [media('photo')])))).toMatchObject({
      code: 'media_rejected',
      delivered: 'no',
    })
    await send(partTo(fake.places.dm, [media('document')]))
    expect(fake.shown()).toMatchObject([{ media: [{ as: 'document' }] }])
  })

  it('that are gone from our disk are not asked for again', async () => {
    expect(await failure(send(partTo(fake.places.dm, [media('photo')])))).toMatchObject({ code: 'rejected' })
    expect(methodsCalled()).toEqual([])
  })
})

describe('trouble', () => {
  const part = () => partTo(fake.places.dm, [text('hello')])

  it('tells how long to wait', async () => {
    fake.failNext({ kind: 'rate_limited', retryAfterMs: 7000 })
    expect(await failure(send(part()))).toMatchObject({ code: 'rate_limited', delivered: 'no', retryAfterMs: 7000 })
  })

  it('after the message was taken is doubtful, and the repeat says so', async () => {
    fake.failNext({ kind: 'answer_lost' })
    expect(await failure(send(part()))).toMatchObject({ code: 'unavailable', delivered: 'maybe' })
    await send({ ...part(), repeated: true })
    expect(fake.shown().map((message) => message.text)).toEqual(['hello', '<maybe_repeated>\nhello'])
  })

  it('of a server that took nothing is certain', async () => {
    fake.failNext({ kind: 'unavailable' })
    expect(await failure(send(part()))).toMatchObject({ code: 'unavailable', delivered: 'no' })
    expect(fake.shown()).toEqual([])
  })

  it('of a server that broke down on the way is doubtful', async () => {
    const restart = async () =>
      Response.json({ ok: false, error_code: 500, description: 'Internal Server Error: restart' }, { status: 500 })
    const error = await failure(connected(fake, { fetch: restart }).adapter.send(part(), never))
    expect(error).toMatchObject({ code: 'unavailable', delivered: 'maybe' })
  })

  it('of a server that is not there is certain', async () => {
    await fake.close()
    expect(await failure(send(part()))).toMatchObject({ code: 'unavailable', delivered: 'no' })
  })

  it('of a proxy that answers in HTML keeps its status', async () => {
    const page = async () => new Response('<html>', { status: 413, headers: { 'retry-after': '3' } })
    const behind = connected(fake, { fetch: page, media: { open, link: () => null } })
    blobs.set('b1', pngHeader(9, 9))
    const error = await failure(behind.adapter.send(partTo(fake.places.dm, [media('video')]), never))
    expect(error).toMatchObject({ code: 'media_rejected' })
  })

  it('ends at once when we stop, without claiming anything', async () => {
    fake.failNext({ kind: 'hang' })
    const stop = new AbortController()
    const sending = failure(send(part(), stop.signal))
    while (methodsCalled().length === 0) await sleep(5)
    const at = Date.now()
    stop.abort()
    expect(await sending).toMatchObject({ code: 'unavailable', delivered: 'maybe' })
    expect(Date.now() - at).toBeLessThan(100)
  })

  it('never shows the token, not in messages nor in causes', async () => {
    const leaky = async (input: unknown) => {
      throw new TypeError(`failed to fetch ${String(input)}`, { cause: new Error(String(input)) })
    }
    const echo = async (input: unknown) =>
      Response.json({ ok: false, error_code: 400, description: `Cannot POST ${String(input)}` })
    for (const fetch of [leaky, echo]) {
      const error = await failure(connected(fake, { fetch }).adapter.send(part(), never))
      expect(error.message).not.toContain(fake.token.slice(11))
      expect(error.cause).toBeUndefined()
    }
  })
})

describe('a press', () => {
  const card = async (): Promise<{ event: InboundEvent; stop: () => Promise<void> }> => {
    const buttons = [{ label: 'Approve', action: 'act-1', say: '/approve apr_1' }]
    const { message = '' } = await send(partTo(fake.places.group, [text('[Approval]')], { buttons }))
    const stream = running(telegram.adapter)
    fake.press(fake.people.bob, message, 'Approve')
    const [event] = await stream.until(1)
    if (!event) throw new Error('no press')
    return { event, stop: stream.stop }
  }
  const answer = (event: InboundEvent, words: string, more: Partial<Part> = {}) =>
    send(partTo(fake.places.group, [text(words)], { ...(event.handle ? { handle: event.handle } : {}), ...more }))

  it('brings back the action, who pressed and on which message', async () => {
    const { event, stop } = await card()
    expect(event).toMatchObject({
      from: { id: fake.people.bob.id },
      body: { kind: 'press', action: 'act-1', message: fake.shown()[0]?.id },
      where: { chat: fake.places.group.chat, kind: 'group' },
    })
    await stop()
  })

  it('is answered to the presser alone when the answer is for the asker', async () => {
    const { event, stop } = await card()
    expect(await answer(event, 'not for you', { audience: 'asker' })).toEqual({ via: 'token' })
    expect(fake.shown().slice(1)).toMatchObject([{ text: 'not for you', onlyFor: fake.people.bob.id }])
    await stop()
  })

  it('is acknowledged beside an answer for everyone', async () => {
    const { event, stop } = await card()
    expect(await answer(event, 'approved')).toMatchObject({ via: 'push' })
    expect(fake.shown().at(-1)).toMatchObject({ text: 'approved' })
    expect([...fake.world.queries.values()]).toMatchObject([{ answered: true }])
    await stop()
  })

  it('is acknowledged by an edit as well', async () => {
    const { event, stop } = await card()
    const message = fake.shown()[0]?.id ?? ''
    const part = partTo(fake.places.group, [text('approved by Bob')], event.handle ? { handle: event.handle } : {})
    expect(await telegram.adapter.edit?.(message, part, never)).toEqual({ message, via: 'edit' })
    expect(fake.shown()).toMatchObject([{ text: 'approved by Bob', buttons: [], edits: 1 }])
    expect([...fake.world.queries.values()]).toMatchObject([{ answered: true }])
    await stop()
  })

  it('that was answered already gets an ordinary message', async () => {
    const { event, stop } = await card()
    await answer(event, 'first', { audience: 'asker' })
    expect(await answer(event, 'second', { audience: 'asker' })).toMatchObject({ via: 'push' })
    expect(fake.shown().at(-1)).toMatchObject({ text: 'second' })
    expect(fake.shown().at(-1)?.onlyFor).toBeUndefined()
    await stop()
  })

  it('whose time is over is not asked about', async () => {
    const { event, stop } = await card()
    const handle = event.handle && { ...event.handle, expiresAt: Date.now() - 1 }
    await answer(event, 'late', { audience: 'asker', ...(handle ? { handle } : {}) })
    expect(methodsCalled()).not.toContain('answerCallbackQuery')
    await stop()
  })

  it('with a long answer gets an ordinary message', async () => {
    const { event, stop } = await card()
    await answer(event, 'z'.repeat(201), { audience: 'asker' })
    expect(fake.shown().at(-1)?.text).toHaveLength(201)
    expect(fake.shown().at(-1)?.onlyFor).toBeUndefined()
    await stop()
  })
})

describe('an edit', () => {
  const edit = (message: string, words: string) =>
    telegram.adapter.edit?.(message, partTo(fake.places.dm, [text(words)]), never) ?? Promise.reject(new Error('none'))

  it('that changes nothing has succeeded', async () => {
    const { message = '' } = await send(partTo(fake.places.dm, [text('50 %')]))
    expect(await edit(message, '50 %')).toEqual({ message, via: 'edit' })
    expect(fake.shown()).toMatchObject([{ edits: 0 }])
  })

  it('of a picture changes its caption', async () => {
    blobs.set('b1', pngHeader(9, 9))
    const { message = '' } = await send(partTo(fake.places.dm, [media('photo', {}, 'before')]))
    await edit(message, 'after')
    expect(fake.shown()).toMatchObject([{ text: 'after', edits: 1 }])
  })

  it('of a message that is gone says so', async () => {
    expect(await failure(edit('999', 'x'))).toMatchObject({ code: 'edit_gone' })
    expect(await failure(edit('not-an-id', 'x'))).toMatchObject({ code: 'edit_gone' })
  })
})

describe('the typing sign', () => {
  it('is shown in the topic', async () => {
    const { thread } = fake.places
    await telegram.adapter.typing?.(partTo(thread ?? fake.places.group, []).to, undefined, never)
    expect(fake.world.signs).toEqual([{ room: -1_001_900_000_002, action: 'typing', thread: 77 }])
  })

  it('that can not be shown stops nothing', async () => {
    await fake.close()
    await telegram.adapter.typing?.(partTo(fake.places.dm, []).to, undefined, never)
    expect(telegram.lines.join()).toContain('typing sign')
  })
})
