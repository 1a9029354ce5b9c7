import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { addApproval, approvalById } from '../../src/store/approvals.ts'
import { changeJob } from '../../src/store/jobs.ts'
import { eventually, flush, textOf } from '../kit/core.ts'
import { failure, ok } from './backend-kit.ts'

import { minute, output, watching } from './watch-kit.ts'

test('a finished job is fetched and told once, with all it produced, and its progress message says so', async () => {
  const { queued, comfy, run, clock, job, state, messages, shown, blobs } = await watching()
  const prompt = await queued('a')
  comfy.end(0, 'done', output)
  void run()
  await clock.advance(2000)
  await eventually(() => state('a') === 'done')
  expect(job('a').told).toBe('done')
  const [result, ack] = messages()
  expect(result).toMatchObject({ key: 'job:a:end#0', state: 'queued', part: { replyTo: 'msg-a' } })
  expect(textOf(result!.part)).toContain(`portrait · 4 s`)
  expect(textOf(result!.part)).toContain(prompt)
  expect(ack).toMatchObject({ edits: { key: 'ack:a', otherwise: 'skip' } })
  expect(shown.at(-1)).toBe('ack:a ends')
  expect(blobs.usage().files).toBe(1)
  await clock.advance(10 * minute)
  expect(messages()).toHaveLength(2)
})

test('what a job wrote comes as a file where it would bury the chat', async () => {
  const file = { as: 'document', by: 'upload', maxBytes: 1e6, mime: ['*/*'], caption: 0, album: 1 } as const
  const media = { image: [], video: [], audio: [], file: [file] }
  const { queued, comfy, run, clock, state, messages, blobs } = await watching({}, { media })
  await queued('a')
  comfy.end(0, 'done', { '9': { text: ['once upon a time '.repeat(1000)] } })
  void run()
  await clock.advance(2000)
  await eventually(() => state('a') === 'done')
  const parts = messages().filter((row) => row.edits === null)
  const items = parts.flatMap(({ part }) => part.items)
  expect(items.filter(({ kind }) => kind === 'media')).toMatchObject([{ media: { kind: 'file', mime: 'text/plain' } }])
  expect(parts.map(({ part }) => textOf(part)).join('\n')).toContain('The whole text (17000 characters) is in text-')
  expect([parts.length < 12, blobs.usage().bytes]).toEqual([true, 17_000])
})

test('a wake-up of the socket is acted on within a moment; without any a sweep finds out by itself', async () => {
  const { queued, comfy, run, clock, state, watcher } = await watching()
  await queued('a')
  await queued('b')
  void run()
  await clock.advance(100)
  comfy.end(0, 'done')
  watcher.wake()
  await clock.advance(20)
  expect([state('a'), state('b')]).toEqual(['done', 'queued'])
  comfy.end(1, 'done')
  await clock.advance(6000)
  expect(state('b')).toBe('done')
})

test('many wake-ups together are one look', async () => {
  const { queued, comfy, run, clock, watcher } = await watching()
  await queued('a')
  void run()
  await clock.advance(100)
  const before = comfy.calls.filter((name) => name === 'queue').length
  for (let i = 0; i < 50; i++) watcher.wake()
  await clock.advance(100)
  expect(comfy.calls.filter((name) => name === 'queue').length - before).toBeLessThanOrEqual(2)
})

test('a job that runs is followed, one that waits shows its place', async () => {
  const { queued, comfy, run, clock, state, shown, followed } = await watching()
  await queued('a')
  await queued('b')
  comfy.start(0)
  void run()
  await clock.advance(100)
  expect([state('a'), state('b')]).toEqual(['running', 'queued'])
  expect([followed, shown]).toEqual([['follow a'], ['ack:b: Waiting: portrait · 1 ahead of it']])
})

test('a failed and a cancelled job are told as what they are', async () => {
  const { queued, comfy, run, clock, news } = await watching()
  await queued('a')
  await queued('b')
  comfy.end(0, 'failed')
  comfy.end(1, 'cancelled')
  void run()
  await clock.advance(2000)
  const texts = news().map((row) => textOf(row.part))
  expect(texts.find((text) => text.startsWith('Failed'))).toMatch(/at KSampler \(node 7\)\nValueError: bad seed\n/)
  expect(texts.find((text) => text.startsWith('Cancelled'))).toBeDefined()
})

