import { expect, test } from 'vitest'
import { commands } from '../../src/commands/index.ts'
import { concernsUs } from '../../src/commands/perform.ts'
import type { InboundEvent } from '../../src/contract/index.ts'
import { actionById, addAction, type StoredAction } from '../../src/store/actions.ts'
import { mute } from '../jobs/jobs-kit.ts'
import { address } from '../kit/core.ts'
import { commandRig } from './kit.ts'

const group = address({ chat: 'g', kind: 'group' })
const picture = [{ kind: 'image' as const, ref: 'r1' }]

test('ordinary talk among people is neither kept nor answered; what is said to us is', () => {
  const { eventOf } = commandRig()
  const talk = (text: string, over: Partial<InboundEvent> = {}) => concernsUs(eventOf(text, 'ann', over), commands)
  const unaddressed = (text: string) => talk(text, { where: group, body: { kind: 'text', text, addressed: false } })
  expect([unaddressed('hello all'), unaddressed('/frobnicate'), unaddressed('')]).toEqual([false, false, false])
  expect([unaddressed('/status'), talk('hello'), talk('', { media: picture })]).toEqual([true, true, true])
  const picturesInGroup = (addressed: boolean) =>
    talk('', { where: group, media: picture, body: { kind: 'text', text: '', addressed } })
  expect([picturesInGroup(false), picturesInGroup(true)]).toEqual([false, true])
})

test('talk, an unknown command and a quote left open are answered with what helps', async () => {
  const { say } = commandRig()
  expect(await say('ann', 'hello')).toContain('/help lists what you can do')
  expect(await say('ann', '/stauts')).toContain('Did you mean /status?')
  expect(await say('ann', '/run portrait "a fox')).toMatch(/quotation mark is not closed[\s\S]*Usage: \/run/)
})

test('what was probably meant is a button with the rest of the line, and there is none where nothing comes near', async () => {
  const { act, eventOf } = commandRig()
  const offered = async (text: string) =>
    (await act(eventOf(text, 'ann'))).outcome.reply?.buttons?.map(({ label, say }) => [label, say])
  expect(await offered('/rnu portrait "a fox" x=1')).toEqual([['/run', '/run portrait "a fox" x=1']])
  expect(await offered('/run potrait potrait "a fox"')).toEqual([['portrait', '/run portrait potrait "a fox"']])
  expect(await offered('/templates protrait')).toEqual([['portrait', '/templates portrait']])
  expect(await offered('/frobnicate')).toBeUndefined()
  expect(await offered('/run somethingelse')).toBeUndefined()
  expect(await offered('/run template=potrait')).toBeUndefined()
  expect(await offered(`/rnu ${'x'.repeat(600)}`)).toBeUndefined()
})

test('what a machine heard is offered back and never run', async () => {
  const { act, eventOf } = commandRig()
  const { outcome, record } = await act(eventOf('', 'ann', { body: { kind: 'heard', text: ' /run portrait a fox ' } }))
  expect(record).toBe('heard')
  expect(outcome.reply?.text).toContain('I heard: "/run portrait a fox". Nothing has been run.')
  expect(outcome.reply?.buttons).toMatchObject([{ say: '/run portrait a fox' }])
})

test('what can not be used is said once in a while, and in groups not at all', async () => {
  const { say, act, eventOf } = commandRig()
  const sticker = { body: { kind: 'other' as const, what: 'sticker' } }
  expect(await say('ann', '', sticker)).toContain('only work with text and pictures')
  expect((await act(eventOf('', 'ann', sticker))).outcome.reply).toBeNull()
  expect(await say('bob', '', sticker)).toContain('only work with text and pictures')
  expect(concernsUs(eventOf('', 'ann', { ...sticker, where: group }), commands)).toBe(false)
})

test('a command that is too long is told its length and the limit', async () => {
  const { say } = commandRig({ deps: { maxCommandLength: 128 } })
  expect(await say('ann', `/run portrait ${'x'.repeat(200)}`)).toContain('(214 characters). The most I take is 128.')
})

test('past the limit of a person or a chat it is said once a minute, and nothing is done', async () => {
  const { act, eventOf, clock } = commandRig({ deps: { userRpm: 2, channelRpm: 3 } })
  const records = async (who: string, n: number) => {
    const all = []
    for (let i = 0; i < n; i++) {
      const { record, outcome } = await act(eventOf('/whoami', who))
      all.push(outcome.reply ? record : `${record} in silence`)
    }
    return all
  }
  expect(await records('ann', 4)).toEqual(['/whoami', '/whoami', 'rate limited', 'rate limited in silence'])
  expect(await records('eve', 2)).toEqual(['/whoami', 'rate limited'])
  await clock.advance(61_000)
  expect(await records('eve', 1)).toEqual(['/whoami'])
})

test('where the open request is the answer, silence would look like consent: each refusal is said', async () => {
  const { say } = commandRig({ caps: mute, deps: { userRpm: 1 } })
  await say('ann', '/whoami')
  for (let i = 0; i < 3; i++) expect(await say('ann', '/whoami')).toContain('Slow down')
})

test('what was kept beyond the bound, or too late, is answered with a notice instead of being run', async () => {
  const { act, eventOf, comfy, clock } = commandRig()
  const late = eventOf('/run portrait a fox', 'ann', { at: clock.now() - 11 * 60_000 })
  expect((await act(late, 'stale')).outcome.reply?.text).toContain('11 min ago')
  expect((await act(eventOf('/run portrait a fox', 'ann'), 'busy')).outcome.reply?.text).toMatch(/^Busy/)
  expect((await act(eventOf('hello', 'ann'), 'stale')).outcome.reply).toBeNull()
  expect(comfy.everRun).toEqual([])
})

