import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StreamError } from '../../src/contract/index.ts'
import { type FakeTelegram, startTelegram } from '../platforms/telegram.ts'
import { type Connected, connected, goldenNames, type Running, readGolden, running } from './telegram-kit.ts'

let fake: FakeTelegram
let telegram: Connected
let streams: Running[]

beforeEach(async () => {
  fake = await startTelegram()
  telegram = connected(fake)
  streams = []
})
afterEach(async () => {
  await Promise.all(streams.map((stream) => stream.stop()))
  expect(telegram.lines.filter((line) => line.includes(fake.token.slice(11)))).toEqual([])
  await fake.close()
})

const run = (...args: [keep?: Parameters<typeof running>[1]]): Running => {
  const stream = running(telegram.adapter, ...args)
  streams.push(stream)
  return stream
}
const say = (text: string) => fake.say(fake.people.ann, fake.places.dm, text)
const textsOf = (stream: Running) => stream.events.map(({ body }) => (body.kind === 'text' ? body.text : body.kind))
const offsetNote = 'offset 7000000001'
const offset = () => telegram.deps.memo.get(offsetNote)

interface RecordedBatch {
  readonly result: readonly { readonly update_id: number }[]
}

describe('polling', () => {
  it('brings what was said before and after it started, in order', async () => {
    await say('one')
    await say('two')
    const stream = run()
    await stream.until(2)
    await say('three')
    await stream.until(3)
    expect(textsOf(stream)).toEqual(['one', 'two', 'three'])
    expect(stream.reports).toEqual([{ state: 'up', about: 'polling as @render_desk_bot' }])
  })

  it('confirms a recorded batch up to its last update', async () => {
    const { meta, response } = readGolden('getupdates.batch.json')
    const { result } = (response ?? expect.fail('no batch')).body as RecordedBatch
    for (const update of result) fake.updates.pushRaw({ ...update })
    const stream = run()
    await stream.until(3)
    await fake.updates.polled()
    expect(offset()).toBe(String(meta.expect?.nextOffset))
  })

  it('brings every recorded update without falling over', async () => {
    const updates = goldenNames('update.').map((name) => readGolden(name).payload as { update_id: number })
    for (const update of updates.toSorted((a, b) => a.update_id - b.update_id)) fake.updates.pushRaw(update)
    const stream = run()
    await stream.until(17)
    await fake.updates.polled()
    expect(stream.events).toHaveLength(17)
    expect(fake.updates.waiting()).toBe(0)
  })

  it('does not move its cursor until the events are kept', async () => {
    await say('keep me')
    const asked = Promise.withResolvers<void>()
    const kept = Promise.withResolvers<void>()
    const stream = run(() => {
      asked.resolve()
      return kept.promise
    })
    await asked.promise
    expect(offset()).toBeNull()
    expect(fake.updates.waiting()).toBe(1)
    kept.resolve()
    await stream.until(1)
    await fake.updates.polled()
    expect(offset()).toBe('880000002')
    expect(fake.updates.waiting()).toBe(0)
  })

  it('brings the same updates again when they could not be kept', async () => {
    await say('one')
    await say('two')
    const broken = run(async () => {
      throw new Error('disk full')
    })
    expect(await broken.ended).toMatchObject({ message: 'disk full' })
    expect(offset()).toBeNull()
    const stream = run()
    await stream.until(2)
    expect(textsOf(stream)).toEqual(['one', 'two'])
  })

  it('starts again where it stopped', async () => {
    await say('before')
    const first = run()
    await first.until(1)
    await fake.updates.polled()
    await first.stop()
    await say('between')
    const second = run()
    await second.until(1)
    expect(textsOf(second)).toEqual(['between'])
  })

  it('does not take the number at which another bot stopped for its own', async () => {
    for (const note of ['offset', 'offset 1']) await telegram.deps.memo.set(note, '880000003')
    for (const words of ['one', 'two', 'three']) await say(words)
    const stream = run()
    await stream.until(3)
    expect(textsOf(stream)).toEqual(['one', 'two', 'three'])
  })

  it('goes on when a quiet week has reset the numbers to lower ones', async () => {
    await telegram.deps.memo.set(offsetNote, '990000000')
    await say('after the holidays')
    const stream = run()
    await stream.until(1)
    await fake.updates.polled()
    expect(offset()).toBe('880000002')
  })

  it('skips an update it can not read, names it in the log, and brings the rest', async () => {
    fake.updates.push({ message: { message_id: 'no number', chat: null } })
    await say('fine')
    const stream = run()
    await stream.until(1)
    expect(textsOf(stream)).toEqual(['fine'])
    expect(telegram.lines.filter((line) => line.includes('"update":880000001'))).toHaveLength(1)
  })

  it('steps over kinds of updates it does not know', async () => {
    fake.updates.push({ quantum_message: { spin: 1 } })
    fake.updates.push({ edited_message: { message_id: 1 } })
    await say('known')
    const stream = run()
    await stream.until(1)
    await fake.updates.polled()
    expect(offset()).toBe('880000004')
  })

  it('asks only for the kinds it uses', async () => {
    const asked: unknown[] = []
    const watching: typeof fetch = async (input, init) => {
      if (String(input).endsWith('/getUpdates')) asked.push(JSON.parse(String(init?.body)))
      return fetch(input, init)
    }
    telegram = connected(fake, { fetch: watching })
    run()
    await fake.updates.polled()
    expect(asked).toEqual([
      { limit: 100, timeout: 30, allowed_updates: ['message', 'callback_query', 'my_chat_member'] },
    ])
  })
})

