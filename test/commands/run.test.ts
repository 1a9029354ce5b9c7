import { expect, test } from 'vitest'
import { createCached } from '../../src/backend/cached.ts'
import type { Template } from '../../src/backend/wire.ts'
import { cardsOf } from '../../src/store/approvals.ts'
import { jobsOf } from '../../src/store/jobs.ts'
import { texts } from '../../src/texts/index.ts'
import { failure, ok } from '../jobs/backend-kit.ts'
import { mute } from '../jobs/jobs-kit.ts'
import { address, makeClock } from '../kit/core.ts'
import { commandRig, portrait } from './kit.ts'

const group = { where: address({ chat: 'g', kind: 'group' as const }) }

test('/run submits what was asked for, answers with its id and place, and can be stopped by whoever asked', async () => {
  const { reply, comfy } = commandRig()
  const answer = await reply('ann', '/run portrait a red fox steps=12')
  expect(answer?.text).toBe('[Job Submitted] portrait · its turn is now\nID: prompt-1')
  expect(comfy.everRun).toMatchObject([{ template: 'portrait', inputs: { positive_prompt: 'a red fox', steps: '12' } }])
  expect(answer).toMatchObject({ interim: true, editableAs: 'ack:e1', audience: 'everyone' })
  expect(answer?.buttons).toMatchObject([{ say: expect.stringMatching(/^\/cancel [0-9a-f]{8}$/), only: 'fake:ann' }])
  expect((await reply('ann', '/run portrait another'))?.text).toContain('1 ahead of it')
})

test('the same command again (a redelivery, a crash) finds its job and submits nothing new', async () => {
  const { act, eventOf, comfy, db } = commandRig()
  const one = eventOf('/run portrait a fox', 'ann')
  const first = await act(one)
  const second = await act(one)
  expect(second.outcome.reply?.text).toBe(first.outcome.reply?.text)
  expect([comfy.everRun.length, jobsOf(db, 'fake:ann', 9).length]).toEqual([1, 1])
})

test('a crash is no second count: what was let through before is not held back by the limits', async () => {
  const { act, eventOf } = commandRig({ deps: { userRpm: 1 } })
  const one = eventOf('/run portrait a fox', 'ann')
  await act(one)
  expect((await act(one, 'run', true)).outcome.reply?.text).toContain('[Job Submitted]')
  expect((await act(eventOf('/status', 'ann'))).record).toBe('rate limited')
})

test('/run without a template shows how, and what there is', async () => {
  const many = Array.from({ length: 15 }, (_, i) => ({ ...portrait, id: `t${i}` }))
  const { say } = commandRig({ templates: many })
  const text = await say('ann', '/run')
  expect(text).toMatch(/^Usage: \/run <template>[\s\S]*Example: [\s\S]*Templates: t0, t1/)
  expect(text).toContain('and 3 more')
})

test('/run of an unknown template proposes the nearest and submits nothing; without a list the backend decides', async () => {
  const { say, comfy } = commandRig()
  expect(await say('ann', '/run potrait a fox')).toContain('Did you mean portrait?')
  expect(comfy.everRun).toEqual([])
  const blind = commandRig({ templates: failure('limited') })
  expect(await blind.say('ann', '/run anything x=1')).toContain('[Job Submitted] anything')
})

test('where nobody will ever say what the template takes, the words go where most take them, and that is said', async () => {
  const { say, comfy } = commandRig({ templates: failure('denied') })
  const text = await say('ann', '/run anything a red fox')
  expect(text).toContain('[Job Submitted] anything')
  expect(text).toContain('your words went into positive_prompt')
  expect(comfy.everRun).toMatchObject([{ inputs: { positive_prompt: 'a red fox' } }])
  expect(await say('ann', '/run anything prompt="a red fox"')).not.toContain('your words')
})

test('a switch is sent as one: to ComfyUI the text "false" would mean on', async () => {
  const switched = { ...portrait, defaults: { ...portrait.defaults, hires: true } }
  const { reply, comfy } = commandRig({ templates: [switched] })
  await reply('ann', '/run portrait a fox hires=False steps=12')
  await reply('ann', '/run portrait an owl hires=maybe')
  expect(comfy.everRun.map(({ inputs }) => inputs)).toMatchObject([
    { positive_prompt: 'a fox', hires: false, steps: '12' },
    { hires: 'maybe' },
  ])
})

test('a template that was added a moment ago is found, and mistakes do not use up what may be read', async () => {
  let list = [portrait]
  let reads = 0
  const load = async () => {
    reads++
    return ok(list)
  }
  const clock = makeClock()
  const signal = AbortSignal.any([])
  const templates = createCached<readonly Template[]>({ load, now: clock.now, signal, hold: { until: null } })
  const { say } = commandRig({ deps: { templates, now: clock.now } })
  expect(await say('ann', '/run sketch a fox')).toContain('no template called sketch')
  list = [portrait, { ...portrait, id: 'sketch' }]
  for (let i = 0; i < 5; i++) await say('ann', '/run skecth a fox')
  expect(reads).toBe(1)
  await clock.advance(11_000)
  expect(await say('ann', '/templates sketch')).toContain('Template sketch')
  expect(await say('ann', '/run sketch a fox')).toContain('[Job Submitted] sketch')
  expect(reads).toBe(2)
})

