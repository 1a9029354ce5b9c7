import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StreamError } from '../../src/contract/index.ts'
import { type FakeDiscord, forum, startDiscord } from '../platforms/discord.ts'
import { account, type Connected, connected, goldenNames, type Running, readGolden, running } from './discord-kit.ts'

let fake: FakeDiscord
let discord: Connected
let streams: Running[]

beforeEach(async () => {
  fake = await startDiscord()
  discord = connected(fake)
  streams = []
})
afterEach(async () => {
  await Promise.all(streams.map((stream) => stream.stop()))
  expect(discord.lines.filter((line) => line.includes(fake.token.slice(30)))).toEqual([])
  await fake.close()
})

const run = (keep?: Parameters<typeof running>[1], of = discord): Running => {
  const stream = running(of.adapter, keep)
  streams.push(stream)
  return stream
}
const up = async (stream: Running, times = 1): Promise<void> =>
  stream.until(() => stream.reports.filter(({ state }) => state === 'up').length >= times)
const say = (text: string) => fake.say(fake.people.ann, fake.places.group, text)
const textsOf = (stream: Running) => stream.events.map(({ body }) => (body.kind === 'text' ? body.text : body.kind))
const stats = () => fake.gateway.stats

describe('the gateway connection', () => {
  it('signs in as recorded, says who it is, and brings what is said in order', async () => {
    const stream = run()
    await up(stream)
    for (const text of ['one', 'two', 'three']) await say(text)
    await stream.heard(3)
    expect(textsOf(stream)).toEqual(['one', 'two', 'three'])
    expect(stream.reports).toEqual([{ state: 'up', about: 'connected as render-desk' }])
    const sent = stats().frames.find(({ op }) => op === 2)?.d
    const recorded = readGolden('gateway.identify-sent').payload?.d as object
    expect(Object.keys(sent as object)).toEqual(expect.arrayContaining(Object.keys(recorded)))
    expect(sent).toMatchObject({ token: fake.token, intents: 37_377 })
  })

  it('resumes after the line was cut, and hears what was said meanwhile', async () => {
    const stream = run()
    await up(stream)
    fake.gateway.cut()
    await say('in the gap')
    await stream.heard(1)
    expect(textsOf(stream)).toEqual(['in the gap'])
    expect(stats()).toMatchObject({ identifies: 1, resumes: 1 })
    const sent = stats().frames.find(({ op }) => op === 6)?.d as object
    expect(Object.keys(sent).toSorted()).toEqual(
      Object.keys(readGolden('gateway.resume-sent').payload?.d as object).toSorted(),
    )
  })

  it('keeps the session while the gateway can not be reached', async () => {
    const stream = run()
    await up(stream)
    await say('before')
    await stream.heard(1)
    for (const [i, code] of [1001, 1011, 4000].entries()) {
      fake.gateway.limits.closeNext = code
      fake.gateway.cut()
      await up(stream, i + 2)
    }
    await say('after')
    await stream.heard(2)
    expect(textsOf(stream)).toEqual(['before', 'after'])
    expect(stats().identifies).toBe(1)
  })

  it('resumes by the front door when the address of its session is gone', async () => {
    const elsewhere = await startDiscord()
    fake.gateway.limits.identifyEveryMs = 0
    // READY names an address, and then nobody is there any more.
    fake.gateway.resumeUrl = elsewhere.gateway.url
    const stream = run()
    await up(stream)
    await elsewhere.close()
    fake.gateway.cut()
    await say('in the gap')
    await stream.heard(1)
    expect(stats()).toMatchObject({ identifies: 1, resumes: 1 })
    expect(stream.errors.map(String).join()).toContain('ECONNREFUSED')
  })

  it('comes back as asked to, with its session', async () => {
    const stream = run()
    await up(stream)
    fake.gateway.sendRaw(JSON.stringify(readGolden('gateway.reconnect').payload))
    await up(stream, 2)
    expect(stats()).toMatchObject({ identifies: 1, resumes: 1 })
  })

  it('starts a new session when its own is not known any more, and says what that costs', async () => {
    fake.gateway.limits.identifyEveryMs = 0
    const stream = run()
    await up(stream)
    fake.gateway.forgetSessions()
    fake.gateway.sendRaw(JSON.stringify(readGolden('gateway.invalid-session-false').payload))
    await up(stream, 2)
    expect(stats().identifies).toBe(2)
    const [error] = stream.errors as StreamError[]
    expect(error?.retryAfterMs).toBeGreaterThanOrEqual(1000)
    expect(error?.retryAfterMs).toBeLessThanOrEqual(5000)
    expect(discord.lines.join('\n')).toContain('session is lost')
  })

  it('notices a line that only seems to stand, by beats nobody answers', async () => {
    fake.gateway.limits.heartbeatMs = 60
    const stream = run()
    await up(stream)
    fake.gateway.sendRaw(JSON.stringify(readGolden('gateway.heartbeat-ack').payload))
    fake.gateway.freeze()
    await say('can you hear me?')
    await stream.heard(1)
    expect(String(stream.errors[0])).toContain('stopped answering')
    expect(stats()).toMatchObject({ identifies: 1, resumes: 1 })
  })

  it('tells in its beats the last event that it heard, whatever comes without a number in between', async () => {
    fake.gateway.limits.heartbeatMs = 40
    const stream = run()
    await up(stream)
    await say('one')
    await stream.heard(1)
    fake.gateway.sendRaw(JSON.stringify(readGolden('gateway.heartbeat-ack').payload))
    const beats = () => stats().frames.filter(({ op }) => op === 1)
    const before = beats().length
    await expect.poll(() => beats().length, { interval: 5 }).toBeGreaterThan(before + 1)
    expect(beats().at(-1)?.d).toBeGreaterThan(1)
  })

  it('answers a beat that is asked for', async () => {
    const stream = run()
    await up(stream)
    const before = stats().heartbeats
    fake.gateway.sendRaw('{"op":1,"d":null}')
    await expect.poll(() => stats().heartbeats, { interval: 5 }).toBeGreaterThan(before)
  })

  it('goes on behind a restart where the last kept event was', async () => {
    const first = run()
    await up(first)
    await say('before')
    await first.heard(1)
    await first.stop()
    await say('between')
    const again = connected(fake, { memo: discord.deps.memo })
    const second = run(undefined, again)
    await second.heard(1)
    expect(textsOf(second)).toEqual(['between'])
    expect(stats()).toMatchObject({ identifies: 1, resumes: 1 })
  })

  it('takes note of a new session before anything said in it is kept', async () => {
    await say('said at once')
    let noted: string | null = null
    const stream = run(async () => {
      noted = discord.deps.memo.get('session')
    })
    await stream.heard(1)
    expect(JSON.parse(noted ?? '{}')).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{32}$/), seq: 1 })
  })

  it('does not move on before events are kept, and hears them again when they could not be', async () => {
    let broken = true
    const stream = run(async () => {
      if (broken) throw new Error('disk full')
    })
    await up(stream)
    await say('keep me')
    await stream.until(() => stream.errors.length > 1)
    expect(String(stream.errors[0])).toContain('disk full')
    broken = false
    await stream.heard(1)
    expect(textsOf(stream)).toEqual(['keep me'])
    expect(stats().identifies).toBe(1)
  })

  it('falls over nothing the gateway says', async () => {
    const stream = run()
    await up(stream)
    for (const raw of [
      'null',
      '[]',
      '{',
      '{"op":"x"}',
      '{"op":0}',
      '{"op":0,"t":"MESSAGE_CREATE","s":99,"d":{"id":1}}',
    ])
      fake.gateway.sendRaw(raw)
    fake.gateway.sendRaw('{"op":0,"t":"READY","s":1}')
    await stream.until(() => stream.errors.length > 0)
    await say('still here')
    await stream.heard(1)
    expect(textsOf(stream)).toEqual(['still here'])
  })

  it('brings every recorded event without falling over', async () => {
    const stream = run()
    await up(stream)
    const names = goldenNames().filter((name) => readGolden(name).payload?.op === 0 && name !== 'ready')
    for (const name of names) {
      const { t = '', d } = readGolden(name).payload ?? {}
      fake.gateway.dispatch(t, () => d)
    }
    await stream.heard(10)
    await say('and then')
    await stream.until(() => textsOf(stream).includes('and then'))
    expect(stream.errors).toEqual([])
    // Seven messages and three interactions; the rest is nothing to us.
    expect(stream.events).toHaveLength(11)
  })

  it('loses nothing over cuts, half-open lines, reconnects and repeats in any order', async () => {
    fake.gateway.limits.heartbeatMs = 40
    const stream = run()
    await up(stream)
    const ways = [
      () => fake.gateway.cut(),
      () => fake.gateway.freeze(),
      () => fake.gateway.askReconnect(),
      () => fake.gateway.invalidate(true),
      () => fake.gateway.close(4000),
      () => fake.gateway.again('MESSAGE_CREATE'),
    ]
    const wanted = Array.from({ length: 60 }, (_, i) => `message ${i}`)
    for (const [i, text] of wanted.entries()) {
      await say(text)
      if (i % 3 === 0) ways[(i / 3) % ways.length]?.()
      if (i % 7 === 0) await stream.until(() => textsOf(stream).includes(text))
    }
    await stream.until(() => textsOf(stream).includes('message 59'))
    const first = new Map(stream.events.map(({ id, body }) => [id, body.kind === 'text' ? body.text : '']))
    expect([...first.values()]).toEqual(wanted)
    expect(stats().identifies).toBe(1)
    expect(fake.gateway.open()).toBeLessThanOrEqual(2)
  })

  it('leaves no connection open when it is stopped, also in the middle of a handshake', async () => {
    const stream = run()
    await up(stream)
    await stream.stop()
    await expect.poll(() => fake.gateway.open(), { interval: 5 }).toBe(0)
    const another = run()
    await another.stop()
    await expect.poll(() => fake.gateway.open(), { interval: 5 }).toBe(0)
  })
})

