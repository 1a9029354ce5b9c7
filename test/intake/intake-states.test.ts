import { expect, test } from 'vitest'
import { intakeStates } from '../../src/intake/intake-states.ts'
import type { PlatformState } from '../../src/intake/states.ts'

const together = () => {
  const seen: PlatformState[] = []
  return { next: intakeStates((state) => void seen.push(state)), now: () => seen.at(-1) }
}

test('a platform works while one of its connections does, and what is wrong with the others is said first', () => {
  const { next, now } = together()
  const [one, other] = [next(false), next(false)]
  one.put('up', 'one: connected')
  other.put('down', 'other: secret refused')
  expect(now()).toEqual({ state: 'up', about: 'other: secret refused; one: connected' })
  one.failed()
  expect(now()).toEqual({ state: 'down', about: 'one: connected; other: secret refused' })
})

test('a webhook beside a connection does not make up for it, nor spoil it, and its trouble is told', () => {
  const { next, now } = together()
  const [connection, hook] = [next(false), next(true)]
  connection.put('down', 'no answer')
  hook.put('up', 'listening')
  expect(now()).toEqual({ state: 'down', about: 'no answer; listening' })
  connection.put('up', 'connected')
  hook.put('failed', 'port taken')
  expect(now()).toEqual({ state: 'up', about: 'port taken; connected' })
})

test('webhooks alone decide for themselves', () => {
  const { next, now } = together()
  next(true).put('failed', 'port taken')
  expect(now()).toEqual({ state: 'failed', about: 'port taken' })
})
