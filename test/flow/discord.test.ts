import { describe, expect, test } from 'vitest'
import { type FakeDiscord, startDiscord } from '../platforms/discord.ts'
import type { Post } from '../platforms/discord-world.ts'
import type { Place, Shown } from '../platforms/platform.ts'
import { type House, type OnEnd, openHouse } from './harness.ts'
import { until } from './process.ts'

interface DiscordHouse {
  readonly house: House
  readonly fake: FakeDiscord
  readonly shows: (to: Place, what: (shown: Shown) => boolean) => Promise<Shown>
  readonly postOf: (shown: Shown) => Post
}

/** A daemon that speaks Discord alone. Ann may run, Bob is an admin. */
const openDiscord = async (onEnd: OnEnd, env: Readonly<Record<string, string>> = {}): Promise<DiscordHouse> => {
  const fake = await startDiscord()
  const settings = { ...fake.settings, ALLOWED_USERS: fake.people.ann.id }
  const named = Object.entries(settings).map(([name, value]) => [`OPENCLAW_CONNECTOR_DISCORD_${name}`, value])
  const ends: (() => Promise<void>)[] = []
  let said = (): string => ''
  onEnd(async () => {
    for (const end of ends) await end()
    await fake.close()
    for (const secret of fake.secrets) expect(said().includes(secret), 'a line with a secret').toBe(false)
  })
  const admin = { OPENCLAW_CONNECTOR_ADMIN_USERS: `discord:${fake.people.bob.id}` }
  const house = await openHouse((end) => ends.push(end), {
    telegram: false,
    env: { ...Object.fromEntries(named), ...admin, ...env },
  })
  said = () => house.daemon().output()
  const shows: DiscordHouse['shows'] = (to, what) =>
    until(
      `${to.chat} shows ${what}`,
      () => fake.shown().find((shown) => shown.place.chat === to.chat && what(shown)),
      () => fake.shown().map(({ place, text, media }) => ({ to: place.chat, text, media })),
    )
  await until('the daemon is connected', () => (fake.gateway.open() > 0 && fake.gateway.stats.identifies > 0) || null)
  const postOf = ({ id }: Shown): Post => fake.world.posts.find((post) => post.id === id) ?? expect.fail('no post')
  return { house, fake, shows, postOf }
}

const string = (name: string, value: string) => ({ name, type: 3, value })

describe.concurrent('on Discord', () => {
  test('a slash command ends in a picture in its channel, once', async ({ onTestFinished }) => {
    const { fake, shows } = await openDiscord(onTestFinished)
    const { group } = fake.places
    await until('the commands are registered', () => fake.world.deployments || null)
    const choices = await fake.complete(fake.people.ann, group, 'run', [
      { ...string('template', 'por'), focused: true },
    ]).choices.promise
    expect(choices.map(({ value }) => value)).toContain('portrait')
    fake.command(fake.people.ann, group, 'run', [string('template', 'portrait'), string('prompt', 'a red fox')])
    const picture = await shows(group, ({ media }) => media.length > 0)
    expect(picture.media).toMatchObject([{ kind: 'image', as: 'card', mime: 'image/png' }])
    expect(picture.text).toContain('a red fox')
    expect(fake.shown().filter(({ media }) => media.length > 0)).toHaveLength(1)
  })

  test('a result can be run again, by whoever asked and once', async ({ onTestFinished }) => {
    const { house, fake, shows, postOf } = await openDiscord(onTestFinished)
    const { ann, bob } = fake.people
    const { group } = fake.places
    fake.command(ann, group, 'run', [string('template', 'portrait'), string('prompt', 'a red fox')])
    const first = await shows(group, ({ media }) => media.length > 0)
    fake.press(bob, postOf(first), 'Run again')
    fake.press(ann, postOf(first), 'Run again')
    const second = await shows(group, ({ id, media }) => media.length > 0 && id !== first.id)
    const after = fake.shown().find(({ id }) => id === first.id)
    expect(after).toMatchObject({ text: first.text, media: first.media })
    expect(second.text).toContain('a red fox')
    fake.press(ann, postOf(first), 'Run again')
    for (const { id } of [ann, bob]) await shows(group, ({ onlyFor }) => onlyFor === id)
    expect(house.simulator.control.jobs()).toHaveLength(2)
  })

  test('a typed command works in a thread, and stays there', async ({ onTestFinished }) => {
    const { fake, shows } = await openDiscord(onTestFinished)
    const thread = fake.places.thread ?? expect.fail('no thread')
    await fake.say(fake.people.ann, thread, '/run portrait a fox', { mention: false })
    const picture = await shows(thread, ({ media }) => media.length > 0)
    expect(picture.place).toEqual(thread)
  })

  test('a stranger’s run waits for an admin, who is asked in a direct chat and presses a button', async ({
    onTestFinished,
  }) => {
    const { fake, shows, postOf } = await openDiscord(onTestFinished, {
      OPENCLAW_CONNECTOR_DISCORD_ALLOWED_USERS: '300000000000000009',
    })
    const { ann, bob } = fake.people
    fake.command(ann, fake.places.group, 'run', [string('template', 'portrait'), string('prompt', 'a fox')])
    const desk: Place = { chat: bob.id, kind: 'dm' }
    const card = await shows(desk, ({ buttons }) => buttons.some(({ label }) => /approve/i.test(label)))
    const label = card.buttons.find((one) => /approve/i.test(one.label))?.label ?? ''
    fake.press(bob, postOf(card), label)
    await shows(fake.places.group, ({ media }) => media.length > 0)
    await until('the card has no buttons any more', () =>
      fake.shown().find(({ id, buttons }) => id === card.id && buttons.length === 0),
    )
  })

  test('refusals and lists are for the asker alone', async ({ onTestFinished }) => {
    const { fake, shows } = await openDiscord(onTestFinished)
    fake.command(fake.people.ann, fake.places.group, 'whoami')
    const who = await shows(fake.places.group, ({ text }) => text.includes(`discord:${fake.people.ann.id}`))
    expect(who.onlyFor).toBe(fake.people.ann.id)
  })

  test('what was said while the daemon was down is heard by the next one', async ({ onTestFinished }) => {
    const { house, fake, shows } = await openDiscord(onTestFinished)
    fake.command(fake.people.ann, fake.places.group, 'whoami')
    await shows(fake.places.group, ({ text }) => text.includes(fake.people.ann.id))
    await house.daemon().stop()
    await fake.say(fake.people.ann, fake.places.dm, '/run portrait a late fox')
    await house.start()
    await shows(fake.places.dm, ({ media }) => media.length > 0)
    expect(fake.gateway.stats.identifies).toBe(1)
  })
})
