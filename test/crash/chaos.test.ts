import { expect, test } from 'vitest'
import { chaos } from './chaos-run.ts'

test('ten rounds of random deaths lose nothing and run nothing twice', { timeout: 120_000 }, async () => {
  const figures = await chaos({ rounds: 10, seed: 4, patienceMs: 30_000 })
  expect(figures.open).toEqual([])
  expect(figures.lost).toEqual([])
  expect(figures.double).toEqual([])
  expect(figures.untrue).toEqual([])
  expect(figures.answered).toBe(figures.accepted)
  expect(figures.kills).toBeGreaterThan(3)
  expect(figures.run).toBeGreaterThan(0)
})
