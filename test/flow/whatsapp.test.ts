import { describe, expect, test } from 'vitest'
import type { Place } from '../platforms/platform.ts'
import { type FakeWhatsapp, startWhatsapp } from '../platforms/whatsapp.ts'
import type { OnEnd } from './harness.ts'
import { until } from './process.ts'
import { hasMedia, openWebhooks, shows, type Webhooks, type WebhooksWanted } from './webhooks.ts'

interface WhatsappHouse {
  readonly house: Webhooks
  readonly fake: FakeWhatsapp
}

/** Ann is an admin, listed by her number as the specification has it; Bob has a username, and is a stranger. */
const openWhatsapp = async (onEnd: OnEnd, wanted: WebhooksWanted = {}): Promise<WhatsappHouse> => {
  const fake = await startWhatsapp()
  const env = {
    OPENCLAW_CONNECTOR_WHATSAPP_ALLOWED_USERS: '',
    OPENCLAW_CONNECTOR_ADMIN_USERS: 'whatsapp:15550100111',
    ...wanted.env,
  }
  return { house: await openWebhooks(onEnd, [fake], { ...wanted, env }), fake }
}

describe.concurrent('on WhatsApp', () => {
  test('a run ends in a picture that was uploaded, once, however often Meta brings it', async ({ onTestFinished }) => {
    const { house, fake } = await openWhatsapp(onTestFinished)
    const { ann } = fake.people
    expect((await fake.say(ann, fake.places.dm, '/run portrait a red fox'))?.status).toBe(200)
    expect((await fake.redeliver())?.status).toBe(200)
    const picture = await shows(fake, fake.places.dm, hasMedia)
    expect(picture.media).toMatchObject([{ kind: 'image', as: 'image', mime: 'image/png' }])
    expect(picture.text).toContain('portrait')
    expect(fake.shown().find(({ replyTo }) => replyTo !== undefined)?.replyTo).toMatch(/^wamid\./)
    expect(house.simulator.control.jobs()).toHaveLength(1)
  })

  test('a stranger’s run waits for the admin, who is listed by number and presses a button', async ({
    onTestFinished,
  }) => {
    const { house, fake } = await openWhatsapp(onTestFinished)
    const { bob } = fake.people
    const bobs: Place = { chat: bob.id, kind: 'dm' }
    await fake.say(bob, bobs, '/run portrait a blue fox')
    const card = await shows(fake, fake.places.dm, ({ buttons }) => buttons.some(({ label }) => /approve/i.test(label)))
    expect(house.simulator.control.jobs()).toEqual([])
    await card.buttons.find(({ label }) => /approve/i.test(label))?.press()
    await shows(fake, bobs, hasMedia)
    expect(house.simulator.control.jobs()).toHaveLength(1)
  })

  test('templates are a list to choose from, and what was probably meant is a button', async ({ onTestFinished }) => {
    const whatsapp = await startWhatsapp()
    await openWebhooks(onTestFinished, [whatsapp])
    const { ann } = whatsapp.people
    const { dm } = whatsapp.places
    await whatsapp.say(ann, dm, '/templates')
    const list = await shows(whatsapp, dm, /^Templates \(/)
    expect(list.buttons).toHaveLength(9)
    const landscape = list.buttons.find(({ label }) => label === 'landscape')
    await landscape?.press()
    await shows(whatsapp, dm, /^Template landscape/)
    await whatsapp.say(ann, dm, '/rnu portrait a whale')
    const unknown = await shows(whatsapp, dm, /Did you mean \/run/)
    await unknown.buttons[0]?.press()
    await shows(whatsapp, dm, /prompt: a whale/)
  })

  test('somebody in a hurry is answered at once, as far as Meta lends messages ahead', async ({ onTestFinished }) => {
    const { fake } = await openWhatsapp(onTestFinished)
    const asked = 40
    for (let i = 0; i < asked; i++) await fake.say(fake.people.ann, fake.places.dm, '/whoami')
    await until('all is answered', () => fake.shown().length === asked)
  })

  test('nobody but Meta is let in, and the webhook can be verified', async ({ onTestFinished }) => {
    const { house, fake } = await openWhatsapp(onTestFinished)
    for (const { name, call, status } of fake.forgeries()) {
      const reply = await house.ask('whatsapp', call)
      expect([name, reply.status]).toEqual([name, status])
      expect(reply.body).toMatch(/^[a-z ]{0,40}$/)
    }
    expect(await fake.verify()).toMatchObject({ status: 200, body: '1158201444' })
    expect((await fetch(`${house.url('whatsapp')}/whatsapp/webhook`, { method: 'PUT' })).status).toBe(405)
  })

  test('without the app secret it stays off and says so, and the others go on', async ({ onTestFinished }) => {
    const { house } = await openWhatsapp(onTestFinished, {
      telegram: true,
      env: { OPENCLAW_CONNECTOR_WHATSAPP_APP_SECRET: '' },
      errors: [/platform not started/],
    })
    expect(house.daemon().output()).toContain('OPENCLAW_CONNECTOR_WHATSAPP_APP_SECRET is not set')
    expect(
      house
        .daemon()
        .lines()
        .find(({ msg }) => msg === 'ready'),
    ).toMatchObject({ platforms: ['telegram'] })
    await expect(fetch(house.url('whatsapp'))).rejects.toThrow()
    await house.telegram.say(house.telegram.people.ann, house.telegram.places.dm, '/help')
    await until('Telegram answers', () => house.telegram.shown().find(({ text }) => text.includes('I run ComfyUI')))
  })
})
