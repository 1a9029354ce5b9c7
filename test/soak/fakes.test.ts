import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { startDiscord } from '../platforms/discord.ts'
import { startFeishu } from '../platforms/feishu.ts'
import { readFrame, writeFrame } from '../platforms/feishu-frames.ts'
import { startSlack } from '../platforms/slack.ts'
import type { Holding } from './figures.ts'
import { leaks } from './verdict.ts'

const bringing = { ackMs: 150, againMs: [0, 20, 40] }

const opened = async (url: string, on?: (data: Buffer, socket: WebSocket) => void): Promise<WebSocket> => {
  const socket = new WebSocket(url)
  if (on) socket.on('message', (data: Buffer) => on(data, socket))
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

describe('Slack as the soak plays it', () => {
  const start = async () => {
    const fake = await startSlack({ ...bringing, mode: 'socket' })
    onTestFinished(fake.close)
    return { fake, address: () => fake.socket.open(fake.host.origin) }
  }
  const confirm = (data: Buffer, socket: WebSocket): void => {
    const { envelope_id } = JSON.parse(String(data)) as { envelope_id?: string }
    if (envelope_id) socket.send(JSON.stringify({ envelope_id }))
  }

  test('what went into a dead line comes again over a living one, also while the dead one is believed in', async () => {
    const { fake, address } = await start()
    const dead = await opened(address(), confirm)
    fake.socket.halfOpen(5000)
    dead.close()
    await opened(address(), confirm)
    for (let i = 0; i < 4; i++) await fake.say(fake.people.ann, fake.places.dm, `/help ${i}`)
    await expect.poll(() => fake.socket.confirmed().length, { interval: 5 }).toBe(4)
    expect(fake.socket.idle()).toBe(true)
    expect(dead.readyState).toBe(dead.CLOSING)
  })

  test('a message nobody confirms is given up behind the last wait, and says whether a line worked', async () => {
    const { fake, address } = await start()
    await fake.say(fake.people.ann, fake.places.dm, '/help')
    await expect.poll(() => fake.socket.givenUp().map(({ ignored }) => ignored), { interval: 5 }).toEqual([false])
    await opened(address())
    await fake.say(fake.people.ann, fake.places.dm, '/help')
    await expect.poll(() => fake.socket.givenUp().map(({ ignored }) => ignored)).toEqual([false, true])
    expect(fake.socket.idle()).toBe(true)
  })

  test('a command is brought once, and comes to nothing without a line', async () => {
    const { fake } = await start()
    await fake.command(fake.people.ann, fake.places.dm, '/openclaw', 'help')
    await expect.poll(() => fake.socket.idle(), { interval: 5 }).toBe(true)
    expect(fake.socket.confirmed()).toEqual([])
  })
})

describe('Discord as the soak plays it', () => {
  const idsOf = (list: readonly unknown[]): readonly string[] => list.map((data) => (data as { id: string }).id)

  test('nobody ever gets what was said without a session, nor what went down with one unheard', async () => {
    const fake = await startDiscord({ pieces: () => 3 })
    onTestFinished(fake.close)
    const heard: { op: number; t: string; s: number }[] = []
    const socket = await opened(`${fake.gateway.url}/?v=10&encoding=json`, (data, to) => {
      const frame = JSON.parse(String(data)) as { op: number; t: string; s: number }
      heard.push(frame)
      const identify = { token: fake.token, intents: 37_377, properties: {} }
      if (frame.op === 10) to.send(JSON.stringify({ op: 2, d: identify }))
    })
    const last = () => fake.world.posts.at(-1)?.id
    await expect.poll(() => heard.some(({ t }) => t === 'GUILD_CREATE')).toBe(true)
    await fake.say(fake.people.ann, fake.places.dm, 'heard')
    await expect.poll(() => heard.at(-1)?.t).toBe('MESSAGE_CREATE')
    socket.send(JSON.stringify({ op: 1, d: heard.at(-1)?.s }))
    await expect.poll(() => heard.at(-1)?.op).toBe(11)
    fake.gateway.freeze()
    await fake.say(fake.people.ann, fake.places.dm, 'unheard')
    const unheard = last()
    fake.gateway.forgetSessions()
    await fake.say(fake.people.ann, fake.places.dm, 'to nobody')
    expect(idsOf(fake.gateway.missed())).toEqual([unheard, last()])
  })
})

describe('Feishu as the soak plays it', () => {
  test('an event comes again over any line of its app until it is acknowledged, and once more when the platform likes', async () => {
    // The dead line is the elder one; it gets every second try.
    let tries = 0
    const fake = await startFeishu({ ...bringing, pieces: () => 2, pick: (lines) => tries++ % lines })
    onTestFinished(fake.close)
    const url = () => fake.sockets.url(fake.api.origin, fake.app.appId)
    const dead = await opened(url())
    fake.sockets.halfOpen(5000)
    dead.close()
    await opened(url(), (data, socket) => {
      const frame = readFrame(data)
      if (frame.headers.seq === '0') socket.send(writeFrame({ ...frame, payload: Buffer.from('{"code":200}') }))
    })
    await fake.say(fake.people.ann, fake.places.dm, '/help')
    await expect.poll(() => fake.sockets.idle(), { interval: 5 }).toBe(true)
    expect([tries, fake.sockets.acks().length]).toEqual([2, 1])
    fake.sockets.again()
    await expect.poll(() => fake.sockets.idle(), { interval: 5 }).toBe(true)
    expect([tries, fake.sockets.acks().length]).toEqual([4, 2])
    expect(fake.sockets.givenUp()).toEqual([])
  })
})

describe('what a soak calls grown', () => {
  const quiet: Holding = {
    files: 32,
    sockets: 8,
    rssMiB: 120,
    heapMiB: 24,
    listeners: 37,
    signals: 40,
    emitters: 155,
    netSockets: 8,
    timers: 8,
    warnings: ['ExperimentalWarning: of no importance'],
  }

  test('nothing, while it is level', () => {
    expect(leaks(quiet, { ...quiet, files: 35, heapMiB: 27, signals: 90 })).toEqual([])
    expect(leaks({ ...quiet, files: null }, { ...quiet, files: 400 })).toEqual([])
  })

  test('a socket a connection, listeners, memory, and what Node warns of', () => {
    const grown = leaks(quiet, {
      ...quiet,
      sockets: 90,
      listeners: 140,
      heapMiB: 60,
      warnings: ['MaxListenersExceededWarning: 11 abort listeners'],
    })
    expect(grown).toEqual([
      'sockets: 8 at the start, 90 at the end',
      'listeners: 37 at the start, 140 at the end',
      'heap: 24 MiB at the start, 60 at the end',
      'MaxListenersExceededWarning: 11 abort listeners',
    ])
  })
})