describe('what the gateway refuses', () => {
  it.each([
    [4004, 'OPENCLAW_CONNECTOR_DISCORD_TOKEN'],
    [4010, 'report'],
    [4011, '2500'],
    [4012, 'update'],
    [4013, 'update'],
    [4014, 'Message Content Intent'],
  ])('%i ends the stream for good, with the cure', async (code, cure) => {
    fake.gateway.limits.closeNext = code
    const stream = run()
    await stream.until(() => stream.errors.length > 0)
    expect(stream.errors[0]).toMatchObject({ fatal: true, message: expect.stringContaining(cure) })
    expect(stream.reports.at(-1)).toMatchObject({ state: 'down', about: expect.stringContaining(cure) })
    expect(stats().connections).toBe(1)
  })

  it('without the message content intent it lives by mentions, direct messages and commands', async () => {
    fake.allow(0)
    const modest = connected(fake, {}, { MESSAGE_CONTENT: 'false' })
    const stream = run(undefined, modest)
    await up(stream)
    await fake.say(fake.people.ann, fake.places.group, 'lunch?', { mention: false })
    await say('draw a fox')
    await stream.heard(1)
    expect(textsOf(stream)).toEqual(['draw a fox'])
  })

  it('a refused token is not tried again', async () => {
    fake.setToken('another')
    const stream = run()
    await stream.until(() => stream.errors.length > 0)
    expect(stream.errors[0]).toMatchObject({ fatal: true, message: expect.stringContaining('reset the token') })
    expect(fake.calls()).toHaveLength(1)
  })

  it('waits for the next day when the starts of this one are used up', async () => {
    fake.gateway.limits.remaining = 3
    const stream = run()
    await stream.until(() => stream.errors.length > 0)
    expect(stream.errors[0]).toMatchObject({ fatal: false, retryAfterMs: 14_400_000 })
    expect(stats().identifies).toBe(0)
  })

  it('sends its token to no other host', async () => {
    fake.gateway.url = 'wss://gateway.discord.gg.example.org'
    const stream = run()
    await stream.until(() => stream.errors.length > 0)
    expect(String(stream.errors[0])).toContain('not its own')
  })
})

