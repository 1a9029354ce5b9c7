import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Lanes, makeLanes } from '../../src/intake/lanes.ts'
import type { KeptEvent } from '../../src/store/inbox.ts'
import { event, flush } from '../kit/core.ts'

const kept = (seq: number, lane: string, sender = 'ann'): KeptEvent => ({
  seq,
  lane,
  verdict: 'run',
  event: event(`e${seq}`, '/x', { from: { id: sender, self: false, bot: false } }),
})

/** Held while it is kept, then added. */
const put = (lanes: Lanes, one: KeptEvent): void => {
  lanes.hold(one.event)
  lanes.add(one)
}

/** Lanes whose work ends when the test says so. */
const held = (concurrent: number) => {
  const started: number[] = []
  const going = new Map<number, () => void>()
  let most = 0
  const lanes = makeLanes({
    concurrent,
    work: (one) =>
      new Promise((resolve) => {
        started.push(one.seq)
        going.set(one.seq, () => {
          going.delete(one.seq)
          resolve()
        })
        most = Math.max(most, going.size)
      }),
  })
  const end = async (seq: number): Promise<void> => {
    going.get(seq)?.()
    await flush(2)
  }
  return { lanes, started, end, going, most: () => most }
}

test('within a conversation events are worked on in order, one after another', async () => {
  const { lanes, started, end } = held(10)
  for (const seq of [1, 2, 3]) put(lanes, kept(seq, 'a'))
  expect(started).toEqual([1])
  await end(1)
  expect(started).toEqual([1, 2])
  await end(2)
  expect(started).toEqual([1, 2, 3])
})

test('a slow conversation does not hold up another', async () => {
  const { lanes, started, end } = held(10)
  put(lanes, kept(1, 'slow'))
  put(lanes, kept(2, 'slow'))
  for (const seq of [3, 4]) put(lanes, kept(seq, 'quick'))
  await end(3)
  expect(started).toEqual([1, 3, 4])
})

test('conversations take turns: a long one does not starve a short one when there are few places', async () => {
  const { lanes, started, end } = held(1)
  for (const seq of [1, 2, 3]) put(lanes, kept(seq, 'long'))
  put(lanes, kept(4, 'short'))
  for (const seq of [1, 4, 2]) await end(seq)
  expect(started).toEqual([1, 4, 2, 3])
})

test('counters tell how much waits, of whom, and when nothing does', async () => {
  const { lanes, end } = held(1)
  put(lanes, kept(1, 'a', 'ann'))
  put(lanes, kept(2, 'a', 'ann'))
  put(lanes, kept(3, 'b', 'bob'))
  expect([lanes.size(), lanes.waitingOf('fake:ann'), lanes.waitingOf('fake:bob'), lanes.waitingOf('fake:eve')]).toEqual(
    [3, 2, 1, 0],
  )
  for (const seq of [1, 3, 2]) await end(seq)
  expect([lanes.size(), lanes.waitingOf('fake:ann'), lanes.idle()]).toEqual([0, 0, true])
})

test('closing waits for what is being worked on and takes nothing further up', async () => {
  const { lanes, started, end } = held(2)
  for (const seq of [1, 2]) put(lanes, kept(seq, 'a'))
  put(lanes, kept(3, 'b'))
  let closed = false
  const closing = lanes.close().then(() => {
    closed = true
  })
  await end(1)
  expect([closed, started]).toEqual([false, [1, 3]])
  await end(3)
  await closing
  put(lanes, kept(4, 'c'))
  expect(started).toEqual([1, 3])
})

test('under any arrival and any order of finishing: all are worked on, in order per lane, never too many at once', async () => {
  const arrival = fc.array(fc.record({ lane: fc.nat({ max: 3 }), finish: fc.nat() }), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(arrival, fc.integer({ min: 1, max: 4 }), async (all, concurrent) => {
      const { lanes, started, end, going, most } = held(concurrent)
      const finishOne = async (nth: number): Promise<void> => {
        const open = [...going.keys()]
        if (open.length > 0) await end(open[nth % open.length] ?? 0)
      }
      for (const [seq, { lane, finish }] of all.entries()) {
        put(lanes, kept(seq, `l${lane}`))
        if (finish % 3 === 0) await finishOne(finish)
      }
      while (going.size > 0) await finishOne(7)
      expect([...started].sort((a, b) => a - b)).toEqual(all.map((_, seq) => seq))
      for (const lane of [0, 1, 2, 3]) {
        const own = started.filter((seq) => all[seq]?.lane === lane)
        expect(own).toEqual([...own].sort((a, b) => a - b))
      }
      expect(most()).toBeLessThanOrEqual(concurrent)
      expect([lanes.size(), lanes.idle()]).toEqual([0, true])
    }),
    { numRuns: 50 },
  )
})
