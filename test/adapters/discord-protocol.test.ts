import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeDesk } from '../../adapters/discord/desk.ts'
import { makeStarts } from '../../adapters/discord/session.ts'
import { never, text } from '../kit/adapter.ts'
import { keepingLog } from '../kit/deps.ts'
import { type FakeDiscord, startDiscord } from '../platforms/discord.ts'
import { connected, partTo, type Running, readGolden, running } from './discord-kit.ts'

let fake: FakeDiscord
let streams: Running[]
beforeEach(async () => {
  fake = await startDiscord()
  fake.gateway.limits.identifyEveryMs = 0
  streams = []
})
afterEach(async () => {
  await Promise.all(streams.map((stream) => stream.stop()))
  await fake.close()
})

const up = async (times: number, discord = connected(fake)): Promise<Running> => {
  const stream = streams[0] ?? running(discord.adapter)
  streams[0] = stream
  await stream.until(() => stream.reports.filter(({ state }) => state === 'up').length >= times)
  return stream
}

describe('what Discord asks of a connection', () => {
  it('the first beat comes at a random moment of the interval', async () => {
    fake.gateway.limits.heartbeatMs = 30_000
    await up(1, connected(fake, { random: () => 0.001 }))
    await expect.poll(() => fake.gateway.stats.heartbeats, { interval: 5 }).toBe(1)
  })

  it.each([4007, 4009])('behind %i the session is not asked for any more', async (code) => {
    await up(1)
    fake.gateway.close(code)
    await up(2)
    expect(fake.gateway.stats).toMatchObject({ identifies: 2, resumes: 0 })
  })

  it.each([4000, 4001, 4002, 4003, 4005, 4008])('behind %i it is', async (code) => {
    await up(1)
    fake.gateway.close(code)
    await up(2)
    expect(fake.gateway.stats).toMatchObject({ identifies: 1, resumes: 1 })
  })

  it('new sessions are started at least five seconds apart', async () => {
    const slept: number[] = []
    const api = { call: async () => readGolden('rest.gateway-bot').response?.body }
    const sleep = async (ms: number) => void slept.push(ms)
    const start = makeStarts(api, 'https://discord.com/api', { now: () => 1000, sleep })
    expect(await start(never)).toMatch(/^wss:\/\/gateway\.discord\.gg\//)
    await start(never)
    expect(slept).toEqual([0, 5000])
  })

  it.each([
    [1000, 21, true],
    [1000, 20, false],
    [10, 1, true],
    [10, 0, false],
  ])('of %i starts a day with %i left the next one is taken: %s', async (total, remaining, taken) => {
    const session_start_limit = { total, remaining, reset_after: 60_000, max_concurrency: 1 }
    const api = { call: async () => ({ url: 'wss://gateway.discord.gg', shards: 1, session_start_limit }) }
    const start = makeStarts(api, 'https://discord.com/api', { now: () => 1000, sleep: async () => {} })(never)
    if (taken) expect(await start).toContain('wss://')
    else await expect(start).rejects.toMatchObject({ retryAfterMs: 60_000 })
  })
})

it('an interaction is acknowledged well within the three seconds there are', () => {
  const slept: number[] = []
  const sleep = (ms: number) => {
    slept.push(ms)
    return new Promise<void>(() => {})
  }
  const desk = makeDesk({ call: async () => ({}) }, { sleep, log: keepingLog() })
  desk.open({ kind: 'command', application: '1', id: '2', token: 't', message: null })
  expect(slept).toHaveLength(1)
  expect(slept[0]).toBeLessThanOrEqual(2000)
})

it('the token follows no redirect', async () => {
  const asked: (string | undefined)[] = []
  const moved: typeof fetch = async (_url, init) => {
    asked.push(init?.redirect)
    return new Response(null, { status: 302, headers: { location: 'https://elsewhere.example/' } })
  }
  const part = partTo(fake.places.group, [text('hello')])
  await expect(connected(fake, { fetch: moved }).adapter.send(part, never)).rejects.toMatchObject({
    code: 'unavailable',
  })
  expect(asked).toEqual(['manual'])
})

it('a quote of what is gone does not stop a message', async () => {
  const part = partTo(fake.places.group, [text('hello')], { replyTo: '1210000000000000777' })
  await connected(fake).adapter.send(part, never)
  expect(fake.shown()).toMatchObject([{ text: 'hello' }])
})

it('slash commands are for places where we are, and /run offers its templates', async () => {
  const menu = { everyone: [{ command: 'run', about: 'Run a template' }], admin: [], admins: [] }
  await up(1, connected(fake, { menu }))
  await expect
    .poll(() => fake.world.commands, { interval: 5 })
    .toMatchObject([
      {
        name: 'run',
        contexts: [0, 1],
        integration_types: [0],
        options: [{ name: 'template', required: true, autocomplete: true }, { name: 'prompt' }, {}, {}],
      },
    ])
})
