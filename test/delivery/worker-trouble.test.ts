import fc from 'fast-check'
import { expect, test } from 'vitest'
import { laneOf, type Part, SendError } from '../../src/contract/index.ts'
import { giveUpAfterMs } from '../../src/delivery/retry.ts'
import { mailbox } from '../../src/store/mailbox.ts'
import { addPart, recoverOutbox } from '../../src/store/outbox.ts'
import { address, type Behaviour, flush, part, textOf } from '../kit/core.ts'
import { artifact, mediaOf } from './plan-kit.ts'
import { named, rateLimited, told, workerRig } from './worker-kit.ts'

const mute = { answer: { inlineMs: 4500, tokenMs: 60_000, push: 'never' as const, windowMs: null } }
const handle = { kind: 'token' as const, value: 'tok', expiresAt: 9e15 }
const threaded = address({ chat: 'a', kind: 'group', thread: 't7' })

test('the platform’s wish to wait is honoured to the millisecond', async () => {
  const { add, next, fake, clock } = workerRig()
  next(rateLimited(7321))
  await add(named('a/1'))
  await clock.advance(7320)
  expect(fake.calls).toHaveLength(1)
  await clock.advance(1)
  expect(fake.calls).toHaveLength(2)
})

test('a platform that stays away is tried ever more rarely, and given up after a day', async () => {
  const { fake, clock, states, store, worker } = workerRig()
  fake.decide(() => told('unavailable'))
  const writtenMs = clock.now() - giveUpAfterMs + 2 * 60 * 60_000
  await store.write((db) => addPart(db, { part: named('a/1') }, writtenMs))
  worker().wake([laneOf(named('a/1').to)])
  await clock.advance(2 * 60 * 60_000 + 10 * 60_000)
  const waits = fake.calls.slice(1).map((call, i) => call.atMs - (fake.calls[i]?.atMs ?? 0))
  expect(waits.slice(0, 4)).toEqual([1000, 2000, 4000, 8000])
  expect(waits).toEqual([...waits].sort((a, b) => a - b))
  expect(fake.calls.length).toBeLessThan(150)
  expect(states('a/1')).toEqual(['dead'])
})

test('a topic that is gone: the answer goes to the chat itself', async () => {
  const { add, next, fake, states } = workerRig()
  next(told('thread_gone'))
  await add(part('a/1', { to: threaded }))
  expect(fake.calls.map((call) => call.part.to.thread)).toEqual(['t7', undefined])
  expect(states('a/1')).toEqual(['sent'])
})

test('a one-time answer that is used up: the part is pushed where we may speak first', async () => {
  const { add, next, fake, states } = workerRig()
  next(told('handle_gone'))
  await add(part('a/1', { handle }))
  expect(fake.calls.map((call) => call.part.handle)).toEqual([handle, undefined])
  expect(states('a/1')).toEqual(['sent'])
})

test('a one-time answer that is used up: where we may not speak first the part waits in the mailbox', async () => {
  const { add, next, fake, db } = workerRig({ caps: mute })
  next(told('handle_gone'))
  await add(part('a/1', { handle }))
  expect(fake.calls).toHaveLength(1)
  expect(mailbox(db, laneOf(address()), 5).map((row) => [row.key, row.part.handle])).toEqual([['a/1', undefined]])
})

test('a window that has closed puts the part into the mailbox and lets the next one try', async () => {
  const { add, next, states } = workerRig()
  next(told('window_closed'))
  await add(named('a/1'), named('a/2'))
  expect(states('a/1', 'a/2')).toEqual(['mailbox', 'sent'])
})

const file = (blob: string, as = 'photo') =>
  ({ kind: 'media', media: artifact({ blob, name: `${blob}.png` }), as }) as const
const rungsOf = (one: Part): string[] => mediaOf(one).map((item) => `${item.media.blob} as ${item.as}`)

test('a file that is refused goes down rung by rung, and at the bottom it is said in words', async () => {
  const { add, fake, states } = workerRig()
  fake.decide(({ part }) => (mediaOf(part).length > 0 ? told('media_rejected') : null))
  await add(part('a/1', { items: [{ ...file('b1'), caption: 'a fox' }] }))
  await flush()
  expect(fake.calls.map((call) => rungsOf(call.part))).toEqual([['b1 as photo'], ['b1 as document'], []])
  expect(textOf(fake.calls.at(-1)?.part ?? part('none'))).toMatch(/a fox[\s\S]*b1\.png/)
  expect(states('a/1')).toEqual(['sent'])
})

