import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import slack from '../../adapters/slack/index.ts'
import type { AdapterDeps, InboundEvent } from '../../src/contract/index.ts'
import { conformance } from '../conformance/adapter.ts'
import { eventually, makeClock } from '../kit/core.ts'
import { sleep } from '../kit/deps.ts'
import { type FakeSlack, startSlack } from '../platforms/slack.ts'
import { golden, makeSlack } from './slack-kit.ts'

describe('by Socket Mode', () => {
  conformance(slack, () => startSlack({ mode: 'socket' }))
})

interface Running {
  readonly events: InboundEvent[]
  readonly reports: [string, string][]
  readonly lines: readonly string[]
  readonly ended: Promise<unknown>
  readonly stop: () => Promise<unknown>
  /** The next events are not kept. */
  refuse: boolean
  /** Keeping takes that long. */
  gate: Promise<void>
}

let fake: FakeSlack
const runs: Running[] = []
beforeEach(async () => {
  fake = await startSlack({ mode: 'socket' })
})
afterEach(async () => {
  for (const run of runs.splice(0)) await run.stop()
  await fake.close()
})

const start = (over: Partial<AdapterDeps> = {}): Running => {
  const { stream, lines } = makeSlack(fake.settings, over)
  const stopping = new AbortController()
  const run: Running = {
    events: [],
    reports: [],
    lines,
    refuse: false,
    gate: Promise.resolve(),
    stop: () => {
      stopping.abort()
      return run.ended
    },
    ended: Promise.resolve(),
  }
  const deliver = async (events: readonly InboundEvent[]): Promise<void> => {
    if (run.refuse) throw new Error('the disk is full')
    await run.gate
    run.events.push(...events)
  }
  const ended = stream!
    .run(deliver, (state, about) => run.reports.push([state, about]), stopping.signal)
    .catch((error: unknown) => error)
  runs.push(Object.assign(run, { ended }))
  return run
}

const started = async (over: Partial<AdapterDeps> = {}): Promise<Running> => {
  const run = start(over)
  await eventually(() => run.reports.length > 0)
  return run
}

const { ann } = { ann: { id: 'U0FAKEALICE', name: 'Alice' } }

