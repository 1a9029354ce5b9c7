import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createQueue, type Item } from '../../src/simulator/queue.ts'

const item = (number: number, promptId: string): Item => ({ number, promptId, prompt: {}, extra: {}, outputs: [] })

test('whatever is put, removed and taken: the lowest number comes next, and every change is announced', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), number: fc.integer({ min: -50, max: 50 }) }),
    fc.record({ kind: fc.constant('take' as const) }),
    fc.record({ kind: fc.constant('remove' as const), at: fc.nat(30) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let changes = 0
      const queue = createQueue(() => changes++)
      let model: Item[] = []
      let expected = 0
      for (const [i, one] of steps.entries()) {
        if (one.kind === 'put') {
          const added = item(one.number, `job-${i}`)
          queue.put(added)
          model.push(added)
          expected++
        } else if (one.kind === 'take') {
          const lowest = Math.min(...model.map((each) => each.number))
          const taken = queue.take()
          expect(taken?.number).toBe(model.length === 0 ? undefined : lowest)
          model = model.filter((each) => each.promptId !== taken?.promptId)
          if (taken === null) continue
          queue.finish()
          expected += 2
        } else {
          const id = model[one.at]?.promptId ?? 'nobody'
          expect(queue.remove(id)).toBe(id !== 'nobody')
          model = model.filter((each) => each.promptId !== id)
          if (id !== 'nobody') expected++
        }
        expect(queue.remaining()).toBe(model.length)
      }
      expect(changes).toBe(expected)
    }),
  )
})
