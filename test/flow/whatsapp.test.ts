import { describe, expect, test } from 'vitest'
import type { Place, Shown } from '../platforms/platform.ts'
import { type FakeWhatsapp, startWhatsapp } from '../platforms/whatsapp.ts'
import { type House, type OnEnd, openHouse, type Wanted } from './harness.ts'
import { freePort, until } from './process.ts'

interface WhatsappHouse {
  readonly house: House
  readonly fake: FakeWhatsapp
  readonly url: string
  readonly shows: (to: Place, what: RegExp | ((shown: Shown) => boolean)) => Promise<Shown>
}

/** Ann is an admin, listed by her number as the specification has it; Bob has a username, and is a stranger. */
const openWhatsapp = async (onEnd: OnEnd, wanted: Wanted = {}): Promise<WhatsappHouse> => {
  const fake = await startWhatsapp()
  const { port, release } = await freePort()
  const settings = Object.entries({ ...fake.settings, PORT: String(port) }).map(([name, value]) => [
    `OPENCLAW_CONNECTOR_WHATSAPP_${name}`,
    value,
  ])
  const env = { ...Object.fromEntries(settings), OPENCLAW_CONNECTOR_ADMIN_USERS: 'whatsapp:15550100111', ...wanted.env }
  const ends: (() => Promise<void>)[] = []
  onEnd(async () => {
    for (const end of ends) await end()
    await fake.close()
    await release()
  })
  const house = await openHouse((end) => ends.push(end), { telegram: false, ...wanted, env })
  const url = `http://127.0.0.1:${port}`
  fake.connect(async ({ method, path, headers, body }) => {
    const init = {
      method,
      headers: { ...headers, connection: 'close' },
      ...(method === 'GET' ? {} : { body: body as string }),
    }
    const response = await fetch(`${url}${path}`, init)
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
  })
  const shows: WhatsappHouse['shows'] = (to, what) =>
    until(
      `${to.chat} shows ${what}`,
      () =>
        fake
          .shown()
          .filter(({ place }) => place.chat === to.chat)
          .find((shown) => (typeof what === 'function' ? what(shown) : what.test(shown.text))),
      () => fake.shown().map(({ place, text, media }) => ({ to: place.chat, text, media })),
    )
  return { house, fake, url, shows }
}

describe.concurrent('on WhatsApp', () => {
  test('a run ends in a picture that was uploaded, once, however often Meta brings it', async ({ onTestFinished }) => {
    const { house, fake, shows } = await openWhatsapp(onTestFinished)
    const { ann } = fake.people
    expect((await fake.say(ann, fake.places.dm, '/run portrait a red fox'))?.status).toBe(200)
    expect((await fake.redeliver())?.status).toBe(200)
    const picture = await shows(fake.places.dm, ({ media }) => media.length > 0)
    expect(picture.media).toMatchObject([{ kind: 'image', as: 'image', mime: 'image/png' }])
    expect(picture.text).toContain('portrait')
    expect(fake.shown().find(({ replyTo }) => replyTo !== undefined)?.replyTo).toMatch(/^wamid\./)
    expect(house.simulator.control.jobs()).toHaveLength(1)
  })

  test('a stranger’s run waits for the admin, who is listed by number and presses a button', async ({
    onTestFinished,
  }) => {
    const { house, fake, shows } = await openWhatsapp(onTestFinished)
    const { bob } = fake.people
    const bobs: Place = { chat: bob.id, kind: 'dm' }
    await fake.say(bob, bobs, '/run portrait a blue fox')
    const card = await shows(fake.places.dm, ({ buttons }) => buttons.some(({ label }) => /approve/i.test(label)))
    expect(house.simulator.control.jobs()).toEqual([])
    await card.buttons.find(({ label }) => /approve/i.test(label))?.press()
    await shows(bobs, ({ media }) => media.length > 0)
    expect(house.simulator.control.jobs()).toHaveLength(1)
  })

  test('nobody but Meta is let in, and the webhook can be verified', async ({ onTestFinished }) => {
    const { house, fake, url } = await openWhatsapp(onTestFinished)
    for (const { name, call, status } of fake.forgeries()) {
      const { method, headers } = call
      const response = await fetch(url + call.path, {
        method,
        headers,
        ...(method === 'GET' ? {} : { body: call.body as string }),
      })
      expect([name, response.status]).toEqual([name, status])
      expect(await response.text()).toMatch(/^[a-z ]{0,40}$/)
    }
    expect(await fake.verify()).toMatchObject({ status: 200, body: '1158201444' })
    expect((await fetch(`${url}/whatsapp/webhook`, { method: 'PUT' })).status).toBe(405)
    for (const secret of fake.secrets) expect(house.daemon().output()).not.toContain(secret)
  })

  test('without the app secret it stays off and says so, and the others go on', async ({ onTestFinished }) => {
    const { house, url } = await openWhatsapp(onTestFinished, {
      telegram: true,
      env: { OPENCLAW_CONNECTOR_WHATSAPP_APP_SECRET: '' },
      errors: [/platform not started/],
    })
    expect(house.daemon().output()).toContain('OPENCLAW_CONNECTOR_WHATSAPP_APP_SECRET is not set')
    await expect(fetch(url)).rejects.toThrow()
    await house.telegram.say(house.telegram.people.ann, house.telegram.places.dm, '/help')
    await until('Telegram answers', () => house.telegram.shown().find(({ text }) => text.includes('I run ComfyUI')))
  })
})
