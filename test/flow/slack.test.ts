import { describe, expect, test } from 'vitest'
import type { Place, Shown } from '../platforms/platform.ts'
import { type FakeSlack, startSlack } from '../platforms/slack.ts'
import { forward } from './forward.ts'
import { type House, type OnEnd, openHouse, type Wanted } from './harness.ts'
import { freePort, until } from './process.ts'

interface SlackHouse {
  readonly house: House
  readonly fake: FakeSlack
  readonly url: string
  readonly shows: (to: Place, what: RegExp | ((shown: Shown) => boolean)) => Promise<Shown>
}

/** Ann is an admin; Bob is a stranger. */
const openSlack = async (onEnd: OnEnd, mode: 'events' | 'socket', wanted: Wanted = {}): Promise<SlackHouse> => {
  const fake = await startSlack({ mode })
  const { port, release } = await freePort()
  const settings = Object.entries({ ...fake.settings, PORT: String(port), REPLY_IN_THREAD: 'true' }).map(
    ([name, value]) => [`OPENCLAW_CONNECTOR_SLACK_${name}`, value],
  )
  const admins = { OPENCLAW_CONNECTOR_ADMIN_USERS: `slack:${fake.people.ann.id}` }
  const env = { ...Object.fromEntries(settings), ...admins, ...wanted.env }
  const ends: (() => Promise<void>)[] = []
  onEnd(async () => {
    for (const end of ends) await end()
    await fake.close()
    await release()
  })
  const house = await openHouse((end) => ends.push(end), { telegram: false, ...wanted, env })
  const url = `http://127.0.0.1:${port}`
  fake.connect((call) => forward(url, call))
  const shows: SlackHouse['shows'] = (to, what) =>
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

const hasPicture = ({ media }: Shown): boolean => media.length > 0

describe.concurrent('on Slack', () => {
  test('a mention in a channel runs once, however often it is told, and ends in its thread', async ({
    onTestFinished,
  }) => {
    const { house, fake, shows } = await openSlack(onTestFinished, 'events')
    expect((await fake.say(fake.people.ann, fake.places.group, '/run portrait <lora:fox:1> & more'))?.status).toBe(200)
    expect((await fake.redeliver())?.status).toBe(200)
    const picture = await shows(fake.places.group, hasPicture)
    expect(picture.media).toMatchObject([{ kind: 'image', mime: 'image/png' }])
    expect(picture.place.thread).toMatch(/^\d+\.\d+$/)
    expect(new Set(fake.shown().map(({ place }) => place.thread))).toEqual(new Set([picture.place.thread]))
    expect(house.simulator.control.jobs()).toHaveLength(1)
    for (const secret of fake.secrets) expect(house.daemon().output()).not.toContain(secret)
  })

  test('a stranger’s run waits for the admin, who never wrote and presses a button', async ({ onTestFinished }) => {
    const { house, fake, shows } = await openSlack(onTestFinished, 'events')
    const bobs: Place = { chat: fake.people.bob.id, kind: 'dm' }
    await fake.say(fake.people.bob, bobs, '/run portrait a blue fox')
    const card = await shows(fake.places.dm, ({ buttons }) => buttons.some(({ label }) => /approve/i.test(label)))
    expect(card.text).toContain(`by slack:${fake.people.bob.id}`)
    expect(house.simulator.control.jobs()).toEqual([])
    await card.buttons.find(({ label }) => /approve/i.test(label))?.press()
    await shows(bobs, hasPicture)
    expect(house.simulator.control.jobs()).toHaveLength(1)
  })

  test('in a channel that needs no mention and gives no threads a command is answered, and talk is not', async ({
    onTestFinished,
  }) => {
    const env = { OPENCLAW_CONNECTOR_SLACK_REQUIRE_MENTION: 'false', OPENCLAW_CONNECTOR_SLACK_REPLY_IN_THREAD: 'false' }
    const { fake, shows } = await openSlack(onTestFinished, 'events', { env })
    await fake.say(fake.people.ann, fake.places.group, 'what a day', { mention: false })
    await fake.say(fake.people.ann, fake.places.group, '/whoami', { mention: false })
    await shows(fake.places.group, /^You are slack:/)
    await fake.say(fake.people.ann, fake.places.dm, '/whoami')
    await shows(fake.places.dm, /^You are slack:/)
    expect(fake.shown().filter(({ place }) => place.chat === fake.places.group.chat)).toHaveLength(1)
  })

  test('by Socket Mode it is the same: a command, a message, and a line that is cut', async ({ onTestFinished }) => {
    const { house, fake, shows } = await openSlack(onTestFinished, 'socket')
    await until('a line', () => fake.socket.connections() === 1)
    await fake.command(fake.people.ann, fake.places.group, '/openclaw', 'run portrait a red fox')
    await shows(fake.places.group, hasPicture)
    fake.socket.cut()
    await fake.say(fake.people.ann, fake.places.dm, 'status')
    await shows(fake.places.dm, /./)
    expect(fake.socket.opened()).toBe(2)
    expect(house.simulator.control.jobs()).toHaveLength(1)
  })

  test('nobody but Slack is let in', async ({ onTestFinished }) => {
    const { fake, url } = await openSlack(onTestFinished, 'events')
    for (const { name, call, status } of fake.forgeries()) {
      const response = await fetch(url + call.path, {
        method: call.method,
        headers: call.headers,
        body: call.body as string,
      })
      expect([name, response.status]).toEqual([name, status])
      expect(await response.text()).toMatch(/^[a-z ]{0,40}$/)
    }
    expect(await fake.challenge()).toMatchObject({ status: 200, body: 'fakechallenge' })
  })
})