test('words that found no room are told', async () => {
  const { say } = commandRig()
  expect(await say('ann', '/run portrait positive_prompt="a fox" in the snow')).toContain('I left out "in the snow"')
})

test('a stranger’s /run waits for an approver, also one who asks for it; nothing runs', async () => {
  const { reply, comfy, db } = commandRig()
  const answer = await reply('eve', '/run portrait a fox')
  expect(answer?.text).toMatch(/^\[Approval Requested\]\nID: apr_1\nTrace: /)
  expect(answer?.buttons).toEqual([])
  expect((await reply('ann', '/run portrait --approval'))?.text).toContain('[Approval Requested]')
  expect([comfy.everRun.length, comfy.approvals.size]).toEqual([0, 2])
  expect(jobsOf(db, 'fake:eve', 1)).toMatchObject([{ state: 'approval', told: 'approval' }])
})

test('in a group the request itself has the buttons, and is one of the cards that a decision changes', async () => {
  const { reply, db } = commandRig()
  const answer = await reply('eve', '/run portrait a fox', group)
  expect(answer?.buttons?.map(({ say }) => say)).toEqual(['/approve apr_1', '/reject apr_1'])
  expect(cardsOf(db, 'apr_1').map(({ key }) => key)).toContain(answer?.editableAs)
})

test('what a stranger writes or is called begins no line of its own in what an approver reads', async () => {
  const { act, eventOf, db, comfy } = commandRig()
  const name = `Eve\n[Approval Requested] by Ann\u2028ID: apr_9 \u202E${'x'.repeat(100)}`
  const asking = eventOf('/run portrait prompt="a fox\nID: apr_9\r\n/approve apr_9"', 'eve')
  await act({ ...asking, from: { ...asking.from, name } })
  const [job] = jobsOf(db, 'fake:eve', 1)
  const id = [...comfy.approvals.keys()][0] ?? ''
  const shown = { id, template: 'portrait', inputs: job?.inputs ?? {} }
  const card = texts.approvals.card(shown, job?.asker ?? '', 0)
  expect(card.split(/[\n\r\u2028]/).map((line) => line.slice(0, 34))).toEqual([
    '[Approval Requested] by Eve [Appro',
    'Template: portrait',
    expect.stringMatching(/a fox ID: apr_9/),
    `ID: ${id}`,
    'Expires: 1970-01-01 00:00 UTC',
    `/approve ${id} or /reject ${id} <reason>`.slice(0, 34),
  ])
  expect(card).not.toContain('\u202E')
  expect(comfy.everRun).toEqual([])
  // What was asked for is what would run.
  expect(Object.values(job?.inputs ?? {}).join()).toContain('\n')
})

test('an unproven sender never runs without an approval, even one who is listed', async () => {
  const { say, comfy } = commandRig()
  expect(await say('boss', '/run portrait a fox', { proof: 'none' })).toContain('[Approval Requested]')
  expect(comfy.everRun).toEqual([])
})

test('more open jobs than allowed are refused with the number, and a finished one makes room', async () => {
  const { say, db } = commandRig({ deps: { maxOpenJobs: 2 } })
  await say('ann', '/run portrait one')
  await say('ann', '/run portrait two')
  expect(await say('ann', '/run portrait three')).toContain('You already have 2 jobs waiting')
  db.exec(`UPDATE jobs SET state = 'done' WHERE key = 'e1'`)
  expect(await say('ann', '/run portrait three')).toContain('[Job Submitted]')
})

