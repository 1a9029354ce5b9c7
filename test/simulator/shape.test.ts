import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { comfyCases } from './comfy-cases.ts'
import { leftOut } from './left-out.ts'
import { openclawCases } from './openclaw-cases.ts'
import { readSample, replay, samples } from './replay.ts'
import { compare, differences } from './shape.ts'

const cases = [...comfyCases, ...openclawCases]

describe('the simulator answers in the shape of the recorded backend', () => {
  test.for(cases)('$sample', async (one) => {
    const answer = await replay(one)
    expect(compare(readSample(one.sample), answer, one.partial !== undefined)).toEqual([])
  })
})

test('every recording is replayed once, or left out with a reason', () => {
  const told = [...cases.map((one) => one.sample), ...Object.values(leftOut).flat()]
  const there = readdirSync(samples).map((name) => name.replace(/\.json$/, ''))
  expect(told.toSorted()).toEqual(there.toSorted())
  expect(cases.length).toBeGreaterThanOrEqual(120)
})

test('the comparison notices a missing name, a new one, another type and another word', () => {
  const recorded = { a: 1, b: [{ c: 'x', error: 'no' }], d: null }
  const answered = { a: '1', b: [{ c: 'y', error: 'yes' }], e: true }
  expect(differences(recorded, answered, false)).toEqual([
    '.d is missing',
    '.e is new',
    '.a: string instead of number',
    '.b.0.error: "yes" instead of "no"',
  ])
})
