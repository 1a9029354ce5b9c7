import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AdapterDeps } from '../../src/contract/index.ts'
import { requestOf } from '../kit/adapter.ts'
import { sleep } from '../kit/deps.ts'
import { type FakeFeishu, startFeishu } from '../platforms/feishu.ts'
import { callOf, otherApp, v2 } from '../platforms/feishu-events.ts'
import { readFrame, writeFrame } from '../platforms/feishu-frames.ts'
import {
  account,
  bytesOf,
  type Feishu,
  golden,
  goldenNames,
  makeFeishu,
  type Running,
  recordedMs,
  running,
} from './feishu-kit.ts'

const raise = (name: string): never => {
  throw new Error(name)
}
const om = (nth: string): string => `om_fa4e${nth.padStart(28, '0')}`
const said = (words: string) => ({ kind: 'text', text: words, addressed: true })
const action = { kind: 'press', action: 'apr_12345:9f2c', message: om('60') }

let fake: FakeFeishu
let feishu: Feishu
let streams: Running[]
beforeEach(async () => {
  fake = await startFeishu()
  feishu = makeFeishu(fake.settings, { now: () => recordedMs })
  streams = []
})
afterEach(async () => {
  await Promise.all(streams.map((one) => one.stop()))
  expect(feishu.lines.filter((line) => fake.secrets.some((secret) => line.includes(secret)))).toEqual([])
  await fake.close()
})
const run = (...args: [keep?: Parameters<typeof running>[1]]): Running => {
  const one = running(feishu, ...args)
  streams.push(one)
  return one
}
const open = async (...args: Parameters<typeof run>): Promise<Running> => {
  const before = fake.sockets.opened()
  const one = run(...args)
  await expect.poll(() => fake.sockets.opened(), { interval: 5 }).toBe(before + 1)
  return one
}
const say = (text: string) => fake.say(fake.people.ann, fake.places.dm, text)
const textsOf = ({ events }: Running) => events.map(({ body }) => (body.kind === 'text' ? body.text : body.kind))
const codes = () => fake.sockets.acks().map(({ code }) => code)

