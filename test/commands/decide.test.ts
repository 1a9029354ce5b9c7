import { expect, test } from 'vitest'
import { approvalById, cardsOf } from '../../src/store/approvals.ts'
import { addJob, jobsOf } from '../../src/store/jobs.ts'
import { failure, ok } from '../jobs/backend-kit.ts'
import { jobOf } from '../jobs/jobs-kit.ts'
import { address, textOf } from '../kit/core.ts'
import { type CommandRig, commandRig } from './kit.ts'

/** A stranger's request; its id. */
const request = async (rig: CommandRig, text = '/run portrait a fox'): Promise<string> => {
  await rig.say('eve', text)
  return jobsOf(rig.db, 'fake:eve', 1)[0]?.approvalId ?? ''
}

test('/approvals lists what waits, with what it would run and buttons for the first few', async () => {
  const rig = commandRig()
  expect(await rig.say('boss', '/approvals')).toBe('No pending approvals.')
  for (const animal of ['fox', 'owl', 'cat', 'dog']) await request(rig, `/run portrait a ${animal}`)
  const reply = await rig.reply('boss', '/approvals')
  expect(reply?.text).toMatch(
    /^Pending Approvals \(4\):\n- apr_4 portrait by EVE, 1 h 0 min left\n {2}positive_prompt: a dog/,
  )
  expect(reply?.audience).toBe('asker')
  expect(reply?.buttons?.map(({ say }) => say)).toEqual(
    ['apr_4', 'apr_3', 'apr_2'].flatMap((id) => [`/approve ${id}`, `/reject ${id}`]),
  )
})

test('whoever has no name where they write is told by their id, so that nobody decides blindly', async () => {
  const rig = commandRig()
  const unnamed = (id: string) => ({ from: { id, self: false, bot: false } })
  await rig.say('eve', '/run portrait a fox', unnamed('eve'))
  expect(await rig.say('boss', '/approvals')).toContain('portrait by fake:eve, ')
  const approved = await rig.say('boss', '/approve apr_1', unnamed('boss'))
  expect(await rig.say('boss', '/reject apr_1')).toContain('already approved by fake:boss')
  expect(approved).toContain('[Approved]')
})

test('the buttons of a request can be pressed as long as it can be decided', async () => {
  const rig = commandRig()
  const apr = await request(rig)
  const pressing = (say: string) => {
    const button = rig.db.sql('SELECT id FROM actions WHERE say = ?').get(say)
    const body = { kind: 'press' as const, action: String(button?.id), message: 'm-card' }
    return rig.say('boss', '', { body, where: address({ chat: 'boss' }) })
  }
  await rig.clock.advance(59 * 60_000)
  expect(await pressing(`/approve ${apr}`)).toBe(`[Approved] ${apr}\nExecuted: prompt-2`)
})

test('deciding is for admins, whoever else learns nothing about the request', async () => {
  const rig = commandRig()
  const apr = await request(rig)
  for (const line of [`/approve ${apr}`, `/reject ${apr}`, '/approvals', '/schedules', '/approve apr_none']) {
    expect(await rig.say('ann', line)).toMatch(/^\[Access Denied\] This command needs an admin/)
  }
  expect(rig.comfy.approvals.get(apr)?.status).toBe('pending')
})

test('/approve runs it, says as what, and the requester is told where they asked', async () => {
  const rig = commandRig()
  const apr = await request(rig)
  expect(await rig.say('boss', `/approve ${apr}`)).toBe(`[Approved] ${apr}\nExecuted: prompt-2`)
  expect(rig.texts().join('\n')).toContain('[Approved] portrait is on its way.')
})

test('a press on the message that shows the request is answered in that message, and nowhere else', async () => {
  for (const verb of ['approve', 'reject'] as const) {
    const rig = commandRig({ caps: { edit: { everyMs: 1000, withinMs: null } } })
    const apr = await request(rig)
    rig.sendAll()
    const [card] = cardsOf(rig.db, apr)
    const button = rig.db.sql('SELECT id FROM actions WHERE say = ?').get(`/${verb} ${apr}`)
    const body = { kind: 'press' as const, action: String(button?.id), message: `m-${card?.key}` }
    const reply = await rig.reply('boss', '', { body, where: address({ chat: 'boss' }) })
    expect(reply?.edits).toEqual({ key: card?.key, otherwise: 'send' })
    expect(reply?.text).toMatch(verb === 'approve' ? /^\[Approved\] by BOSS\nTemplate: / : /^\[Rejected\] by BOSS\n/)
  }
})

test('a press elsewhere, or where nothing can be edited, is answered with a message', async () => {
  for (const [edit, shown] of [
    [null, true],
    [{ everyMs: 1000, withinMs: null }, false],
  ] as const) {
    const rig = commandRig({ caps: { edit } })
    const apr = await request(rig)
    rig.sendAll()
    const button = rig.db.sql('SELECT id FROM actions WHERE say = ?').get(`/approve ${apr}`)
    const message = shown ? `m-${cardsOf(rig.db, apr)[0]?.key}` : 'm-list'
    const body = { kind: 'press' as const, action: String(button?.id), message }
    const reply = await rig.reply('boss', '', { body, where: address({ chat: 'boss' }) })
    expect([reply?.edits, reply?.text]).toEqual([undefined, `[Approved] ${apr}\nExecuted: prompt-2`])
  }
})

