import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newLimits, take } from '../../policy/limits.ts'

const of = (userKey: string, channelKey: string, userRpm = 10, channelRpm = 30) => ({
  userKey,
  channelKey,
  userRpm,
  channelRpm,
})
const second = 1000

describe('a user', () => {
  it('has a minute’s worth at once, then one every six seconds of ten a minute', () => {
    const state = newLimits(100)
    for (let i = 0; i < 10; i++) expect(take(state, 0, of('ann', 'c'))).toEqual({ ok: true })
    expect(take(state, 0, of('ann', 'c'))).toEqual({ ok: false, who: 'user', retryAfterMs: 6000, notice: true })
    expect(take(state, 5999, of('ann', 'c'))).toMatchObject({ ok: false, retryAfterMs: 1 })
    expect(take(state, 6000, of('ann', 'c'))).toEqual({ ok: true })
    expect(take(state, 6000, of('bob', 'c'))).toEqual({ ok: true })
  })

  it('is told once a minute', () => {
    const state = newLimits(100)
    const notices: number[] = []
    for (let s = 0; s < 180; s++) {
      const taken = take(state, s * second, of('ann', 'c', 1, 600))
      if (!taken.ok && taken.notice) notices.push(s)
    }
    expect(notices).toEqual([1, 61, 121])
  })

  it('keeps the token that a full channel would not take', () => {
    const state = newLimits(100)
    for (let i = 0; i < 3; i++) take(state, 0, of(`other${i}`, 'busy', 10, 3))
    for (let i = 0; i < 20; i++) {
      expect(take(state, 0, of('ann', 'busy', 10, 3))).toMatchObject({
        ok: false,
        who: 'channel',
        retryAfterMs: 20_000,
      })
    }
    for (let i = 0; i < 10; i++) expect(take(state, 0, of('ann', 'quiet'))).toEqual({ ok: true })
  })

  it('over the limit does not use up the channel', () => {
    const state = newLimits(100)
    for (let i = 0; i < 50; i++) take(state, 0, of('ann', 'c', 2, 3))
    expect(take(state, 0, of('bob', 'c', 2, 3))).toEqual({ ok: true })
    expect(take(state, 0, of('bob', 'c', 2, 3))).toMatchObject({ ok: false, who: 'channel' })
  })

  it('is not confused with a channel of the same key', () => {
    const state = newLimits(100)
    expect(take(state, 0, of('same', 'same', 1, 1))).toEqual({ ok: true })
  })

  it('gains nothing from a clock that goes back', () => {
    const state = newLimits(100)
    for (let i = 0; i < 10; i++) take(state, 10_000, of('ann', 'c'))
    expect(take(state, 0, of('ann', 'c'))).toMatchObject({ ok: false })
  })
})

it('no window of time sees more than a full bucket and its refill', () => {
  const steps = fc.array(fc.record({ waitMs: fc.nat(20_000), channel: fc.nat(2) }), { maxLength: 150 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), steps, (userRpm, channelRpm, all) => {
      const state = newLimits(10)
      const taken: { at: number; channel: number }[] = []
      let now = 0
      for (const { waitMs, channel } of all) {
        now += waitMs
        if (take(state, now, of('ann', `c${channel}`, userRpm, channelRpm)).ok) taken.push({ at: now, channel })
      }
      const within = (times: readonly number[], rpm: number) =>
        times.every((from, i) => times.slice(i).every((to, n) => n + 1 <= rpm + ((to - from) * rpm) / 60_000))
      expect(
        within(
          taken.map((t) => t.at),
          userRpm,
        ),
      ).toBe(true)
      for (const c of [0, 1, 2]) {
        expect(
          within(
            taken.filter((t) => t.channel === c).map((t) => t.at),
            channelRpm,
          ),
        ).toBe(true)
      }
    }),
  )
})

it('what is promised by retryAfterMs is kept, to the millisecond', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 600 }), fc.nat(30_000), (u, c, start) => {
      const state = newLimits(10)
      let now = start
      let refused = take(state, now, of('ann', 'c', u, c))
      for (let i = 0; refused.ok && i < 601; i++) refused = take(state, ++now, of('ann', 'c', u, c))
      if (refused.ok) return
      expect(take(state, now + refused.retryAfterMs - 1, of('ann', 'c', u, c)).ok).toBe(false)
      expect(take(state, now + refused.retryAfterMs, of('ann', 'c', u, c)).ok).toBe(true)
    }),
  )
})

describe('the state', () => {
  it('never holds more keys than it may, however many people come', () => {
    const state = newLimits(1000)
    let most = 0
    for (let i = 0; i < 200_000; i++) {
      take(state, i, of(`user${i}`, `channel${i % 50_000}`))
      most = Math.max(most, state.buckets.size)
    }
    expect(most).toBe(1000)
  })

  it('forgets full buckets before those that still hold somebody back', () => {
    const state = newLimits(4)
    for (let i = 0; i < 10; i++) take(state, 0, of('flood', 'c', 10, 600))
    take(state, 1, of('calm', 'c', 600, 600)) // full again after 100 ms, though younger than the flood
    take(state, 30_000, of('new', 'c', 10, 600))
    take(state, 30_000, of('newer', 'c', 10, 600))
    expect([...state.buckets.keys()]).toEqual(['user flood', 'user new', 'user newer', 'channel c'])
  })
})