describe('polling in trouble', () => {
  const ended = async (stream: Running) => (await stream.ended) as StreamError

  it('gives up for good on a revoked token, and names the variable', async () => {
    fake.revokeToken()
    const stream = run()
    expect(await ended(stream)).toMatchObject({ name: 'StreamError', fatal: true })
    expect(stream.reports).toMatchObject([{ state: 'down' }])
    expect(stream.reports[0]?.about).toContain('OPENCLAW_CONNECTOR_TELEGRAM_TOKEN')
  })

  it('backs off when a webhook is set, names the cure, and comes back when it is gone', async () => {
    fake.world.webhook = 'https://old.example/hook'
    const stream = run()
    expect(await ended(stream)).toMatchObject({ fatal: false, retryAfterMs: 37_500 })
    expect(stream.reports.at(-1)).toMatchObject({ state: 'down' })
    expect(stream.reports.at(-1)?.about).toContain('deleteWebhook')
    fake.world.webhook = ''
    await say('back')
    const next = run()
    await next.until(1)
    await fake.updates.polled()
    expect(next.reports).toMatchObject([{ state: 'up' }])
  })

  it('backs off when somebody else polls, and is not called up again before a poll succeeds', async () => {
    const first = run()
    await fake.updates.polled()
    const other = run()
    expect(await ended(first)).toMatchObject({ fatal: false, retryAfterMs: 37_500 })
    expect(first.reports.map(({ state }) => state)).toEqual(['up', 'down'])
    expect(first.reports.at(-1)?.about).toContain('another program polls')
    await fake.updates.polled()
    await other.stop()
    const again = run()
    await fake.updates.polled()
    expect(again.reports).toEqual([])
  })

  it('waits as long as Telegram says', async () => {
    const limited = async () =>
      Response.json(
        { ok: false, error_code: 429, description: 'Too Many Requests: retry after 5', parameters: { retry_after: 5 } },
        { status: 429 },
      )
    telegram = connected(fake, { fetch: limited })
    expect(await ended(run())).toMatchObject({ fatal: false, retryAfterMs: 5000 })
  })

  it('tries again after network trouble, without a word about the address', async () => {
    await fake.close()
    const stream = run()
    const error = await ended(stream)
    expect(error).toMatchObject({ fatal: false, message: 'Telegram getMe: network trouble (ECONNREFUSED)' })
  })

  it('refuses an answer that is no Bot API answer', async () => {
    telegram = connected(fake, { fetch: async () => new Response('<html>maintenance</html>') })
    expect(await ended(run())).toMatchObject({ fatal: false, message: 'Telegram getMe: 502 not a Bot API answer' })
  })

  it('stops within 100 ms in the middle of a long poll, leaving nothing open', async () => {
    const stream = run()
    await fake.updates.polled()
    const at = Date.now()
    await stream.stop()
    expect(Date.now() - at).toBeLessThan(100)
    expect(await stream.ended).toBeUndefined()
  })
})
