import { expect, test } from 'vitest'
import { makeSlots } from '../../src/intake/inline.ts'
import { part } from '../kit/core.ts'

const long = 60_000

test('who waits gets the part that is offered', async () => {
  const slots = makeSlots()
  const waiting = slots.wait('e1', long).outcome
  expect(slots.open('e1')).toBe(true)
  expect(slots.offer('e1', part('p'))).toBe(true)
  expect(await waiting).toEqual({ kind: 'part', part: part('p') })
  expect(slots.open('e1')).toBe(false)
})

test('an event that is settled without an answer ends the waiting', async () => {
  const slots = makeSlots()
  const waiting = slots.wait('e1', long).outcome
  slots.offer('e1', null)
  expect(await waiting).toEqual({ kind: 'none' })
})

test('time is up: the waiting ends late, and a later offer finds nobody', async () => {
  const slots = makeSlots()
  expect(await slots.wait('e1', 1).outcome).toEqual({ kind: 'late' })
  expect([slots.open('e1'), slots.offer('e1', part('p'))]).toEqual([false, false])
})

test('two deliveries of one event get the same answer', async () => {
  const slots = makeSlots()
  const both = [slots.wait('e1', long).outcome, slots.wait('e1', long).outcome]
  slots.offer('e1', part('p'))
  expect(await Promise.all(both)).toEqual([1, 2].map(() => ({ kind: 'part', part: part('p') })))
})

test('of two deliveries one may run out of time, the other still gets the answer', async () => {
  const slots = makeSlots()
  const early = slots.wait('e1', 1).outcome
  const patient = slots.wait('e1', long).outcome
  expect(await early).toEqual({ kind: 'late' })
  expect(slots.open('e1')).toBe(true)
  expect(slots.offer('e1', part('p'))).toBe(true)
  expect(await patient).toMatchObject({ kind: 'part' })
})

test('an answer goes to its own event only', async () => {
  const slots = makeSlots()
  const waiting = slots.wait('e1', long).outcome
  expect(slots.offer('e2', part('p'))).toBe(false)
  expect(slots.open('e1')).toBe(true)
  slots.offer('e1', null)
  await waiting
})

test('a caller who hung up frees the place: the answer takes its next way', async () => {
  const slots = makeSlots()
  const { outcome, leave } = slots.wait('e1', long)
  leave()
  expect(await outcome).toEqual({ kind: 'gone' })
  expect([slots.open('e1'), slots.offer('e1', part('p'))]).toEqual([false, false])
})

test('of two callers one may hang up, the other still gets the answer', async () => {
  const slots = makeSlots()
  const first = slots.wait('e1', long)
  const second = slots.wait('e1', long)
  first.leave()
  first.leave()
  expect(slots.offer('e1', part('p'))).toBe(true)
  expect([await first.outcome, await second.outcome]).toMatchObject([{ kind: 'gone' }, { kind: 'part' }])
})