test('a job that failed without a word is said to have, without a hole in the sentence', async () => {
  const { queued, comfy, run, clock, news, backend } = await watching()
  const prompt = await queued('a')
  comfy.end(0, 'failed')
  const silent = {
    promptId: prompt,
    traceId: null,
    clientId: null,
    createdAtMs: null,
    outputs: {},
    statusText: 'error',
    messages: [],
  }
  Object.assign(backend, { history: async () => ok(silent) })
  void run()
  await clock.advance(2000)
  const [text = ''] = news().map((row) => textOf(row.part))
  expect(text).toMatch(/^Failed: portrait/)
  expect(text).not.toMatch(/null|undefined|: \n/)
})

test('a time that is no whole number does not keep a result from being told', async () => {
  const { queued, comfy, run, clock, state, backend } = await watching()
  const prompt = await queued('a')
  comfy.end(0, 'done')
  const messages = [0.25, 1e300].map((timestamp) => ({ type: 'execution_success', data: { timestamp } }))
  const entry = {
    promptId: prompt,
    traceId: null,
    clientId: null,
    createdAtMs: null,
    outputs: {},
    statusText: 'success',
  }
  Object.assign(backend, { history: async () => ok({ ...entry, messages }) })
  void run()
  await clock.advance(2000)
  await eventually(() => state('a') === 'done')
})

test('a job that is in neither queue nor history twice is gone; missing once it may be in between', async () => {
  const { queued, comfy, run, clock, state, news, shown } = await watching()
  const prompt = await queued('a')
  comfy.lose(prompt)
  void run()
  await clock.advance(300)
  expect(state('a')).toBe('queued')
  await clock.advance(2000)
  expect([state('a'), shown.at(-1)]).toEqual(['vanished', 'ack:a ends'])
  expect(textOf(news()[0]!.part)).toContain("taken out of ComfyUI's queue")
})

test('a record that can not be read is asked for again, and after ten minutes the requester is told to look there', async () => {
  const { queued, comfy, run, clock, state, news, shown, backend, log } = await watching()
  await queued('a')
  comfy.end(0, 'done')
  Object.assign(backend, { history: async () => failure('too_large') })
  void run()
  await clock.advance(9 * minute)
  expect([state('a'), news()]).toEqual(['queued', []])
  await clock.advance(2 * minute)
  expect([state('a'), shown.at(-1)]).toEqual(['unknown', 'ack:a ends'])
  expect(news().map((row) => textOf(row.part))).toEqual([expect.stringContaining("ComfyUI's output folder")])
  expect(log.lines.join('\n')).toContain('can not be read')
})

test('a record that can be read before that is brought as ever', async () => {
  const { queued, comfy, run, clock, state, backend } = await watching()
  await queued('a')
  comfy.end(0, 'done')
  const { history } = backend
  Object.assign(backend, { history: async () => failure('malformed') })
  void run()
  await clock.advance(9 * minute)
  Object.assign(backend, { history })
  await clock.advance(minute)
  await eventually(() => state('a') === 'done')
})

test('a job that shows up again in time was never gone', async () => {
  const { queued, comfy, run, clock, state, messages } = await watching()
  const prompt = await queued('a')
  const [job] = comfy.jobs()
  comfy.lose(prompt)
  void run()
  await clock.advance(300)
  comfy.jobs().push(job!)
  await clock.advance(3000)
  comfy.lose(prompt)
  await clock.advance(300)
  expect([state('a'), messages()]).toEqual(['queued', []])
})

test('a job lost by a restart of ComfyUI is told so', async () => {
  const { queued, comfy, run, clock, news } = await watching()
  await queued('a')
  await clock.advance(minute)
  comfy.restart()
  void run()
  await clock.advance(3000)
  expect(textOf(news()[0]!.part)).toContain('ComfyUI was restarted')
})

test('while the backend is away nothing is concluded', async () => {
  const { queued, comfy, run, clock, state, messages } = await watching()
  const prompt = await queued('a')
  comfy.lose(prompt)
  comfy.setAway(true)
  void run()
  await clock.advance(10 * minute)
  expect([state('a'), messages()]).toEqual(['queued', []])
})

