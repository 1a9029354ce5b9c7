import { expect, test } from 'vitest'
import type { Capabilities, InboundEvent } from '../../src/contract/index.ts'
import { laneOf } from '../../src/contract/index.ts'
import { type SettleDeps, settle } from '../../src/delivery/settle.ts'
import { type KeptEvent, keepEvent } from '../../src/store/inbox.ts'
import { addPart, partRow } from '../../src/store/outbox.ts'
import { address, event, makeClock, part, testStore, textOf } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'
import { capabilities } from './plan-kit.ts'

const lane = laneOf(address())
const answer = (push: Capabilities['answer']['push']) => ({ inlineMs: null, tokenMs: 60_000, push, windowMs: null })

/** A conversation in which one command is answered with "fresh". */
const rig = (caps: Capabilities) => {
  const clock = makeClock()
  const { store, db } = testStore(clock.now)
  const deps: SettleDeps = {
    store,
    log: keepingLog(),
    now: clock.now,
    newId: () => 'id',
    canLink: false,
    capabilities: () => caps,
  }
  const waits = (key: string, over = {}) => addPart(db, { part: part(key, over), state: 'mailbox' }, clock.now())
  const write = async (over: Partial<InboundEvent> = {}) => {
    const handle = { kind: 'token' as const, value: 't', expiresAt: clock.now() + 50_000 }
    const kept = keepEvent(db, event('e1', '/x', { handle, ...over }), lane, 'run', clock.now()) as KeptEvent
    const what = {
      reply: { text: 'fresh', audience: 'everyone' as const },
      record: '/x',
      explicit: true,
      contacts: [],
    }
    return settle(kept, what, caps, false, deps)
  }
  const states = (...keys: string[]) => keys.map((key) => partRow(db, key)?.state ?? null)
  return { waits, write, states }
}

test('a token that pays for one call of several items takes along what waits, oldest first, as far as it fits', async () => {
  const { waits, write, states } = rig(capabilities({ call: { items: 3 }, answer: answer('quota') }))
  for (const key of ['old1', 'old2', 'old3']) waits(key)
  const { first } = await write()
  expect(first?.items).toMatchObject([{ text: 'fresh' }, { text: 'text of old1' }, { text: 'text of old2' }])
  expect(states('old1', 'old2', 'old3')).toEqual(['skipped', 'skipped', 'queued'])
})

test('what may be known already goes alone: only a whole call can say so, and until then it is counted', async () => {
  const { waits, write, states } = rig(capabilities({ call: { items: 3 }, answer: answer('never') }))
  waits('old1')
  waits('doubtful', { repeated: true })
  waits('old3')
  const { first } = await write()
  expect(first?.items).toHaveLength(2)
  expect(first && textOf(first)).toContain('2 answers waiting')
  expect(states('old1', 'doubtful', 'old3')).toEqual(['skipped', 'mailbox', 'mailbox'])
})

test('without a token what waits goes out by itself where we may speak, and is only counted where we may not', async () => {
  const open = rig(capabilities({ call: { items: 3 }, answer: answer('quota') }))
  open.waits('old1')
  await open.write({ handle: undefined })
  expect(open.states('old1')).toEqual(['queued'])
  const shut = rig(capabilities({ call: { items: 3 }, answer: answer('never') }))
  shut.waits('old1')
  const { first } = await shut.write({ handle: undefined })
  expect([shut.states('old1'), first && textOf(first)]).toMatchObject([
    ['mailbox'],
    expect.stringContaining('1 answer waiting'),
  ])
})