test('/reject ends it with the reason, which reaches the requester', async () => {
  const rig = commandRig()
  const apr = await request(rig)
  expect(await rig.say('boss', `/reject ${apr} too many steps`)).toBe(`[Rejected] ${apr}\nReason: too many steps`)
  expect(rig.texts().join('\n')).toContain('was turned down: too many steps')
  expect(rig.comfy.everRun).toEqual([])
})

test('a second decision is told who decided, how and when, and changes nothing', async () => {
  const rig = commandRig({ rules: { adminUsers: ['fake:boss', 'fake:dora'] } })
  const apr = await request(rig)
  await rig.say('boss', `/approve ${apr}`)
  const late = await rig.reply('dora', `/reject ${apr}`)
  expect(late?.text).toMatch(new RegExp(`^${apr} was already approved by BOSS at \\d{4}-`))
  expect(late?.audience).toBe('asker')
  expect(rig.comfy.everRun).toHaveLength(1)
})

test('of two who decide in the same moment one does, and the other is told so', async () => {
  const rig = commandRig({ rules: { adminUsers: ['fake:boss', 'fake:dora'] } })
  const apr = await request(rig)
  const both = await Promise.all([rig.say('boss', `/approve ${apr}`), rig.say('dora', `/reject ${apr}`)])
  const [done, told] = both[0].startsWith('[Approved]') ? both : [...both].reverse()
  expect(done).toMatch(/^\[(Approved|Rejected)\]/)
  expect(told).toMatch(/already|deciding/)
  expect(['approved', 'rejected']).toContain(approvalById(rig.db, apr)?.state)
})

test('an expired request, an unknown one and an odd id are told as what they are', async () => {
  const rig = commandRig()
  const apr = await request(rig)
  await rig.clock.advance(2 * 60 * 60_000)
  expect(await rig.say('boss', `/approve ${apr}`)).toContain('has expired')
  expect(await rig.say('boss', '/approve apr_none')).toBe('I know no request apr_none. /approvals lists the open ones.')
  for (const odd of ['../x', 'a b', '"; DROP'.slice(3)]) {
    expect(await rig.say('boss', `/approve "${odd}"`)).toContain('I know no request')
  }
})

