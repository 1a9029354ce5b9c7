import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type FakeLine, startLine } from '../platforms/line.ts'
import { prompts } from './backend.ts'
import type { OnEnd } from './harness.ts'
import { runProgram, until } from './process.ts'
import { hasMedia, logged, openWebhooks, readyz, shows, type Webhooks } from './webhooks.ts'

const movable = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'clock.ts')}` }
const quarterMs = 15 * 60_000

interface LineHouse extends Webhooks {
  readonly line: FakeLine
}

/** Ann may run, Bob is an admin; pictures can be linked. */
const openLine = async (onEnd: OnEnd, env: Readonly<Record<string, string>> = {}): Promise<LineHouse> => {
  const line = await startLine()
  const all = {
    OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: 'https://connector.example',
    OPENCLAW_CONNECTOR_ADMIN_USERS: `line:${line.people.bob.id}`,
    ...env,
  }
  return { ...(await openWebhooks(onEnd, [line], { env: all })), line }
}

const messagesOf = ({ line }: LineHouse, call: 'reply' | 'push'): readonly (readonly { readonly type: string }[])[] =>
  line
    .requests()
    .filter(({ path }) => path.endsWith(`/${call}`))
    .map(({ body }) => (body as { messages: { type: string }[] }).messages)

/** A run whose result is refused, as the month's messages are used up. */
const usedUp = async (house: LineHouse): Promise<void> => {
  const { line, simulator } = house
  line.world.quota.used = line.world.quota.value
  await line.say(line.people.ann, line.places.dm, '/run portrait a blue whale')
  await shows(line, line.places.dm, /\[Job Submitted\]/)
  await simulator.control.idle()
  await logged(house, 'send failed')
}

describe.concurrent('on LINE', () => {
  test('what the month’s quota keeps back is given with the next answer, in one call', async ({ onTestFinished }) => {
    const house = await openLine(onTestFinished)
    const { line } = house
    const { dm } = line.places
    const bobs = { chat: line.people.bob.id, kind: 'dm' } as const
    await usedUp(house)
    expect(line.shown().filter(hasMedia)).toEqual([])
    const before = messagesOf(house, 'push').length

    await line.say(line.people.bob, bobs, '/status')
    const status = await shows(line, bobs, /\[Online\]/)
    expect(status.text).toContain('LINE: 1000 of 1000 messages used this month')
    expect(line.shown().filter(hasMedia)).toEqual([])

    await line.say(line.people.ann, dm, '/whoami')
    expect((await shows(line, dm, hasMedia)).media).toMatchObject([{ kind: 'image' }])
    const said = line.shown().filter(({ place }) => place.chat === dm.chat)
    expect(said.slice(-3).map(({ text }) => text)).toEqual([
      expect.stringMatching(/^You are line:/),
      expect.stringContaining('prompt: a blue whale'),
      '',
    ])
    expect(
      messagesOf(house, 'reply')
        .at(-1)
        ?.map(({ type }) => type),
    ).toEqual(['text', 'text', 'image'])
    expect(messagesOf(house, 'push')).toHaveLength(before)

    // Nothing waits any more, and only admins are told what the operator pays for.
    await line.say(line.people.ann, dm, '/inbox')
    await shows(line, dm, /^Nothing is waiting for you/)
    await line.say(line.people.ann, dm, '/status')
    expect((await shows(line, dm, /\[Online\]/)).text).not.toContain('messages used')
    expect(prompts(house.simulator)).toEqual(['a blue whale'])
  })

  test('a result that is ready while its reply token lives needs no quota, and takes along what waits', async ({
    onTestFinished,
  }) => {
    const house = await openLine(onTestFinished)
    const { line } = house
    await usedUp(house)
    await line.say(line.people.ann, line.places.dm, '/run portrait a second whale')
    await shows(line, line.places.dm, /prompt: a second whale/)
    const types = messagesOf(house, 'reply')
      .at(-1)
      ?.map(({ type }) => type)
    expect(types).toEqual(['text', 'image', 'text', 'image'])
    expect(line.shown().filter(hasMedia)).toHaveLength(2)
    await line.say(line.people.ann, line.places.dm, '/inbox')
    await shows(line, line.places.dm, /^Nothing is waiting for you/)
  })

  test('that an approval is waited for is said at once, as its result will not come while the reply token lives', async ({
    onTestFinished,
  }) => {
    const house = await openLine(onTestFinished)
    const { line } = house
    await usedUp(house)
    await line.say(line.people.ann, line.places.dm, '/run portrait a third whale --approval')
    await shows(line, line.places.dm, /^\[Approval Requested\]/)
  })

  test('when the quota is there again what waits is sent, also over a restart', async ({ onTestFinished }) => {
    const house = await openLine(onTestFinished)
    const { line } = house
    await usedUp(house)
    expect(await house.daemon().stop()).toBe(0)
    await house.start()
    line.world.quota.value *= 2
    await line.say(line.people.bob, { chat: line.people.bob.id, kind: 'dm' }, '/status')
    expect((await shows(line, line.places.dm, hasMedia)).media).toMatchObject([{ kind: 'image' }])
    expect(line.shown().filter(({ text }) => text.includes('prompt: a blue whale'))).toHaveLength(1)
  })

  test('a refused access token is named in /readyz, and no more once a send went well', async ({ onTestFinished }) => {
    const house = await openLine(onTestFinished, movable)
    const { line } = house
    const { bob } = line.people
    const bobs = { chat: bob.id, kind: 'dm' } as const
    line.world.revoked = true
    await line.say(line.people.ann, line.places.dm, '/whoami')
    const told = await until('the refusal', async () => {
      const { platforms } = await readyz(house)
      return platforms.line?.state === 'down' && platforms.line
    })
    expect(told.about).toContain('OPENCLAW_CONNECTOR_LINE_CHANNEL_ACCESS_TOKEN')
    line.world.revoked = false
    await house.daemon().turn()
    await line.say(bob, bobs, '/whoami', { at: Date.now() + quarterMs })
    await shows(line, bobs, /^You are line:/)
    await until('all is well', async () => (await readyz(house)).platforms.line?.state === 'up')
  })

  test('doctor finds the webhook where LINE was told, or tells what to enter', async ({ onTestFinished }) => {
    const house = await openLine(onTestFinished)
    const lookAt = async (host: string): Promise<string> => {
      const env = { ...house.env, OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: `https://${host}` }
      const { out } = await runProgram(['doctor'], env, house.dir)
      return out.split('\n').find((line) => line.includes('line: webhook:')) ?? out
    }
    expect(await lookAt('bot.example.com')).toMatch(/^ok .*: https:\/\/bot\.example\.com\/line\/webhook$/)
    expect(await lookAt('other.example.com')).toContain('enter https://other.example.com/line/webhook')
  })
})
