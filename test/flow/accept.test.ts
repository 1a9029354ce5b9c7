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
/** What a bare handler needs on a machine that has nothing else to do. */
const idleMs = 10

/** Does all of it, so many at once; how long the slowest hundredth took at least, in ms. */
const p99 = async (work: readonly (() => Promise<void>)[]): Promise<number> => {
  const todo = [...work]
  const took: number[] = []
  const worker = async (): Promise<void> => {
    for (let one = todo.shift(); one; one = todo.shift()) {
      const fromMs = performance.now()
      await one()
      took.push(performance.now() - fromMs)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? 0
}

/** The least a webhook can do: check a signature, parse, answer. */
const bareAck = async (): Promise<number> => {
  const sign = (body: string | Buffer): Buffer => createHmac('sha256', 'bare').update(body).digest()
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray())
    const good = timingSafeEqual(sign(body), Buffer.from(String(request.headers['x-signature']), 'hex'))
    JSON.parse(body.toString())
    response.writeHead(good ? 200 : 401).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const body = JSON.stringify({ events: Array.from({ length: 20 }, (_, i) => ({ id: `event-${i}` })) })
  const headers = { 'x-signature': sign(body).toString('hex'), connection: 'close' }
  const ack = async (): Promise<void> => {
    const { status } = await fetch(url, { method: 'POST', headers, body })
    expect(status).toBe(200)
  }
  const took = await p99(Array.from({ length: 2 * each }, () => ack))
  server.close()
  await once(server, 'close')
  return took
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

  const bareMs = await bareAck()
  const say =
    (fake: FakePlatform, { person, place }: Guest, i: number) =>
    async () => {
      const reply = await fake.say(person, place, i % 2 === 0 ? '/whoami' : '/status')
      expect(reply?.status).toBe(200)
    }
  const work = lineGuests.flatMap((guest, i) => {
    const other = whatsapp.crowd[i]
    return other ? [say(line, guest, i), say(whatsapp, other, i)] : []
  })
  expect(work).toHaveLength(2 * each)
  const tookMs = await p99(work)
  console.log("P99", tookMs, bareMs)
  expect(tookMs, `a bare acknowledgement takes ${bareMs.toFixed(1)} ms`).toBeLessThan(
    allowedMs * Math.max(1, bareMs / idleMs),
  )
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