test('a very quick job is told after the answer to its command, not before', async () => {
  const { queued, comfy, run, clock, state, db } = await watching()
  await queued('a', { told: undefined })
  comfy.end(0, 'done', output)
  void run()
  await clock.advance(2000)
  expect(state('a')).toBe('queued')
  changeJob(db, 'a', { told: 'queued' })
  await clock.advance(1000)
  await eventually(() => state('a') === 'done')
})

test('a command that is never answered does not keep its result for ever', async () => {
  const { queued, comfy, run, clock, state } = await watching()
  await queued('a', { told: undefined })
  comfy.end(0, 'done', output)
  void run()
  await clock.advance(7000)
  await eventually(() => state('a') === 'done')
})

test('the result of an approved job comes behind the news of its approval, and closes that message', async () => {
  const { queued, comfy, run, clock, state, messages, db } = await watching()
  await queued('a', { ackKey: undefined, createdAtMs: clock.now() - 10 * minute })
  void run()
  await clock.advance(1000)
  // As in the moment between a press and its answer.
  changeJob(db, 'a', { told: 'approval' }, ['queued'])
  comfy.end(0, 'done', output)
  await clock.advance(2000)
  expect(state('a')).toBe('queued')
  await clock.advance(6000)
  await eventually(() => state('a') === 'done')
  expect(messages().map((row) => textOf(row.part).split('\n')[0])).toEqual([
    expect.stringContaining('[Approved]'),
    expect.stringContaining('portrait'),
    expect.stringContaining('Done: portrait'),
  ])
})

test('that a job takes long is told once', async () => {
  const { queued, comfy, run, clock, news } = await watching()
  await queued('a')
  comfy.start(0)
  void run()
  await clock.advance(9 * minute)
  expect(news()).toEqual([])
  await clock.advance(20 * minute)
  expect(news().map((row) => textOf(row.part))).toEqual([expect.stringContaining('running for over 10 min')])
})

test('decisions made elsewhere are noticed: approved, rejected, expired', async () => {
  const { ask, db, comfy, run, clock, state, told, woken } = await watching()
  for (const id of ['a', 'b', 'c', 'd']) {
    const answer = await comfy.backend.fire({
      templateId: 't',
      inputs: {},
      traceId: `trace-${id}`,
      requireApproval: true,
    })
    const approvalId = answer.ok && answer.value.kind === 'approval' ? answer.value.approvalId : ''
    ask(id, { state: 'approval', approvalId, told: 'approval' })
    addApproval(db, {
      id: approvalId,
      state: 'pending',
      job: id,
      template: 't',
      inputs: {},
      expiresAtMs: clock.now() + 5 * minute,
      createdAtMs: 1,
    })
  }
  const [a, b, c] = [...comfy.approvals.keys()]
  await comfy.backend.approve(a ?? '', { actor: 'web' })
  await comfy.backend.reject(b ?? '', { actor: 'web' })
  Object.assign(comfy.approvals.get(c ?? '') ?? {}, { expiresAtMs: clock.now() + 1000 })
  void run()
  await clock.advance(7000)
  expect(['a', 'b', 'c', 'd'].map(state)).toEqual(['queued', 'rejected', 'expired', 'approval'])
  expect(approvalById(db, b ?? '')).toMatchObject({ state: 'rejected', decider: 'web' })
  expect(told).toEqual(expect.arrayContaining([`approval ${a}`, 'job b rejected', 'job c expired']))
  expect(woken()).toBeGreaterThan(0)
})

test('a request that is approved after most of an hour is followed to its picture', async () => {
  const { ask, db, comfy, run, clock, state, news } = await watching()
  const answer = await comfy.backend.fire({ templateId: 't', inputs: {}, traceId: 'trace-a', requireApproval: true })
  const id = answer.ok && answer.value.kind === 'approval' ? answer.value.approvalId : ''
  ask('a', { state: 'approval', approvalId: id, told: 'approval' })
  const expiresAtMs = clock.now() + 60 * minute
  Object.assign(comfy.approvals.get(id) ?? {}, { expiresAtMs })
  addApproval(db, { id, state: 'pending', job: 'a', template: 't', inputs: {}, expiresAtMs, createdAtMs: 1 })
  void run()
  await clock.advance(55 * minute)
  expect(state('a')).toBe('approval')
  await comfy.backend.approve(id, { actor: 'web' })
  await clock.advance(minute)
  expect(state('a')).toBe('queued')
  await clock.advance(55 * minute)
  comfy.end(0, 'done', output)
  await clock.advance(minute)
  await eventually(() => state('a') === 'done')
  expect(news().flatMap((row) => row.part.items.map(({ kind }) => kind))).toContain('media')
})

