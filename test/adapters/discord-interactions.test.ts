import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InboundEvent, Part } from '../../src/contract/index.ts'
import { never, text } from '../kit/adapter.ts'
import { sleep } from '../kit/deps.ts'
import { type FakeDiscord, startDiscord } from '../platforms/discord.ts'
import { ApiError, channelOf, type Interaction, type Post } from '../platforms/discord-world.ts'
import { type Connected, connected, media, partTo, type Running, running } from './discord-kit.ts'

let fake: FakeDiscord
let discord: Connected
let stream: Running
/** Ends the wait behind which an interaction is acknowledged without an answer. */
let impatient: () => void

beforeEach(async () => {
  fake = await startDiscord()
  const waits: (() => void)[] = []
  impatient = () => {
    for (const end of waits.splice(0)) end()
  }
  discord = connected(fake, {
    sleep: (ms, signal) =>
      ms < 1500
        ? sleep(Math.min(ms, 10), signal)
        : new Promise((resolve) => {
            waits.push(resolve)
            signal.addEventListener('abort', () => resolve(), { once: true })
          }),
  })
  stream = running(discord.adapter)
  await stream.until(() => stream.reports.length > 0)
})
afterEach(async () => {
  await stream.stop()
  expect(discord.lines.filter((line) => line.includes('fake-interaction-token'))).toEqual([])
  await fake.close()
})

const ann = () => fake.people.ann
const asked = async (name = 'status', place = fake.places.group): Promise<[InboundEvent, Interaction]> => {
  const before = stream.events.length
  const interaction = fake.command(ann(), place, name)
  const event = (await stream.heard(before + 1))[before]
  return event ? [event, interaction] : expect.fail('no event')
}
const answer = ({ handle, where }: InboundEvent, more: Partial<Part> = {}): Part => ({
  ...partTo(fake.places.group, [text('all is well')]),
  to: where,
  ...(handle ? { handle } : {}),
  ...more,
})
const send = (part: Part) => discord.adapter.send(part, never)
const acknowledged = async ({ callbacks }: Interaction): Promise<void> => {
  impatient()
  await expect.poll(() => callbacks.length, { interval: 2 }).toBe(1)
}
const card = async (key = 'card'): Promise<Post> => {
  const buttons = [{ label: 'Approve', action: 'act-1', say: '/approve 1' }]
  await send(partTo(fake.places.group, [text('Approve?')], { key, buttons }))
  return fake.world.posts.at(-1) ?? expect.fail('no card')
}
const pressed = async (post: Post): Promise<[InboundEvent, Interaction]> => {
  const before = stream.events.length
  const interaction = fake.press(ann(), post, 'Approve')
  const event = (await stream.heard(before + 1))[before]
  return event ? [event, interaction] : expect.fail('no event')
}

