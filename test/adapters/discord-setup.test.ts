import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DiscordError } from '../../adapters/discord/errors.ts'
import discord from '../../adapters/discord/index.ts'
import { makePlaces } from '../../adapters/discord/places.ts'
import { gatewayUrl } from '../../adapters/discord/session.ts'
import type { InboundEvent } from '../../src/contract/index.ts'
import { never } from '../kit/adapter.ts'
import { settingsFrom, testDeps } from '../kit/deps.ts'
import { type FakeDiscord, startDiscord } from '../platforms/discord.ts'
import { account, type Connected, connected, type Running, running } from './discord-kit.ts'

let fake: FakeDiscord
let connection: Connected
let streams: Running[]

beforeEach(async () => {
  fake = await startDiscord()
  connection = connected(fake)
  streams = []
})
afterEach(async () => {
  await Promise.all(streams.map((stream) => stream.stop()))
  await fake.close()
})

const probe = () => connection.adapter.probe(AbortSignal.timeout(5000))

describe('the look at the setup', () => {
  it('names bot, application, intents and what is left of the gateway', async () => {
    const probes = await probe()
    expect(probes.map(({ name, ok }) => [name, ok])).toEqual([
      ['token', true],
      ['application', true],
      ['intents', true],
      ['gateway', true],
    ])
    expect(probes.map(({ about }) => about).join('\n')).toMatch(/render-desk.*\n.*applications\.commands[\s\S]*of 1000/)
  })

  it('sees before the start that message content is not allowed', async () => {
    fake.world.applicationFlags = 0
    expect((await probe()).find(({ name }) => name === 'intents')).toMatchObject({
      ok: false,
      about: expect.stringContaining('Message Content Intent'),
    })
    connection = connected(fake, {}, { MESSAGE_CONTENT: 'false' })
    expect((await probe()).every(({ ok }) => ok)).toBe(true)
  })

  it('works with the version behind the address of a proxy, too', async () => {
    connection = connected(fake, {}, { API_BASE: `${fake.base}/api/v10/` })
    expect((await probe()).every(({ ok }) => ok)).toBe(true)
  })

  it('reads flags beyond 32 bits', async () => {
    fake.world.applicationFlags = 2 ** 40 + 2 ** 18
    expect((await probe()).every(({ ok }) => ok)).toBe(true)
  })

  it('tells a refused token with the cure', async () => {
    fake.setToken('another')
    expect(await probe()).toEqual([
      { name: 'token', ok: false, about: expect.stringContaining('OPENCLAW_CONNECTOR_DISCORD_TOKEN') },
    ])
  })
})

describe('the token', () => {
  it('names the account', () => {
    expect(connection.adapter.account).toBe(account)
  })

  it.each(['abc', '', 'a'.repeat(32), '0a'.repeat(32), account])('"%s" is none, and the cure is told', (token) => {
    const settings = { ...settingsFrom(discord, fake.settings), TOKEN: token }
    expect(() => discord.create(settings, testDeps())).toThrow('OPENCLAW_CONNECTOR_DISCORD_TOKEN is not a bot token')
  })

  it('may have any form: who we are is what Discord says, also behind a restart', async () => {
    const token = 'FAKE-TOKEN-of-another-form'
    fake.setToken(token)
    const opaque = connected(fake, {}, { TOKEN: token })
    expect(opaque.adapter.account).toBe('bot')
    const first = running(opaque.adapter)
    streams.push(first)
    await first.until(() => first.reports.length > 0)
    await fake.say(fake.people.ann, fake.places.group, '/status', { mention: true })
    await first.heard(1)
    await first.stop()
    await fake.say(fake.people.ann, fake.places.group, '/jobs', { mention: true })
    await fake.say(fake.people.ann, fake.places.group, 'an echo', { fromUs: true })
    const again = running(connected(fake, { memo: opaque.deps.memo }, { TOKEN: token }).adapter)
    streams.push(again)
    await fake.say(fake.people.ann, fake.places.dm, 'the end')
    await again.until(() => again.events.some(({ where }) => where.kind === 'dm'))
    const heard = [...first.events, ...again.events].filter(({ from }) => !from.self)
    expect(new Map(heard.map(({ id, body }) => [id, body])).values().toArray()).toEqual([
      { kind: 'text', text: '/status', addressed: true },
      { kind: 'text', text: '/jobs', addressed: true },
      { kind: 'text', text: 'the end', addressed: true },
    ])
  })

  it('is sent to gateways of Discord and of the configured host only', () => {
    const base = 'https://discord.com/api'
    expect(gatewayUrl('wss://gateway.discord.gg', base)).toContain('v=10')
    for (const url of ['ws://gateway.discord.gg', 'wss://discord.gg.evil.example', 'wss://a:b@gateway.discord.gg', 'x'])
      expect(gatewayUrl(url, base)).toBeNull()
    expect(gatewayUrl('ws://127.0.0.1:4711/?x=1', 'http://127.0.0.1:4710/api')).toBe(
      'ws://127.0.0.1:4711/?x=1&v=10&encoding=json',
    )
    expect(gatewayUrl('ws://localhost:4711', 'http://127.0.0.1:4710/api')).toContain('ws://localhost:4711/')
    expect(gatewayUrl('ws://localhost:4711', 'https://discord.com/api')).toBeNull()
  })
})