describe('recorded frames', () => {
  it('bring their events, each acknowledged as it came; what is broken is dropped', async () => {
    const stream = await open()
    const names = ['ws.malformed', 'ws.fragment-bad', 'ws.event', 'ws.event-redelivered', 'ws.card-action']
    for (const name of [...names, 'ws.card-type-frame', 'ws.fragment-2of2', 'ws.fragment-1of2'])
      fake.sockets.raw(bytesOf(name))
    await expect.poll(() => fake.sockets.acks().length, { interval: 5 }).toBe(5)
    expect(stream.events).toMatchObject([
      { body: said('/status'), proof: 'tls', message: om('90') },
      { message: om('90') },
      { body: action },
      { body: action },
      { body: said('/run portrait prompt="狐狸 fox"') },
    ])
    expect(stream.events[1]?.id).toBe(stream.events[0]?.id)
    expect(fake.sockets.acks().map(({ code }) => code)).toEqual([200, 200, 200, 200, 200])
    const { decoded } = golden('ws.event-ack-sent').frame ?? raise('ack')
    const [first] = fake.sockets.acks()
    const headers = Object.fromEntries((decoded?.headers ?? []).map(({ key, value }) => [key, value]))
    expect(first).toMatchObject({ seq: BigInt(decoded?.SeqID ?? 0), log: BigInt(decoded?.LogID ?? 0) })
    expect({ ...first?.headers, biz_rt: '12' }).toEqual(headers)
    expect(golden('ws.event-nack-sent').payload).toEqual({ code: 500 })
  })

  it('ws.ping-sent is what we send, and ws.pong changes nothing that must not change', async () => {
    const stream = await open()
    await expect.poll(() => fake.sockets.pings().length, { interval: 5 }).toBe(1)
    expect(fake.sockets.pings()[0]).toEqual(readFrame(bytesOf('ws.ping-sent')))
    fake.sockets.raw(bytesOf('ws.pong'))
    fake.sockets.raw(bytesOf('ws.event'))
    await stream.until(1)
  })

  it.each([
    ['ws.endpoint-bad-secret', true, 'FEISHU_APP_SECRET'],
    ['ws.endpoint-wrong-domain', true, 'FEISHU_DOMAIN'],
    ['ws.endpoint-busy', false, 'system busy'],
  ])('%s ends the attempt, for good: %s', async (name, fatal, about) => {
    fake.api.refuseEndpoint(golden(name).response?.body ?? null)
    const stream = run()
    expect(await stream.ended).toMatchObject({ name: 'StreamError', fatal, message: expect.stringContaining(about) })
  })

  it('ws.endpoint-ok leads away from our host, and only there when it is encrypted', async () => {
    const body = structuredClone(golden('ws.endpoint-ok').response?.body) as { data: { URL: string } }
    body.data.URL = body.data.URL.replace('wss:', 'http:')
    fake.api.refuseEndpoint(body)
    const stream = run()
    expect(await stream.ended).toMatchObject({ fatal: false, message: expect.stringContaining('not encrypted') })
  })

  it('ws.handshake-too-many waits long, and says what to stop', async () => {
    fake.sockets.refuse(Number(golden('ws.handshake-too-many').response?.headers['handshake-autherrcode']))
    const stream = run()
    expect(await stream.ended).toMatchObject({ fatal: false, retryAfterMs: 300_000 })
    expect((await stream.ended)?.message).toMatch(/exceed conn limit.*more than 50 connections/)
  })

  it('that too many are open may be said before the handshake as well', async () => {
    fake.api.refuseEndpoint({ code: 1000040350, msg: 'too many connections' })
    const error = await run().ended
    expect(error).toMatchObject({ fatal: false, retryAfterMs: 300_000 })
    expect(error?.message).toContain('more than 50 connections')
  })

  it('a refused handshake is told in the words of the platform', async () => {
    fake.sockets.refuse(1000040999)
    const error = await run().ended
    expect(error).toMatchObject({ fatal: false, message: expect.stringContaining('1000040999') })
    expect(error?.message).toContain('auth failed')
  })

  // A ticket that was used or is too old is 514 as well, and there is a new one each time.
  it.each([
    [403, true, 'enable it'],
    [514, false, 'auth failed'],
  ])('a handshake refused with the status %i alone ends it for good: %s', async (status, fatal, about) => {
    fake.sockets.refuse(status)
    expect(await run().ended).toMatchObject({ fatal, message: expect.stringContaining(about) })
  })
})

