import { expect, test } from 'vitest'
import { laneOf, SendError } from '../../src/contract/index.ts'
import { addPart, recoverOutbox, withdraw } from '../../src/store/outbox.ts'
import { StoreError } from '../../src/store/store.ts'
import { address, eventually, flush, part, textOf } from '../kit/core.ts'
import { named, rateLimited, told, workerRig } from './worker-kit.ts'

const keysOf = (calls: readonly { readonly part: { readonly key: string } }[]): string[] => calls.map((c) => c.part.key)

test('within a chat parts go out one after another in the order they were written', async () => {
  const { add, fake, states } = workerRig()
  await add(named('a/1'), named('a/2'), named('a/3'))
  await eventually(() => fake.calls.length === 3)
  expect(keysOf(fake.calls)).toEqual(['a/1', 'a/2', 'a/3'])
  expect(fake.mostInFlight()).toBe(1)
  await flush()
  expect(states('a/1', 'a/2', 'a/3')).toEqual(['sent', 'sent', 'sent'])
})

test('a part that waits to be tried again holds back those behind it, so that order is kept', async () => {
  const { add, fake, next, clock } = workerRig()
  next(rateLimited(5000))
  await add(named('a/1'), named('a/2'))
  await clock.advance(4999)
  expect(keysOf(fake.calls)).toEqual(['a/1'])
  await clock.advance(1)
  expect(keysOf(fake.calls)).toEqual(['a/1', 'a/1', 'a/2'])
})

test('a chat that hangs and a chat that is limited hold up nobody else', async () => {
  const { add, fake, states } = workerRig()
  fake.decide(({ part }) => {
    if (part.to.chat === 'stuck') return 'hang'
    return part.to.chat === 'slow' ? rateLimited(60_000) : null
  })
  await add(named('stuck/1'), named('slow/1'), named('well/1'), named('well/2'))
  await flush()
  expect(states('stuck/1', 'slow/1', 'well/1', 'well/2')).toEqual(['sending', 'queued', 'sent', 'sent'])
})

test('a platform that is away holds up no other platform', async () => {
  const { add, fake, platforms, row } = workerRig({ also: { other: {} } })
  fake.decide(() => told('unavailable'))
  await add(named('a/1'), part('o', { to: address({ platform: 'other' }) }))
  await flush()
  expect(row('o').state).toBe('sent')
  expect(platforms.get('other')?.calls).toHaveLength(1)
})

test('the bounds of a platform are kept over all its chats', async () => {
  const pace = { concurrent: 2, everyMs: 0, perChatMs: 0, perGroupMs: 0, burst: 1 }
  const { add, fake } = workerRig({ caps: { pace } })
  await add(...Array.from({ length: 10 }, (_, i) => named(`c${i}/1`)))
  await eventually(() => fake.calls.length === 10)
  expect(fake.mostInFlight()).toBe(2)
})

test('calls keep the distances the platform asks for', async () => {
  const pace = { concurrent: 9, everyMs: 10, perChatMs: 1000, perGroupMs: 3000, burst: 1 }
  const { add, fake, clock } = workerRig({ caps: { pace } })
  const start = clock.now()
  const group = (name: string) => named(name, { to: address({ chat: 'g', kind: 'group' }) })
  await add(named('a/1'), named('a/2'), named('b/1'), group('g/1'), group('g/2'))
  await clock.advance(10_000)
  const at = Object.fromEntries(fake.calls.map((call) => [call.part.key, call.atMs - start]))
  expect(at).toEqual({ 'a/1': 0, 'b/1': 10, 'g/1': 20, 'a/2': 1000, 'g/2': 3000 })
})

test('a refused token stops the whole account for a while, and all of it goes out afterwards', async () => {
  const { add, fake, next, clock, states, platforms } = workerRig({ also: { other: {} } })
  next(told('auth'))
  await add(named('a/1'))
  await add(named('b/1'), part('o', { to: address({ platform: 'other' }) }))
  await clock.advance(29_000)
  expect([fake.calls.length, platforms.get('other')?.calls.length]).toEqual([1, 1])
  await clock.advance(10_000)
  expect(states('a/1', 'b/1')).toEqual(['sent', 'sent'])
})

