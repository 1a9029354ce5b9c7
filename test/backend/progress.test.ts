import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldProgress, type Progress, type ProgressState, startProgress } from '../../src/backend/progress.ts'
import { sample } from './host.ts'

interface Message {
  readonly type?: string
  readonly data?: Record<string, unknown>
}

/** What would be shown after each message that changed it. */
function steps(state: ProgressState, messages: readonly Message[]): (Progress | null)[] {
  const shown: (Progress | null)[] = []
  let at = state
  for (const { type, data } of messages) {
    if (type === undefined || data === undefined) continue
    const next = foldProgress(at, type, data)
    if (JSON.stringify(next.shown) !== JSON.stringify(at.shown)) shown.push(next.shown)
    at = next
  }
  return shown
}

const brief = (shown: readonly (Progress | null)[]) =>
  shown.map((one) => (one === null ? null : `${one.node} ${one.step}/${one.of} ${one.percent}%`))

describe('progress of recorded jobs', () => {
  it('follows an adopted job that was joined late, over all its nodes', () => {
    const { prompt_id, adopted } = sample<{ prompt_id: string; adopted: Message[] }>(
      'ws-trigger-job-observer-and-adopted-client-id',
    )
    expect(brief(steps(startProgress(prompt_id, 3), adopted))).toEqual([
      '3 1/4 41%',
      '3 2/4 50%',
      '3 3/4 58%',
      '3 4/4 66%',
      '2 0/1 66%',
      null,
    ])
  })

  it('counts within the node when the number of nodes is unknown', () => {
    const { prompt_id, adopted } = sample<{ prompt_id: string; adopted: Message[] }>(
      'ws-trigger-job-observer-and-adopted-client-id',
    )
    expect(brief(steps(startProgress(prompt_id, null), adopted))).toEqual([
      '3 1/4 25%',
      '3 2/4 50%',
      '3 3/4 75%',
      '3 4/4 100%',
      '2 0/1 0%',
      null,
    ])
  })

  it('counts cached nodes as done', () => {
    const { prompt_id, socket_A_owner } = sample<{ prompt_id: string; socket_A_owner: Message[] }>(
      'ws-own-client-preview-metadata',
    )
    expect(brief(steps(startProgress(prompt_id, 3), socket_A_owner))[0]).toBe('3 0/1 33%')
  })

  it.each([
    'ws-own-client-legacy-preview',
    'ws-own-client-preview-metadata__comfy-0.3.64',
    'ws-interrupted',
    'ws-execution-error',
  ])('ends with nothing to show, and never goes back: %s', (name) => {
    const { prompt_id, socket_A_owner } = sample<{ prompt_id: string; socket_A_owner: Message[] }>(name)
    const shown = steps(startProgress(prompt_id, 3), socket_A_owner)
    expect(shown.length).toBeGreaterThan(1)
    expect(shown.at(-1)).toBeNull()
    const percents = shown.filter((one) => one !== null).map((one) => one.percent)
    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
  })

  it('shows nothing of a job that was cached whole, and nothing of other jobs', () => {
    const cached = sample<{ prompt_id: string; messages: Message[] }>('ws-cached-rerun')
    expect(steps(startProgress(cached.prompt_id, 2), cached.messages)).toEqual([])
    const other = sample<{ adopted: Message[] }>('ws-trigger-job-observer-and-adopted-client-id')
    expect(steps(startProgress('another', 3), other.adopted)).toEqual([])
  })
})

describe('progress in general', () => {
  const data = (more: object) => ({ prompt_id: 'job', ...more })

  it('lets a node that unfolds into others speak for them', () => {
    const nodes = {
      '1': { value: 1, max: 2, state: 'running' },
      '1.0.5': { value: 0, max: 9, state: 'running', parent_node_id: '1' },
    }
    expect(foldProgress(startProgress('job', 1), 'progress_state', data({ nodes })).shown).toEqual({
      step: 1,
      of: 2,
      percent: 50,
      node: '1',
    })
  })

  it('does not go back when a node works through its steps a second time', () => {
    const at = (state: ProgressState, value: number, max: number) =>
      foldProgress(state, 'progress', data({ node: '1', value, max }))
    const half = at(startProgress('job', null), 5, 10)
    expect(at(half, 1, 10).shown).toEqual({ step: 5, of: 10, percent: 50, node: '1' })
    expect(at(half, 1, 20).shown).toEqual({ step: 1, of: 20, percent: 50, node: '1' })
  })

  it('never takes back what it said about the whole, also when more nodes turn up than it knew of', () => {
    const nodes = Object.fromEntries(['1', '2', '3'].map((id) => [id, { value: 0, max: 1, state: 'running' }]))
    const half = foldProgress(startProgress('job', 1), 'progress', data({ node: '1', value: 1, max: 2 }))
    expect(half.shown?.percent).toBe(50)
    expect(foldProgress(half, 'progress_state', data({ nodes })).shown).toMatchObject({ node: '3', percent: 50 })
  })

  it('is monotone within a node, stays between 0 and 100, and never throws', () => {
    const node = fc.constantFrom('1', '2', '3')
    const number = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(1, 2, 5) },
      fc.integer({ min: -5, max: 50 }),
      fc.constantFrom(Number.NaN, 1e308, null, 'x', 0.5),
    )
    const message = fc.oneof(
      fc.record({
        type: fc.constant('progress'),
        data: fc.record({ prompt_id: fc.constant('job'), node, value: number, max: number }),
      }),
      fc.record({
        type: fc.constant('executing'),
        data: fc.record({ prompt_id: fc.constant('job'), node: fc.oneof(node, fc.constant(7)) }),
      }),
      fc.record({
        type: fc.constant('progress_state'),
        data: fc.record({
          prompt_id: fc.constant('job'),
          nodes: fc.dictionary(
            node,
            fc.record({ value: number, max: number, state: fc.constantFrom('running', 'finished', 'x') }),
          ),
        }),
      }),
      fc.record({ type: fc.string(), data: fc.dictionary(fc.string(), fc.jsonValue()) }),
    )
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 40 }),
        fc.option(fc.integer({ min: 0, max: 5 })),
        (messages, nodeCount) => {
          let state = startProgress('job', nodeCount)
          for (const one of messages) {
            const next = foldProgress(state, one.type, one.data)
            const [before, now] = [state.shown, next.shown]
            if (now !== null) {
              expect(now.percent).toBeGreaterThanOrEqual(0)
              expect(now.percent).toBeLessThanOrEqual(100)
              expect(now.step).toBeLessThanOrEqual(now.of)
            }
            if (before !== null && now !== null && before.node === now.node) {
              expect(now.percent).toBeGreaterThanOrEqual(before.percent)
              if (before.of === now.of) expect(now.step).toBeGreaterThanOrEqual(before.step)
            }
            state = next
          }
        },
      ),
    )
  })
})