describe('a slash command', () => {
  it('is answered at once when the answer is there, with its message', async () => {
    const [event, interaction] = await asked()
    const { message, via } = await send(answer(event))
    expect(via).toBe('token')
    expect(fake.shown()).toMatchObject([{ id: message, text: 'all is well', place: fake.places.group }])
    expect(interaction.callbacks).toEqual([4])
    expect(fake.world.posts[0]?.pings).toEqual([])
  })

  it('is answered to the asker alone where that is wanted', async () => {
    const [event] = await asked('whoami')
    await send(answer(event, { audience: 'asker' }))
    expect(fake.shown()).toMatchObject([{ text: 'all is well', onlyFor: ann().id }])
  })

  it('is answered to the asker alone to the last of several parts', async () => {
    const [event] = await asked('approvals')
    for (const key of ['a', 'b', 'c']) await send(answer(event, { key, audience: 'asker', items: [text(key)] }))
    expect(fake.shown()).toMatchObject(['a', 'b', 'c'].map((key) => ({ text: key, onlyFor: ann().id })))
  })

  it('is deferred in time, and the answer takes the place of "thinking"', async () => {
    const [event, interaction] = await asked('run')
    await acknowledged(interaction)
    expect(interaction.callbacks).toEqual([5])
    const { message } = await send(answer(event))
    expect(fake.shown()).toMatchObject([{ id: message, text: 'all is well' }])
    expect(fake.world.posts).toHaveLength(1)
  })

  it('that was deferred before everyone can still be answered privately', async () => {
    const [event, interaction] = await asked('approvals')
    await acknowledged(interaction)
    await send(answer(event, { audience: 'asker' }))
    expect(fake.shown()).toMatchObject([{ text: 'all is well', onlyFor: ann().id }])
    expect(fake.world.posts.filter(({ loading }) => loading)).toEqual([])
  })

  it('with files in its answer is deferred first, whatever they weigh', async () => {
    const [event, interaction] = await asked('run')
    await send(answer(event, { items: [media('attachment', {}, 'a fox')] }))
    expect(interaction.callbacks).toEqual([5])
    expect(fake.shown()).toMatchObject([{ text: 'a fox', media: [{ name: 'fox.png' }] }])
  })

  it('with pictures in its answer shows them in a card, also when it is said twice or to the asker alone', async () => {
    const items = [media('card', {}, 'a fox'), media('card', { name: 'b.png' })]
    const [event] = await asked('run')
    for (const _ of [1, 2]) await send(answer(event, { items }))
    const [other] = await asked('approvals')
    await send(answer(other, { key: 'part-2', items, audience: 'asker' }))
    const card = { text: 'a fox', media: [{ as: 'card' }, { as: 'card' }] }
    expect(fake.shown()).toMatchObject([card, { ...card, onlyFor: ann().id }])
    expect(fake.shown()[0]?.media).toHaveLength(2)
  })

  it('answered twice by the same part is shown once', async () => {
    const [event] = await asked()
    await send(answer(event))
    await send(answer(event))
    expect(fake.shown()).toHaveLength(1)
  })

  it('whose result comes later gets it as a message with a key, and edits go the ordinary way', async () => {
    const [event] = await asked('run')
    const { message = '' } = await send(answer(event, { interim: true, items: [text('queued')] }))
    expect(await discord.adapter.edit?.(message, answer(event, { items: [text('50 %')] }), never)).toMatchObject({
      via: 'edit',
    })
    const result = answer(event, { key: 'part-2', items: [text('done')] })
    expect((await send(result)).via).toBe('push')
    await send(result)
    expect(fake.shown().map((one) => one.text)).toEqual(['50 %', 'done'])
  })

  it('whose answer is taken without a word can be edited all the same', async () => {
    fake.world.terse = true
    const [event] = await asked('run')
    const { message } = await send(answer(event, { interim: true, items: [text('queued')] }))
    expect(message).toBe(fake.shown()[0]?.id)
    await discord.adapter.edit?.(message ?? '', answer(event, { items: [text('50 %')] }), never)
    expect(fake.shown()).toMatchObject([{ text: '50 %', edits: 1 }])
  })

  it('that nobody answered in time is told to be gone, so that a message answers', async () => {
    const [event] = await asked()
    fake.world.limits.ackMs = -1
    await expect(send(answer(event))).rejects.toMatchObject({ code: 'handle_gone', delivered: 'no' })
    const { handle: _, ...bare } = answer(event)
    await send(bare)
    expect(fake.shown()).toMatchObject([{ text: 'all is well' }])
  })

  it('is not answered by a token that has died, and the bot goes on', async () => {
    const [event, interaction] = await asked()
    await acknowledged(interaction)
    fake.world.limits.tokenMs = -1
    await expect(send(answer(event))).rejects.toMatchObject({ code: 'handle_gone' })
    const late = answer(event, {
      handle: { kind: 'token', value: event.handle?.value ?? '', expiresAt: Date.now() - 1 },
    })
    expect((await send(late)).via).toBe('push')
  })

  it.each([
    ['deferred', true, 'token'],
    ['never acknowledged', false, null],
  ])('from before a restart, %s, is found out about', async (_name, deferred, via) => {
    const [event, interaction] = await asked()
    if (deferred) await acknowledged(interaction)
    const after = connected(fake)
    const sent = after.adapter.send(answer(event), never)
    if (via === null) await expect(sent).rejects.toMatchObject({ code: 'handle_gone' })
    else expect((await sent).via).toBe(via)
  })

  it('answered before a restart keeps that answer, and the next is a message', async () => {
    const [event] = await asked('run')
    await send(answer(event, { items: [text('queued')] }))
    const after = connected(fake)
    expect((await after.adapter.send(answer(event, { key: 'part-2', items: [text('done')] }), never)).via).toBe('push')
    expect(fake.shown().map((one) => one.text)).toEqual(['queued', 'done'])
  })

  it.each([
    ['directly', false],
    ['behind "thinking"', true],
  ])('answered %s before a restart, of which nobody took note, is not answered twice', async (_name, thinking) => {
    const [event, interaction] = await asked('run')
    if (thinking) await acknowledged(interaction)
    const queued = answer(event, { items: [text('queued *at once*')] })
    await send(queued)
    const after = connected(fake)
    expect((await after.adapter.send(queued, never)).via).toBe('token')
    expect((await after.adapter.send(answer(event, { key: 'part-2', items: [text('done')] }), never)).via).toBe('push')
    expect(fake.shown().map((one) => one.text)).toEqual(['queued *at once*', 'done'])
  })

  it.each([
    ['is not answered twice', 'queued', 'token', ['queued']],
    ['loses nothing of what is to be said now', 'done', 'push', ['queued', 'done']],
  ])('brought again after a restart %s', async (_name, words, via, shown) => {
    const before = discord.deps.memo.get('session') ?? ''
    const [event] = await asked('run')
    await send(answer(event, { items: [text('queued')] }))
    await stream.stop()
    const { memo } = discord.deps
    await memo.set('session', before)
    const again = connected(fake, { memo })
    const heard = running(again.adapter)
    await heard.heard(1)
    const part = answer(event, { key: 'part-2', items: [text(words)] })
    expect((await again.adapter.send(part, never)).via).toBe(via)
    expect(fake.shown().map((one) => one.text)).toEqual(shown)
    await heard.stop()
  })

  it('in a channel where the bot may not write is answered by its token', async () => {
    channelOf(fake.world, fake.places.group.chat).refuse = new ApiError(403, 50013, 'Missing Permissions')
    const [event] = await asked('run')
    await send(answer(event, { items: [text('queued')] }))
    expect((await send(answer(event, { key: 'part-2', items: [text('done')] }))).via).toBe('token')
    expect(fake.shown().map((one) => one.text)).toEqual(['queued', 'done'])
  })

  it('brings its picture and its options', async () => {
    const file = {
      id: '1',
      filename: 'in.png',
      size: 5,
      url: `${fake.base}/attachments/1/in.png`,
      content_type: 'image/png',
    }
    fake.command(
      ann(),
      fake.places.thread ?? fake.places.group,
      'run',
      [
        { name: 'template', type: 3, value: 'upscale' },
        { name: 'image', type: 11, value: '1' },
      ],
      { resolved: { attachments: { 1: file } } },
    )
    const [event] = await stream.heard(1)
    expect(event?.body).toEqual({ kind: 'command', name: 'run', options: { template: 'upscale' } })
    expect(event?.media).toMatchObject([{ kind: 'image', mime: 'image/png', name: 'in.png' }])
    expect(event?.where).toMatchObject(fake.places.thread ?? {})
  })
})

