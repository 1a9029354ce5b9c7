import { expect, test } from 'vitest'
import { laneOf } from '../../src/contract/index.ts'
import { parseRun } from '../../src/router/inputs.ts'
import { parse } from '../../src/router/parse.ts'
import { addPart } from '../../src/store/outbox.ts'
import { failure, ok } from '../jobs/backend-kit.ts'
import { mute } from '../jobs/jobs-kit.ts'
import { address, part } from '../kit/core.ts'
import { commandRig, portrait } from './kit.ts'

const stats = { comfyVersion: '0.20.1', ramTotalBytes: 1, ramFreeBytes: 1, devices: [] }

test('/status tells the version, the queue, and one’s own open jobs', async () => {
  const { say } = commandRig({ calls: { systemStats: async () => ok(stats) } })
  await say('ann', '/run portrait a fox')
  const text = await say('ann', '/status')
  expect(text).toMatch(/\[Online\][\s\S]*ComfyUI 0\.20\.1 with OpenClaw 1\.0[\s\S]*Queue: 1 \(0 running, 1 waiting\)/)
  expect(text).toContain('Your open jobs: 1')
  expect(await say('eve', '/status')).not.toContain('Your open jobs')
})

test('/status without details still says what it knows', async () => {
  const { say } = commandRig()
  expect(await say('ann', '/status')).toMatch(/^\[Online\]/)
})

