import { expect, test } from 'vitest'
import { makeHints } from '../../src/backend/hints.ts'
import type { Template } from '../../src/backend/wire.ts'
import { failure } from '../jobs/backend-kit.ts'
import { makeClock } from '../kit/core.ts'

const portrait: Template = { id: 'portrait', allowedInputs: ['prompt', 'steps'], defaults: { steps: 20 } }
const hint = {
  id: 'portrait',
  label: 'portrait',
  inputs: [
    { name: 'prompt', required: true },
    { name: 'steps', required: false },
  ],
}
const { signal } = new AbortController()

const rig = () => {
  const clock = makeClock()
  let answer: 'good' | 'down' | 'never' = 'good'
  const hints = makeHints({
    sleep: clock.sleep,
    templates: {
      expire: () => {},
      get: async () => {
        if (answer === 'never') return new Promise(() => {})
        return answer === 'down' ? failure('down') : { ok: true, value: [portrait], asOfMs: 0, trouble: null }
      },
    },
  })
  const set = (to: typeof answer): void => {
    answer = to
  }
  return { clock, hints, set }
}

test('templates are told with their inputs; those without a default are required', async () => {
  const { hints, clock } = rig()
  expect(await hints(signal)).toEqual([hint])
  expect(clock.sleepers()).toBe(0)
})

test('there are none while the backend can’t be asked', async () => {
  const { hints, set } = rig()
  set('down')
  expect(await hints(signal)).toEqual([])
})

test('a backend that says nothing is not waited for, and what it said last serves', async () => {
  const { hints, set, clock } = rig()
  await hints(signal)
  set('never')
  const asked = hints(signal)
  await clock.advance(1000)
  expect(await asked).toEqual([hint])
})

test('who stops typing is not kept waiting', async () => {
  const { hints, set } = rig()
  set('never')
  const stop = new AbortController()
  const asked = hints(stop.signal)
  stop.abort()
  expect(await asked).toEqual([])
})