describe('the long connection', () => {
  it.each(['service_id=abc', 'service_id=1.5', 'service_id=', 'x=1'])(
    'pings with 0 where the address says %s',
    async (named) => {
      const url = fake.sockets.url(fake.api.origin, account).replace(/service_id=\d+/, named)
      fake.api.refuseEndpoint({ code: 0, msg: '', data: { URL: url } })
      const stream = await open()
      await say('hello')
      await stream.until(1)
      await expect.poll(() => fake.sockets.pings()[0], { interval: 5 }).toMatchObject({ service: 0 })
    },
  )

  it('says nothing to a frame of no known kind', async () => {
    const stream = await open()
    const frame = readFrame(bytesOf('ws.event'))
    for (const method of [2, 2 ** 31]) fake.sockets.raw(writeFrame({ ...frame, method }))
    fake.sockets.raw(bytesOf('ws.event'))
    await stream.until(1)
    await expect.poll(() => codes(), { interval: 5 }).toEqual([200])
    expect(feishu.lines.filter((line) => line.includes('no known kind'))).toHaveLength(2)
  })

  it('brings what was said before and after it was opened, in order, and says as whom', async () => {
    await say('one')
    await say('two')
    const stream = await open()
    await say('three')
    await stream.until(3)
    expect(textsOf(stream)).toEqual(['one', 'two', 'three'])
    expect(stream.reports).toEqual([{ state: 'up', about: `${account}: connected as FakeBot` }])
    expect(feishu.lines.join()).toContain('connected as FakeBot')
    expect(stream.events[0]).toMatchObject({ proof: 'tls', from: { id: fake.people.ann.id } })
  })

  it('acknowledges what was kept, after it was kept, and asks again for what was not', async () => {
    let failures = 1
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const stream = await open(async () => {
      if (failures-- > 0) throw new Error('the disk is full')
      await held
    })
    await say('keep me')
    await expect.poll(() => codes(), { interval: 5 }).toEqual([500])
    await sleep(30)
    expect(codes()).toEqual([500])
    release()
    await stream.until(1)
    await expect.poll(() => codes(), { interval: 5 }).toEqual([500, 200])
  })

  it('several connections of one app take each event once', async () => {
    const both = [await open(), await open()]
    for (let i = 0; i < 20; i++) await say(`message ${i}`)
    await expect.poll(() => both.flatMap(({ events }) => events).length, { interval: 5 }).toBe(20)
    expect(new Set(both.flatMap(textsOf)).size).toBe(20)
    expect(both.every(({ events }) => events.length > 0)).toBe(true)
  })

  it('parts that go through a character arrive whole', async () => {
    const stream = await open()
    const event = v2(fake.app, 'ev1', 'im.message.receive_v1', recordedMs, {
      sender: { sender_id: { open_id: fake.people.ann.id } },
      message: {
        message_id: 'om_1',
        chat_id: 'oc_1',
        chat_type: 'p2p',
        message_type: 'text',
        content: JSON.stringify({ text: '狐狸'.repeat(200) }),
      },
    })
    fake.sockets.push(fake.app.appId, JSON.stringify(event), { parts: 7 })
    await stream.until(1)
    expect(textsOf(stream)).toEqual(['狐狸'.repeat(200)])
    await expect.poll(() => codes(), { interval: 5 }).toEqual([200])
  })

  it('events of another app or tenant, of unknown types and without sense are acknowledged, and that is all', async () => {
    const stream = await open()
    await say('mine')
    await stream.until(1)
    const event = { sender: {}, message: {} }
    const foreign = v2(fake.app, 'ev1', 'im.message.receive_v1', recordedMs, event)
    for (const payload of [
      JSON.stringify(v2(otherApp, 'ev0', 'im.message.receive_v1', recordedMs, event)),
      JSON.stringify({ ...foreign, header: { ...foreign.header, tenant_key: 'somebody else' } }),
      JSON.stringify(v2(fake.app, 'ev2', 'drive.file.read_v1', recordedMs, {})),
      JSON.stringify(foreign),
      '{"schema":"2.0"}',
      'no json',
    ])
      fake.sockets.push(fake.app.appId, payload)
    await expect.poll(() => codes(), { interval: 5 }).toEqual([200, 200, 200, 200, 200, 200, 200])
    expect(stream.events).toHaveLength(1)
    expect(feishu.lines.join()).toContain('none of ours')
  })

  it('ends at once when it is told to, also while it connects', async () => {
    const stream = await open()
    const from = performance.now()
    expect(await stream.stop()).toBeNull()
    expect(await run().stop()).toBeNull()
    expect(performance.now() - from).toBeLessThan(250)
    await expect.poll(() => fake.sockets.open(), { interval: 5 }).toBe(0)
  })

  it('comes back when the server closes, after a random part of the time that it names', async () => {
    fake.sockets.setConfig({ ReconnectNonce: 30 })
    for (const how of ['close', 'hard'] as const) {
      const stream = await open()
      fake.sockets.drop(how)
      expect(await stream.ended).toMatchObject({ name: 'StreamError', fatal: false, retryAfterMs: 15_000 })
    }
  })

  it('obeys what a pong tells: the way back is spread over the new time', async () => {
    const stream = await open()
    await expect.poll(() => fake.sockets.pings().length, { interval: 5 }).toBe(1)
    fake.sockets.raw(bytesOf('ws.pong'))
    await say('behind the pong')
    await stream.until(1)
    fake.sockets.drop()
    expect(await stream.ended).toMatchObject({ retryAfterMs: 15_000 })
  })

  it('fetches a new address each time, and leaves no ticket anywhere', async () => {
    await (await open()).stop()
    await open()
    const asked = fake.calls().filter(({ method }) => method === 'endpoint')
    expect(asked).toHaveLength(2)
    fake.sockets.refuse(514)
    expect(JSON.stringify(await run().ended)).not.toContain('TICKET')
  })

  it('a press on a card comes over it too, without any public address', async () => {
    const stream = await open()
    const { adapter } = feishu
    const to = { platform: 'feishu', account, chat: fake.places.group.chat, kind: 'group' } as const
    const buttons = [{ label: 'Approve', action: 'opaque-1', say: '/approve apr_1' }]
    const part = { key: 'p', to, audience: 'everyone', items: [{ kind: 'text', text: 'Sure?' }], buttons } as const
    await adapter.send(part, AbortSignal.timeout(1000))
    await fake.shown()[0]?.buttons[0]?.press()
    await stream.until(1)
    expect(stream.events[0]).toMatchObject({ body: { kind: 'press', action: 'opaque-1' }, where: to, proof: 'tls' })
  })
})

