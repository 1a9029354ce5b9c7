import { describe, expect, test } from 'vitest'
import { prompts } from './backend.ts'
import { openHouse } from './harness.ts'
import { until } from './process.ts'
import { carl, chatOf, promptIdIn, submitted } from './telegram.ts'

describe.concurrent('on Telegram', () => {
  test('a run in a private chat is acknowledged with its place, then brings the picture as a reply, then Done', async ({
    onTestFinished,
  }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    simulator.control.pause()
    await ann.say('/run portrait a red fox seed=1')
    const ack = await ann.shows(submitted)
    expect(ack.text).toMatch(/its turn is now/)
    expect(ack.buttons.map(({ label }) => label)).toEqual(['Cancel'])
    const id = promptIdIn(ack.text)
    expect(simulator.control.jobs().map(({ promptId }) => promptId)).toEqual([id])
    simulator.control.resume()

    const picture = await ann.shows(({ media }) => media.length > 0)
    expect(picture.media).toMatchObject([{ as: 'photo', mime: 'image/png' }])
    expect(picture.text).toContain('portrait')
    expect(picture.text).toContain('prompt: a red fox')
    expect(picture.text).toContain('seed: 1')
    expect(picture.text).toContain(`ID: ${id}`)
    const asked = telegram.world.posts.find(({ text }) => text.startsWith('/run'))
    expect(picture.replyTo).toBe(String(asked?.id))
    const done = await ann.shows(/^Done: portrait/)
    expect(done.id).toBe(ack.id)
    expect(done.buttons).toEqual([])
    expect(ann.seen()).toHaveLength(2)
  })

  test('a waiting job shows who is ahead of it, a running one its steps, in the same message', async ({
    onTestFinished,
  }) => {
    const { telegram, simulator } = await openHouse(onTestFinished, { simulator: { stepMs: 60 } })
    const ann = chatOf(telegram, telegram.people.ann)
    const bob = chatOf(telegram, telegram.people.bob)
    simulator.control.pause()
    await bob.say('/run portrait steps=4')
    await bob.shows(submitted)
    await ann.say('/run portrait steps=300')
    const ack = await ann.shows(submitted)
    expect(ack.text).toContain('1 ahead of it')
    // A change of the queue makes the connector look; to whom nothing is new, nothing is edited.
    await bob.say('/run portrait steps=4')
    await bob.shows(/2 ahead of it/)
    expect(telegram.calls().filter(({ method }) => method === 'editMessageText')).toEqual([])
    simulator.control.resume()
    const step = await ann.shows(/Running: portrait · step \d+\/300 · \d+ %/)
    expect(step.id).toBe(ack.id)
    expect(step.edits).toBeGreaterThan(0)
    ann.press(/^Running/, 'Cancel')
    const end = await ann.shows(({ id, text }) => id === ack.id && text.startsWith('Cancelled: portrait'))
    expect(end.buttons).toEqual([])
    expect(
      simulator.control
        .jobs()
        .map(({ state }) => state)
        .slice(0, 2),
    ).toEqual(['success', 'interrupted'])
  })

  test('a group is answered when it names the bot, and left alone otherwise', async ({ onTestFinished }) => {
    const { telegram, simulator, daemon } = await openHouse(onTestFinished)
    const group = chatOf(telegram, telegram.people.ann, telegram.places.group)
    await group.say('good morning everybody', { mention: false })
    await group.say('/run@another_bot portrait a dog', { mention: false })
    await group.say('/frobnicate', { mention: false })
    await group.say('/run portrait a red fox')
    const picture = await group.shows(({ media }) => media.length > 0)
    const asked = telegram.world.posts.find(({ text }) => text === '/run@render_desk_bot portrait a red fox')
    expect(picture.replyTo).toBe(String(asked?.id))
    await group.shows(/^Done/)
    expect(group.seen()).toHaveLength(2)
    expect(simulator.control.jobs()).toHaveLength(1)
    expect(daemon().output()).not.toContain('good morning')
  })

  test('a topic of a forum gets its answers in that topic', async ({ onTestFinished }) => {
    const { telegram } = await openHouse(onTestFinished)
    const place = telegram.places.thread
    if (!place) throw new Error('the fake has no topics')
    const topic = chatOf(telegram, telegram.people.ann, place)
    await topic.say('/run portrait a red fox')
    await topic.shows(({ media }) => media.length > 0)
    await topic.shows(/^Done/)
    const inChat = telegram.shown().filter((shown) => shown.place.chat === place.chat)
    expect(inChat).toHaveLength(2)
    expect(topic.seen()).toHaveLength(2)
  })

  test('edited messages and ordinary updates of other kinds run nothing', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    const chat = { id: Number(ann.place.chat), type: 'private', first_name: 'Ann' }
    const from = { id: Number(ann.person.id), is_bot: false, first_name: 'Ann' }
    const date = Math.floor(Date.now() / 1000)
    telegram.updates.push({ edited_message: { message_id: 3, from, chat, date, text: '/run portrait a dog' } })
    telegram.updates.push({ message: { message_id: 4, from, chat, date, text: '/run portrait a wolf', via_bot: 7 } })
    telegram.updates.push({ nonsense: { text: '/run portrait a cat' } })
    await ann.say('/whoami')
    await ann.shows('You are telegram:')
    expect(
      simulator.control
        .jobs()
        .map(({ prompt }) => JSON.stringify(prompt))
        .join(),
    ).not.toMatch(/a dog|a cat/)
  })

  test('what waited longer than 10 minutes is answered with a notice and not run', async ({ onTestFinished }) => {
    const { telegram, simulator, start } = await openHouse(onTestFinished, { idle: true })
    const ann = chatOf(telegram, telegram.people.ann)
    await ann.say('/run portrait a stale fox', { at: Date.now() - 20 * 60_000 })
    await ann.say('/run portrait a young fox', { at: Date.now() - 2 * 60_000 })
    await start()
    const notice = await ann.shows('I was away when you sent this')
    expect(notice.text).toContain('20 min')
    const picture = await ann.shows(({ media }) => media.length > 0)
    expect(picture.text).toContain('a young fox')
    expect(simulator.control.jobs()).toHaveLength(1)
  })

  test('a chat that is held up by a 429 or never answers does not hold up another', async ({ onTestFinished }) => {
    const { telegram } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    const bob = chatOf(telegram, telegram.people.bob)
    const other = chatOf(telegram, carl)
    telegram.failNext({ kind: 'hang' })
    await ann.say('/whoami')
    await until('the hanging call', () => telegram.calls().some(({ method }) => method === 'sendMessage'))
    telegram.failNext({ kind: 'rate_limited', retryAfterMs: 4000 })
    await bob.say('/whoami')
    await until('the refused call', () => telegram.calls().filter(({ method }) => method === 'sendMessage').length > 1)
    const startedMs = Date.now()
    await other.say('/whoami')
    await other.shows('You are telegram:')
    expect(Date.now() - startedMs).toBeLessThan(3000)
    expect(bob.seen()).toEqual([])
    await bob.shows('You are telegram:')
    expect(ann.seen()).toEqual([])
  })

  test('a picture that is refused as a photo comes as a document', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    simulator.control.pause()
    await ann.say('/run portrait a red fox')
    await ann.shows(submitted)
    telegram.failNext({ kind: 'media_rejected' })
    simulator.control.resume()
    const picture = await ann.shows(({ media }) => media.length > 0)
    expect(picture.media).toMatchObject([{ as: 'document', mime: 'image/png' }])
    expect(picture.text).toContain('prompt: a red fox')
    await ann.shows(/^Done/)
    expect(ann.seen()).toHaveLength(2)
  })

  test('a chat that refuses every answer has its commands run once, and its updates are done with', async ({
    onTestFinished,
  }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    const bob = chatOf(telegram, telegram.people.bob)
    const room = telegram.world.rooms.get(Number(ann.place.chat))
    if (!room) throw new Error('Ann has no room')
    room.forbidden = 'bot was blocked by the user'
    for (const what of ['/run portrait a red fox', '/whoami', '/run portrait a blue whale']) await ann.say(what)
    await until('both are run', () => prompts(simulator).length === 2)
    const polls = (): number => telegram.calls().filter(({ method }) => method === 'getUpdates').length
    const before = polls()
    for (let i = 0; i < 3; i++) {
      await bob.say('/whoami')
      await until('it is answered', () => bob.texts().filter((text) => text.startsWith('You are')).length > i)
    }
    expect(polls()).toBeGreaterThan(before)
    expect(telegram.updates.waiting()).toBe(0)
    await simulator.control.idle()
    expect(prompts(simulator)).toEqual(['a red fox', 'a blue whale'])
  })

  test('somebody who blocked the bot is left alone, and answered when they write again', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    simulator.control.pause()
    await ann.say('/run portrait a red fox')
    await ann.shows(submitted)
    const room = telegram.world.rooms.get(Number(ann.place.chat))
    if (!room) throw new Error('Ann has no room')
    room.forbidden = 'bot was blocked by the user'
    simulator.control.resume()
    await until('the picture is tried', () => telegram.calls().some(({ method }) => method === 'sendPhoto'))
    room.forbidden = null
    await ann.say('/whoami')
    await ann.shows('You are')
    expect(ann.seen().flatMap(({ media }) => media)).toEqual([])
    expect(telegram.calls().filter(({ method }) => method === 'sendPhoto')).toHaveLength(1)
  })
})