describe('a line to Slack', () => {
  it('brings messages, commands and presses, each confirmed once it is kept', async () => {
    const run = await started()
    await fake.say(ann, fake.places.dm, '<lora:x:1> & more')
    await fake.command(ann, fake.places.group, '/openclaw', 'status')
    await eventually(() => fake.socket.idle())
    expect(run.events).toMatchObject([
      { body: { text: '<lora:x:1> & more' }, proof: 'tls' },
      { body: { text: '/status' }, where: { kind: 'group' } },
    ])
    expect(fake.socket.acks()).toHaveLength(2)
  })

  it('does not confirm what could not be kept, and gets it again under the same id', async () => {
    const run = await started()
    run.refuse = true
    await fake.say(ann, fake.places.dm, 'keep me')
    await eventually(() => run.lines.some((line) => line.includes('not kept')))
    expect(fake.socket.acks()).toEqual([])
    run.refuse = false
    await eventually(() => fake.socket.idle())
    expect(run.events).toMatchObject([{ body: { text: 'keep me' } }])
  })

  it('is confirmed for what it brings and nobody needs, too', async () => {
    const run = await started()
    await fake.bring({ type: 'reaction_added', user: ann.id, event_ts: '1.1' })
    await fake.deliver({ kind: 'interactive', payload: { type: 'view_submission' } })
    await eventually(() => fake.socket.idle())
    expect(run.events).toEqual([])
    expect(fake.socket.acks()).toHaveLength(2)
  })

  it('is not troubled by frames it does not know', async () => {
    const run = await started()
    for (const frame of ['{', '[]', '{"type":"x"}', '{"type":"events_api"}', '{"type":5}']) fake.socket.raw(frame)
    fake.socket.raw(JSON.stringify({ type: 'events_api', envelope_id: 'e1', payload: { type: 'odd' } }))
    fake.socket.raw(JSON.stringify({ type: 'of_tomorrow', envelope_id: 'e2', payload: {} }))
    await fake.say(ann, fake.places.dm, 'still there?')
    await eventually(() => run.events.length === 1 && ['e1', 'e2'].every((id) => fake.socket.acks().includes(id)))
  })

  it.each(['socket.disconnect-refresh', 'socket.disconnect-warning'])(
    'is changed on %s without a gap',
    async (name) => {
      const run = await started()
      fake.socket.raw(JSON.stringify(golden('socket.hello').payload))
      fake.socket.raw(JSON.stringify(golden(name).payload))
      await eventually(() => fake.socket.opened() === 2)
      expect(fake.socket.connections()).toBeGreaterThan(0)
      await eventually(() => fake.socket.connections() === 1)
      await fake.say(ann, fake.places.dm, 'hello again')
      await eventually(() => fake.socket.idle())
      expect(run.events).toHaveLength(1)
      expect(run.reports.map(([state]) => state)).toEqual(['up', 'up'])
    },
  )

  it('that is to be changed stays as long as no new one is to be had', async () => {
    const clock = makeClock(Date.now())
    const run = await started({ sleep: clock.sleep, now: clock.now })
    fake.mishap({ method: /^apps\./, how: { kind: 'status', status: 503 }, times: 2 })
    fake.socket.disconnect('refresh_requested')
    await eventually(() => run.lines.some((line) => line.includes('no second line yet')))
    await fake.say(ann, fake.places.dm, 'meanwhile')
    await eventually(() => run.events.length === 1)
    expect(fake.socket.opened()).toBe(1)
    await clock.advance(5000)
    await eventually(() => run.lines.filter((line) => line.includes('no second line yet')).length === 2)
    await clock.advance(5000)
    await eventually(() => fake.socket.opened() === 2 && fake.socket.connections() === 1)
  })

  it('confirms what it brought before it goes', async () => {
    const run = await started()
    let free: () => void = () => {}
    run.gate = new Promise((resolve) => {
      free = resolve
    })
    await fake.command(ann, fake.places.dm, '/openclaw', 'status')
    fake.socket.disconnect('warning')
    await eventually(() => fake.socket.opened() === 2 && run.reports.length === 2)
    expect(fake.socket.connections()).toBe(2)
    free()
    await eventually(() => fake.socket.idle() && fake.socket.connections() === 1)
    expect(run.events).toHaveLength(1)
  })

  it('that is cut is an error, so that it is opened again with growing distance', async () => {
    const run = await started()
    fake.socket.cut()
    expect(await run.ended).toMatchObject({ name: 'StreamError', fatal: false })
    const again = await started()
    await fake.say(ann, fake.places.dm, 'back')
    await eventually(() => again.events.length === 1)
  })

  it('that says nothing any more is found out by pings', async () => {
    const clock = makeClock(Date.now())
    const run = await started({ sleep: clock.sleep, now: clock.now })
    for (let i = 0; i < 8; i++) {
      await clock.advance(5000)
      // Real pongs need a real moment.
      await sleep(10)
    }
    expect(fake.socket.connections()).toBe(1)
    fake.socket.halfOpen()
    for (let i = 0; i < 5; i++) await clock.advance(5000)
    expect(await run.ended).toMatchObject({ fatal: false, message: expect.stringContaining('no sign of life') })
  })

  it('that is one too many waits before it tries again', async () => {
    const clock = makeClock(Date.now())
    const asked: number[] = []
    const sleep: typeof clock.sleep = (ms, signal) => {
      asked.push(ms)
      return clock.sleep(ms, signal)
    }
    await started({ sleep, now: clock.now, random: () => 0.5 })
    fake.socket.disconnect('too_many_websockets')
    await eventually(() => clock.sleepers() === 2)
    expect(fake.socket.opened()).toBe(1)
    expect(asked).toContain(7500)
    await clock.advance(10_000)
    await eventually(() => fake.socket.opened() === 2)
  })

  it('is not changed again and again without a pause, however often Slack asks', async () => {
    const clock = makeClock(Date.now())
    await started({ sleep: clock.sleep, now: clock.now })
    for (let opened = 2; opened <= 4; opened++) {
      fake.socket.disconnect('refresh_requested')
      await eventually(() => fake.socket.opened() === opened && fake.socket.connections() === 1)
    }
    const resting = clock.sleepers()
    fake.socket.disconnect('refresh_requested')
    await eventually(() => clock.sleepers() > resting)
    expect(fake.socket.opened()).toBe(4)
    await clock.advance(2000)
    await eventually(() => fake.socket.opened() === 5 && fake.socket.connections() === 1)
    // A line that held for a while is changed at once again.
    await clock.advance(4000)
    await clock.advance(4000)
    await clock.advance(4000)
    fake.socket.disconnect('refresh_requested')
    await eventually(() => fake.socket.opened() === 6)
  })

  it('leaves nothing behind when it is stopped, at any moment', async () => {
    for (const wait of [0, 2, 5, 10, 20]) {
      const run = start()
      await sleep(wait)
      await run.stop()
    }
    const run = await started()
    fake.socket.disconnect('refresh_requested')
    await run.stop()
    await eventually(() => fake.socket.connections() === 0)
    expect(await run.ended).toBeUndefined()
  })
})

