import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { prompts } from './backend.ts'
import { type House, openHouse } from './harness.ts'
import { runProgram, spawnDaemon, until } from './process.ts'
import { chatOf } from './telegram.ts'

interface Readyz {
  readonly status: number
  readonly body: {
    readonly ready: boolean
    readonly store: string
    readonly backend: string
    readonly platforms: Readonly<Record<string, { readonly state: string; readonly about: string }>>
  }
}

const readyz = async ({ adminUrl }: House): Promise<Readyz> => {
  const answer = await fetch(`${adminUrl}/readyz`)
  return { status: answer.status, body: (await answer.json()) as Readyz['body'] }
}

const sayOnKakao = async ({ kakao }: House, text: string): Promise<number> =>
  (await kakao.say(kakao.people.ann, kakao.places.dm, text))?.status ?? 0

const kakaoShows = ({ kakao }: House): string =>
  kakao
    .shown()
    .map(({ text }) => text)
    .join('\n')

/** No file of the process may grow past this: what a full disk is to SQLite. Null: there is no such tool here. */
const canLimit = spawnSync('prlimit', ['--version']).status === 0
const limitFiles = (pid: number, bytes: string): void => {
  const done = spawnSync('prlimit', [`--pid=${pid}`, `--fsize=${bytes}:`])
  if (done.status !== 0) throw new Error(String(done.stderr))
}