/** Waits a thousand times as fast. The clock goes by what was waited: a machine that is busy makes no silence. */
const fast = (): Partial<AdapterDeps> => {
  let nowMs = Date.now()
  const wait: AdapterDeps['sleep'] = async (ms, signal) => {
    await sleep(ms / 1000, signal)
    nowMs += ms
  }
  return { now: () => nowMs, sleep: wait }
}

describe('a line that is dead without saying so', () => {
  it('is noticed after two pings without an answer', async () => {
    feishu = makeFeishu(fake.settings, fast())
    const stream = await open()
    fake.sockets.goSilent(true)
    expect(await stream.ended).toMatchObject({ name: 'StreamError', fatal: false })
    expect(feishu.lines.join()).toContain('nothing was heard for two pings')
    expect(fake.sockets.pings().length).toBeGreaterThanOrEqual(2)
  })

  it('is not suspected while pings are answered, however quiet people are', async () => {
    feishu = makeFeishu(fake.settings, fast())
    const stream = await open()
    await expect.poll(() => fake.sockets.pings().length, { interval: 5, timeout: 5000 }).toBeGreaterThan(4)
    await say('still there')
    await stream.until(1)
  })
})

describe('a line that is cut again and again', () => {
  it('loses nothing, brings nothing under two ids, and leaves no connection behind', async () => {
    await fake.close()
    fake = await startFeishu({ ackMs: 40 })
    feishu = makeFeishu(fake.settings)
    const stopping = new AbortController()
    const brought: string[] = []
    const stream = feishu.adapter.intakes.find((intake) => intake.kind === 'stream') ?? expect.fail('no stream')
    // As the core does it: again until it is told to stop.
    const runs = (async () => {
      while (!stopping.signal.aborted) {
        const keep = async (events: readonly { id: string }[]): Promise<void> => {
          await sleep(1)
          brought.push(...events.map(({ id }) => id))
        }
        await stream.run(keep, () => {}, stopping.signal).catch(() => sleep(2))
      }
    })()
    for (let i = 0; i < 60; i++) {
      await say(`message ${i}`)
      if (i % 7 === 3) fake.sockets.drop(i % 2 === 0 ? 'close' : 'hard')
      await sleep(3)
    }
    await expect.poll(() => new Set(brought).size, { interval: 10, timeout: 5000 }).toBe(60)
    stopping.abort()
    await runs
    await expect.poll(() => fake.sockets.open(), { interval: 5 }).toBe(0)
    expect(fake.sockets.opened()).toBeGreaterThan(5)
  })
})

it('the callback path stands open for presses, and takes nothing unproven', async () => {
  const { receive } = feishu
  const body = JSON.stringify(v2({ ...fake.app, token: '' }, 'ev1', 'card.action.trigger', recordedMs, {}))
  expect(await receive(requestOf(callOf('/feishu/callback', body)))).toMatchObject({ kind: 'reject', status: 401 })
  const { VERIFICATION_TOKEN: _, ...bare } = fake.settings as Record<string, string>
  expect(makeFeishu(bare).adapter.intakes.map(({ kind }) => kind)).toEqual(['stream'])
})

it('every recorded frame and address is used', () => {
  const frames = goldenNames('ws.').filter((name) => golden(name).frame !== undefined)
  const others = ['ws.endpoint-ok', 'ws.endpoint-busy', 'ws.endpoint-bad-secret', 'ws.endpoint-wrong-domain']
  expect([...frames, ...others, 'ws.handshake-too-many'].toSorted()).toEqual(goldenNames('ws.').toSorted())
})
