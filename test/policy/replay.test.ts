import { expect, it } from 'vitest'
import { refuse } from '../../policy/replay.ts'
import { eventOf } from './commands.ts'

const minute = 60_000
const now = 100 * minute
const caps = { staleAfterMs: 10 * minute }
const at = (ms: number) => refuse(eventOf({ at: ms }), now, caps)

it('our own messages and those of bots are refused before anything else', () => {
  expect(refuse(eventOf({ at: 0, from: { id: 'us', self: true, bot: true } }), now, caps)).toBe('self')
  expect(refuse(eventOf({ at: 0, from: { id: 'b', self: false, bot: true } }), now, caps)).toBe('bot')
})

it('events are stale one moment after their time', () => {
  expect(at(now - 10 * minute)).toBeNull()
  expect(at(now - 10 * minute - 1)).toBe('stale')
  expect(at(Number.NaN)).toBe('stale')
})

it('a clock ahead of ours is forgiven up to ten minutes', () => {
  expect(at(now + 5 * minute)).toBeNull()
  expect(at(now + 10 * minute)).toBeNull()
  expect(at(now + 10 * minute + 1)).toBe('future')
})

it('where events carry no time, no time is judged', () => {
  for (const ms of [0, now, now * 2]) expect(refuse(eventOf({ at: ms }), now, { staleAfterMs: null })).toBeNull()
})
