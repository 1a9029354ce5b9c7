import { expect, test } from 'vitest'
import { type Capabilities, type InboundEvent, laneOf, type Reply } from '../../src/contract/index.ts'
import { bridgePartOf, type SettleDeps, settle, type Unsettled } from '../../src/delivery/settle.ts'
import { actionById } from '../../src/store/actions.ts'
import { eventState, type KeptEvent, keepEvent, waitingEvents } from '../../src/store/inbox.ts'
import { mailbox } from '../../src/store/mailbox.ts'
import { contactOf, getMemo, setMemo } from '../../src/store/memo.ts'
import { addPart, partRow } from '../../src/store/outbox.ts'
import { address, event, makeClock, part, testStore, textOf } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'
import { artifact, capabilities } from './plan-kit.ts'

const speaking = capabilities()
const mute = capabilities({ answer: { inlineMs: 4500, tokenMs: 60_000, push: 'never', windowMs: null } })
const lane = laneOf(address())
const say = (text: string, more: Partial<Reply> = {}): Reply => ({ text, audience: 'everyone', ...more })

const rig = (caps: Capabilities = speaking) => {
  const clock = makeClock()
  const { store, db } = testStore(clock.now)
  const log = keepingLog()
  let ids = 0
  const deps: SettleDeps = {
    store,
    log,
    now: clock.now,
    newId: () => `id${ids++}`,
    canLink: false,
    capabilities: (platform) => (platform === 'fake' ? caps : null),
  }
  const keep = (over: Partial<InboundEvent> = {}, id = 'e1'): KeptEvent =>
    keepEvent(db, event(id, '/status', over), lane, 'run', clock.now()) as KeptEvent
  const end = (kept: KeptEvent, reply: Reply | null, more: Partial<Unsettled> = {}, slot = false) =>
    settle(kept, { reply, record: '/status', explicit: true, contact: null, ...more }, caps, slot, deps)
  const states = (...keys: string[]) => keys.map((key) => partRow(db, key)?.state ?? null)
  return { clock, store, db, log, deps, keep, end, states }
}

test('the event is done, its answer is written and its buttons are stored, all at once', async () => {
  const { db, keep, end, states } = rig()
  const buttons = [{ label: 'Stop', say: '/stop', only: 'fake:ann', ttlMs: 1000 }]
  const settled = await end(keep(), say('hello', { buttons }))
  expect(settled).toMatchObject({ first: { key: 'e1#0', replyTo: 'msg-e1' }, lanes: [lane] })
  expect([states('e1#0'), eventState(db, 'e1')]).toEqual([['queued'], { state: 'settled', answer: 'e1#0' }])
  const action = settled.first?.buttons[0]?.action ?? ''
  expect(actionById(db, action)).toMatchObject({ say: '/stop', only: 'fake:ann', chat: 'c1' })
})

test('if anything of it fails nothing of it has happened, and the event still waits', async () => {
  const { db, keep, end } = rig()
  const kept = keep()
  const within = (): never => {
    throw new Error('no room')
  }
  await expect(end(kept, say('hello'), { within, contact: 'fake:ann' })).rejects.toThrow('no room')
  expect(waitingEvents(db)).toHaveLength(1)
  expect([partRow(db, 'e1#0'), contactOf(db, 'fake:ann')]).toEqual([null, null])
})

test('settled a second time after a crash it writes nothing twice', async () => {
  const { db, keep, end } = rig()
  const kept = keep()
  await end(kept, say('hello'))
  await end(kept, say('hello again, a bit different'))
  const rows = db.sql('SELECT key, part FROM outbox').all()
  expect(rows.map(({ key }) => key)).toEqual(['e1#0'])
  expect(String(rows[0]?.part)).not.toContain('again')
})

test('an event without an answer is settled all the same', async () => {
  const { db, keep, end } = rig()
  expect(await end(keep(), null)).toEqual({ first: null, lanes: [] })
  expect(eventState(db, 'e1')).toEqual({ state: 'settled', answer: null })
})

test('what else the command wrote and noted is part of it: contact, rows, and the aim it took is forgotten', async () => {
  const { db, keep, end } = rig()
  setMemo(db, 'aim', 'e1', '["job"]')
  await end(keep(), say('hello'), { contact: 'fake:ann', within: (inner) => setMemo(inner, 't', 'k', 'v') })
  expect([contactOf(db, 'fake:ann'), getMemo(db, 't', 'k'), getMemo(db, 'aim', 'e1')]).toEqual([address(), 'v', null])
})

test('an answer that the visibility policy hides counts as delivered, and the log says why', async () => {
  const { db, keep, end, log } = rig()
  const group = keep({ where: address({ kind: 'group' }), body: { kind: 'text', text: 'hello all', addressed: false } })
  expect(await end(group, say('talk'), { explicit: false })).toEqual({ first: null, lanes: [] })
  expect(eventState(db, 'e1')).toEqual({ state: 'settled', answer: null })
  expect(log.lines.join()).toContain('group_no_mention')
})

test('for an open request the first part is offered to it, the rest is queued or waits in the mailbox', async () => {
  const long = 'word '.repeat(100)
  const talking = rig()
  await talking.end(talking.keep(), say(long), {}, true)
  expect(talking.states('e1#0', 'e1#1')).toEqual(['offered', 'queued'])
  const quiet = rig(mute)
  await quiet.end(quiet.keep(), say(long), {}, true)
  expect(quiet.states('e1#0', 'e1#1')).toEqual(['offered', 'mailbox'])
})

