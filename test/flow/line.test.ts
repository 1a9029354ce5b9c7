import { describe, expect, test } from 'vitest'
import { type FakeLine, startLine } from '../platforms/line.ts'
import type { Shown } from '../platforms/platform.ts'
import { prompts } from './backend.ts'
import { type House, type OnEnd, openHouse } from './harness.ts'
import { freePort, until } from './process.ts'

const base = 'https://connector.example'

interface LineHouse extends House {
  readonly line: FakeLine
  readonly url: string
}

/** A daemon that speaks LINE alone. Ann may run. */
const openLine = async (onEnd: OnEnd, env: Readonly<Record<string, string>> = {}): Promise<LineHouse> => {
  const line = await startLine()
  const { port, release } = await freePort()
  const settings = { ...line.settings, ALLOWED_USERS: line.people.ann.id, PORT: String(port) }
  const named = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [`OPENCLAW_CONNECTOR_LINE_${name}`, value]),
  )
  let house: House | null = null
  onEnd(async () => {
    await line.close()
    await release()
    const said = house?.daemon().output() ?? ''
    for (const secret of line.secrets) expect(said.includes(secret), 'a line with a secret').toBe(false)
  })
  house = await openHouse(onEnd, { telegram: false, env: { ...named, ...env } })
  const url = `http://127.0.0.1:${port}`
  line.connect(async ({ method, path, headers, body }) => {
    const sent = { method, headers: { ...headers, connection: 'close' }, body: body as string }
    const response = await fetch(url + path, sent)
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
  })
  return { ...house, line, url }
}

const shownFor = ({ line }: LineHouse, words: RegExp): Promise<Shown> =>
  until(`a message like ${words}`, () => line.shown().find(({ text }) => words.test(text)) ?? null)
/** Without the loading animation, which a slow machine gets to see. */
const sends = ({ line }: LineHouse): readonly string[] =>
  line.requests().flatMap(({ path }) => /\/message\/(\w+)$/.exec(path)?.[1] ?? [])

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
      const reply = await fetch(house.url + call.path, {
        method: call.method,
        headers: { ...call.headers, connection: 'close' },
        ...(call.method === 'GET' ? {} : { body: call.body as string }),
      })
      expect([name, reply.status]).toEqual([name, status])
      expect(await reply.text()).toMatch(/^[a-z ]{0,40}$/)
    }
    expect(house.line.calls()).toEqual([])
  })

  test('a redelivered run is run once; its result is pushed', async ({ onTestFinished }) => {
    const house = await openLine(onTestFinished, { OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: base })
    const { line, simulator } = house
    await line.say(line.people.ann, line.places.dm, '/run portrait a blue whale')
    expect(await line.redeliver()).toMatchObject({ status: 200 })
    await until('the result', () => line.shown().find(({ media }) => media.length > 0) ?? null)
    expect(prompts(simulator)).toEqual(['a blue whale'])
    expect(new Set(sends(house))).toEqual(new Set(['reply', 'push']))
    const [picture] = line.shown().flatMap(({ media }) => media)
    expect(picture).toMatchObject({ kind: 'image', as: 'image' })
    const served = await fetch((picture?.name ?? '').replace(base, house.url))
    expect([served.status, served.headers.get('content-type')]).toEqual([200, 'image/png'])
    await served.arrayBuffer()
  })

  test('somebody who follows us is greeted', async ({ onTestFinished }) => {
    const house = await openLine(onTestFinished)
    const { line } = house
    await line.bring({ type: 'follow', follow: { isUnblocked: false } }, line.places.dm, line.people.bob)
    expect((await shownFor(house, /\/help|I run ComfyUI/)).place).toEqual(line.places.dm)
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
