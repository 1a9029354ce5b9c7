import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import line from '../../adapters/line/index.ts'
import type { InboundEvent, Memo } from '../../src/contract/index.ts'
import { never, text as textItem } from '../kit/adapter.ts'
import { settingsFrom, sleep, testDeps } from '../kit/deps.ts'
import { type FakeLine, startLine } from '../platforms/line.ts'
import { channelSecret, connected, keepingMemo, makeLine, makePart, settings, unreachable } from './line-kit.ts'

const march = Date.UTC(2026, 2, 16)
const aprilInJapan = Date.UTC(2026, 2, 31, 15)
let nowMs = march
let fake: FakeLine

beforeEach(async () => {
  nowMs = march
  fake = await startLine({ now: () => nowMs })
})
afterEach(() => fake.close())

const push = () => makePart([textItem('x')], { to: { ...makePart([]).to, chat: fake.people.ann.id } })

describe('the month’s messages', () => {
  const opened = (memo: Memo = keepingMemo()) => makeLine(fake.settings, { now: () => nowMs, memo }).adapter

  it('are told with their limit and when they begin anew', async () => {
    expect(await opened().quota?.(never)).toEqual({ used: 500, limit: 1000, resetsAt: aprilInJapan })
    fake.world.quota.type = 'none'
    expect(await opened().quota?.(never)).toMatchObject({ used: 500, limit: null })
  })

  it('being used up leaves answers to be fetched, until the next month and across a restart', async () => {
    const memo = keepingMemo()
    const adapter = opened(memo)
    expect(adapter.pushes?.()).toBe(true)
    fake.world.quota.used = 1000
    await expect(adapter.send(push(), never)).rejects.toMatchObject({ code: 'window_closed', delivered: 'no' })
    expect(adapter.pushes?.()).toBe(false)
    expect(opened(memo).pushes?.()).toBe(false)
    // Nothing more is asked for in vain.
    const before = fake.calls().length
    await expect(adapter.send(push(), never)).rejects.toMatchObject({ code: 'window_closed' })
    expect(fake.calls()).toHaveLength(before)
    nowMs = aprilInJapan - 1
    expect(adapter.pushes?.()).toBe(false)
    nowMs = aprilInJapan
    expect(adapter.pushes?.()).toBe(true)
  })

  it('being used up stops no reply', async () => {
    const { adapter, events } = connected(fake, {}, { now: () => nowMs })
    fake.world.quota.used = 1000
    await adapter.send(push(), never).catch(() => {})
    await fake.say(fake.people.ann, fake.places.dm, '/inbox')
    const { where, handle } = events.at(-1) as InboundEvent
    expect(await adapter.send(makePart([textItem('here')], { to: where, handle: handle! }), never)).toMatchObject({
      via: 'token',
    })
  })

  it('are used again as soon as a look shows room', async () => {
    const adapter = opened()
    fake.world.quota.used = 1000
    await adapter.send(push(), never).catch(() => {})
    fake.world.quota.value = 5000
    expect(await adapter.quota?.(never)).toMatchObject({ used: 1000, limit: 5000 })
    expect(adapter.pushes?.()).toBe(true)
    expect(await adapter.send(push(), never)).toMatchObject({ via: 'push' })
  })

  it('are known to be used up from the look alone', async () => {
    const adapter = opened()
    fake.world.quota.used = 1000
    await adapter.quota?.(never)
    expect(adapter.pushes?.()).toBe(false)
  })

  it('being used up on the first day is looked at again soon: months begin later elsewhere', async () => {
    nowMs = aprilInJapan + 60_000
    const adapter = opened()
    fake.world.quota.used = 1000
    await adapter.send(push(), never).catch(() => {})
    expect(adapter.pushes?.()).toBe(false)
    nowMs += 60 * 60_000
    expect(adapter.pushes?.()).toBe(true)
  })

  it('that LINE does not tell are null, not an error', async () => {
    fake.world.revoked = true
    expect(await opened().quota?.(never)).toBeNull()
    expect(await makeLine({ API_BASE: unreachable }).adapter.quota?.(never)).toBeNull()
  })
})