test('/status tells that the backend is away and since when, that the pack is missing, and that it refuses us', async () => {
  const gone = commandRig()
  gone.setAway(true)
  await gone.clock.advance(120_000)
  expect(await gone.say('ann', '/status')).toMatch(/\[Offline\][\s\S]*can't be reached[\s\S]*Since: .* \(2 min\)/)
  const bare = commandRig({ calls: { health: async () => failure('unsupported', { code: 'route_missing' }) } })
  expect(await bare.say('ann', '/status')).toContain('node pack did not load')
  const refused = commandRig({ calls: { queue: async () => failure('denied') } })
  expect(await refused.say('ann', '/status')).toContain('OPENCLAW_CONNECTOR_ADMIN_TOKEN')
})

test('/jobs shows one’s own jobs; the whole queue, with who asked, only to admins', async () => {
  const { say, comfy } = commandRig()
  await say('ann', '/run portrait a fox')
  await say('boss', '/run portrait an owl')
  await comfy.backend.fire({ templateId: 'x', inputs: {}, traceId: 'of the page' })
  const own = await say('ann', '/jobs')
  expect(own).toMatch(/^Queue: 0 running, 3 waiting\n- prompt-1 portrait: in the queue$/)
  expect(own).not.toMatch(/prompt-2|prompt-3|BOSS/)
  const all = await say('boss', '/queue')
  expect(all).toMatch(/prompt-1 portrait by ANN[\s\S]*prompt-2 portrait by BOSS[\s\S]*prompt-3 started elsewhere/)
})

test('/jobs says so when there is nothing, and shows what it knows when the backend is away', async () => {
  const { say, setAway } = commandRig()
  expect(await say('ann', '/jobs')).toContain('None of your jobs')
  expect(await say('boss', '/jobs')).toContain('No active jobs.')
  await say('ann', '/run portrait a fox')
  setAway(true)
  expect(await say('ann', '/jobs')).toMatch(/can't be reached[\s\S]*prompt-1 portrait/)
})

test('/jobs is bounded however long the queue', async () => {
  const { say, comfy } = commandRig()
  for (let i = 0; i < 60; i++) await comfy.backend.fire({ templateId: 'x', inputs: {}, traceId: `t${i}` })
  const text = await say('boss', '/jobs')
  expect(text.split('\n').length).toBeLessThan(20)
  expect(text).toContain('Showing 10 of 60.')
})

test('/history lists one’s last jobs, and the details of one by the beginning of its id', async () => {
  const { say, comfy, db, clock } = commandRig()
  expect(await say('ann', '/history')).toContain('You have no jobs yet')
  await say('ann', '/run portrait a fox')
  expect(await say('ann', '/history')).toBe('- prompt-1 portrait: in the queue')
  comfy.end(0, 'done', { '9': { images: [{ filename: 'fox.png', subfolder: '', type: 'output' }] } })
  db.sql(`UPDATE jobs SET state = 'done', finished_at = submitted_at + 65000`).run()
  await clock.advance(1)
  expect(await say('ann', '/history prom')).toBe(
    'Job prompt-1: done\nportrait\npositive_prompt: a fox\n1 min 5 s\nProduced 1: fox.png',
  )
})

test('/history shows how a job failed, in one line', async () => {
  const { say, comfy } = commandRig()
  await say('ann', '/run portrait a fox')
  comfy.end(0, 'failed')
  expect(await say('ann', '/history prompt-1')).toMatch(/ValueError: bad seed$/)
})

test('/history of a job that failed without a word has no hole in it', async () => {
  const history = async () =>
    ok({
      ...{ promptId: 'prompt-1', traceId: null, clientId: null, createdAtMs: null, outputs: {}, statusText: 'error' },
      messages: [{ type: 'execution_error', data: {} }],
    })
  const { say } = commandRig({ calls: { history } })
  await say('ann', '/run portrait a fox')
  expect(await say('ann', '/history prompt-1')).toMatch(/\nComfyUI gave no reason; its log has more\.$/)
})

test('/history of another’s job is as unknown as none; admins see every job, also those of the page', async () => {
  const { say, comfy } = commandRig()
  await say('boss', '/run portrait an owl')
  await comfy.backend.fire({ templateId: 'x', inputs: {}, traceId: 'of the page' })
  comfy.end(1, 'done')
  for (const id of ['prompt-1', 'prompt-2', 'prompt-99', 'pro']) {
    expect(await say('ann', `/history ${id}`)).toBe(`I know no job ${id} that you may see. /jobs lists yours.`)
  }
  expect(await say('boss', '/history prompt-1')).toContain('Job prompt-1')
  expect(await say('boss', '/history prompt-2')).toContain('Job prompt-2: done')
  expect(await say('boss', '/history prompt-77')).toContain('no record of prompt-77')
})

test('an id that several jobs begin with is asked back, an odd one is no accident', async () => {
  const { say, ask } = commandRig()
  ask('abcd1', { requester: 'fake:ann' })
  ask('abcd2', { requester: 'fake:ann' })
  expect(await say('ann', '/history abcd')).toContain('Several jobs begin with abcd')
  for (const odd of ['../..', 'a%b_', '<script>', '%%%%']) {
    expect(await say('boss', `/history "${odd}"`)).toContain('I know no job')
  }
})

test('/trace tells what happened step by step, to admins only', async () => {
  const { say, comfy, clock, db } = commandRig()
  await say('ann', '/run portrait a fox')
  expect(await say('ann', '/trace prompt-1')).toContain('[Access Denied]')
  expect(await say('boss', '/trace')).toMatch(/^Usage: \/trace <job>\nExample: /)
  expect(await say('boss', '/trace prompt-1')).toMatch(
    /asked for portrait\ntrace [\s\S]*in the queue, 0 before it\nnow: in the queue/,
  )
  comfy.start(0)
  expect(await say('boss', '/trace prompt-1')).toContain('\nrunning\n')
  comfy.end(0, 'failed')
  await clock.advance(1)
  const text = await say('boss', '/trace prompt-1')
  expect(text).toMatch(/execution start\n.*execution error at KSampler/)
  expect(text).not.toContain('more')
  expect(db.sql('SELECT count(*) AS n FROM jobs').get()).toEqual({ n: 1 })
  expect(await say('boss', '/trace nobody-knows')).toContain('no record of nobody-knows')
})

test('a time no calendar has does not stop a trace from being told', async () => {
  const entry = { promptId: 'p-1', traceId: null, clientId: null, createdAtMs: null, outputs: {}, statusText: null }
  const messages = [1e300, -1e300, 9e15].map((timestamp) => ({ type: 'execution_start', data: { timestamp } }))
  const { say } = commandRig({ calls: { history: async () => ok({ ...entry, messages }) } })
  expect(await say('boss', '/trace p-1')).toMatch(/Trace p-1:\n.*execution start/)
})

test('/whoami tells one’s id for the lists, how far one is trusted, and why', async () => {
  const { reply } = commandRig()
  const boss = await reply('boss', '/whoami')
  expect(boss).toMatchObject({ audience: 'asker' })
  expect(boss?.text).toMatch(/You are fake:boss\nTrust: admin/)
  expect((await reply('ann', '/whoami'))?.text).toMatch(/trusted[\s\S]*- run: yes/)
  expect((await reply('eve', '/whoami'))?.text).toMatch(/stranger[\s\S]*- run: after an approval[\s\S]*- admin: no/)
  expect((await reply('boss', '/whoami', { proof: 'none' }))?.text).toMatch(/Trust: stranger/)
})

test('/help shows what the asker may use here, and how one command works', async () => {
  const { say } = commandRig()
  const ann = await say('ann', '/help')
  expect(ann).toContain('/run <template>')
  expect(ann).not.toMatch(/\/approve|\/inbox/)
  expect(await say('boss', '/help')).toContain('/approve <id>')
  expect(await say('eve', '/help')).toContain('Your /run goes to an approver first.')
  expect(await say('ann', '/help run')).toMatch(/Usage: \/run <template>[\s\S]*Example: \/run portrait/)
  expect(await say('ann', '/help cancel')).toMatch(/Usage: \/stop[\s\S]*Also: \/cancel, \/interrupt/)
  expect(await say('ann', '/help approve')).toContain("I don't know /approve")
  expect(await say('ann', '/start')).toMatch(/^Hello!/)
  expect(await commandRig({ caps: mute }).say('ann', '/help')).toContain('/inbox')
})

test('/templates lists what can be made; one shows its inputs, defaults and a line to copy', async () => {
  const many = Array.from({ length: 50 }, (_, i) => ({ ...portrait, id: `style_${i}` }))
  const { say } = commandRig({ templates: [portrait, ...many] })
  const list = await say('ann', '/templates')
  expect(list).toMatch(/Templates \(51\):\n- portrait: positive_prompt, steps, seed/)
  expect(list).toContain('… and 21 more.')
  expect(await say('ann', '/templates STYLE_4')).toContain('Templates (11):')
  expect(await say('ann', '/templates portrait')).toMatch(
    /Template portrait\nInputs: positive_prompt, steps, seed\nDefaults:\n {2}steps: 20[\s\S]*Example: \/run portrait a red fox steps=20/,
  )
  expect(await say('ann', '/templates protrait')).toContain('Did you mean portrait?')
  expect(await commandRig({ templates: [] }).say('ann', '/templates')).toContain('no templates')
  expect(await commandRig({ templates: failure('down') }).say('ann', '/templates')).toContain("can't be reached")
})

test('the first templates hang under their list as buttons, as many as have room beside one more', async () => {
  const many = Array.from({ length: 20 }, (_, i) => ({ ...portrait, id: `style ${i}` }))
  const shown = async (max: number) => {
    const buttons = { kind: 'press', max, perRow: 3, labelMax: 20 } as const
    const { act, eventOf } = commandRig({ templates: many, caps: { buttons } })
    return (await act(eventOf('/templates', 'ann'))).outcome.reply?.buttons ?? []
  }
  expect((await shown(3)).map(({ label, say }) => [label, say])).toEqual([
    ['style 0', '/templates "style 0"'],
    ['style 1', '/templates "style 1"'],
  ])
  expect(await shown(25)).toHaveLength(9)
  const { act, eventOf } = commandRig({ caps: { buttons: null } })
  expect((await act(eventOf('/templates', 'ann'))).outcome.reply?.buttons).toEqual([])
})

test('the example of a template can be sent as it stands, whatever its name and defaults are', async () => {
  const odd = { id: 'my style', allowedInputs: ['prompt', 'lora'], defaults: { lora: 'soft light "v2"', prompt: 'x' } }
  const { say } = commandRig({ templates: [odd] })
  const line = /Example: (.*)/.exec(await say('ann', '/templates "my style"'))?.[1] ?? ''
  const parsed = parse(line)
  const asked = parsed.ok ? parseRun(parsed.line.args) : null
  expect(asked).toMatchObject({ templateId: 'my style', inputs: { lora: 'soft light "v2"' }, words: 'a red fox' })
})

test('/inbox gives the oldest answer that waits here, one at a time', async () => {
  const { act, eventOf, db, say } = commandRig({ caps: mute })
  expect(await say('ann', '/inbox')).toBe('Nothing is waiting for you.')
  addPart(db, { part: part('old1'), state: 'mailbox' }, 1)
  addPart(db, { part: part('old2'), state: 'mailbox' }, 1)
  addPart(db, { part: part('of another', { to: address({ chat: 'c2' }) }), state: 'mailbox' }, 1)
  const { outcome } = await act(eventOf('/inbox', 'ann'))
  expect(outcome).toMatchObject({ reply: null, release: ['old1'] })
  expect(laneOf(address())).toBe('fake bot  c1')
})

test('/inbox does not say that nothing is there while answers can not be sent; what is put off does not count', async () => {
  const { say, db } = commandRig({ caps: mute })
  addPart(db, { part: part('later'), notBeforeMs: 9e15 }, 1)
  expect(await say('ann', '/inbox')).toBe('Nothing is waiting for you.')
  addPart(db, { part: part('held') }, 1)
  expect(await say('ann', '/inbox')).toMatch(/^1 answer is on the way to you; /)
})