describe('a press', () => {
  it('is acknowledged beside its answer, which everybody sees', async () => {
    const [event, interaction] = await pressed(await card())
    await send(answer(event))
    expect(fake.shown().map((one) => one.text)).toEqual(['Approve?', 'all is well'])
    await expect.poll(() => interaction.callbacks, { interval: 2 }).toEqual([6])
  })

  it('is refused to whoever pressed alone', async () => {
    const [event, interaction] = await pressed(await card())
    await send(answer(event, { audience: 'asker', items: [text('not yours')] }))
    expect(fake.shown().at(-1)).toMatchObject({ text: 'not yours', onlyFor: ann().id })
    expect(interaction.callbacks).toEqual([4])
  })

  it('is refused privately also after it was acknowledged', async () => {
    const [event, interaction] = await pressed(await card())
    await acknowledged(interaction)
    await send(answer(event, { audience: 'asker', items: [text('not yours')] }))
    expect(fake.shown().map((one) => one.text)).toEqual(['Approve?', 'not yours'])
    expect(fake.shown().at(-1)?.onlyFor).toBe(ann().id)
  })

  it('changes its own message in one call, at once or later', async () => {
    for (const late of [false, true]) {
      const post = await card(`card ${late}`)
      const [event, interaction] = await pressed(post)
      if (late) await acknowledged(interaction)
      await discord.adapter.edit?.(post.id, answer(event, { items: [text('approved')] }), never)
      expect(fake.shown().at(-1)).toMatchObject({ id: post.id, text: 'approved', buttons: [] })
      expect(interaction.callbacks).toEqual([late ? 6 : 7])
    }
  })

  it('on a private message changes that too', async () => {
    const [event] = await asked('approvals')
    const buttons = [{ label: 'Approve', action: 'act-1', say: '/approve 1' }]
    await send(answer(event, { audience: 'asker', items: [text('one waits')], buttons }))
    const post = fake.world.posts.at(-1) ?? expect.fail('no list')
    const [press] = await pressed(post)
    await discord.adapter.edit?.(post.id, answer(press, { items: [text('none waits')] }), never)
    expect(fake.shown()).toMatchObject([{ text: 'none waits', onlyFor: ann().id, edits: 1 }])
  })

  it('that leads to the edit of another message is acknowledged all the same', async () => {
    const first = await card()
    const second = await send(partTo(fake.places.group, [text('job 1')], { key: 'job' }))
    const [event, interaction] = await pressed(first)
    await discord.adapter.edit?.(second.message ?? '', answer(event, { items: [text('job 1 runs')] }), never)
    expect(fake.shown().map((one) => one.text)).toEqual(['Approve?', 'job 1 runs'])
    expect(interaction.callbacks).toEqual([6])
  })

  it('nobody has anything to say about stops spinning', async () => {
    const [, interaction] = await pressed(await card())
    await acknowledged(interaction)
    expect(interaction.callbacks).toEqual([6])
    expect(fake.shown()).toHaveLength(1)
  })
})
