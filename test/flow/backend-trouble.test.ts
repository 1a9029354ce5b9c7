import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { asked, atBackend, prompts } from './backend.ts'
import { adminToken, openHouse } from './harness.ts'
import { until } from './process.ts'
import { carl, chatOf, submitted } from './telegram.ts'

/** A daemon whose clock can be moved from outside. */
const movable = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'clock.ts')}` }

describe.concurrent('when the backend is in trouble', () => {
  test('a run while it is down is held and told, and submitted with its words when it is back', async ({
    onTestFinished,
  }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    await simulator.control.setDown(true)
    await ann.say('/run portrait a blue whale')
    const held = await ann.shows("ComfyUI can't be reached")
    expect(held.text).toMatch(/I keep your job .+ 10 minutes\. \/cancel stops it\./)
    await ann.say('/status')
    await ann.shows(/^\[Offline\](.|\n)*Since: .+ UTC/)
    await simulator.control.setDown(false)
    const over = await ann.shows('portrait waited for ComfyUI to come back')
    expect(over).toMatchObject({ id: held.id, buttons: [] })
    await ann.shows(({ media }) => media.length > 0)
    await ann.shows(/^Done: portrait/)
    expect(ann.texts().filter((text) => /I keep your job|ComfyUI is back/.test(text))).toEqual([])
    expect(prompts(simulator)).toEqual(['a blue whale'])
  })

  test('a run held for more than 10 minutes is given up, and told', async ({ onTestFinished }) => {
    const { telegram, simulator, daemon } = await openHouse(onTestFinished, { env: movable })
    const ann = chatOf(telegram, telegram.people.ann)
    await simulator.control.setDown(true)
    await ann.say('/run portrait a blue whale')
    await ann.shows('I keep your job')
    await daemon().turn()
    await ann.shows('ComfyUI could not take it for 10 minutes, so I gave up on portrait')
    await simulator.control.setDown(false)
    await ann.say('/run portrait a dog', { at: Date.now() + 15 * 60_000 })
    await ann.shows(({ media }) => media.length > 0)
    expect(prompts(simulator)).toEqual(['a dog'])
  })

  test('a held run can be cancelled before it is submitted', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    await simulator.control.setDown(true)
    await ann.say('/run portrait a blue whale')
    await ann.shows('I keep your job')
    await ann.say('/cancel')
    await ann.shows(/^Cancelled: portrait/)
    await simulator.control.setDown(false)
    await ann.say('/run portrait a dog')
    await ann.shows(({ media }) => media.length > 0)
    expect(prompts(simulator)).toEqual(['a dog'])
  })

  test('an acceptance whose answer is lost is not submitted a second time', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    simulator.control.dropAnswerOnce('POST /openclaw/triggers/fire')
    await ann.say('/run portrait a blue whale')
    await ann.shows(({ media }) => media.length > 0)
    await ann.shows(/^Done/)
    expect(prompts(simulator)).toEqual(['a blue whale'])
    expect(ann.seen().flatMap(({ media }) => media)).toHaveLength(1)
  })

  test('a submission that fails inside the backend is made again until it runs, once', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    simulator.control.failNextSubmit(500)
    await ann.say('/run portrait a blue whale')
    await ann.shows(({ media }) => media.length > 0)
    expect(prompts(simulator)).toEqual(['a blue whale'])
  })

  test('a budget of the backend that is used up delays a run and is no reason to fail', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished, { simulator: { submitMs: 500 } })
    const ann = chatOf(telegram, telegram.people.ann)
    const headers = { 'x-openclaw-admin-token': adminToken }
    const used = Array.from({ length: 20 }, () => fetch(`${simulator.url}/openclaw/jobs`, { headers }))
    await Promise.all(used.map(async (answer) => (await answer).arrayBuffer()))
    const other = atBackend(simulator, '/openclaw/triggers/fire', {
      template_id: 'portrait',
      inputs: { prompt: 'else' },
    })
    await ann.say('/run portrait a blue whale')
    await ann.shows(({ media }) => media.length > 0)
    await other
    expect(prompts(simulator)).toEqual(['else', 'a blue whale'])
  })

  test('a restart of ComfyUI loses the waiting job, and its requester is told so', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    simulator.control.pause()
    await ann.say('/run portrait a blue whale')
    await ann.shows(submitted)
    await simulator.control.restart()
    await ann.shows('Lost: ComfyUI was restarted before portrait finished')
    await ann.shows(/^Lost: portrait\nID/)
    await ann.say('/run portrait a dog')
    await ann.shows(({ media }) => media.length > 0)
  })

  test('a job that somebody took out of the queue is told as gone', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    simulator.control.pause()
    await ann.say('/run portrait a blue whale')
    await ann.shows(submitted)
    const [job] = simulator.control.jobs()
    await fetch(`${simulator.url}/queue`, { method: 'POST', body: JSON.stringify({ delete: [job?.promptId] }) })
    await ann.shows("Gone: portrait was taken out of ComfyUI's queue")
  })

  test.for(['new', 'old'] as const)(
    'jobs are cancelled by their requester and by admins only (%s host)',
    async (host, { onTestFinished }) => {
      const { telegram, simulator } = await openHouse(onTestFinished, { simulator: { host } })
      const ann = chatOf(telegram, telegram.people.ann)
      const bob = chatOf(telegram, telegram.people.bob)
      const guest = chatOf(telegram, carl)
      simulator.control.pause()
      for (const prompt of ['a whale', 'a dog']) {
        await ann.say(`/run portrait ${prompt}`)
        await until(prompt, () => prompts(simulator).includes(prompt))
      }
      const [first, second] = simulator.control.jobs().map(({ promptId }) => promptId)
      await guest.say(`/cancel ${first}`)
      await guest.shows(`I know no job ${first} that you may see`)
      expect(simulator.control.jobs().map(({ state }) => state)).not.toContain('removed')
      await ann.say(`/cancel ${first}`)
      await ann.shows(`Cancellation requested for job ${first}`)
      await bob.say(`/stop ${second}`)
      await bob.shows(`Cancellation requested for job ${second}`)
      await ann.shows(`Cancelled: portrait\nID: ${second}`)
      expect(simulator.control.jobs().map(({ state }) => state)).toEqual(['removed', 'removed'])
      // On a slow machine the wish is asked a second time before the job is seen to have ended.
      const queueCalls = asked(simulator, 'POST /queue').length
      if (host === 'old') expect(queueCalls).toBeGreaterThanOrEqual(2)
      else expect(queueCalls).toBe(0)
      expect(asked(simulator, 'POST /api/jobs').length).toBeGreaterThan(0)
    },
  )

  test('an admin stops what runs', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished, { simulator: { stepMs: 50 } })
    const ann = chatOf(telegram, telegram.people.ann)
    const bob = chatOf(telegram, telegram.people.bob)
    await ann.say('/run portrait steps=400')
    await ann.shows(submitted)
    await simulator.control.busy()
    await bob.say('/stop')
    await bob.shows('Global interrupt sent')
    await ann.shows(/^Cancelled: portrait/)
    expect(simulator.control.jobs().map(({ state }) => state)).toEqual(['interrupted'])
  })

  test('a ComfyUI whose node pack did not load is told as that', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished, { simulator: { pack: false } })
    const ann = chatOf(telegram, telegram.people.ann)
    await ann.say('/run portrait a blue whale')
    await ann.shows('its OpenClaw node pack did not load')
    await ann.say('/templates')
    await ann.shows(({ text }) => text.startsWith('ComfyUI runs, but its OpenClaw node pack did not load'))
    expect(simulator.control.jobs()).toEqual([])
  })

  test('a wrong admin token is told with the variable to correct', async ({ onTestFinished }) => {
    const env = { OPENCLAW_CONNECTOR_ADMIN_TOKEN: 'flow-admin-token-0f1e2d3c-wrong' }
    const { telegram } = await openHouse(onTestFinished, { env })
    const ann = chatOf(telegram, telegram.people.ann)
    const bob = chatOf(telegram, telegram.people.bob)
    await ann.say('/run portrait a blue whale')
    await ann.shows(/did not accept my admin token.+OPENCLAW_CONNECTOR_ADMIN_TOKEN/)
    await bob.say('/approvals')
    await bob.shows(/refused my admin token.+OPENCLAW_CONNECTOR_ADMIN_TOKEN/)
  })

  test('one that stands still holds up nobody who does not need it', async ({ onTestFinished }) => {
    const { telegram, simulator } = await openHouse(onTestFinished)
    const ann = chatOf(telegram, telegram.people.ann)
    const guest = chatOf(telegram, carl)
    const frozen = simulator.control.freeze(5000)
    await ann.say('/run portrait a blue whale')
    await until('it has been asked', () => simulator.control.requests().length > 1)
    const startedMs = Date.now()
    await guest.say('/whoami')
    await guest.shows('You are')
    expect(Date.now() - startedMs).toBeLessThan(3000)
    await frozen
    await ann.shows(({ media }) => media.length > 0)
    expect(prompts(simulator)).toEqual(['a blue whale'])
  })
})
