import { expect, test } from 'vitest'
import { SendError } from '../../src/contract/index.ts'
import { makeSendings, type PlatformState } from '../../src/intake/states.ts'

const up: PlatformState = { state: 'up', about: 'listening' }
const refused = new SendError('auth', 'the token is refused')
const away = new SendError('unavailable', 'no answer (ECONNREFUSED)')

test('a platform that takes in is as well as its last send', () => {
  const { note, over } = makeSendings(() => 0)
  expect(over('line', up)).toEqual(up)
  note('line', away)
  expect(over('line', up)).toEqual({ state: 'mute', about: 'no answer (ECONNREFUSED)' })
  expect(over('slack', up)).toEqual(up)
  note('line', refused)
  expect(over('line', up)).toEqual({ state: 'down', about: 'the token is refused' })
  note('line', null)
  expect(over('line', up)).toEqual(up)
})

test('what is wrong with one message or one chat is none of the platform’s trouble', () => {
  const { note, over } = makeSendings(() => 0)
  for (const code of ['rate_limited', 'target_gone', 'rejected', 'media_rejected', 'window_closed'] as const)
    note('line', new SendError(code, 'no'))
  expect(over('line', up)).toEqual(up)
})

test('an intake that is not up speaks for itself', () => {
  const { note, over } = makeSendings(() => 0)
  note('line', away)
  const down: PlatformState = { state: 'down', about: 'cut' }
  expect(over('line', down)).toEqual(down)
})

test('an unreachable platform that nothing is sent to any more is forgotten, a refused token is not', () => {
  let nowMs = 0
  const { note, over } = makeSendings(() => nowMs)
  note('line', away)
  note('slack', refused)
  nowMs = 119_000
  expect(over('line', up).state).toBe('mute')
  nowMs = 121_000
  expect([over('line', up).state, over('slack', up).state]).toEqual(['up', 'down'])
})
