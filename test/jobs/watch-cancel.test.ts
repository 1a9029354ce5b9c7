import { expect, test } from 'vitest'
import { askCancel } from '../../src/store/cancels.ts'
import { eventually } from '../kit/core.ts'
import { failure } from './backend-kit.ts'

import { minute, watching } from './watch-kit.ts'

test('a job we asked to stop and that left the queue was cancelled, not lost', async () => {
  const { queued, comfy, run, clock, state, db } = await watching()
  const prompt = await queued('a')
  askCancel(db, 'a', 'fake:ann')
  comfy.lose(prompt)
  void run()
  await clock.advance(3000)
  expect(state('a')).toBe('cancelled')
})

test('a cancellation the backend does not take is tried again, ever more rarely, until it does', async () => {
  const { queued, comfy, run, clock, state, db, log, news } = await watching()
  await queued('a')
  askCancel(db, 'a', 'fake:ann')
  comfy.plan('cancel', 'away', 'cut', failure('limited'), failure('refused', { status: 500 }))
  void run()
  await clock.advance(minute)
  expect([state('a'), news()]).toEqual(['queued', []])
  expect(log.lines.filter((line) => line.includes('cancellation not taken'))).toHaveLength(4)
  await clock.advance(minute)
  expect(comfy.jobs()).toEqual([])
  expect(state('a')).toBe('cancelled')
  expect(comfy.calls.filter((name) => name === 'cancel')).toHaveLength(5)
})

test('a job that a restart took before the cancellation arrived was lost, and is not called cancelled', async () => {
  const { queued, comfy, run, clock, state, db } = await watching()
  await queued('a')
  askCancel(db, 'a', 'fake:ann')
  comfy.plan('cancel', 'away')
  void run()
  await clock.advance(3000)
  comfy.restart()
  await clock.advance(10_000)
  expect(state('a')).toBe('vanished')
})

test('who stopped their own job sees it in its message; for another’s wish there is news as well', async () => {
  const { queued, comfy, run, clock, state, db, messages } = await watching()
  await queued('a')
  await queued('b')
  askCancel(db, 'a', 'fake:ann')
  askCancel(db, 'b', 'fake:boss')
  comfy.start(0)
  void run()
  await clock.advance(minute)
  await eventually(() => state('a') === 'cancelled' && state('b') === 'cancelled')
  const of = (id: string) => messages().filter((row) => row.key.startsWith(`job:${id}:`))
  expect(of('a').map(({ edits }) => edits)).toEqual([{ key: 'ack:a', otherwise: 'send' }])
  expect(of('b').map(({ edits }) => edits)).toEqual([null, { key: 'ack:b', otherwise: 'skip' }])
})
