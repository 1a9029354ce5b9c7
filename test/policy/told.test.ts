import fc from 'fast-check'
import { expect, it } from 'vitest'
import { newTold, toldBefore } from '../../policy/told.ts'

it('is told once within the span, and again after it', () => {
  const told = newTold(1000, 10)
  expect(toldBefore(told, 'ann', 5000)).toBe(false)
  expect(toldBefore(told, 'ann', 5999)).toBe(true)
  expect(toldBefore(told, 'bob', 5999)).toBe(false)
  expect(toldBefore(told, 'ann', 6000)).toBe(false)
})

it('never holds more than it may, and forgets the oldest first', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 3 }), { maxLength: 60 }), (keys) => {
      const told = newTold(1000, 8)
      for (const key of keys) toldBefore(told, key, 1)
      expect(told.atMs.size).toBeLessThanOrEqual(8)
      const last = keys.at(-1)
      if (last !== undefined) expect(told.atMs.has(last)).toBe(true)
    }),
  )
})
