import { expect, test } from 'vitest'
import { makeRules, type RawRules } from '../../policy/rules.ts'
import { commands } from '../../src/commands/index.ts'
import { type Capabilities, laneOf } from '../../src/contract/index.ts'
import { bridgePartOf } from '../../src/delivery/settle.ts'
import { makeInlineEnds } from '../../src/jobs/inline-ends.ts'
import { makeFollower } from '../../src/jobs/progress.ts'
import { approverAddresses, approversOf } from '../../src/jobs/reach.ts'
import { unsettled } from '../../src/pipeline.ts'
import { keepEvent, settleEvent } from '../../src/store/inbox.ts'
import { addJob, jobById } from '../../src/store/jobs.ts'
import { mailbox } from '../../src/store/mailbox.ts'
import { setContact } from '../../src/store/memo.ts'
import { addPart, markSent, partRow } from '../../src/store/outbox.ts'
import { capabilities } from '../delivery/plan-kit.ts'
import { address, event, eventually, flush, makeClock, part, testStore } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'
import { jobOf, mute } from './jobs-kit.ts'

const rulesOf = (over: Partial<RawRules>) =>
  makeRules(
    { adminUsers: [], allowPublic: [], allowRun: [], allowAdmin: [], overridesJson: undefined, trust: [], ...over },
    commands,
    ['fake', 'other'],
  ).rules
const outlets = [{ platform: 'fake' }, { platform: 'other' }]

test('who may decide: the list of the admin class where there is one, else the admins', () => {
  const both = rulesOf({ adminUsers: ['fake:boss'], allowAdmin: ['fake:dora'] })
  expect(approversOf(both, outlets)).toEqual(['fake:dora'])
  expect(approversOf(rulesOf({ adminUsers: ['fake:boss'] }), outlets)).toEqual(['fake:boss'])
  expect(approversOf(rulesOf({}), outlets)).toEqual([])
})

test('a bare id is that person on every platform that is switched on, each once', () => {
  const rules = rulesOf({ adminUsers: ['7', 'fake:7', 'other:8'] })
  expect([...approversOf(rules, outlets)].sort()).toEqual(['fake:7', 'other:7', 'other:8'])
})

test('an approver is reached where they wrote last, or by their id where that is a chat, or not at all', () => {
  const { store, db } = testStore()
  setContact(db, 'other:carl', address({ platform: 'other', chat: 'dm-9' }), 1)
  setContact(db, 'off:eve', address({ platform: 'off', chat: 'dm-3' }), 1)
  const caps = (direct: boolean): Capabilities => capabilities({ directByUserId: direct })
  const reached = approverAddresses({
    store,
    outlets: () => [
      { platform: 'fake', account: 'bot', capabilities: caps(true) },
      { platform: 'other', account: 'o', capabilities: caps(false) },
    ],
    approvers: () => ['fake:1:2', 'other:carl', 'other:dora', 'off:eve'],
    placed: (where) => where,
  })
  expect(reached).toEqual([
    { person: 'fake:1:2', to: { platform: 'fake', account: 'bot', chat: '1:2', kind: 'dm' } },
    { person: 'other:carl', to: address({ platform: 'other', chat: 'dm-9' }) },
  ])
})

test('an approver is remembered with their chat under each of their ids that is listed, from direct chats only', () => {
  const rules = rulesOf({ adminUsers: ['fake:49170', 'parent', 'fake:other'] })
  const from = { id: 'U.9', aliases: ['49170', 'parent'], self: false, bot: false }
  const performed = { outcome: { reply: null }, record: '/help', explicit: true }
  const contacts = (over: Parameters<typeof event>[2]) =>
    unsettled(event('e', '/help', over), performed, { rules }).contacts
  expect(contacts({ from })).toEqual(['fake:49170', 'fake:parent'])
  expect(contacts({ from, where: address({ kind: 'group' }) })).toEqual([])
  expect(contacts({ from, proof: 'none' })).toEqual([])
  expect(contacts({ from: { ...from, aliases: [] } })).toEqual([])
})

test('an approver listed by two of their ids is told once', () => {
  const { store, db } = testStore()
  for (const person of ['fake:123', 'fake:U.9']) setContact(db, person, address(), 1)
  const reached = approverAddresses({
    store,
    outlets: () => [{ platform: 'fake', account: 'bot', capabilities: capabilities() }],
    approvers: () => ['fake:123', 'fake:U.9'],
    placed: (where) => where,
  })
  expect(reached).toEqual([{ person: 'fake:123', to: address() }])
})