describe('what people send', () => {
  const sent = async (): Promise<InboundEvent> => {
    const stream = running(connection.adapter)
    streams.push(stream)
    await stream.until(() => stream.reports.length > 0)
    const file = { kind: 'image', bytes: Buffer.from('a fox'), mime: 'image/png', name: 'fox.png' } as const
    await fake.say(fake.people.ann, fake.places.group, '/run upscale', { file })
    return (await stream.heard(1))[0] ?? expect.fail('no event')
  }
  const download = (ref: string) =>
    connection.adapter.download?.({ kind: 'image', ref }, never) ?? expect.fail('no download')

  it('is fetched from where it lies', async () => {
    const [media] = (await sent()).media
    expect(media).toMatchObject({ kind: 'image', mime: 'image/png', bytes: 5, name: 'fox.png' })
    expect(await (await download(media?.ref ?? '')).text()).toBe('a fox')
  })

  it('is asked for anew when its address has died', async () => {
    const [media] = (await sent()).media
    const [, ...where] = media?.ref.split(' ') ?? []
    const dead = [`${fake.base}/attachments/1/dead.png`, ...where].join(' ')
    expect(await (await download(dead)).text()).toBe('a fox')
    fake.world.posts.length = 0
    await expect(download(dead)).rejects.toMatchObject({ code: 'rejected' })
    await expect(download(`${fake.base}/attachments/1/dead.png`)).rejects.toMatchObject({ code: 'rejected' })
  })

  it.each(['https://cdn.discordapp.com.evil.example/a', 'http://cdn.discordapp.com/a', 'file:///etc/passwd', 'x', ''])(
    '"%s" is not fetched',
    async (ref) => {
      await expect(download(ref)).rejects.toMatchObject({ code: 'rejected' })
    },
  )
})

describe('what is remembered', () => {
  it('stays bounded over a hundred thousand threads and people', async () => {
    const places = makePlaces(
      { call: async (call) => ({ id: '9', type: 11, parent_id: call.path.length > 20 ? '8' : null }) },
      () => account,
    )
    const idOf = (i: number) => String(1_300_000_000_000_000_000n + BigInt(i))
    for (let i = 0; i < 100_000; i++) {
      places.learn({ op: 0, t: 'THREAD_CREATE', s: i, d: { id: idOf(i), parent_id: '7' } })
      places.heardDirectly(idOf(i), '5')
    }
    // What was seen last is known, what was seen first has to be asked for again.
    expect(await places.parentOf(idOf(99_999), never)).toBe('7')
    expect(await places.parentOf(idOf(0), never)).toBe('8')
    expect(await places.directOf(idOf(99_999), never)).toBe('5')
    expect(await places.directOf(idOf(0), never)).toBe('9')
  })

  it('a thread that Discord will never tell of has no parent, and holds up nothing', async () => {
    const asked = (status: number) =>
      makePlaces(
        {
          call: async () => {
            throw new DiscordError('GET', { status, words: 'no' })
          },
        },
        () => account,
      ).parentOf('99999999999999999999', never)
    for (const status of [400, 403, 404]) expect(await asked(status)).toBeNull()
    for (const status of [401, 429, 500]) await expect(asked(status)).rejects.toMatchObject({ status })
  })
})