test('a decision while the backend is away is kept, and passed on when it is back', async () => {
  const rig = commandRig()
  const apr = await request(rig)
  rig.setAway(true)
  expect(await rig.say('boss', `/approve ${apr}`)).toMatch(/can't be reached. Your decision on .* is kept/)
  rig.setAway(false)
  await rig.clock.advance(5000)
  expect(rig.comfy.everRun).toHaveLength(1)
})

test('a backend that does not let us decide says which setting is wrong, and the request stays open', async () => {
  const rig = commandRig()
  const apr = await request(rig)
  rig.comfy.plan('approve', failure('denied'))
  expect(await rig.say('boss', `/approve ${apr}`)).toContain('OPENCLAW_CONNECTOR_ADMIN_TOKEN')
  expect(await rig.say('boss', `/approve ${apr}`)).toContain('[Approved]')
})

test('approved, but refused when it was submitted anew: the approver and the requester both learn it', async () => {
  const rig = commandRig()
  const apr = await request(rig)
  rig.comfy.setExecutes(false)
  rig.comfy.plan('fire', failure('refused', { said: 'out of range' }))
  const answering = rig.say('boss', `/approve ${apr}`)
  await rig.clock.advance(4000)
  expect(await answering).toMatch(
    /^\[Approved\] apr_1 \(Not Executed\)\nError: .*out of range\nThe requester has been told/,
  )
  await rig.clock.advance(5000)
  expect(rig.texts().join('\n')).toContain('was approved, but could not be started')
})

test('approved, but only started when it was submitted anew: the answer names the job that runs', async () => {
  const rig = commandRig()
  const apr = await request(rig)
  rig.comfy.setExecutes(false)
  const answering = rig.say('boss', `/approve ${apr}`)
  await rig.clock.advance(4000)
  expect(await answering).toMatch(/^\[Approved\] apr_1\nExecuted: prompt-\d+$/)
})

test('what was approved once is not asked for again where the operator wants approvals for everything', async () => {
  const rig = commandRig()
  rig.comfy.setApprovalByDefault(true)
  expect(await rig.say('ann', '/run portrait a fox')).toContain('[Approval Requested]\nID: apr_1')
  rig.comfy.setExecutes(false)
  const answering = rig.say('boss', '/approve apr_1')
  await rig.clock.advance(4000)
  expect(await answering).toMatch(/^\[Approved\] apr_1\nExecuted: prompt-\d+$/)
  expect([...rig.comfy.approvals.keys()]).toEqual(['apr_1'])
  expect(rig.comfy.everRun).toMatchObject([{ template: 'portrait' }])
})

test('a request of the web page can be approved here: whoever approves it gets the result', async () => {
  const rig = commandRig()
  await rig.comfy.backend.fire({
    templateId: 'sketch',
    inputs: { n: 3, tags: ['a'] },
    traceId: 'web',
    requireApproval: true,
  })
  expect(await rig.say('boss', '/approvals')).toMatch(/- apr_1 sketch, .*\n {2}n: 3\n {2}tags: \["a"\]/)
  expect(await rig.say('boss', '/approve apr_1')).toContain('Executed: prompt-2')
  expect(jobsOf(rig.db, 'fake:boss', 5)).toMatchObject([{ state: 'queued', promptId: 'prompt-2', template: 'sketch' }])
})

test('a request of the web page can be rejected here, and makes no job', async () => {
  const rig = commandRig()
  await rig.comfy.backend.fire({ templateId: 'sketch', inputs: {}, traceId: 'web', requireApproval: true })
  expect(await rig.say('boss', '/reject apr_1 no')).toContain('[Rejected] apr_1')
  expect(jobsOf(rig.db, 'fake:boss', 5)).toEqual([])
})

test('a request that turns out to be one of ours, whose answer got lost, is linked to its job', async () => {
  const rig = commandRig()
  await rig.comfy.backend.fire({ templateId: 'portrait', inputs: {}, traceId: 'trace-lost', requireApproval: true })
  const now = rig.clock.now()
  addJob(
    rig.db,
    jobOf('lost', now, { state: 'firing', requester: 'fake:eve', traceId: 'trace-lost', submittedAtMs: now }),
  )
  rig.db.sql(`UPDATE jobs SET told = 'firing'`).run()
  expect(await rig.say('boss', '/approve apr_1')).toContain('Executed: prompt-2')
  expect(rig.job('lost')).toMatchObject({ state: 'queued', promptId: 'prompt-2' })
  expect(jobsOf(rig.db, 'fake:boss', 5)).toEqual([])
})

test('the cards of a decided request are changed', async () => {
  const rig = commandRig()
  const apr = await request(rig)
  await rig.say('boss', `/approve ${apr}`)
  const edits = rig.messages().filter((row) => row.edits?.key === `approval:${apr}:fake:boss`)
  expect(edits.map((row) => textOf(row.part).split('\n')[0])).toEqual(['[Approved] by BOSS'])
})

const schedule = {
  scheduleId: 'sched_1',
  name: 'every night',
  templateId: 'portrait',
  inputs: { positive_prompt: 'stars', steps: 30, hires: false, size: [64, 64] },
  cron: '0 3 * * *',
  intervalSec: null,
  timezone: null,
  enabled: true,
}

test('/schedules shows what runs by the clock', async () => {
  const two = [
    schedule,
    { ...schedule, scheduleId: 'sched_2', cron: null, intervalSec: 7200, enabled: false, name: null, templateId: null },
  ]
  const { say } = commandRig({ calls: { schedules: async () => ok(two) } })
  expect(await say('boss', '/schedules')).toBe(
    'Schedules:\n[+] sched_1: 0 3 * * * - portrait (every night)\n[-] sched_2: every 2 h 0 min - ?',
  )
  expect(await commandRig({ calls: { schedules: async () => ok([]) } }).say('boss', '/schedules')).toBe(
    'No schedules found.',
  )
})

test('/schedule run submits its template with its inputs as they are to this chat, and can be seen and cancelled like any job', async () => {
  const { say, comfy } = commandRig({ calls: { schedule: async () => ok(schedule) } })
  expect(await say('boss', '/schedule run sched_1')).toMatch(
    /^\[Success\] Schedule sched_1 triggered[\s\S]*\[Job Submitted\] portrait/,
  )
  expect(comfy.everRun.map(({ inputs }) => inputs)).toEqual([
    { positive_prompt: 'stars', steps: 30, hires: false, size: [64, 64] },
  ])
})

test('/schedule run does not say it succeeded where the submission did not', async () => {
  const { say, comfy } = commandRig({ calls: { schedule: async () => ok(schedule) } })
  comfy.plan('fire', failure('refused', { said: 'out of range' }))
  const text = await say('boss', '/schedule run sched_1')
  expect(text).toContain('[Submission Failed]')
  expect(text).not.toContain('[Success]')
})

test('/schedule on and off set the switch; an unknown schedule and wrong usage are told', async () => {
  const set: boolean[] = []
  const { say } = commandRig({
    calls: {
      setScheduleEnabled: async (id, enabled) => {
        set.push(enabled)
        return id === 'sched_1' ? ok({ ...schedule, enabled }) : failure('missing')
      },
      schedule: async () => failure('missing'),
    },
  })
  expect(await say('boss', '/schedule off sched_1')).toBe('Schedule sched_1 is off.')
  expect(await say('boss', '/schedule on sched_1')).toBe('Schedule sched_1 is on.')
  expect(set).toEqual([false, true])
  for (const verb of ['on', 'run'])
    expect(await say('boss', `/schedule ${verb} sched_9`)).toContain('There is no schedule sched_9')
  expect(await say('boss', '/schedule frob sched_1')).toMatch(/^Usage: /)
})
