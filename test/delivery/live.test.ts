import { expect, test } from 'vitest'
import type { Adapter, Capabilities } from '../../src/contract/index.ts'
import { makeGate } from '../../src/delivery/gate.ts'
import { makeTyping } from '../../src/delivery/typing.ts'
import { makeLive } from '../../src/jobs/live.ts'
import { addPart, markSent } from '../../src/store/outbox.ts'
import { event, flush, makeClock, part, standIn, testStore } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'
import { told } from './worker-kit.ts'

const signal = new AbortController().signal

const rig = (caps: Partial<Capabilities> = {}) => {
  const clock = makeClock()
  const { store, db } = testStore(clock.now)
  const fake = standIn(clock, { edit: { everyMs: 2000, withinMs: null }, ...caps })
  const gate = makeGate({ concurrent: 1, everyMs: 0, perChatMs: 0, perGroupMs: 0, burst: 1 }, clock)
  const live = makeLive({ store, now: clock.now, outlet: () => fake, gateOf: () => gate })
  addPart(
    db,
    { part: part('ack', { replyTo: 'asked', buttons: [{ label: 'Cancel', action: 'a1', say: '/cancel' }] }) },
    clock.now(),
  )
  const sent = () => markSent(db, 'ack', { message: 'm7', via: 'push' }, clock.now())
  const show = async (text: string, alike?: string): Promise<void> => {
    live.show('ack', text, signal, alike)
    await flush(4)
  }
  return { clock, fake, gate, live, db, sent, show }
}

test('progress is edited into the message that was sent, which keeps its buttons', async () => {
  const { fake, sent, show } = rig()
  sent()
  await show('step 1')
  expect(fake.calls).toMatchObject([{ how: 'edit', message: 'm7', part: { buttons: [{ label: 'Cancel' }] } }])
  expect(fake.sent()).toEqual(['step 1'])
})

test('before the message was sent, and where it has no id, nothing is edited', async () => {
  const { fake, show, db, clock } = rig()
  await show('step 1')
  markSent(db, 'ack', { via: 'inline' }, clock.now())
  await show('step 2')
  expect(fake.calls).toEqual([])
})

test('a platform that can’t edit is left alone', async () => {
  const { fake, sent, show } = rig({ edit: null })
  sent()
  await show('step 1')
  expect(fake.calls).toEqual([])
})

test('where a platform can’t edit, the sign of work is kept up for as long as the job is looked at', async () => {
  const { fake, sent, show, live, clock } = rig({ edit: null, typing: { everyMs: 15_000 } })
  const shown: unknown[] = []
  const adapter = fake.adapter as { typing: Adapter['typing'] }
  adapter.typing = async (where, message) => void shown.push([where.chat, message, clock.now()])
  await show('before it was told')
  sent()
  const startMs = clock.now()
  for (let i = 0; i < 8; i++) {
    await show('running')
    await clock.advance(5000)
  }
  expect(shown).toEqual([0, 15_000, 30_000].map((ms) => ['c1', 'asked', startMs + ms]))
  await live.end('ack')
  await clock.advance(60_000)
  await show('running')
  expect([shown.length, fake.calls]).toEqual([3, []])
})

test('edits keep within the platform’s budget: in between nothing is said, then the newest', async () => {
  const { fake, sent, show, clock } = rig()
  sent()
  for (let step = 1; step <= 50; step++) {
    await show(`step ${step}`)
    await clock.advance(100)
  }
  const times = fake.calls.map(({ atMs }) => atMs)
  expect(times.slice(1).map((at, i) => at - (times[i] ?? 0))).toEqual([2000, 2000])
  expect(fake.sent()).toEqual(['step 1', 'step 21', 'step 41'])
})

test('what is shown already is not shown again', async () => {
  const { fake, sent, show, clock } = rig()
  sent()
  for (let i = 0; i < 3; i++) {
    await show('step 1')
    await clock.advance(3000)
  }
  expect(fake.calls).toHaveLength(1)
})

test('a message that says the same in other words is not edited, and the next news is', async () => {
  const { fake, sent, show, db, clock } = rig()
  addPart(db, { part: part('other') }, clock.now())
  sent()
  await show('Waiting: 1 ahead', 'text of ack')
  await show('Waiting: 1 ahead', 'text of ack')
  expect(fake.calls).toEqual([])
  await show('Waiting: its turn', 'Submitted: its turn')
  await clock.advance(3000)
  await show('Waiting: 1 ahead', 'text of ack')
  expect(fake.sent()).toEqual(['Waiting: its turn', 'Waiting: 1 ahead'])
})

