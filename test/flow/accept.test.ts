import { createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { startLine } from '../platforms/line.ts'
import type { FakePlatform, Person, Place } from '../platforms/platform.ts'
import { startWhatsapp } from '../platforms/whatsapp.ts'
import type { OnEnd } from './harness.ts'
import { type Hold, startHold } from './hold.ts'
import { until } from './process.ts'
import { openWebhooks } from './webhooks.ts'

const each = 200
const atOnce = 8
const allowedMs = 100
/** A bare handler needs less than this among all the others, unless the machine is busy with something else. */
const idleMs = 20

interface Call {
  readonly to: string
  readonly make: () => Promise<void>
}

/** Makes all calls, so many at once; how long the slowest hundredth took at least, in ms, by whom they went to. */
const p99 = async (calls: readonly Call[]): Promise<(to: string) => number> => {
  const todo = [...calls]
  const took = new Map<string, number[]>()
  const worker = async (): Promise<void> => {
    for (let one = todo.shift(); one; one = todo.shift()) {
      const fromMs = performance.now()
      await one.make()
      took.set(one.to, [...(took.get(one.to) ?? []), performance.now() - fromMs])
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return (to) => {
    const all = (took.get(to) ?? []).toSorted((a, b) => a - b)
    return all[Math.floor(all.length * 0.99)] ?? Number.NaN
  }
}

/** The least a webhook can do: check a signature, parse, answer. */
const startBare = async (onEnd: OnEnd): Promise<() => Promise<void>> => {
  const sign = (body: string | Buffer): Buffer => createHmac('sha256', 'bare').update(body).digest()
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray())
    const good = timingSafeEqual(sign(body), Buffer.from(String(request.headers['x-signature']), 'hex'))
    JSON.parse(body.toString())
    response.writeHead(good ? 200 : 401).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onEnd(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const body = JSON.stringify({ events: Array.from({ length: 20 }, (_, i) => ({ id: `event-${i}` })) })
  const headers = { 'x-signature': sign(body).toString('hex'), connection: 'close' }
  return async () => {
    const { status } = await fetch(url, { method: 'POST', headers, body })
    expect(status).toBe(200)
  }
}

interface Guest {
  readonly person: Person
  readonly place: Place
}

const lineGuests: readonly Guest[] = Array.from({ length: each }, (_, i) => {
  const id = `U${String(i).padStart(32, '0')}`
  return { person: { id, name: `Guest ${i}` }, place: { chat: id, kind: 'dm' } }
})

test('with the platforms’ APIs and the backend hanging webhooks are acknowledged at once, and nothing is lost', async ({
  onTestFinished,
}) => {
  const [line, whatsapp] = await Promise.all([startLine(), startWhatsapp({ crowd: each })])
  const doors: Hold[] = []
  const behind = async (url: string): Promise<string> => {
    const door = await startHold(url)
    doors.push(door)
    return door.origin
  }
  const env = {
    OPENCLAW_CONNECTOR_LINE_API_BASE: await behind(line.settings.API_BASE ?? ''),
    OPENCLAW_CONNECTOR_WHATSAPP_API_BASE: await behind(whatsapp.settings.API_BASE ?? ''),
  }
  const onEnd: OnEnd = (end) =>
    onTestFinished(async () => {
      await end()
      for (const door of doors) await door.close()
    })
  const house = await openWebhooks(onEnd, [line, whatsapp], { env, between: behind, port: 'same' })
  for (const door of doors) door.hold()

  const bare: Call = { to: 'bare', make: await startBare(onTestFinished) }
  const say = (fake: FakePlatform, { person, place }: Guest, i: number): Call => ({
    to: fake.id,
    make: async () => {
      const reply = await fake.say(person, place, i % 2 === 0 ? '/whoami' : '/status')
      expect(reply?.status).toBe(200)
    },
  })
  const calls = lineGuests.flatMap((guest, i) => {
    const other = whatsapp.crowd[i]
    return other ? [bare, say(line, guest, i), say(whatsapp, other, i)] : []
  })
  expect(calls).toHaveLength(3 * each)
  const took = await p99(calls)
  for (const to of ['line', 'whatsapp']) {
    const busy = Math.max(1, took('bare') / idleMs)
    expect(took(to), `${to}; a bare handler takes ${took('bare')} ms`).toBeLessThan(allowedMs * busy)
  }
  expect([line.shown(), whatsapp.shown()]).toEqual([[], []])
  for (const door of doors) expect(door.held()).toBeGreaterThan(0)

  for (const door of doors) door.release()
  const guests = new Map<FakePlatform, readonly Guest[]>([
    [line, lineGuests],
    [whatsapp, whatsapp.crowd],
  ])
  await until(
    'everybody is answered',
    () => line.shown().length >= each && whatsapp.shown().length >= each,
    () => [line.shown().length, whatsapp.shown().length, house.daemon().tail()],
    40_000,
  )
  for (const [fake, people] of guests) {
    const answered = fake.shown().map(({ place, text }) => `${place.chat} ${/^You are|Status/.exec(text)?.[0]}`)
    const asked = people.map(({ place }, i) => `${place.chat} ${i % 2 === 0 ? 'You are' : 'Status'}`)
    expect(answered.toSorted()).toEqual(asked.toSorted())
  }
}, 60_000)
