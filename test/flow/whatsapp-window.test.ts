import { describe, expect, test } from 'vitest'
import { type FakeWhatsapp, startWhatsapp } from '../platforms/whatsapp.ts'
import { prompts } from './backend.ts'
import type { OnEnd, Wanted } from './harness.ts'
import { hasMedia, logged, openWebhooks, shows, type Webhooks } from './webhooks.ts'

const dayMs = 24 * 60 * 60_000

interface WhatsappHouse extends Webhooks {
  readonly fake: FakeWhatsapp
  /** Ann writes, in her chat with the bot. */
  readonly say: (text: string) => Promise<void>
  readonly pictures: () => number
}

/** Ann may run; she is listed by her number. */
const openWhatsapp = async (onEnd: OnEnd, wanted: Wanted = {}): Promise<WhatsappHouse> => {
  const fake = await startWhatsapp()
  const env = { ...wanted.env, OPENCLAW_CONNECTOR_WHATSAPP_ALLOWED_USERS: fake.places.dm.chat }
  const house = await openWebhooks(onEnd, [fake], { ...wanted, env })
  return {
    ...house,
    fake,
    say: async (text) => {
      expect((await fake.say(fake.people.ann, fake.places.dm, text))?.status).toBe(200)
    },
    pictures: () => fake.shown().filter(hasMedia).length,
  }
}

describe.concurrent('on WhatsApp', () => {
  test('a result that comes after the 24 hours waits, and is delivered when the person writes again', async ({
    onTestFinished,
  }) => {
    const house = await openWhatsapp(onTestFinished)
    const { fake, simulator, say, pictures } = house
    const { dm } = fake.places
    simulator.control.pause()
    await say('/run portrait a red fox')
    await shows(fake, dm, /\[Job Submitted\]/)
    fake.lastWroteAgo(fake.people.ann, dayMs + 60_000)
    simulator.control.resume()
    await logged(house, 'send failed')
    expect(pictures()).toBe(0)
    expect(await house.daemon().stop()).toBe(0)
    await house.start()
    await say('/whoami')
    await shows(fake, dm, /^You are whatsapp:/)
    const [picture, answer] = fake.shown().slice(-2)
    expect([picture?.text, answer?.text]).toEqual([
      expect.stringContaining('prompt: a red fox'),
      expect.stringMatching(/^You are/),
    ])
    expect([pictures(), prompts(simulator)]).toEqual([1, ['a red fox']])
  })

  test('a message that was accepted and turned out to be too late waits as well, whatever is told twice', async ({
    onTestFinished,
  }) => {
    const house = await openWhatsapp(onTestFinished)
    const { fake, say, pictures } = house
    const { dm } = fake.places
    await say('/run portrait a red fox')
    const { id } = await shows(fake, dm, hasMedia)
    await fake.tell(id, 'failed', 131047)
    await logged(house, 'send failed')
    await fake.redeliver()
    await fake.tell(id, 'sent')
    await say('/whoami')
    await shows(fake, dm, /^You are/)
    expect(pictures()).toBe(2)
    const again = fake.shown().findLast(hasMedia)?.id ?? ''
    for (const status of ['sent', 'delivered', 'read']) {
      await fake.tell(again, status)
      await fake.redeliver()
    }
    // What is told of the first time, late, is not about the second.
    await fake.tell(id, 'failed', 131047)
    await say('/help')
    await shows(fake, dm, /I run ComfyUI/)
    expect(pictures()).toBe(2)
  })

  test('who set up a template has people called back to what waits for them, once', async ({ onTestFinished }) => {
    const template = { OPENCLAW_CONNECTOR_WHATSAPP_TEMPLATE: 'result_ready' }
    const house = await openWhatsapp(onTestFinished, { env: template })
    const { fake, simulator, say, pictures } = house
    const { dm } = fake.places
    simulator.control.pause()
    await say('/run portrait a red fox')
    await say('/run portrait a blue fox')
    await shows(fake, dm, /1 ahead of it/)
    fake.lastWroteAgo(fake.people.ann, dayMs + 60_000)
    simulator.control.resume()
    await shows(fake, dm, /^Your picture is ready/)
    await simulator.control.idle()
    await say('hello again')
    await shows(fake, dm, (one) => hasMedia(one) && one.text.includes('a blue fox'))
    expect(fake.shown().filter(({ text }) => text.startsWith('Your picture is ready'))).toHaveLength(1)
    expect([pictures(), prompts(simulator)]).toEqual([2, ['a red fox', 'a blue fox']])
  })

  test('what failed for good is logged with the reason, and ends', async ({ onTestFinished }) => {
    const house = await openWhatsapp(onTestFinished, { errors: [/^not delivered$/] })
    const { fake, say, pictures } = house
    const { dm } = fake.places
    await say('/run portrait a red fox')
    const { id } = await shows(fake, dm, hasMedia)
    await fake.tell(id, 'failed', 131049)
    await logged(house, 'not delivered')
    await fake.redeliver()
    await say('/whoami')
    await shows(fake, dm, /^You are/)
    expect(pictures()).toBe(1)
    const lines = house
      .daemon()
      .lines()
      .filter(({ msg }) => msg === 'not delivered')
    expect(lines).toMatchObject([{ level: 'error', code: 'rejected', about: expect.stringContaining('131049') }])
  })

  test('a person who can not be reached any more stops nobody else, and is answered when they write', async ({
    onTestFinished,
  }) => {
    const house = await openWhatsapp(onTestFinished)
    const { fake, say } = house
    const { dm } = fake.places
    fake.refuseNext(131026)
    await say('/whoami')
    await logged(house, 'not delivered')
    await fake.say(fake.people.bob, { chat: fake.people.bob.id, kind: 'dm' }, '/whoami')
    await shows(fake, { chat: fake.people.bob.id, kind: 'dm' }, /^You are/)
    await say('/help')
    await shows(fake, dm, /I run ComfyUI/)
    expect(fake.shown().filter(({ place, text }) => place.chat === dm.chat && text.startsWith('You are'))).toEqual([])
  })

  test('a send whose answer was lost is not made again once a status tells that it arrived', async ({
    onTestFinished,
  }) => {
    const { fake, say } = await openWhatsapp(onTestFinished)
    const { dm } = fake.places
    fake.failNext({ kind: 'answer_lost' })
    await say('/whoami')
    const { id } = await shows(fake, dm, /^You are/)
    await fake.tell(id, 'sent')
    await fake.redeliver()
    // Order is kept in a chat: were the first one still open, it would come before this.
    await say('/help')
    await shows(fake, dm, /I run ComfyUI/)
    expect(fake.shown().filter(({ text }) => text.includes('You are whatsapp:'))).toHaveLength(1)
  })
})