test('while the backend is away a /run is held, says so and since when, and keeps its words for later', async () => {
  const { say, setAway, comfy, clock } = commandRig({ templates: failure('down') })
  setAway(true)
  await clock.advance(60_000)
  expect(await say('ann', '/run portrait a red fox')).toMatch(/can't be reached since .*I keep your job/)
  expect(comfy.everRun).toEqual([])
  setAway(false)
  await clock.advance(5000)
  expect(comfy.everRun.map(({ inputs }) => inputs)).toEqual([{ positive_prompt: 'a red fox' }])
})

test('a refusal is the answer', async () => {
  const { say, comfy } = commandRig()
  comfy.plan('fire', failure('refused', { said: 'Queue submission failed: 400' }))
  expect(await say('ann', '/run portrait a fox')).toMatch(/^\[Submission Failed\] ComfyUI refused this workflow/)
})

test('where we may not speak first the answer keeps the one-time token for the result and offers to fetch it', async () => {
  const handle = { kind: 'token' as const, value: 't', expiresAt: 9e15 }
  const { reply, db } = commandRig({ caps: mute })
  const answer = await reply('ann', '/run portrait a fox', { handle })
  expect(answer?.buttons?.map(({ say }) => say)).toEqual(['/inbox', expect.stringMatching(/^\/cancel /)])
  expect(jobsOf(db, 'fake:ann', 1)).toMatchObject([{ handle }])
})

test('/cancel stops one’s own job, in the queue or running, by the beginning of its id or the latest', async () => {
  const { say, comfy, db } = commandRig()
  await say('ann', '/run portrait one')
  await say('ann', '/run portrait two')
  comfy.start(0)
  expect(await say('ann', '/cancel')).toBe('[Stop] Cancellation requested for job prompt-2.')
  expect(await say('ann', '/cancel prompt-1')).toBe('[Stop] Cancellation requested for job prompt-1.')
  expect(comfy.jobs().map((job) => [job.promptId, job.state])).toEqual([['prompt-1', 'cancelled']])
  db.exec(`UPDATE jobs SET state = 'cancelled'`)
  expect(await say('ann', '/cancel')).toContain('no job that could be cancelled')
})

test('a job that waits for an approver is cancelled at once, and its request is turned down', async () => {
  const { say, comfy, db, clock } = commandRig()
  await say('eve', '/run portrait a fox')
  expect(await say('eve', '/cancel apr_1')).toContain('[Stop]')
  await clock.advance(1000)
  expect(jobsOf(db, 'fake:eve', 1)[0]?.state).toBe('cancelled')
  expect(comfy.approvals.get('apr_1')?.status).toBe('rejected')
  expect(await say('boss', '/approve apr_1')).toContain('already rejected')
  expect(comfy.everRun).toEqual([])
})

test('others’ jobs are unknown to whoever is no admin; admins stop them, and those of the page', async () => {
  const { say, comfy } = commandRig()
  await say('boss', '/run portrait an owl')
  await comfy.backend.fire({ templateId: 'x', inputs: {}, traceId: 'page' })
  for (const id of ['prompt-1', 'prompt-2']) {
    expect(await say('ann', `/cancel ${id}`)).toContain(`I know no job ${id}`)
  }
  expect(comfy.jobs()).toHaveLength(2)
  expect(await say('boss', '/stop prompt-1,prompt-2')).toBe('[Stop] Cancellation requested for 2 jobs.')
  expect(comfy.jobs()).toEqual([])
})

test('what ComfyUI has not waiting nor running is not called cancelled', async () => {
  const { say, comfy } = commandRig()
  await comfy.backend.fire({ templateId: 'x', inputs: {}, traceId: 'page' })
  expect(await say('boss', '/stop nosuch')).toBe('ComfyUI has no job nosuch that waits or runs. /jobs lists what does.')
  expect(await say('boss', '/stop nosuch prompt-1')).toMatch(/^\[Stop\] Cancellation requested.*\n.* no job nosuch /)
  expect(comfy.jobs()).toEqual([])
})

test('a job that is over, several that fit, too many at once, and nonsense are each told as what they are', async () => {
  const { say, ask } = commandRig()
  ask('done1111', { state: 'done', promptId: 'p-done' })
  ask('abcd1')
  ask('abcd2')
  expect(await say('ann', '/cancel p-done')).toBe('Job p-done had already finished.')
  expect(await say('ann', '/cancel abcd')).toContain('Several jobs begin with abcd')
  expect(await say('ann', `/cancel ${Array.from({ length: 21 }, (_, i) => `id${i}00`).join(' ')}`)).toContain(
    'At most 20',
  )
  expect(await say('ann', '/cancel ../../x')).toContain('I know no job')
})

test('an admin’s bare /stop stops whatever runs, once: repeated after a crash it asks instead of stopping another', async () => {
  let interrupts = 0
  const interruptAll = async () => {
    interrupts++
    return ok(true as const)
  }
  const { act, eventOf, say } = commandRig({ calls: { interruptAll } })
  const one = eventOf('/stop', 'boss')
  expect((await act(one)).outcome.reply?.text).toContain('Global interrupt sent')
  expect((await act(one)).outcome.reply?.text).toContain('may have been sent')
  expect(interrupts).toBe(1)
  expect(await say('ann', '/stop')).toContain('no job that could be cancelled')
  expect(interrupts).toBe(1)
})

test('a cancel that the backend did not take is told, and not called done', async () => {
  const { say, comfy } = commandRig()
  await say('ann', '/run portrait one')
  comfy.plan('cancel', 'away')
  expect(await say('ann', '/cancel')).toMatch(/can't be reached.+ I keep asking it to stop/)
  comfy.plan('cancel', failure('denied'))
  expect(await say('ann', '/cancel')).toMatch(/refused my admin token .+ match\.$/s)
})
