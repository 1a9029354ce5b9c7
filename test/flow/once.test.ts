import { describe, expect, test } from 'vitest'
import { prompts } from './backend.ts'
import { type House, openHouse } from './harness.ts'
import { until } from './process.ts'
import { carl, chatOf, pressKey, submitted } from './telegram.ts'

/** What was shown has been written down as sent: a daemon killed before that has to send it again. */
const noted = (house: House, sends: number): Promise<unknown> =>
  until(
    'the sends are noted',
    () =>
      house
        .daemon()
        .lines()
        .filter(({ msg }) => msg === 'sent').length >= sends,
  )

/** The messages a daemon would have sent twice are there by the time this is answered. */
const settled = async (chat: ReturnType<typeof chatOf>): Promise<void> => {
  await chat.say('/whoami')
  await chat.shows('You are')
}

describe.concurrent('exactly once', () => {
  test('an update that comes again runs nothing again, also after a restart', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished)
    const { telegram, simulator } = house
    const ann = chatOf(telegram, telegram.people.ann)
    await ann.say('/run portrait a red fox')
    await ann.shows(/^Done/)
    await telegram.redeliver()
    await settled(ann)
    expect(ann.seen()).toHaveLength(3)
    await house.daemon().stop()
    // The same message with another update number, as a server restored from a copy brings it.
    const chat = { id: Number(ann.place.chat), type: 'private', first_name: 'Ann' }
    const message = {
      message_id: 10,
      from: { id: chat.id, is_bot: false, first_name: 'Ann' },
      chat,
      text: '/run portrait',
    }
    telegram.updates.push({ message: { ...message, date: Math.floor(Date.now() / 1000) } })
    await house.start()
    await ann.say('/inbox')
    await ann.shows('Nothing is waiting')
    expect(prompts(simulator)).toEqual(['a red fox'])
  })

  test('a button pressed twice cancels once', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    simulator.control.pause()
    await ann.say('/run portrait a red fox')
    await ann.shows(submitted)
    const post = telegram.world.posts.find(({ keys }) => keys.length > 0)
    const [cancel] = post?.keys.flat() ?? []
    if (!post || !cancel) throw new Error('the answer has no button')
    pressKey(telegram, post, cancel.callback_data, carl)
    await ann.shows('This button is not for you')
    pressKey(telegram, post, cancel.callback_data, ann.person)
    pressKey(telegram, post, cancel.callback_data, ann.person)
    await ann.shows(/^Cancelled: portrait/)
    await settled(ann)
    // Said once, in the message that had the button.
    const ends = ann.seen().filter(({ text }) => text.startsWith('Cancelled: portrait\nID'))
    expect(ends).toMatchObject([{ id: String(post.id), buttons: [] }])
    expect(simulator.control.jobs().map(({ state }) => state)).toEqual(['removed'])
  })

  test.for([
    ['SIGTERM', 'queued'],
    ['SIGTERM', 'running'],
    ['SIGKILL', 'queued'],
    ['SIGKILL', 'running'],
  ] as const)(
    '%s while the job is %s: the picture arrives once after the restart',
    async ([signal, when], { onTestFinished }) => {
      const house = await openHouse(onTestFinished, { simulator: { stepMs: 20 } })
      const { telegram, simulator } = house
      const ann = chatOf(telegram, telegram.people.ann)
      if (when === 'queued') simulator.control.pause()
      await ann.say('/run portrait a red fox steps=80')
      await ann.shows(submitted)
      await noted(house, 1)
      if (when === 'running') {
        await simulator.control.busy()
        simulator.control.pause()
      }
      await (signal === 'SIGTERM' ? house.daemon().stop() : house.daemon().kill())
      simulator.control.resume()
      await simulator.control.idle()
      expect(ann.seen().flatMap(({ media }) => media)).toEqual([])
      await house.start()
      const picture = await ann.shows(({ media }) => media.length > 0)
      expect(picture.text).toContain('a red fox')
      await ann.shows(/^Done/)
      await settled(ann)
      expect(ann.seen().flatMap(({ media }) => media)).toHaveLength(1)
      expect(ann.seen()).toHaveLength(3)
      expect(prompts(simulator)).toEqual(['a red fox'])
    },
  )

  test('SIGKILL before the answer of the backend came: the job runs once and is told', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished)
    const { telegram, simulator } = house
    const ann = chatOf(telegram, telegram.people.ann)
    simulator.control.hangNext('POST /openclaw/triggers/fire', 600)
    await ann.say('/run portrait a red fox')
    await until('the submission is under way', () =>
      simulator.control.requests().some(({ path }) => path === '/openclaw/triggers/fire'),
    )
    await house.daemon().kill()
    await house.start()
    await ann.shows(({ media }) => media.length > 0)
    await ann.shows(/^Done/)
    await settled(ann)
    expect(prompts(simulator)).toEqual(['a red fox'])
    expect(ann.seen().flatMap(({ media }) => media)).toHaveLength(1)
  })

  test('a message whose answer was lost on the way is repeated once, and says so', async ({ onTestFinished }) => {
    const { telegram } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    telegram.failNext({ kind: 'answer_lost' })
    await ann.say('/whoami')
    const again = await ann.shows('(You may have got this already.)')
    expect(again.text).toContain('You are telegram:')
    expect(ann.seen()).toHaveLength(2)
  })

  test('a pending approval survives a restart and can still be pressed', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished)
    const { telegram, simulator } = house
    const guest = chatOf(telegram, carl)
    const bob = chatOf(telegram, telegram.people.bob)
    await guest.say('/run portrait a red fox')
    await bob.shows('[Approval Requested]')
    await noted(house, 2)
    await house.daemon().kill()
    bob.press('[Approval Requested]', 'Approve')
    await house.start()
    await guest.shows(({ media }) => media.length > 0)
    await bob.shows('[Approved] by Bob')
    await settled(bob)
    expect(bob.texts().filter((text) => text.startsWith('[Approval Requested]'))).toEqual([])
    expect(prompts(simulator)).toEqual(['a red fox'])
  })
})