test('where we may not speak first an answer without an open request waits in the mailbox', async () => {
  const { keep, end, states } = rig(mute)
  await end(keep(), say('late'))
  expect(states('e1#0')).toEqual(['mailbox'])
})

const handle = (expiresAt: number) => ({ kind: 'token' as const, value: 't', expiresAt })

test('a one-time answer is kept for the result, and used shortly before it dies to say that work goes on', async () => {
  const { clock, keep, end, states, db } = rig(mute)
  await end(keep({ handle: handle(clock.now() + 60_000) }), say('queued', { interim: true }), {}, true)
  expect(states('e1#0', bridgePartOf('e1'))).toEqual(['offered', 'queued'])
  const bridge = partRow(db, bridgePartOf('e1'))
  expect((bridge?.nextAtMs ?? 0) - clock.now()).toBe(53_000)
  expect(bridge?.part.buttons.map(({ say }) => say)).toEqual(['/inbox'])
})

test('a final answer needs no bridge, nor does a platform where we may speak first', async () => {
  const final = rig(mute)
  await final.end(final.keep({ handle: handle(9e15) }), say('done'), {}, true)
  const talking = rig()
  await talking.end(talking.keep({ handle: handle(9e15) }), say('queued', { interim: true }), {}, true)
  for (const { states } of [final, talking]) expect(states(bridgePartOf('e1'))).toEqual([null])
})

test('what waits goes along with an answer that has a fresh token, and so does the mark that it may be a repeat', async () => {
  for (const repeated of [false, true]) {
    const { clock, db, keep, end, states } = rig({ ...mute, call: { items: 3 } })
    addPart(db, { part: part('old1'), state: 'mailbox' }, 1)
    addPart(db, { part: part('old2', repeated ? { repeated } : {}), state: 'mailbox' }, 1)
    addPart(db, { part: part('old3'), state: 'mailbox' }, 1)
    const { first } = await end(keep({ handle: handle(clock.now() + 60_000) }), say('hello'))
    expect([first?.items.length, first?.repeated === true]).toEqual([3, repeated])
    expect(states('e1#0', 'old1', 'old2', 'old3')).toEqual(['queued', 'skipped', 'skipped', 'mailbox'])
  }
})

test('where we may not speak first each answer mentions what waits, with one button to fetch it', async () => {
  const { db, keep, end } = rig(mute)
  addPart(db, { part: part('old1'), state: 'mailbox' }, 1)
  addPart(db, { part: part('old2'), state: 'mailbox' }, 1)
  const buttons = [{ label: 'Fetch', say: '/inbox', ttlMs: 1000 }]
  const { first } = await end(keep(), say('hello', { buttons }), {}, true)
  expect(textOf(first ?? part('none'))).toContain('2 answers waiting for you: /inbox')
  expect(first?.buttons.filter(({ say }) => say === '/inbox')).toHaveLength(1)
})

test('a fetched answer goes to the open request that asked for it, and tells how many are left', async () => {
  const { db, keep, end, states } = rig(mute)
  const shown = { items: [{ kind: 'media', media: artifact(), as: 'photo' }] as const, handle: handle(5) }
  addPart(db, { part: part('old1', shown), state: 'mailbox' }, 1)
  addPart(db, { part: part('old2'), state: 'mailbox' }, 1)
  const { first } = await end(keep(), null, { release: ['old1'] }, true)
  expect(first).toMatchObject({ key: 'old1', items: shown.items })
  expect(first?.handle).toBeUndefined()
  expect(first?.buttons).toMatchObject([{ say: '/inbox', label: 'More (1)' }])
  expect(actionById(db, first?.buttons[0]?.action ?? '')).toMatchObject({ say: '/inbox', chat: 'c1' })
  expect(states('old1', 'old2')).toEqual(['offered', 'mailbox'])
  expect(eventState(db, 'e1')).toEqual({ state: 'settled', answer: 'old1' })
})

test('a fetched answer whose request is gone stays in the mailbox where we may not speak first', async () => {
  const { db, keep, end } = rig(mute)
  addPart(db, { part: part('old1'), state: 'mailbox' }, 1)
  await end(keep(), null, { release: ['old1'] })
  expect(mailbox(db, lane, 5).map(({ key }) => key)).toEqual(['old1'])
})

test('where we may speak, a fetched answer is simply sent', async () => {
  const { db, keep, end, states } = rig(capabilities({ answer: { ...speaking.answer, push: 'quota', windowMs: 1000 } }))
  addPart(db, { part: part('old1'), state: 'mailbox' }, 1)
  const settled = await end(keep(), null, { release: ['old1'] })
  expect([states('old1'), settled.lanes]).toEqual([['queued'], [lane]])
})

test('an answer that somebody fetched already is not given out again', async () => {
  const { db, keep, end } = rig(mute)
  addPart(db, { part: part('old1'), state: 'sent' }, 1)
  expect((await end(keep(), null, { release: ['old1'] }, true)).first).toBeNull()
})

test('an event of a platform this build does not know is settled without an answer', async () => {
  const { db, keep, end } = rig()
  expect(await end(keep({ where: address({ platform: 'gone' }) }), say('hello'))).toEqual({ first: null, lanes: [] })
  expect(eventState(db, 'e1')?.state).toBe('settled')
})