describe('where things are said', () => {
  it('threads and posts of forums belong to their channel, also unknown ones', async () => {
    const stream = run()
    await up(stream)
    const place = { chat: forum.channel, kind: 'group', thread: forum.post } as const
    await fake.say(fake.people.ann, place, 'my fox')
    await stream.heard(1)
    expect(stream.events[0]?.where).toEqual({ platform: 'discord', account, workspace: fake.world.guild.id, ...place })
  })

  it('asks for the channel of a thread nobody told about', async () => {
    const first = run()
    await up(first)
    await say('kept, so that the restart begins behind it')
    await first.heard(1)
    await first.stop()
    await fake.say(fake.people.ann, { ...fake.places.group, thread: '1200000000000000301' }, 'hello')
    // Resumed in a new process: nobody tells about servers again.
    const again = connected(fake, { memo: discord.deps.memo })
    const second = run(undefined, again)
    await second.heard(1)
    expect(second.events[0]?.where).toMatchObject({ chat: fake.places.group.chat, thread: '1200000000000000301' })
    expect(fake.calls().map(({ method }) => method)).toContain('GET /channels/*')
  })

  it('tells a thread from a channel where a message does not say which it is', async () => {
    const choosy = connected(fake, {}, { ALLOWED_CHANNELS: fake.places.group.chat })
    const stream = run(undefined, choosy)
    await up(stream)
    const { d } = readGolden('message-create.thread').payload as { d: Readonly<Record<string, unknown>> }
    const { channel_type: _, ...bare } = d
    const bring = (more: object) => fake.gateway.dispatch('MESSAGE_CREATE', () => ({ ...bare, ...more }))
    bring({ id: '1210000000000000901', content: 'in the thread' })
    bring({ id: '1210000000000000902', content: 'in the channel', channel_id: fake.places.group.chat })
    bring({ id: '1210000000000000903', content: 'in it again', channel_id: fake.places.group.chat })
    await stream.heard(3)
    const chat = fake.places.group.chat
    expect(stream.events.map(({ where }) => [where.chat, where.thread])).toEqual([
      [chat, d.channel_id],
      [chat, undefined],
      [chat, undefined],
    ])
    expect(fake.calls().filter(({ method }) => method === 'GET /channels/*')).toHaveLength(1)
  })

  it('tells a thread from a channel where a command does not say which it is', async () => {
    const choosy = connected(fake, {}, { ALLOWED_CHANNELS: fake.places.group.chat })
    const stream = run(undefined, choosy)
    await up(stream)
    const { d } = readGolden('interaction-create.command').payload as { d: Readonly<Record<string, unknown>> }
    const { channel: _, ...bare } = d
    fake.gateway.dispatch('INTERACTION_CREATE', () => ({ ...bare, channel_id: fake.places.thread?.thread }))
    await stream.heard(1)
    expect(stream.events[0]?.where).toMatchObject(fake.places.thread ?? {})
  })

  it('listens in the channels that are listed, their threads and direct chats, and nowhere else', async () => {
    const choosy = connected(fake, {}, { ALLOWED_CHANNELS: `discord:${fake.places.group.chat}` })
    const stream = run(undefined, choosy)
    await up(stream)
    await fake.say(fake.people.ann, { chat: forum.channel, kind: 'group', thread: forum.post }, 'not here')
    await fake.say(fake.people.ann, fake.places.thread ?? fake.places.group, 'in the thread')
    await say('in the channel')
    await fake.say(fake.people.bob, fake.places.dm, 'in private')
    await stream.heard(3)
    expect(textsOf(stream)).toEqual(['in the thread', 'in the channel', 'in private'])
  })
})
