import { expect, onTestFinished, test } from 'vitest'
import { processMemory } from '../../src/edge.ts'
import { keepSlim } from '../../src/ops/slim.ts'
import { makeClock } from '../kit/core.ts'

const MB = 1024 * 1024

/** Right behind the collection that follows the start. */
const watched = async () => {
  const clock = makeClock(0)
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const is = { idle: true, bytes: 130 * MB, afterMB: 100, released: 0 }
  void keepSlim(
    {
      idle: () => is.idle,
      sleep: clock.sleep,
      memory: {
        residentBytes: () => is.bytes,
        release: () => {
          is.released++
          is.bytes = is.afterMB * MB
        },
      },
    },
    stop.signal,
  )
  await clock.advance(1000)
  expect(is.released, 'once started').toBe(1)
  Object.assign(is, { released: 0, bytes: 100 * MB, afterMB: 110 })
  return { is, clock }
}

test('after a busy spell, memory is given back once it has been quiet from one look to the next', async () => {
  const { is, clock } = await watched()
  is.bytes = 260 * MB
  is.idle = false
  await clock.advance(20_000)
  expect(is.released, 'while busy').toBe(0)
  is.idle = true
  await clock.advance(5000)
  expect(is.released, 'at the first quiet look').toBe(0)
  await clock.advance(5000)
  expect(is.released).toBe(1)
})

test('where it is never quiet, much is given back once a minute', async () => {
  const { is, clock } = await watched()
  is.idle = false
  is.bytes = 140 * MB
  await clock.advance(60_000)
  expect(is.released, 'little').toBe(0)
  is.bytes = 260 * MB
  await clock.advance(5000)
  expect(is.released).toBe(1)
  is.bytes = 260 * MB
  await clock.advance(55_000)
  expect(is.released, 'within the minute').toBe(1)
  await clock.advance(5000)
  expect(is.released).toBe(2)
})

test('what has not grown is left alone, however long it is quiet; what stays large is not collected over and over', async () => {
  const { is, clock } = await watched()
  await clock.advance(60_000)
  expect(is.released).toBe(0)
  is.bytes = 300 * MB
  is.afterMB = 290
  await clock.advance(60_000)
  expect(is.released).toBe(1)
})

test('the process gives back what a load has left', () => {
  let garbage: unknown = Array.from({ length: 400_000 }, (_, i) => ({ i, text: `entry ${i}` }))
  const grown = process.memoryUsage().heapTotal
  garbage = null
  processMemory.release()
  expect(garbage).toBeNull()
  expect(processMemory.residentBytes()).toBeGreaterThan(MB)
  expect(process.memoryUsage().heapTotal).toBeLessThan(grown)
})