test('a chat that is gone ends its queue and its mailbox quietly, and no other’s', async () => {
  const { add, next, states, log, fake } = workerRig()
  next(told('target_gone'))
  await add(named('a/1'), named('a/2'), { part: named('a/mail'), state: 'mailbox' }, named('b/1'))
  await flush()
  expect(states('a/1', 'a/2', 'a/mail', 'b/1')).toEqual(['dead', 'dead', 'dead', 'sent'])
  expect(fake.calls).toHaveLength(2)
  expect(log.lines.filter((line) => line.includes('"level":"error"'))).toEqual([])
})

test('a chat that is gone and comes back is written to again', async () => {
  const { add, next, states } = workerRig()
  next(told('target_gone'))
  await add(named('a/1'))
  await add(named('a/2'))
  expect(states('a/1', 'a/2')).toEqual(['dead', 'sent'])
})

test('a put-off part waits for its time without holding up what comes after it, and is sent then', async () => {
  const { add, fake, clock } = workerRig()
  await add({ part: named('a/bridge'), notBeforeMs: clock.now() + 5000 }, named('a/1'))
  expect(keysOf(fake.calls)).toEqual(['a/1'])
  await clock.advance(4999)
  expect(fake.calls).toHaveLength(1)
  await clock.advance(1)
  expect(keysOf(fake.calls)).toEqual(['a/1', 'a/bridge'])
})

test('a put-off part that is no longer needed is never sent', async () => {
  const { add, fake, clock, store, states, worker } = workerRig()
  await add({ part: named('a/bridge'), notBeforeMs: clock.now() + 5000 })
  await store.write((db) => withdraw(db, 'a/bridge', clock.now()))
  await clock.advance(6000)
  expect(fake.calls).toEqual([])
  expect(states('a/bridge')).toEqual(['skipped'])
  expect(worker().idle()).toBe(true)
})

test('what is withdrawn while it waits for its turn is not sent', async () => {
  const pace = { concurrent: 9, everyMs: 0, perChatMs: 1000, perGroupMs: 0, burst: 1 }
  const { add, fake, clock, store } = workerRig({ caps: { pace } })
  await add(named('a/1'), named('a/2'), named('a/3'))
  await store.write((db) => withdraw(db, 'a/2', clock.now()))
  await clock.advance(5000)
  expect(keysOf(fake.calls)).toEqual(['a/1', 'a/3'])
})

test('parts of a platform that is switched off wait for the start that has it again', async () => {
  const { add, platforms, fake, restart, states, worker } = workerRig()
  platforms.delete('fake')
  await add(named('a/1'))
  expect([states('a/1'), worker().idle()]).toEqual([['queued'], true])
  platforms.set('fake', fake)
  await restart()
  expect(states('a/1')).toEqual(['sent'])
})

test('a start sends what the last run left behind', async () => {
  const { store, restart, states, clock } = workerRig()
  await store.write((db) => {
    addPart(db, { part: named('a/1') }, clock.now())
    addPart(db, { part: named('b/1') }, clock.now())
  })
  await restart()
  expect(states('a/1', 'b/1')).toEqual(['sent', 'sent'])
})

test('shutting down cuts off what hangs: what certainly did not leave is queued, what may have is in doubt', async () => {
  const { add, fake, store, worker, states } = workerRig()
  fake.decide(({ part }) => (part.key === 'a/1' ? 'hang' : 'hang before leaving'))
  await add(named('a/1'), named('b/1'), named('b/2'))
  await worker().close(1)
  expect(states('a/1', 'b/1', 'b/2')).toEqual(['sending', 'queued', 'queued'])
  expect(await store.write(recoverOutbox)).toBe(1)
  expect(states('a/1', 'b/1')).toEqual(['unknown', 'queued'])
})

test('shutting down lets a call that is under way end, and starts no other', async () => {
  let arrive = (): void => {}
  const { add, fake, worker, states } = workerRig()
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const slow = fake.adapter.send
  const adapter = fake.adapter as { send: typeof slow }
  adapter.send = async (one, signal) => {
    await arrived
    return slow(one, signal)
  }
  await add(named('a/1'), named('a/2'))
  const closing = worker().close(10_000)
  arrive()
  await closing
  expect(states('a/1', 'a/2')).toEqual(['sent', 'queued'])
})