describe('what people send', () => {
  const sent = async (over: { bytes?: Uint8Array; mime?: string } = {}) => {
    const made = connected(fake, {}, { now: () => nowMs, sleep: (_, signal) => sleep(1, signal) })
    const { bytes = Buffer.from('pixels'), mime = 'image/png' } = over
    await fake.sendFile(fake.people.ann, fake.places.dm, 'image', bytes, mime)
    const media = made.events[0]?.media[0]
    if (!media) throw new Error('no file came')
    const content = fake.world.contents.get(media.ref)
    return { ...made, media, content: content!, fetch: (signal = never) => made.adapter.download!(media, signal) }
  }

  it('is fetched from the host of content, with its type', async () => {
    const { fetch } = await sent()
    const response = await fetch()
    expect([response.headers.get('content-type'), await response.text()]).toEqual(['image/png', 'pixels'])
  })

  it('is asked for again while LINE prepares it', async () => {
    const { content, fetch } = await sent()
    content.preparing = 3
    expect(await (await fetch()).text()).toBe('pixels')
    expect(fake.calls()).toHaveLength(4)
  })

  it('is not waited for any longer than the caller wants', async () => {
    const { content, fetch } = await sent()
    content.preparing = Number.POSITIVE_INFINITY
    const stop = new AbortController()
    const fetching = fetch(stop.signal)
    await expect.poll(() => fake.calls().length, { interval: 5 }).toBeGreaterThan(2)
    stop.abort()
    await expect(fetching).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('is gone for good when it was taken back, which says nothing about our token', async () => {
    const { content, fetch } = await sent()
    content.state = 'unsent'
    await expect(fetch()).rejects.toMatchObject({ code: 'rejected' })
    fake.world.contents.clear()
    await expect(fetch()).rejects.toMatchObject({ code: 'rejected' })
    fake.world.revoked = true
    await expect(fetch()).rejects.toMatchObject({ code: 'auth' })
  })

  it('is never asked for by anything but the number of a message', async () => {
    const { adapter } = makeLine(fake.settings)
    for (const ref of ['../info', '1/../../x', '', 'https://evil.example'])
      await expect(adapter.download!({ kind: 'image', ref }, never)).rejects.toMatchObject({ code: 'rejected' })
    expect(fake.calls()).toEqual([])
  })

  it.each([
    [{}, 'https://api-data.line.me'],
    [{ API_BASE: 'https://proxy.example' }, 'https://proxy.example'],
    [{ API_BASE: 'https://proxy.example', DATA_API_BASE: 'https://data.example/' }, 'https://data.example'],
  ])('lies where %o says', async (texts, host) => {
    const asked: string[] = []
    const { adapter } = makeLine(texts, { fetch: async (url) => Response.json(asked.push(String(url))) })
    await adapter.download!({ kind: 'image', ref: '7' }, never)
    expect(asked).toEqual([`${host}/v2/bot/message/7/content`])
  })
})

describe('a look at the setup', () => {
  const looked = async (
    texts: Readonly<Record<string, string>> = {},
    link: string | null = 'https://bot.example.com/media/x',
  ) => {
    const media = { open: async () => new Blob([]), link: () => link }
    const { adapter } = connected(fake, texts, { now: () => nowMs, media })
    return adapter.probe(never)
  }
  const faults = async (...given: Parameters<typeof looked>) => (await looked(...given)).filter(({ ok }) => !ok)

  it('finds nothing wrong with a good one, and lets LINE call the webhook', async () => {
    const probes = await looked()
    expect(probes.map(({ name, ok }) => [name, ok])).toEqual([
      ['token', true],
      ['clock', true],
      ['webhook', true],
      ['webhook test', true],
      ['push quota', true],
    ])
    expect(probes.map(({ about }) => about).join('\n')).toMatch(/Helper \(@000fake\)(?:.|\n)*500 of 1000/)
  })

  it('names the token when LINE refuses it, and asks no further', async () => {
    fake.world.revoked = true
    expect(await faults()).toMatchObject([{ name: 'token', about: expect.stringContaining('CHANNEL_ACCESS_TOKEN') }])
    expect(fake.calls()).toHaveLength(1)
  })

  it('finds a webhook that is missing, off, or leads elsewhere', async () => {
    const { endpoint } = fake.world
    endpoint.url = null
    expect(await faults()).toMatchObject([
      { name: 'webhook', about: expect.stringContaining('https://bot.example.com/line/webhook') },
    ])
    endpoint.url = 'https://bot.example.com/line/webhook'
    endpoint.active = false
    expect(await faults()).toMatchObject([{ name: 'webhook', about: expect.stringContaining('Use webhook') }])
    endpoint.active = true
    endpoint.url = 'https://old.example.com/line/webhook'
    const hook = (await looked()).find(({ name }) => name === 'webhook')
    expect(hook?.about).toMatch(/^https:\/\/old\.example\.com.*not where this connector listens/)
  })

  it('tells a wrong channel secret from a connector that is not there', async () => {
    expect(await faults({ CHANNEL_SECRET: 'another-secret' })).toMatchObject([
      { name: 'webhook test', about: expect.stringContaining('LINE_CHANNEL_SECRET') },
    ])
    const { adapter } = connected(fake, {}, { now: () => nowMs })
    fake.connect(async () => ({ status: 502, headers: {}, body: '' }))
    const [test] = (await adapter.probe(never)).filter(({ ok }) => !ok)
    expect(test).toMatchObject({ name: 'webhook test', about: expect.stringContaining('is the connector running') })
  })

  it('finds a clock that is wrong, as fresh messages would count as old', async () => {
    const { adapter } = connected(fake, {}, { now: () => nowMs + 200_000 })
    expect((await adapter.probe(never)).filter(({ ok }) => !ok)).toMatchObject([
      { name: 'clock', about: expect.stringMatching(/^200 s apart from LINE's.*count as old/) },
    ])
  })

  it('says what follows from a used up quota', async () => {
    fake.world.quota.used = 1000
    expect(await faults()).toMatchObject([
      { name: 'push quota', about: expect.stringContaining('until their person writes') },
    ])
  })

  it('looks at the path alone where no public address is known', async () => {
    fake.world.endpoint.url = 'https://other.example.com/line/webhook'
    const hook = (await looked({}, null)).find(({ name }) => name === 'webhook')
    expect(hook).toEqual({ name: 'webhook', ok: true, about: 'https://other.example.com/line/webhook' })
  })

  it('tells that LINE can not be reached', async () => {
    const { adapter } = makeLine({ API_BASE: unreachable })
    expect(await adapter.probe(never)).toMatchObject([{ name: 'connection', ok: false }])
  })
})

describe('the module', () => {
  it('has one webhook where its settings say', () => {
    const { adapter } = makeLine({ PORT: '9000', BIND: '127.0.0.2', PATH: '/l' })
    expect(adapter.intakes).toMatchObject([
      { kind: 'webhook', host: '127.0.0.2', port: 9000, path: '/l', methods: ['POST'] },
    ])
    expect(makeLine({}).adapter.intakes).toMatchObject([{ host: '127.0.0.1', port: 8099, path: '/line/webhook' }])
  })

  it.each(['CHANNEL_SECRET', 'CHANNEL_ACCESS_TOKEN'])(
    'does not start without %s, and shows the other to nobody',
    (name) => {
      const texts: Record<string, string> = { ...settings }
      delete texts[name]
      const create = () => line.create(settingsFrom(line, texts), testDeps())
      expect(create).toThrow(`OPENCLAW_CONNECTOR_LINE_${name}`)
      expect(create).not.toThrow(channelSecret)
    },
  )
})
