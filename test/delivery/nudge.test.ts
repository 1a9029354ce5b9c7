import { expect, test } from 'vitest'
import { laneOf, type SendError } from '../../src/contract/index.ts'
import { queueMailbox } from '../../src/store/mailbox.ts'
import { markSending } from '../../src/store/outbox.ts'
import { address, flush } from '../kit/core.ts'
import { named, told, workerRig } from './worker-kit.ts'

const nudge = 'a/1#nudge'

/** A platform with a window, and a form that may go outside it. `fails`: how the nudges go, in order. */
const rig = (...fails: SendError[]) => {
  const rig = workerRig()
  const nudged: string[] = []
  Object.assign(rig.fake.adapter, {
    nudge: async ({ key }: { readonly key: string }) => {
      nudged.push(key)
      const failure = fails.shift()
      if (failure) throw failure
      return { message: 'n1', via: 'push' }
    },
  })
  return { ...rig, nudged }
}

const late = told('window_closed')

test('whoever wrote too long ago is told once that something waits', async () => {
  const { next, add, states, nudged, row } = rig()
  next(late, late)
  await add(named('a/1'), named('a/2'))
  await flush()
  expect(states('a/1', 'a/2', nudge)).toEqual(['mailbox', 'mailbox', 'sent'])
  expect(nudged).toEqual([nudge])
  next(late)
  await add(named('a/3'))
  expect([states('a/3'), nudged]).toEqual([['mailbox'], [nudge]])
  expect(row(nudge).part.items).toEqual([{ kind: 'text', text: expect.stringMatching(/Write me anything/) }])
})

test('also where the platform takes the answer first and refuses it later', async () => {
  const { add, worker, states, nudged } = rig()
  await add(named('a/1'))
  await worker().reported('fake', [
    { key: 'a/1', message: 'm1', outcome: 'failed', error: { code: 'window_closed', about: 'too late' } },
  ])
  await flush()
  expect([states('a/1', nudge), nudged]).toEqual([['mailbox', 'sent'], [nudge]])
})

test('after it was answered, the next long silence is worth a nudge of its own', async () => {
  const { next, add, store, clock, worker, states, nudged } = rig()
  next(late)
  await add(named('a/1'))
  await store.write((db) => queueMailbox(db, laneOf(named('a/1').to), 20, clock.now()))
  worker().wake([laneOf(named('a/1').to)])
  await flush()
  expect(states('a/1')).toEqual(['sent'])
  next(late)
  await add(named('a/2'))
  expect(nudged).toEqual([nudge, 'a/2#nudge'])
})

test('nobody is nudged in a group, and nobody where the platform has no form for it', async () => {
  const group = rig()
  group.next(late)
  await group.add(named('a/1', { to: address({ chat: 'a', kind: 'group' }) }))
  expect([group.states('a/1', nudge), group.nudged]).toEqual([['mailbox', null], []])
  const plain = workerRig()
  plain.next(late)
  await plain.add(named('a/1'))
  expect(plain.states('a/1', nudge)).toEqual(['mailbox', null])
})

test('a nudge that surely did not arrive is tried again; one that may have is not: each may cost money', async () => {
  const again = rig(told('unavailable'))
  again.next(late)
  await again.add(named('a/1'))
  await again.clock.advance(2000)
  expect([again.states(nudge), again.nudged]).toEqual([['sent'], [nudge, nudge]])
  const doubtful = rig(told('unavailable', 'maybe'))
  doubtful.next(late)
  await doubtful.add(named('a/1'))
  await doubtful.clock.advance(60 * 60_000)
  expect([doubtful.states('a/1', nudge), doubtful.nudged]).toEqual([['mailbox', 'dead'], [nudge]])
})

test.each(['target_gone', 'rejected', 'window_closed', 'media_rejected'] as const)(
  'a nudge that is refused (%s) ends alone: what waits goes on waiting',
  async (code) => {
    const { next, add, states, nudged } = rig(told(code))
    next(late)
    await add(named('a/1'))
    expect([states('a/1', nudge), nudged]).toEqual([['mailbox', 'dead'], [nudge]])
  },
)

test('refused credentials make the nudge wait, not the platform', async () => {
  const { next, add, states, clock, nudged } = rig(told('auth'))
  next(late)
  await add(named('a/1'))
  await add(named('b/1'))
  expect(states('a/1', nudge, 'b/1')).toEqual(['mailbox', 'queued', 'sent'])
  await clock.advance(60_000)
  expect([states(nudge), nudged]).toEqual([['sent'], [nudge, nudge]])
})

test('a nudge that was under way when the process died is not sent again', async () => {
  const { next, add, store, clock, states, restart, nudged } = rig(told('rate_limited', 'no', 60_000))
  next(late)
  await add(named('a/1'))
  await store.write((db) => markSending(db, nudge))
  await restart()
  await clock.advance(60_000)
  expect([states('a/1', nudge), nudged]).toEqual([['mailbox', 'skipped'], [nudge]])
})

test('who writes before the nudge went out is not nudged any more', async () => {
  const { next, add, store, clock, states, nudged } = rig(told('rate_limited', 'no', 60_000))
  next(late)
  await add(named('a/1'))
  await store.write((db) => queueMailbox(db, laneOf(named('a/1').to), 20, clock.now()))
  await clock.advance(120_000)
  expect([states('a/1', nudge), nudged]).toEqual([['sent', 'skipped'], [nudge]])
})
