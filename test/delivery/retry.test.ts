import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type SendCode, SendError } from '../../src/contract/index.ts'
import { delayMs, giveUpAfterMs, stepAfter } from '../../src/delivery/retry.ts'
import { capabilities } from '../delivery/plan-kit.ts'

const codes: readonly SendCode[] = [
  ...(['rate_limited', 'unavailable', 'auth', 'target_gone', 'thread_gone'] as const),
  ...(['rejected', 'media_rejected', 'handle_gone', 'edit_gone', 'window_closed'] as const),
]
const timed = ['rate_limited', 'unavailable', 'auth'] as const
const random = fc.double({ min: 0, max: 0.999, noNaN: true })
const attempts = fc.integer({ min: 1, max: 5000 })
const hour = 60 * 60_000
const marked = capabilities({ resend: 'marked' })
const deduplicated = capabilities({ resend: 'deduplicated' })
const mute = capabilities({ answer: { inlineMs: 1, tokenMs: 1, push: 'never', windowMs: null } })
const young = { attempts: 1, ageMs: 0, maybes: 0 }

test('the wait never shrinks from one attempt to the next, and never passes its cap', () => {
  fc.assert(
    fc.property(fc.constantFrom(...timed), attempts, random, (code, n, r) => {
      const now = delayMs(code, n, null, r)
      expect(now).toBeGreaterThan(0)
      expect(delayMs(code, n + 1, null, r)).toBeGreaterThanOrEqual(now)
      expect(now).toBeLessThanOrEqual((code === 'auth' ? 10 : 5) * 60_000 * 1.2)
    }),
  )
})

test('the wait is never shorter than what the platform asks for', () => {
  fc.assert(
    fc.property(fc.constantFrom(...timed), attempts, random, fc.nat({ max: 10 * hour }), (code, n, r, asked) => {
      expect(delayMs(code, n, asked, r)).toBe(Math.max(asked, delayMs(code, n, null, r)))
    }),
  )
})

test('first tries come soon, and many of them are spread by chance', () => {
  expect(delayMs('rate_limited', 1, null, 0)).toBe(1000)
  expect(delayMs('unavailable', 3, null, 0)).toBe(4000)
  expect(delayMs('auth', 1, null, 0)).toBe(30_000)
  expect(delayMs('unavailable', 1, null, 0.999)).toBe(1200)
})

const row = fc.record({ attempts, ageMs: fc.nat({ max: 3 * 24 * hour }), maybes: fc.nat({ max: 100 }) })
const anyError = fc
  .record({
    code: fc.constantFrom(...codes),
    delivered: fc.constantFrom('no' as const, 'maybe' as const),
    retryAfterMs: fc.option(fc.nat({ max: hour })),
  })
  .map(({ code, ...more }) => new SendError(code, 'x', more))

test('every failure leads somewhere, and whatever is tried again waits first', () => {
  fc.assert(
    fc.property(anyError, row, fc.constantFrom(marked, deduplicated, mute), random, (error, one, caps, r) => {
      const step = stepAfter(error, one, caps, r)
      expect(['again', 'pause', 'mailbox', 'lower', 'bare', 'end']).toContain(step.do)
      if (step.do === 'again' || step.do === 'pause') {
        expect(step.afterMs).toBeGreaterThanOrEqual(Math.max(1000, error.retryAfterMs ?? 0))
        expect(one.ageMs).toBeLessThanOrEqual(giveUpAfterMs)
      }
      // Only what may have arrived, on a platform that can't tell copies apart, is ever in doubt.
      const doubtful = step.do === 'again' && step.state === 'unknown'
      if (doubtful) expect([error.delivered, caps.resend]).toEqual(['maybe', 'marked'])
    }),
  )
})

test('what may have arrived is repeated soon once, then ever more rarely, and not for ever', () => {
  const lost = new SendError('unavailable', 'answer lost', { delivered: 'maybe' })
  const waits: number[] = []
  for (let ageMs = 0; ; ) {
    const step = stepAfter(lost, { attempts: waits.length + 1, ageMs, maybes: waits.length }, marked, 0)
    if (step.do !== 'again') break
    expect(step.state).toBe('unknown')
    waits.push(step.afterMs)
    ageMs += step.afterMs
  }
  expect(waits.slice(0, 3)).toEqual([1000, 60_000, 180_000])
  expect(waits).toEqual([...waits].sort((a, b) => a - b))
  expect(waits.length).toBeLessThan(15)
})

test('where the key makes a repeat harmless it is simply sent again, until it is too old', () => {
  const lost = new SendError('unavailable', 'answer lost', { delivered: 'maybe' })
  const later = { attempts: 50, ageMs: giveUpAfterMs, maybes: 50 }
  expect(stepAfter(lost, later, deduplicated, 0)).toMatchObject({ do: 'again', state: 'queued' })
  expect(stepAfter(lost, { ...later, ageMs: giveUpAfterMs + 1 }, deduplicated, 0)).toEqual({ do: 'end', lane: false })
})

test.each<[SendCode, object]>([
  ['target_gone', { do: 'end', lane: true }],
  ['rejected', { do: 'end', lane: false }],
  ['edit_gone', { do: 'end', lane: false }],
  ['window_closed', { do: 'mailbox' }],
  ['thread_gone', { do: 'bare', drop: 'thread' }],
  ['handle_gone', { do: 'bare', drop: 'handle' }],
  ['media_rejected', { do: 'lower' }],
  ['auth', { do: 'pause', afterMs: 30_000 }],
  ['rate_limited', { do: 'again', state: 'queued', afterMs: 1000 }],
  ['unavailable', { do: 'again', state: 'queued', afterMs: 1000 }],
])('%s leads to %o', (code, step) => {
  expect(stepAfter(new SendError(code, 'x'), young, marked, 0)).toEqual(step)
})

test('a used-up one-time answer goes to the mailbox where we may never speak first', () => {
  expect(stepAfter(new SendError('handle_gone', 'x'), young, mute, 0)).toEqual({ do: 'mailbox' })
})