const inline = (caps: Partial<Capabilities> = mute) => {
  const clock = makeClock()
  const { store, db } = testStore(clock.now)
  const woken: string[] = []
  const stop = new AbortController()
  const ends = makeInlineEnds({
    store,
    now: clock.now,
    sleep: clock.sleep,
    signal: stop.signal,
    log: keepingLog(),
    wake: (lanes) => void woken.push(...lanes),
    capabilities: () => capabilities(caps),
    step: () => {},
  })
  const offered = (key: string, over = {}) => {
    const one = part(key, over)
    addPart(db, { part: one, state: 'offered' }, clock.now())
    return one
  }
  const state = (key: string) => partRow(db, key)?.state
  return { clock, db, ends, woken, offered, state, stop }
}

const answer = { status: 200, headers: {}, body: '' }
const handle = (expiresAt: number) => ({ kind: 'token' as const, value: 't', expiresAt })

test('an answer that was written to the open request is sent', async () => {
  const { ends, offered, state } = inline()
  ends.written(offered('p1'), { answer, tokenKept: false })
  await eventually(() => state('p1') === 'sent')
})

test('a lost answer takes the next way: pushed, by its token, or into the mailbox', async () => {
  const pushing = inline({})
  pushing.ends.lost(pushing.offered('p1'))
  const silent = inline()
  const later = silent.clock.now() + 1000
  silent.ends.lost(silent.offered('p1'))
  silent.ends.lost(silent.offered('p2', { handle: handle(later) }))
  silent.ends.lost(silent.offered('p3', { handle: handle(later), interim: true }))
  silent.ends.lost(silent.offered('p4', { handle: handle(silent.clock.now() - 1) }))
  await flush()
  expect([pushing.state('p1'), pushing.woken]).toEqual(['queued', [laneOf(address())]])
  expect(['p1', 'p2', 'p3', 'p4'].map(silent.state)).toEqual(['mailbox', 'queued', 'mailbox', 'mailbox'])
})

test('of two deliveries of one event one may be lost: what the other wrote stays written', async () => {
  const { ends, offered, state } = inline()
  const one = offered('p1')
  ends.written(one, { answer, tokenKept: false })
  await eventually(() => state('p1') === 'sent')
  ends.lost(one)
  await flush()
  expect(state('p1')).toBe('sent')
})

test('a promise that did not keep the token open closes it: no bridge, and the result takes another way', async () => {
  for (const tokenKept of [false, true]) {
    const { ends, db, clock, offered, state } = inline()
    const own = handle(clock.now() + 60_000)
    addJob(db, jobOf('a', clock.now(), { key: 'e1', handle: own }))
    addPart(db, { part: part(bridgePartOf('e1')), notBeforeMs: clock.now() + 50_000 }, clock.now())
    ends.written(offered('ack:e1', { handle: own, interim: true }), { answer, tokenKept })
    await eventually(() => state('ack:e1') === 'sent')
    expect(jobById(db, 'a')?.handle).toEqual(tokenKept ? own : undefined)
    expect(state(bridgePartOf('e1'))).toBe(tokenKept ? 'queued' : 'skipped')
  }
})

test('an event that comes again gets its first answer, is pending while it waits, and unknown ones are nothing', async () => {
  const { ends, db, clock } = inline()
  const keep = (id: string) => keepEvent(db, event(id), 'lane', 'run', clock.now())?.seq ?? 0
  addPart(db, { part: part('e1#0'), state: 'offered' }, clock.now())
  settleEvent(db, keep('e1'), { outcome: '/status', answer: 'e1#0' }, 1)
  settleEvent(db, keep('e2'), { outcome: 'talk', answer: null }, 1)
  settleEvent(db, keep('e3'), { outcome: '/status', answer: 'pruned#0' }, 1)
  keep('e4')
  expect(await ends.earlier(event('e1'))).toEqual({ part: part('e1#0'), taken: false })
  markSent(db, 'e1#0', { via: 'inline' }, 2)
  expect(await ends.earlier(event('e1'))).toEqual({ part: part('e1#0'), taken: false })
  markSent(db, 'e1#0', { via: 'push' }, 2)
  expect(await ends.earlier(event('e1')), 'it went the other way').toBeNull()
  const others = ['e2', 'e3', 'e4', 'e5'].map((id) => ends.earlier(event(id)))
  expect(await Promise.all(others)).toEqual([null, null, 'pending', null])
})