test('a request the backend tells nothing about, a day after it expired, does not stay open for ever', async () => {
  const { ask, comfy, run, clock, state, db, messages } = await watching()
  ask('a', { state: 'approval', approvalId: 'apr_x', approval: true, told: 'approval' })
  const times = { expiresAtMs: clock.now() + 60 * minute, createdAtMs: clock.now() }
  addApproval(db, { id: 'apr_x', state: 'pending', job: 'a', template: 'portrait', inputs: {}, ...times })
  comfy.plan('approvals', ...Array(1000).fill(failure('denied')))
  comfy.plan('approval', ...Array(1000).fill(failure('denied')))
  void run()
  await clock.advance(minute)
  clock.set(clock.now() + 24 * 60 * minute)
  await clock.advance(minute)
  expect(state('a')).toBe('approval')
  clock.set(clock.now() + 60 * minute)
  await clock.advance(minute)
  expect([state('a'), approvalById(db, 'apr_x')?.state]).toEqual(['unknown', 'expired'])
  expect(textOf(messages().at(-1)!.part)).toMatch(/^I can't tell whether portrait ran/)
})

test('approvals are only asked for while some are open, and a backend that does not list them decides nothing', async () => {
  const { ask, db, comfy, run, clock, state } = await watching()
  void run()
  await clock.advance(minute)
  expect(comfy.calls.filter((name) => name === 'approvals')).toEqual([])
  ask('a', { state: 'approval', approvalId: 'apr_x', told: 'approval' })
  addApproval(db, {
    id: 'apr_x',
    state: 'pending',
    job: 'a',
    template: 't',
    inputs: {},
    expiresAtMs: clock.now(),
    createdAtMs: 1,
  })
  comfy.plan('approvals', failure('denied'), failure('limited'), 'away')
  await clock.advance(14_000)
  expect(state('a')).toBe('approval')
})

test('a result that can’t be written is written later, without fetching its files a second time', async () => {
  let fail = (): void => {}
  const rig = await watching({ step: (name) => name === 'finish:collected' && fail() })
  const { queued, comfy, run, clock, state, db, blobs, messages, log } = rig
  fail = () => {
    db.exec('PRAGMA query_only = 1')
    fail = () => {}
  }
  await queued('a')
  comfy.end(0, 'done', output)
  void run()
  await clock.advance(2000)
  await eventually(() => log.lines.join().includes('result not settled yet'))
  expect(state('a')).toBe('collecting')
  db.exec('PRAGMA query_only = 0')
  await clock.advance(10_000)
  expect([state('a'), blobs.usage().files, messages().length]).toEqual(['done', 1, 2])
})

test('what was kept of a finished job is enough: a restart of ComfyUI before the files came loses nothing', async () => {
  const { queued, comfy, run, clock, state, db, news } = await watching()
  const prompt = await queued('a')
  comfy.restart()
  const outcome = {
    kind: 'done',
    startedAtMs: 1,
    finishedAtMs: 2,
    files: [],
    texts: ['the answer'],
    failure: null,
    traceId: null,
  }
  changeJob(db, 'a', { state: 'collecting' })
  db.sql('UPDATE jobs SET outcome = ? WHERE id = ?').run(JSON.stringify(outcome), 'a')
  void run()
  await clock.advance(3000)
  expect(state('a')).toBe('done')
  expect(textOf(news()[0]!.part)).toContain('the answer')
  expect(prompt).not.toBe('')
})

test('stopping ends the watching and leaves no timer', async () => {
  const { queued, run, clock, stop } = await watching()
  await queued('a')
  const running = run()
  await clock.advance(minute)
  expect(getEventListeners(stop.signal, 'abort').length).toBeLessThan(5)
  stop.abort()
  await running
  await flush()
  expect(clock.sleepers()).toBe(0)
})