describe.concurrent('in operation', () => {
  test('health, readiness and metrics can be read, and name nobody', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, { kakao: true })
    const ann = chatOf(house.telegram, house.telegram.people.ann)
    await ann.say('/run portrait a red fox')
    await ann.shows(/^Done/)
    const health = await fetch(`${house.adminUrl}/healthz`)
    expect(await health.json()).toMatchObject({ ok: true, version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
    expect(await readyz(house)).toMatchObject({
      status: 200,
      body: {
        ready: true,
        store: 'ok',
        backend: 'ok',
        platforms: {
          telegram: { state: 'up', about: 'polling as @render_desk_bot' },
          kakao: { state: 'up', about: expect.stringContaining('/kakao/webhook') },
        },
      },
    })
    const text = await (await fetch(`${house.adminUrl}/metrics`)).text()
    const line = /^(# (HELP \w+ .+|TYPE \w+ (counter|gauge))|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? \d+(\.\d+)?)$/
    expect(
      text
        .trimEnd()
        .split('\n')
        .filter((one) => !line.test(one)),
    ).toEqual([])
    expect(text).toMatch(/^connector_events_total\{platform="telegram"\} 1$/m)
    expect(text).toMatch(/^connector_sends_total\{platform="telegram",outcome="sent"\} 3$/m)
    expect(text).toMatch(/^connector_backend_up 1$/m)
    expect(text).not.toContain(house.telegram.people.ann.id)
  })

  test('a second daemon on the same state directory refuses, and names the first', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished)
    const second = await runProgram([], house.env, house.dir)
    expect(second.status).toBe(1)
    expect(second.err).toContain(`is in use by another daemon (pid ${house.daemon().pid})`)
    const ann = chatOf(house.telegram, house.telegram.people.ann)
    await ann.say('/whoami')
    await ann.shows('You are')
  })

  test('a state of a newer version is left alone', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished)
    await house.daemon().stop()
    const db = new DatabaseSync(join(house.stateDir, 'connector.db'))
    db.exec('PRAGMA user_version = 99')
    db.close()
    const started = await runProgram([], house.env, house.dir)
    expect(started.status).toBe(1)
    expect(started.err).toContain('was written by a newer version (schema 99')
  })

  test('SIGTERM ends it with 0 within 10 s even while the backend says nothing, and nothing is lost', async ({
    onTestFinished,
  }) => {
    const house = await openHouse(onTestFinished)
    const { telegram, simulator } = house
    const ann = chatOf(telegram, telegram.people.ann)
    simulator.control.hangNext('POST /openclaw/triggers/fire', 12_000)
    await ann.say('/run portrait a red fox')
    await until('it waits', () => simulator.control.requests().some(({ path }) => path === '/openclaw/triggers/fire'))
    const startedMs = Date.now()
    expect(await house.daemon().stop()).toBe(0)
    expect(Date.now() - startedMs).toBeLessThan(10_000)
    await house.start()
    await ann.shows(({ media }) => media.length > 0)
    expect(prompts(simulator)).toEqual(['a red fox'])
  })

  test('SIGTERM while it is still starting ends it with 0 as well', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, { idle: true })
    const daemon = spawnDaemon(house.env, house.dir)
    await until('it has begun', () => daemon.output().includes('admin listening'))
    expect(await daemon.stop()).toBe(0)
    expect(daemon.lines().at(-1)?.msg).toBe('closed')
  })

  test('a busy port of one platform is listed, the other works on, and it comes up when the port is free', async ({
    onTestFinished,
  }) => {
    const errors = [/^listener not opened/]
    const house = await openHouse(onTestFinished, { kakao: true, idle: true, errors })
    const squatter = createServer().listen(Number(new URL(house.kakaoUrl).port), '127.0.0.1')
    await once(squatter, 'listening')
    try {
      await house.start()
      const found = await until('the poll', async () => {
        const now = await readyz(house)
        return now.body.platforms.telegram?.state === 'up' && now
      })
      expect(found.status).toBe(200)
      expect(found.body.platforms).toMatchObject({
        kakao: { state: 'failed', about: expect.stringMatching(/EADDRINUSE.*Free the port or set another/) },
      })
      const ann = chatOf(house.telegram, house.telegram.people.ann)
      await ann.say('/whoami')
      await ann.shows('You are')
    } finally {
      squatter.close()
    }
    await until('it listens', async () => (await readyz(house)).body.platforms.kakao?.state === 'up')
    expect(await sayOnKakao(house, '/whoami')).toBe(200)
  })

  test('a bad token is named with its cure, and the other platform works on', async ({ onTestFinished }) => {
    const env = { OPENCLAW_CONNECTOR_TELEGRAM_TOKEN: '7000000001:flow-wrong-token-AAAAAAAAAAAAAAAAAAA' }
    const house = await openHouse(onTestFinished, { kakao: true, env, errors: [/^intake stopped/] })
    const found = await until('it is known', async () => {
      const now = await readyz(house)
      return now.body.platforms.telegram?.state === 'failed' && now
    })
    expect(found.status).toBe(200)
    expect(found.body.platforms.telegram?.about).toMatch(/401.*OPENCLAW_CONNECTOR_TELEGRAM_TOKEN against @BotFather/)
    expect(house.daemon().output()).not.toContain('flow-wrong-token')
    expect(await sayOnKakao(house, '/whoami')).toBe(200)
    expect(kakaoShows(house)).toContain('You are kakao:')
  })

  test('it is not ready when nothing works', async ({ onTestFinished }) => {
    const env = { OPENCLAW_CONNECTOR_TELEGRAM_TOKEN: '7000000001:flow-wrong-token-AAAAAAAAAAAAAAAAAAA' }
    const house = await openHouse(onTestFinished, { env, errors: [/^intake stopped/] })
    const found = await until('it is known', async () => {
      const now = await readyz(house)
      return now.status === 503 && now
    })
    expect(found.body).toMatchObject({ ready: false, platforms: { telegram: { state: 'failed' } } })
  })

  test.skipIf(!canLimit)(
    'a full disk: nothing is acknowledged that is not kept, and it recovers by itself',
    async ({ onTestFinished }) => {
      const house = await openHouse(onTestFinished, { kakao: true })
      const { telegram } = house
      const ann = chatOf(telegram, telegram.people.ann)
      await ann.say('/whoami')
      await ann.shows('You are')
      limitFiles(house.daemon().pid, '4096')
      expect(await sayOnKakao(house, '/whoami')).toBe(503)
      await ann.say('/run portrait a red fox')
      const trouble = await readyz(house)
      expect([trouble.status, trouble.body.ready]).toEqual([503, false])
      expect(trouble.body.store).toMatch(/^the disk (is full|reports errors) \(since /)
      expect((await fetch(`${house.adminUrl}/healthz`)).status).toBe(200)
      limitFiles(house.daemon().pid, 'unlimited')
      await ann.shows(({ media }) => media.length > 0)
      expect(prompts(house.simulator)).toEqual(['a red fox'])
      expect((await readyz(house)).status).toBe(200)
      expect(await sayOnKakao(house, '/whoami')).toBe(200)
      expect(kakaoShows(house)).toContain('You are kakao:')
    },
  )

  test('a state directory that turns read-only: nothing is acknowledged, it says why, and it recovers by itself', async ({
    onTestFinished,
  }) => {
    const env = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'read-only.ts')}` }
    const house = await openHouse(onTestFinished, { kakao: true, env })
    const { telegram } = house
    const ann = chatOf(telegram, telegram.people.ann)
    await ann.say('/whoami')
    await ann.shows('You are')
    await house.daemon().turn()
    expect(await sayOnKakao(house, '/whoami')).toBe(503)
    await ann.say('/run portrait a red fox')
    const trouble = await readyz(house)
    expect([trouble.status, trouble.body.ready]).toEqual([503, false])
    expect(trouble.body.store).toMatch(/^the state directory is read-only \(since /)
    expect((await fetch(`${house.adminUrl}/healthz`)).status).toBe(200)
    expect(ann.seen()).toHaveLength(1)
    await house.daemon().turn()
    await ann.shows(({ media }) => media.length > 0)
    expect(prompts(house.simulator)).toEqual(['a red fox'])
    expect((await readyz(house)).status).toBe(200)
    expect(await sayOnKakao(house, '/whoami')).toBe(200)
    expect(kakaoShows(house)).toContain('You are kakao:')
  })

  test('a second program that polls with the same token is named as what it is', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished)
    const { telegram } = house
    await telegram.updates.polled()
    const other = `${telegram.settings.API_BASE}/bot${telegram.token}/getUpdates?timeout=0&offset=-1`
    expect((await fetch(other)).status).toBe(200)
    const found = await until('it is known', async () => {
      const now = await readyz(house)
      return now.body.platforms.telegram?.state === 'down' && now
    })
    expect(found.body.platforms.telegram?.about).toMatch(/409.*another program polls with this token/)
  })
})