test('an answer in the mailbox is noted as handed over before the event that comes again gets it', async () => {
  const { ends, db, clock, state } = inline()
  addPart(db, { part: part('e1#0'), state: 'mailbox' }, clock.now())
  const seq = keepEvent(db, event('e1'), 'lane', 'run', clock.now())?.seq ?? 0
  settleEvent(db, seq, { outcome: '/inbox', answer: 'e1#0' }, 1)
  expect(await ends.earlier(event('e1'))).toEqual({ part: part('e1#0'), taken: true })
  expect(state('e1#0'), 'a crash now must not give it again unmarked').toBe('offered')
  expect(await ends.earlier(event('e1')), 'to a third delivery').toEqual({ part: part('e1#0'), taken: false })
})

test('while the disk refuses, what became of an answer is noted as soon as it can be; stopping ends the trying', async () => {
  const { ends, db, clock, offered, state, stop } = inline()
  const one = offered('p1')
  db.exec('PRAGMA query_only = 1')
  ends.written(one, { answer, tokenKept: false })
  await eventually(() => clock.sleepers() === 1)
  expect(state('p1')).toBe('offered')
  db.exec('PRAGMA query_only = 0')
  await clock.advance(1000)
  await eventually(() => state('p1') === 'sent')
  const two = offered('p2')
  db.exec('PRAGMA query_only = 1')
  ends.lost(two)
  await flush()
  stop.abort()
  await flush()
  expect([clock.sleepers(), mailbox(db, laneOf(address()), 5)]).toEqual([0, []])
})

const entry = { promptId: 'p1', number: 1, traceId: 'trace-a', clientId: 'c1', nodeCount: 4, createdAtMs: null }

const following = () => {
  const shown: string[] = []
  const heard: { clientId: string; say: (type: string, data: object) => void; signal: AbortSignal }[] = []
  const follower = makeFollower(
    async (clientId, say, signal) => {
      heard.push({ clientId, say: (type, data) => say(type, data as Record<string, unknown>), signal })
    },
    { show: (_key, text) => void shown.push(text.split('\n')[0] ?? ''), end: async () => {} },
  )
  const live = new AbortController()
  const job = jobOf('a', 1, { promptId: 'p1', ackKey: 'ack', told: 'queued' })
  return { shown, heard, follower, live, job }
}

test('the steps of our own running job are shown, by listening as whoever submitted it', () => {
  const { shown, heard, follower, live, job } = following()
  follower.follow(job, entry, live.signal)
  follower.follow(job, entry, live.signal)
  expect(heard.map(({ clientId }) => clientId)).toEqual(['c1'])
  heard[0]?.say('progress', { prompt_id: 'p1', node: '3', value: 5, max: 20 })
  heard[0]?.say('progress', { prompt_id: 'other', node: '3', value: 9, max: 20 })
  expect([...new Set(shown)]).toEqual(['Running: portrait', 'Running: portrait · step 5/20 · 25 %'])
})

test('a job of somebody else’s making is never listened to: its own page would go deaf', () => {
  const { heard, follower, live, job, shown } = following()
  follower.follow(job, { ...entry, traceId: 'trace-of-a-page' }, live.signal)
  follower.follow(job, { ...entry, clientId: null }, live.signal)
  expect([heard, shown]).toEqual([[], ['Running: portrait', 'Running: portrait']])
})

test('a job nobody sees the progress of is not listened to', () => {
  const { heard, follower, live, job } = following()
  follower.follow({ ...job, ackKey: undefined }, entry, live.signal)
  follower.follow({ ...job, told: undefined }, entry, live.signal)
  expect(heard).toEqual([])
})

test('leaving a job, and stopping, ends the listening', () => {
  const { heard, follower, live, job } = following()
  follower.follow(job, entry, live.signal)
  follower.leave('a')
  expect(heard[0]?.signal.aborted).toBe(true)
  follower.follow(job, entry, live.signal)
  live.abort()
  expect([heard.length, heard[1]?.signal.aborted]).toEqual([2, true])
})