it('nothing is lost on lines that are cut, changed and brought back, and every act keeps its id', async () => {
  const { stream } = makeSlack(fake.settings)
  const stopping = new AbortController()
  const seen = new Map<string, number>()
  let nth = 0
  const deliver = async (events: readonly InboundEvent[]): Promise<void> => {
    if (nth++ % 7 === 3) throw new Error('the disk is full')
    for (const { id } of events) seen.set(id, (seen.get(id) ?? 0) + 1)
  }
  const running = (async () => {
    while (!stopping.signal.aborted)
      await stream!
        .run(deliver, () => {}, stopping.signal)
        .catch((error: unknown) => expect(error).toMatchObject({ fatal: false }))
  })()
  await eventually(() => fake.socket.connections() === 1)
  for (let i = 0; i < 60; i++) {
    await fake.say(ann, fake.places.dm, `message ${i}`)
    if (i % 11 === 5) fake.socket.cut()
    if (i % 13 === 7) fake.socket.disconnect('refresh_requested')
    if (i % 17 === 2) await fake.redeliver()
    await sleep(3)
  }
  await eventually(() => fake.socket.idle() && seen.size === 60, 'all 60 messages')
  stopping.abort()
  await running
  await eventually(() => fake.socket.connections() === 0)
})

describe('a line that can not be had', () => {
  it.each(['invalid_auth', 'not_allowed_token_type', 'missing_scope', 'forbidden_team', 'account_inactive'])(
    'for %s is told with the cure, and not tried again',
    async (error) => {
      fake.mishap({ method: /^apps\./, how: { kind: 'error', error } })
      expect(await start().ended).toMatchObject({
        fatal: true,
        message: expect.stringMatching(/connections:write as OPENCLAW_CONNECTOR_SLACK_APP_TOKEN/),
      })
    },
  )

  it('because Socket Mode was switched off is told, and not tried again', async () => {
    const run = await started()
    fake.socket.raw(JSON.stringify(golden('socket.disconnect-disabled').payload))
    expect(await run.ended).toMatchObject({ fatal: true, message: expect.stringContaining('switched off') })
  })

  it('for a passing trouble is tried again, when Slack says', async () => {
    fake.mishap({ method: /^apps\./, how: { kind: 'status', status: 429, headers: { 'retry-after': '30' } } })
    expect(await start().ended).toMatchObject({ fatal: false, retryAfterMs: 30_000 })
    fake.mishap({ method: /^apps\./, how: { kind: 'cut', after: false } })
    expect(await start({ now: () => Date.now() + 60_000 }).ended).toMatchObject({ fatal: false })
  })

  it('leads nowhere else than to where Slack says, encrypted', async () => {
    const fetch: typeof globalThis.fetch = async () => Response.json({ ok: true, url: 'ws://127.0.0.1:1/link' })
    const { stream } = makeSlack({ ...fake.settings, API_BASE: 'https://slack.com/api' }, { fetch })
    const run = stream!.run(
      async () => {},
      () => {},
      new AbortController().signal,
    )
    await expect(run).rejects.toThrow(/no usable address/)
  })

  it('never shows its ticket or its token', async () => {
    fake.socket.close()
    const run = start()
    const error = await run.ended
    expect(error).toMatchObject({ name: 'StreamError' })
    for (const secret of [...fake.secrets, 'ticket=']) {
      expect(String(error)).not.toContain(secret)
      expect(run.lines.join()).not.toContain(secret)
    }
  })
})

it('Socket Mode confirms as recorded', () => {
  expect(golden('socket.ack-sent').payload).toEqual({ envelope_id: '11111111-aaaa-4bbb-8ccc-000000000001' })
})