test('a refusal names its rule in the record, and tells a person what to do, in private', async () => {
  const { act, eventOf } = commandRig()
  const { record, outcome } = await act(eventOf('/approve apr_1', 'eve'))
  expect([record, outcome.reply?.audience]).toEqual(['denied: admin-only', 'asker'])
  const tokenless = commandRig({ deps: { hasAdminToken: false } })
  expect(await tokenless.say('boss', '/approvals')).toContain('OPENCLAW_CONNECTOR_ADMIN_TOKEN')
  expect(await tokenless.say('boss', '/approvals', { proof: 'none' })).toMatch(/can not prove who you are.*direct chat/)
})

test('an override takes effect, under every spelling', async () => {
  const { say } = commandRig({ rules: { overridesJson: '{"stop":"public","/status":"admin"}' } })
  expect(await say('ann', '/status')).toContain('[Access Denied]')
  expect(await say('boss', '/status')).not.toContain('[Access Denied]')
  expect(await say('eve', '/interrupt')).not.toContain('[Access Denied]')
})

const button = (over: Partial<StoredAction> = {}): StoredAction => ({
  id: 'act1',
  say: '/whoami',
  only: null,
  once: null,
  tenant: 'default',
  platform: 'fake',
  workspace: null,
  chat: 'c1',
  expiresAtMs: 9e15,
  ...over,
})
const press = (action = 'act1') => ({ body: { kind: 'press' as const, action } })

test('pressing a button means saying its line, as whoever pressed', async () => {
  const { say, db } = commandRig()
  addAction(db, button())
  expect(await say('eve', '', press())).toContain('You are fake:eve')
  expect(await say('ann', '', press())).toContain('You are fake:ann')
})

test('a button of another, of another chat, an expired and an unknown one do nothing, and say so in private', async () => {
  const { reply, db } = commandRig()
  addAction(db, button({ id: 'ann', only: 'fake:ann' }))
  addAction(db, button({ id: 'elsewhere', chat: 'c2' }))
  addAction(db, button({ id: 'old', expiresAtMs: 1 }))
  addAction(db, button({ id: 'gone', say: '/frobnicate now' }))
  expect(await reply('eve', '', press('ann'))).toEqual({ text: 'This button is not for you.', audience: 'asker' })
  for (const id of ['elsewhere', 'old', 'gone', 'none']) {
    expect((await reply('ann', '', press(id)))?.text).toContain('has expired')
  }
  expect((await reply('ann', '', press('ann')))?.text).toContain('You are fake:ann')
})

test('a button of one workspace is dead in another, though the chat has the same id there', async () => {
  const { say, db } = commandRig()
  addAction(db, button({ workspace: 'W1' }))
  const pressIn = (workspace?: string) => ({ ...press(), where: address(workspace ? { workspace } : {}) })
  expect(await say('ann', '', pressIn('W2'))).toContain('has expired')
  expect(await say('ann', '', pressIn('W1'))).toContain('You are fake:ann')
  expect(await say('ann', '', pressIn())).toContain('You are fake:ann')
})

test('a person is known by all their ids', async () => {
  const { say, db } = commandRig()
  addAction(db, button({ only: 'fake:ann' }))
  const from = { id: 'u77', aliases: ['ann'], self: false, bot: false }
  expect(await say('ann', '', { ...press(), from })).toContain('You are fake:u77')
})

test('a group of buttons is used up by the first press that policy lets through, not by a stranger’s', async () => {
  const { say, db } = commandRig()
  addAction(db, button({ say: '/trace p-1', once: 'g1' }))
  expect(await say('eve', '', press())).toContain('[Access Denied]')
  expect(actionById(db, 'act1')?.used).toBeUndefined()
  expect(await say('boss', '', press())).toContain('p-1')
  expect(actionById(db, 'act1')?.used?.by).toBe('fake:boss')
})

test('a button that can be used once is used once', async () => {
  const { say, db } = commandRig()
  addAction(db, button({ once: 'g1' }))
  addAction(db, button({ id: 'act2', once: 'g1' }))
  expect(await say('ann', '', press())).toContain('You are fake:ann')
  for (const id of ['act1', 'act2']) expect(await say('eve', '', press(id))).toBe('This button has already been used.')
})

test('a used button of a run tells what came of it, and one of which nothing came is not used up', async () => {
  const { say, db } = commandRig({ deps: { maxOpenJobs: 1 } })
  addAction(db, button({ say: '/run portrait again', only: 'fake:ann', once: 'again:j1' }))
  await say('ann', '/run portrait first')
  expect(await say('ann', '', press())).toContain('You already have 1 job waiting')
  db.exec(`UPDATE jobs SET state = 'done'`)
  expect(await say('ann', '', press())).toMatch(/^\[Job Submitted\] portrait/)
  expect(await say('ann', '', press())).toMatch(
    /^This button has already been used\.\nportrait: in the queue\nID: \S+$/,
  )
})

test('a decision by button that somebody made before is told with who decided', async () => {
  const { say, db } = commandRig({ rules: { adminUsers: ['fake:boss', 'fake:dora'] } })
  await say('eve', '/run portrait a fox')
  addAction(db, button({ id: 'yes', say: '/approve apr_1', once: 'approval:apr_1' }))
  addAction(db, button({ id: 'no', say: '/reject apr_1', once: 'approval:apr_1' }))
  expect(await say('boss', '', press('yes'))).toContain('[Approved]')
  expect(await say('dora', '', press('no'))).toContain('already approved by BOSS')
})