test('progress takes no place that an answer could use', async () => {
  const { fake, gate, sent, show } = rig()
  sent()
  await gate.enter('some other chat', 'dm', signal)
  await show('step 1')
  expect(fake.calls).toEqual([])
  gate.leave()
  await show('step 2')
  expect(fake.sent()).toEqual(['step 2'])
  expect(await gate.enter('another', 'dm', signal)).toBe(true)
})

test('an edit that fails is let go, and the message is left in peace for a while', async () => {
  const { fake, sent, show, clock, gate } = rig()
  sent()
  fake.next(told('rate_limited', 'no', 1000))
  await show('step 1')
  await clock.advance(14_000)
  await show('step 2')
  expect(fake.calls).toHaveLength(1)
  await clock.advance(1000)
  await show('step 3')
  expect(fake.sent()).toEqual(['step 1', 'step 3'])
  expect(gate.tryEnter('x', 'dm')).toBe(true)
})

test('the end waits for an edit under way, so that it is not painted over', async () => {
  const { fake, sent, live } = rig()
  sent()
  let arrive = (): void => {}
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const adapter = fake.adapter as { edit: NonNullable<Adapter['edit']> }
  const edit = adapter.edit
  adapter.edit = async (message, one, cut) => {
    await arrived
    return edit(message, one, cut)
  }
  live.show('ack', 'step 1', signal)
  await flush(4)
  let ended = false
  const end = live.end('ack').then(() => {
    ended = true
  })
  await flush(4)
  expect(ended).toBe(false)
  arrive()
  await end
  expect(fake.sent()).toEqual(['step 1'])
})

test('a step that comes after the end is not shown any more, however long afterwards', async () => {
  const { fake, sent, live, show, clock } = rig()
  sent()
  await show('step 1')
  await clock.advance(5000)
  const end = live.end('ack')
  await show('step 2')
  await end
  for (let i = 0; i < 400; i++) await live.end(`other ${i}`)
  await clock.advance(60_000)
  await show('step 3')
  expect(fake.sent()).toEqual(['step 1'])
})

test('with hundreds of jobs the memory of what is shown stays bounded, and an edit under way is not forgotten', async () => {
  const { fake, sent, live, show } = rig()
  sent()
  fake.next('hang')
  await show('step 1')
  for (let i = 0; i < 2000; i++) live.show(`other ${i}`, 'x', signal)
  await show('step 2')
  expect(fake.sent()).toEqual(['step 1'])
})

const typing = (everyMs: number | null = 4000) => {
  const clock = makeClock()
  const shown: number[] = []
  const fake = standIn(clock, { typing: everyMs === null ? null : { everyMs } })
  const adapter: Adapter = {
    ...fake.adapter,
    typing: everyMs === null ? null : async () => void shown.push(clock.now()),
  }
  const stop = new AbortController()
  const log = keepingLog()
  const show = makeTyping({
    outlet: (id) => (id === 'fake' ? { adapter, capabilities: fake.capabilities } : null),
    sleep: clock.sleep,
    log,
    signal: stop.signal,
  })
  return { clock, shown, show, stop, log, adapter: adapter as { typing: Adapter['typing'] }, startMs: clock.now() }
}

test('that somebody is at work is shown after a moment, and again as long as it lasts', async () => {
  const { clock, shown, show, startMs } = typing()
  const end = show(event('e1'))
  await clock.advance(9000)
  expect(shown.map((at) => at - startMs)).toEqual([700, 4700, 8700])
  end()
  await clock.advance(60_000)
  expect([shown.length, clock.sleepers()]).toEqual([3, 0])
})

test('a quick answer needs no sign, and a platform without one gets none', async () => {
  const quick = typing()
  const end = quick.show(event('e1'))
  await quick.clock.advance(600)
  end()
  await quick.clock.advance(60_000)
  const without = typing(null)
  without.show(event('e1'))()
  await without.clock.advance(60_000)
  expect([quick.shown, without.shown]).toEqual([[], []])
})

test('a sign that can’t be shown is nobody’s trouble', async () => {
  const { clock, show, log, adapter } = typing()
  adapter.typing = () => Promise.reject(told('rate_limited'))
  const end = show(event('e1'))
  await clock.advance(60_000)
  expect(log.lines.filter((line) => !line.includes('"level":"debug"'))).toEqual([])
  end()
})

test('stopping the program ends every sign', async () => {
  const { clock, show, stop } = typing()
  show(event('e1'))
  show(event('e2'))
  await clock.advance(1000)
  stop.abort()
  await clock.advance(60_000)
  expect(clock.sleepers()).toBe(0)
})