test('of an album one bad file takes no good one with it: each arrives as well as it can', async () => {
  const { add, fake, db, states } = workerRig()
  fake.decide(({ part }) => {
    const bad = mediaOf(part).some((item) => item.media.blob === 'b2')
    return bad ? told('media_rejected') : null
  })
  await add(
    part('a/1', { items: [{ ...file('b1'), caption: 'three foxes' }, file('b2'), file('b3')] }),
    named('c1/next'),
  )
  await flush(40)
  const delivered = db.sql(`SELECT key, part FROM outbox WHERE state = 'sent' ORDER BY seq`).all()
  const parts = delivered.map((row) => JSON.parse(String(row.part)) as Part)
  expect(parts.flatMap(rungsOf).sort()).toEqual(['b1 as document', 'b3 as document'])
  expect(parts.map(textOf).join('\n')).toContain('b2.png')
  expect(new Set(delivered.map((row) => row.key)).size).toBe(delivered.length)
  expect(states('a/1', 'c1/next')).toEqual(['sent', 'sent'])
  const left = db.sql(`SELECT key FROM outbox WHERE state NOT IN ('sent')`).all()
  expect(left).toEqual([])
})

test('a refused file for which there is no other way ends the part, and is told to the operator', async () => {
  const { add, next, states, log } = workerRig({ deps: { lower: () => null } })
  next(told('media_rejected'))
  await add(part('a/1', { items: [file('b1')] }))
  expect(states('a/1')).toEqual(['dead'])
  expect(log.lines.join()).toContain('media_rejected')
})

test('what may have arrived is sent again with a visible mark, where copies can’t be told apart', async () => {
  const { add, next, fake, clock, states } = workerRig({ caps: { resend: 'marked' } })
  next(told('unavailable', 'maybe'))
  await add(named('a/1'))
  expect(states('a/1')).toEqual(['unknown'])
  await clock.advance(1000)
  expect(fake.calls.map((call) => call.part.repeated === true)).toEqual([false, true])
  expect(states('a/1')).toEqual(['sent'])
})

test('where the key makes a repeat harmless it is sent again as it was, under the same key', async () => {
  const { add, next, fake, clock } = workerRig({ caps: { resend: 'deduplicated' } })
  next(told('unavailable', 'maybe'))
  await add(named('a/1'))
  await clock.advance(1000)
  expect(fake.calls.map((call) => [call.part.key, call.part.repeated])).toEqual([
    ['a/1', undefined],
    ['a/1', undefined],
  ])
})

test('a key the platform has forgotten in the meantime makes nothing harmless: then the mark is there', async () => {
  const { add, fake, clock, worker, store, restart } = workerRig({ caps: { resend: 'deduplicated', keyMs: 60_000 } })
  fake.next('hang')
  await add(named('a/1'))
  await worker().close(0)
  await store.write(recoverOutbox)
  await clock.advance(60_001)
  await restart()
  expect(fake.calls.map((call) => call.part.repeated === true)).toEqual([false, true])
  await add(named('a/2'))
  expect(fake.calls.at(-1)?.part.repeated).toBeUndefined()
})

test('what can not have arrived is not marked, however long it takes, and what may have is, though later tries failed', async () => {
  const { add, next, fake, clock } = workerRig({ caps: { resend: 'deduplicated', keyMs: 10_000 } })
  const refused = Array.from({ length: 6 }, () => told('unavailable', 'no'))
  next(...refused)
  await add(named('a/1'))
  await clock.advance(120_000)
  expect(fake.calls.map((call) => call.part.repeated === true)).toEqual(Array(7).fill(false))
  next(told('unavailable', 'maybe'), ...refused)
  await add(named('a/2'))
  await clock.advance(240_000)
  const again = fake.calls.slice(7).map((call) => call.part.repeated === true)
  expect([again.length, again[0], again.at(-1)]).toEqual([8, false, true])
})

test('a mark once deserved stays, however the later attempts fail', async () => {
  const { add, next, fake, clock } = workerRig({ caps: { resend: 'marked' } })
  next(told('unavailable', 'maybe'), rateLimited(10), told('thread_gone'))
  await add(part('a/1', { to: threaded }))
  await clock.advance(10_000)
  expect(fake.calls.map((call) => call.part.repeated === true)).toEqual([false, true, true, true])
})

test('after a crash while sending the part is repeated with the mark', async () => {
  const { add, fake, worker, store, restart } = workerRig({ caps: { resend: 'marked' } })
  fake.next('hang')
  await add(named('a/1'))
  await worker().close(0)
  await store.write(recoverOutbox)
  await restart()
  expect(fake.calls.map((call) => call.part.repeated === true)).toEqual([false, true])
})

test('where we may not speak first a doubtful answer goes to the mailbox, marked, instead of being repeated', async () => {
  const { add, fake, worker, store, restart, db } = workerRig({ caps: mute })
  fake.next('hang')
  await add(part('a/1', { handle, interim: true }))
  await worker().close(0)
  await store.write(recoverOutbox)
  await restart()
  expect(fake.calls).toHaveLength(1)
  expect(mailbox(db, laneOf(address()), 5).map((row) => row.part.repeated)).toEqual([true])
})