test('a closed worker takes nothing up and leaves no timer behind', async () => {
  const { add, fake, worker, clock, next } = workerRig()
  next(rateLimited(60_000), told('auth'))
  await add(named('a/1'), { part: named('b/1'), notBeforeMs: clock.now() + 5000 }, named('c/1'), named('d/1'))
  await worker().close(0)
  const before = fake.calls.length
  await add(named('e/1'))
  await clock.advance(100_000)
  expect([fake.calls.length, clock.sleepers(), worker().idle()]).toEqual([before, 0, true])
})

test('while the receipt can’t be written the part is sent once, and noted as soon as it can be', async () => {
  const { add, fake, db, clock, row, worker, log } = workerRig({
    deps: { step: (name) => name === 'send:sent' && db.exec('PRAGMA query_only = 1') },
  })
  await add(named('a/1'), named('a/2'))
  await clock.advance(10_000)
  expect(keysOf(fake.calls)).toEqual(['a/1'])
  expect(row('a/1').state).toBe('sending')
  expect(log.lines.join()).toContain('delivery state not kept yet')
  db.exec('PRAGMA query_only = 0')
  await clock.advance(1000)
  db.exec('PRAGMA query_only = 0')
  await clock.advance(1000)
  expect(keysOf(fake.calls)).toEqual(['a/1', 'a/2'])
  expect([row('a/1').state, row('a/2').state, worker().idle()]).toEqual(['sent', 'sent', true])
})

test('while not even the beginning can be written nothing is sent', async () => {
  const { add, fake, db, clock, states } = workerRig()
  await add({ part: named('a/1'), notBeforeMs: clock.now() + 100 })
  db.exec('PRAGMA query_only = 1')
  await clock.advance(5000)
  expect(fake.calls).toEqual([])
  db.exec('PRAGMA query_only = 0')
  await clock.advance(1000)
  expect([fake.calls.length, states('a/1')]).toEqual([1, ['sent']])
})

test('a store that fails to be read interrupts a lane only for a moment', async () => {
  const rig = workerRig()
  const read = rig.store.read
  let broken = true
  const store = rig.store as { read: typeof read }
  store.read = (query) => {
    if (broken) throw new StoreError('the disk reports errors')
    return read(query)
  }
  const adding = rig.store.write((db) => addPart(db, { part: named('a/1') }, rig.clock.now()))
  await adding
  rig.worker().wake([laneOf(named('a/1').to)])
  await flush()
  broken = false
  await rig.clock.advance(1000)
  expect(rig.states('a/1')).toEqual(['sent'])
})

test('every outcome is counted once per call', async () => {
  const { add, next, observed, clock } = workerRig()
  next(told('unavailable'), { via: 'push' }, told('rejected'))
  await add(named('a/1'), named('a/2'))
  await clock.advance(5000)
  expect(observed).toEqual(['fake failed', 'fake sent', 'fake dead'])
})

test('the receipt is kept with the message’s id and the way it went', async () => {
  const { add, next, row, db } = workerRig()
  next({ message: '4711', via: 'token' })
  await add(named('a/1'))
  expect(row('a/1').message).toBe('4711')
  expect(db.sql('SELECT via FROM outbox').get()).toEqual({ via: 'token' })
})

test('what an adapter throws besides is taken for a call that may have arrived', async () => {
  const { add, next, clock, fake, row } = workerRig({ caps: { resend: 'marked' } })
  next(new TypeError('x is undefined'))
  await add(named('a/1'))
  expect(row('a/1').state).toBe('unknown')
  await clock.advance(1000)
  expect(fake.calls.map((call) => call.part.repeated)).toEqual([undefined, true])
})

test('a refusal for good ends the part, is told to the operator, and lets the next one through', async () => {
  const { add, next, states, log, fake } = workerRig()
  next(new SendError('rejected', 'chat not allowed'))
  await add(named('a/1'), named('a/2'))
  expect(states('a/1', 'a/2')).toEqual(['dead', 'sent'])
  expect(log.lines.filter((line) => line.includes('"level":"error"')).join()).toContain('chat not allowed')
  expect(fake.calls.map((call) => textOf(call.part))).toEqual(['text of a/1', 'text of a/2'])
})
