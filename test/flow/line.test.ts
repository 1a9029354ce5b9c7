import { describe, expect, test } from 'vitest'
import { type FakeLine, startLine } from '../platforms/line.ts'
import type { Shown } from '../platforms/platform.ts'
import { prompts } from './backend.ts'
import type { OnEnd } from './harness.ts'
import { until } from './process.ts'
import { openWebhooks, shows, type Webhooks, type WebhooksWanted } from './webhooks.ts'

const base = 'https://connector.example'
const links = { OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: base }

interface LineHouse extends Webhooks {
  readonly line: FakeLine
}

/** A daemon that speaks LINE alone. Ann may run. */
const openLine = async (onEnd: OnEnd, wanted: WebhooksWanted = {}): Promise<LineHouse> => {
  const line = await startLine()
  return { ...(await openWebhooks(onEnd, [line], wanted)), line }
}

const shownFor = ({ line }: LineHouse, words: RegExp): Promise<Shown> => shows(line, line.places.dm, words)
const sends = ({ line }: LineHouse): readonly string[] =>
  line
    .requests()
    .map(({ path }) => path.split('/').at(-1) ?? '')
    .filter((call) => call !== 'start')

describe.concurrent('on LINE', () => {
  test('a command is acknowledged at once and answered by its reply token', async ({ onTestFinished }) => {
    const house = await openLine(onTestFinished)
    const { line } = house
    const reply = await line.say(line.people.ann, line.places.dm, '/status')
    expect(reply).toMatchObject({ status: 200, body: '' })
    const shown = await shownFor(house, /\[Online\] System Status/)
    expect(shown.place).toEqual(line.places.dm)
    expect(sends(house)).toEqual(['reply'])
  })

  test('the console’s verify request works, and forgeries learn nothing', async ({ onTestFinished }) => {
    const house = await openLine(onTestFinished)
    expect(await house.line.verify()).toMatchObject({ status: 200 })
    for (const { name, call, status } of house.line.forgeries()) {
      const reply = await house.ask('line', call)
      expect([name, reply.status]).toEqual([name, status])
      expect(reply.body).toMatch(/^[a-z ]{0,40}$/)
    }
    expect(house.line.calls()).toEqual([])
  })

  test('a redelivered run is run once; its result is pushed', async ({ onTestFinished }) => {
    const house = await openLine(onTestFinished, { env: links })
    const { line, simulator } = house
    await line.say(line.people.ann, line.places.dm, '/run portrait a blue whale')
    expect(await line.redeliver()).toMatchObject({ status: 200 })
    await until('the result', () => line.shown().find(({ media }) => media.length > 0) ?? null)
    expect(prompts(simulator)).toEqual(['a blue whale'])
    expect(new Set(sends(house))).toEqual(new Set(['reply', 'push']))
    const [picture] = line.shown().flatMap(({ media }) => media)
    expect(picture).toMatchObject({ kind: 'image', as: 'image' })
    const served = await fetch((picture?.name ?? '').replace(base, house.url('line')))
    expect([served.status, served.headers.get('content-type')]).toEqual([200, 'image/png'])
    await served.arrayBuffer()
  })

  test('somebody who follows us is greeted', async ({ onTestFinished }) => {
    const house = await openLine(onTestFinished)
    const { line } = house
    const bobs = { chat: line.people.bob.id, kind: 'dm' } as const
    await line.bring({ type: 'follow', follow: { isUnblocked: false } }, bobs, line.people.bob)
    const greeting = await shows(line, bobs, /\/help|I run ComfyUI/)
    expect(greeting.place).toEqual(bobs)
  })

  test('a dead platform keeps no webhook waiting', async ({ onTestFinished }) => {
    const house = await openLine(onTestFinished)
    const { line } = house
    line.failNext({ kind: 'hang' })
    const from = performance.now()
    expect(await line.say(line.people.ann, line.places.dm, '/status')).toMatchObject({ status: 200 })
    expect(performance.now() - from).toBeLessThan(2000)
  })
})
