import { expect, test } from 'vitest'
import type { SendError, SendReport } from '../../src/contract/index.ts'
import { flush } from '../kit/core.ts'
import { named, told, workerRig } from './worker-kit.ts'

const windowed = { answer: { inlineMs: null, tokenMs: null, push: 'always' as const, windowMs: 1000 } }

const rig = () => {
  const made = workerRig({ caps: windowed })
  const report = async (one: SendReport): Promise<void> => {
    await made.worker().reported('fake', [one])
    await flush()
  }
  return { ...made, report }
}
const closed: SendReport = {
  key: 'a/1',
  message: 'm1',
  outcome: 'failed',
  error: { code: 'window_closed', about: 'too late' },
}

/** Calls arrive at once, and end, one way or the other, only when the returned function is called. */
const holdCalls = ({ adapter }: ReturnType<typeof rig>['fake'], how?: SendError): (() => void) => {
  const { send } = adapter
  const { promise, resolve } = Promise.withResolvers<void>()
  Object.assign(adapter, {
    send: async (...args: Parameters<typeof send>) => {
      const receipt = await send(...args)
      await promise
      if (how) throw how
      return receipt
    },
  })
  return resolve
}

test('a message that was accepted and failed later waits for its person, or ends where it can never arrive', async () => {
  const { add, report, states, log } = rig()
  await add(named('a/1'))
  await report(closed)
  expect(states('a/1')).toEqual(['mailbox'])
  await add(named('b/2'))
  await report({ message: 'm2', outcome: 'failed', error: { code: 'rejected', about: 'not wanted' } })
  expect(states('b/2')).toEqual(['dead'])
  expect(log.lines.join('\n')).toContain('not wanted')
})

test('a failure that is told twice at once is taken once', async () => {
  const { add, worker, states, log } = rig()
  await add(named('a/1'))
  const failed: SendReport = { message: 'm1', outcome: 'failed', error: { code: 'rejected', about: 'not wanted' } }
  await Promise.all([worker().reported('fake', [failed]), worker().reported('fake', [failed])])
  await flush()
  expect(states('a/1')).toEqual(['dead'])
  expect(log.lines.join('\n').split('not wanted')).toHaveLength(2)
})

test('how far a message came is noted with it, in whatever order that is told', async () => {
  const { add, report, states, db } = rig()
  const reported = () => db.sql(`SELECT reported FROM outbox WHERE key = 'a/1'`).get()?.reported
  const told = (outcome: SendReport['outcome']) => report({ key: 'a/1', message: 'm1', outcome })
  await add(named('a/1'))
  await told('sent')
  expect(reported()).toBeNull()
  await told('delivered')
  expect(reported()).toBe('delivered')
  for (const outcome of ['read', 'delivered', 'sent'] as const) {
    await told(outcome)
    expect([outcome, reported(), ...states('a/1')]).toEqual([outcome, 'read', 'sent'])
  }
})

test('a report confirms a send whose answer was lost, also when it is quicker than the loss', async () => {
  const { add, next, report, states, fake, clock } = rig()
  next(told('unavailable', 'maybe'))
  await add(named('a/1'))
  expect(states('a/1')).toEqual(['unknown'])
  await report({ key: 'a/1', message: 'm7', outcome: 'sent' })
  fake.decide(({ part }) => (part.key === 'b/2' ? 'hang' : null))
  await add(named('b/2'))
  expect(states('b/2')).toEqual(['sending'])
  await report({ key: 'b/2', message: 'm8', outcome: 'delivered' })
  await clock.advance(10 * 60_000)
  expect(states('a/1', 'b/2')).toEqual(['sent', 'sent'])
  expect(fake.calls).toHaveLength(2)
})

test('a call that fails after its message was reported as sent is not made again', async () => {
  const { add, report, states, fake, clock } = rig()
  const lose = holdCalls(fake, told('unavailable', 'maybe'))
  await add(named('a/1'))
  await report({ key: 'a/1', message: 'm1', outcome: 'sent' })
  lose()
  await flush()
  await clock.advance(10 * 60_000)
  expect([states('a/1'), fake.calls.length]).toEqual([['sent'], 1])
})

test('a failure that is told around the moment in which the answer to the call is noted stands', async () => {
  for (let turns = 0; turns < 20; turns++) {
    const { add, worker, states, fake } = rig()
    const answer = holdCalls(fake)
    await add(named('a/1'))
    answer()
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    await worker().reported('fake', [closed])
    await flush()
    expect([turns, ...states('a/1'), fake.calls.length]).toEqual([turns, 'mailbox', 1])
  }
})

test('a failure that is told while the call is still open stands', async () => {
  const { add, report, states, fake } = rig()
  const answer = holdCalls(fake)
  await add(named('a/1'))
  await report(closed)
  answer()
  await flush()
  expect([states('a/1'), fake.calls.length]).toEqual([['mailbox'], 1])
})

test('reports that come again change nothing, also while the message is on its way a second time', async () => {
  const { add, report, states, fake, store, worker } = rig()
  await add(named('a/1'))
  await report(closed)
  await report(closed)
  await report({ key: 'a/1', message: 'm1', outcome: 'sent' })
  expect(states('a/1')).toEqual(['mailbox'])
  fake.decide(() => 'hang')
  await store.write((db) => db.sql(`UPDATE outbox SET state = 'queued' WHERE key = 'a/1'`).run())
  worker().wake(['fake bot  a'])
  await flush()
  for (const old of [closed, { ...closed, outcome: 'sent' as const }]) await report(old)
  expect(states('a/1')).toEqual(['sending'])
  await report({ key: 'a/1', message: 'm2', outcome: 'delivered' })
  expect(states('a/1')).toEqual(['sent'])
  await report(closed)
  expect(states('a/1')).toEqual(['sent'])
})
