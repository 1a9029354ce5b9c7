import { describe, expect, test, vi } from 'vitest'
import { type Flow, flows, settled } from './flows.ts'
import { type Crash, openStage, type Stage, until } from './harness.ts'
import { backendApprovals, bubbles, resultsFor, submissionsOf, unmarkedRepeats } from './seen.ts'
import { openRows, openThings } from './state.ts'

vi.setConfig({ maxConcurrency: 3, testTimeout: 60_000 })

/** A result that may have arrived before is sent again, and says so. */
const mayRepeat = ({ deduplicated }: Flow, { at }: Crash): boolean =>
  !deduplicated && (at === 'send:sent' || at === 'inline:written')

/** The flow with a daemon that dies at the step, and one that takes its place. */
const play = async (stage: Stage, flow: Flow, crash: Crash, word: string): Promise<void> => {
  const first = stage.start(crash)
  await first.ready
  const acting = flow.act(stage, word)
  // Looked at below; until then its failure must not count as unhandled.
  acting.catch(() => {})
  await Promise.race([first.ended, acting])
  await until('the step to be reached', () => !first.alive(), 5000)
  const second = stage.start()
  try {
    await second.ready
    await acting
    await settled(stage, flow.name.startsWith('Kakao') ? flow.requester(stage) : null)
  } catch (cause) {
    const about = [...openThings(stage.dir), ...bubbles(stage).map(({ text }) => `seen: ${text}`), ...second.said()]
    throw new Error(`${String(cause)}\n${about.join('\n')}`, { cause })
  }
}

const check = async (stage: Stage, flow: Flow, crash: Crash, word: string): Promise<void> => {
  const requester = flow.requester(stage)
  expect(submissionsOf(stage, word), 'jobs at the backend').toBe(1)
  const results = resultsFor(stage, requester, word)
  expect(results.length, 'results').toBeGreaterThanOrEqual(1)
  expect(results.length, 'results').toBeLessThanOrEqual(mayRepeat(flow, crash) ? 2 : 1)
  expect(
    results.slice(1).every(({ repeated }) => repeated),
    'repeats are marked',
  ).toBe(true)
  expect(unmarkedRepeats(bubbles(stage))).toEqual([])
  // What was said on the way to the result: one message, changed or not.
  const here = bubbles(stage).filter(({ chat, text }) => chat === requester.id && /\bID: /.test(text))
  if (flow.deduplicated) expect(here.length - results.length, 'acknowledgements').toBe(1)
  expect(openRows(stage.dir)).toEqual({ events: 0, parts: 0, jobs: 0, approvals: 0, mailbox: 0 })

  const approvals = (await backendApprovals(stage)).filter((one) => one.word === word)
  expect(approvals.map(({ status }) => status)).toEqual(flow.approved ? ['approved'] : [])
  const { ann } = stage.telegram.people
  const cards = bubbles(stage).filter(({ chat, text }) => chat === ann.id && text.includes(word))
  // A repeated card loses its mark when it is changed to say who decided. The press follows the card so closely that a
  // kill while it is being kept can still hit the card before its receipt is noted.
  const mostCards = /^(send|keep):/.test(crash.at) ? 2 : 1
  expect(cards.length, 'cards').toBeLessThanOrEqual(flow.approved ? mostCards : 0)
  if (flow.approved) expect(cards.at(-1)?.text).toMatch(/^\[Approved\] by Ann/)
  expect(stage.simulator.control.faults()).toEqual([])
}

for (const flow of flows) {
  describe.concurrent(flow.name, () => {
    for (const crash of flow.crashes) {
      test(`survives kill -9 at ${crash.at}${(crash.nth ?? 1) > 1 ? `, time ${crash.nth}` : ''}`, async () => {
        const word = `fox-${Math.abs(flow.name.length * 31 + crash.at.length)}-${crash.nth ?? 1}`
        const stage = await openStage(flow.with ? { with: flow.with } : {})
        try {
          await play(stage, flow, crash, word)
          await check(stage, flow, crash, word)
        } finally {
          await stage.close()
        }
      })
    }
  })
}