/** A message that was sent before, and a part that edits it. */
const editing = async (otherwise: 'send' | 'skip', caps = {}) => {
  const rig = workerRig({ caps })
  await rig.add(named('a/ack'))
  const edit = (key: string) => ({
    part: named(key, { to: address({ chat: 'a' }) }),
    edits: { key: 'a/ack', otherwise },
  })
  return { ...rig, edit }
}

test('an edit changes the message that was sent under that key', async () => {
  const { add, edit, fake, states } = await editing('skip')
  await add(edit('a/end'))
  expect(fake.calls.map(({ how, message }) => [how, message])).toEqual([
    ['send', null],
    ['edit', 'm1'],
  ])
  expect(states('a/end')).toEqual(['sent'])
})

test.each(['send', 'skip'] as const)('a message that is gone or too old can’t be edited: %s', async (otherwise) => {
  const gone = await editing(otherwise)
  gone.next(told('edit_gone'))
  await gone.add(gone.edit('a/end'))
  const old = await editing(otherwise, { edit: { everyMs: 0, withinMs: 1000 } })
  await old.clock.advance(1001)
  await old.add(old.edit('a/end'))
  const never = await editing(otherwise, { edit: null })
  await never.add(never.edit('a/end'))
  for (const { states } of [gone, old, never])
    expect(states('a/end')).toEqual([otherwise === 'send' ? 'sent' : 'skipped'])
  const tried = [old, never].map(({ fake }) => fake.calls.filter(({ how }) => how === 'edit').length)
  expect(tried).toEqual([0, 0])
})

test('an edit waits for the message it changes, and is passed over when that never went out', async () => {
  const { add, next, fake, clock, edit, states } = await editing('skip')
  next(rateLimited(5000))
  await add(named('a/ack2'), { ...edit('a/end2'), edits: { key: 'a/ack2', otherwise: 'skip' } })
  await clock.advance(5000)
  expect(fake.calls.slice(1).map(({ how }) => how)).toEqual(['send', 'send', 'edit'])
  next(told('rejected'))
  await add(named('a/ack3'), { ...edit('a/end3'), edits: { key: 'a/ack3', otherwise: 'skip' } })
  expect(states('a/ack3', 'a/end3')).toEqual(['dead', 'skipped'])
})

test('a limited edit is tried again as an edit', async () => {
  const { add, next, edit, fake, clock } = await editing('skip')
  next(rateLimited(3000))
  await add(edit('a/end'))
  await clock.advance(3000)
  expect(fake.calls.map(({ how }) => how)).toEqual(['send', 'edit', 'edit'])
})

test('an edit that may have arrived carries no mark: doing it twice changes nothing', async () => {
  const { add, next, edit, fake, clock } = await editing('skip', { resend: 'marked' })
  next(told('unavailable', 'maybe'))
  await add(edit('a/end'))
  await clock.advance(5000)
  expect(fake.calls.map(({ how, part }) => [how, part.repeated === true])).toEqual([
    ['send', false],
    ['edit', false],
    ['edit', false],
  ])
})

test('under any failures each part is sent, ended or in the mailbox in the end; none is lost, none sent twice unmarked', async () => {
  const outcome = fc.constantFrom<Behaviour>(
    ...([{ via: 'push' }, { via: 'push' }] as const),
    told('unavailable'),
    told('unavailable', 'maybe'),
    rateLimited(2000),
    told('auth'),
    told('rejected'),
    told('thread_gone'),
    told('handle_gone'),
    told('window_closed'),
  )
  const { add, fake, clock, states, worker } = workerRig({ caps: { resend: 'marked' } })
  let run = 0
  const chats = fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(fc.array(outcome, { maxLength: 25 }), chats, async (outcomes, to) => {
      const doubtful = new Set<string>()
      let nth = 0
      fake.decide(({ part }) => {
        if (doubtful.has(part.key)) expect(part.repeated).toBe(true)
        const how = outcomes[nth++] ?? null
        if (how instanceof SendError && how.delivered === 'maybe') doubtful.add(part.key)
        return how
      })
      const keys = to.map((chat, i) => `c${chat}/${run}-${i}`)
      run++
      await add(...keys.map((key) => part(key, { to: address({ chat: key.slice(0, 2), thread: 't' }), handle })))
      for (let hour = 0; hour < 30 && !worker().idle(); hour++) await clock.advance(60 * 60_000)
      expect(worker().idle()).toBe(true)
      for (const state of states(...keys)) expect(['sent', 'dead', 'mailbox']).toContain(state)
      for (const key of keys) expect(fake.calls.some((call) => call.part.key === key)).toBe(true)
    }),
    { numRuns: 30 },
  )
})
