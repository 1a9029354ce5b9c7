import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openSimulator, type Simulator } from '../../src/simulator/index.ts'
import { forward } from '../flow/forward.ts'
import { type FakeDiscord, startDiscord } from '../platforms/discord.ts'
import { type FakeFeishu, startFeishu } from '../platforms/feishu.ts'
import { type FakeKakao, startFakeKakao } from '../platforms/kakao.ts'
import { type FakeLine, startLine } from '../platforms/line.ts'
import type { Person, RawCall, RawReply } from '../platforms/platform.ts'
import { type FakeSlack, startSlack } from '../platforms/slack.ts'
import { type FakeTelegram, startTelegram } from '../platforms/telegram.ts'
import { openRoom } from '../platforms/telegram-world.ts'
import { type FakeWechat, startFakeWechat } from '../platforms/wechat.ts'
import { type FakeWhatsapp, startWhatsapp } from '../platforms/whatsapp.ts'

/** Where a daemon ends itself: the step, and the how manieth time it is reached (1 at first). */
export interface Crash {
  readonly at: string
  readonly nth?: number
}

/** One daemon process. */
export interface Life {
  /** True once it takes in; false when it ended before. */
  readonly ready: Promise<boolean>
  readonly ended: Promise<void>
  readonly alive: () => boolean
  /** kill -9; resolves when it is gone. */
  readonly kill: () => Promise<void>
  /** Its last warnings and errors, for a failure's message. */
  readonly said: () => readonly string[]
}

/** The world around a daemon that dies and comes back: one backend, the platforms, one state directory. */
export interface Stage {
  readonly simulator: Simulator
  readonly telegram: FakeTelegram
  readonly kakao: FakeKakao
  /** These are connected where the stage was opened with them. */
  readonly line: FakeLine
  readonly wechat: FakeWechat
  readonly whatsapp: FakeWhatsapp
  readonly slack: FakeSlack
  readonly discord: FakeDiscord
  readonly feishu: FakeFeishu
  readonly swapped: boolean
  readonly dir: string
  /** May run at once on Telegram; `telegram.people.ann` is the admin there, `bob` a stranger to everybody. */
  readonly carl: Person
  readonly start: (crash?: Crash) => Life
  /** Resolves when a daemon takes in. */
  readonly up: () => Promise<void>
  /** The latest daemon, if any was started. */
  readonly life: () => Life | null
  readonly close: () => Promise<void>
}

export const adminToken = 'crash-test-admin-token'

export const tick = (ms = 10): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Looks again and again (the other process tells nothing by itself) until the value is no longer null. */
export const until = async <T>(
  what: string,
  look: () => T | null | undefined | false,
  timeoutMs = 15_000,
): Promise<T> => {
  const endMs = Date.now() + timeoutMs
  for (;;) {
    const value = look()
    if (value !== null && value !== undefined && value !== false) return value
    if (Date.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await tick(15)
  }
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

const others = ['line', 'wechat', 'whatsapp', 'slack', 'discord', 'feishu'] as const
export type Other = (typeof others)[number]

export interface StageOptions {
  /** Beside Telegram and KakaoTalk. */
  readonly with?: readonly Other[] | 'all'
  /** WeChat without the right to speak first. */
  readonly mute?: boolean
  /** Slack comes over a connection of ours, and Feishu by webhook; else the other way round. */
  readonly swapped?: boolean
  /** How long one sampling step of the simulator takes. */
  readonly stepMs?: number
}

export const openStage = async (options: StageOptions = {}): Promise<Stage> => {
  const { stepMs = 3, with: wanted = [], mute = false, swapped = false } = options
  const [simulator, telegram, kakao, line, wechat, whatsapp, slack, discord, feishu, port] = await Promise.all([
    openSimulator({ adminToken, stepMs, submitMs: 3 }),
    startTelegram(),
    startFakeKakao(),
    startLine(),
    startFakeWechat({ keys: !mute, deliveryMs: 1500, againMs: 400 }),
    startWhatsapp(),
    startSlack({ mode: swapped ? 'socket' : 'events' }),
    startDiscord(),
    startFeishu({ mode: swapped ? 'webhook' : 'websocket', ackMs: 1000 }),
    freePort(),
  ])
  const dir = mkdtempSync(join(tmpdir(), 'openclaw-connector-crash-'))
  const carl = { id: '501000444', name: 'Carl' }
  openRoom(telegram.world, Number(carl.id), 'private', carl.name)
  for (const platform of [kakao, line, wechat, whatsapp, slack, feishu])
    platform.connect((call, signal) => post(port, call, signal))
  line.world.quota.type = 'none'
  // Daemons come and go faster than Discord has it; heartbeats tell what has been heard.
  Object.assign(discord.gateway.limits, { identifyEveryMs: 0, heartbeatMs: 1000 })
  const more = { line, wechat, whatsapp, slack, discord, feishu }
  const added = (wanted === 'all' ? others : wanted).map((id) =>
    prefixed(id.toUpperCase(), { ...more[id].settings, ALLOWED_USERS: more[id].people.ann.id }),
  )
  const settings = {
    ...prefixed('TELEGRAM', { ...telegram.settings, ALLOWED_USERS: carl.id }),
    ...prefixed('KAKAO', { ...kakao.settings, ALLOWED_USERS: kakao.people.ann.id }),
    ...Object.assign({}, ...added),
    ...(added.length > 0 ? { OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: 'https://bot.example.com' } : {}),
    OPENCLAW_CONNECTOR_HTTP_PORT: String(port),
    OPENCLAW_CONNECTOR_ADMIN_USERS: `telegram:${telegram.people.ann.id}`,
    OPENCLAW_CONNECTOR_URL: simulator.url,
    OPENCLAW_CONNECTOR_ADMIN_TOKEN: adminToken,
    OPENCLAW_CONNECTOR_STATE_DIR: dir,
    OPENCLAW_CONNECTOR_LOG_FORMAT: 'json',
    OPENCLAW_CONNECTOR_RATE_LIMIT_USER_RPM: '600',
    OPENCLAW_CONNECTOR_RATE_LIMIT_CHANNEL_RPM: '600',
    OPENCLAW_CONNECTOR_MAX_PENDING_PER_SENDER: '1000',
    // The same files are compiled for every life of the daemon.
    NODE_COMPILE_CACHE: join(tmpdir(), 'openclaw-connector-crash-cache'),
  }
  let latest: Life | null = null

  return {
    simulator,
    telegram,
    kakao,
    ...more,
    swapped,
    dir,
    carl,
    start: (crash) => {
      const end: Record<string, string> = crash ? { CRASH_AT: crash.at, CRASH_NTH: String(crash.nth ?? 1) } : {}
      const life = begin({ ...settings, ...end })
      latest = life
      return life
    },
    up: async () => {
      const endMs = Date.now() + 20_000
      while (!(latest?.alive() && (await latest.ready))) {
        if (Date.now() > endMs)
          throw new Error(`no daemon takes in:\n${latest?.said().join('\n') ?? 'none was started'}`)
        await tick()
      }
    },
    life: () => latest,
    close: async () => {
      await latest?.kill()
      await Promise.all([simulator, telegram, kakao, ...Object.values(more)].map((one) => one.close()))
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

const prefixed = (id: string, settings: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [`OPENCLAW_CONNECTOR_${id}_${name}`, value]))

const post = (port: number, call: RawCall, signal?: AbortSignal): Promise<RawReply> =>
  forward(`http://127.0.0.1:${port}`, call, signal)

const begin = (env: Readonly<Record<string, string>>): Life => {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'daemon.ts')], {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const said: string[] = []
  const keep = (line: string): void => {
    said.push(line.slice(0, 600))
    if (said.length > 60) said.shift()
  }
  let alive = true
  const ended = once(child, 'exit').then(() => {
    alive = false
  })
  const ready = new Promise<boolean>((resolve) => {
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.includes('"msg":"ready"')) resolve(true)
        if (!line.includes('"level":"info"')) keep(line)
      })
    }
    if (child.stderr) createInterface({ input: child.stderr }).on('line', keep)
    void ended.then(() => resolve(false))
  })
  return {
    ready,
    ended,
    alive: () => alive,
    kill: async () => {
      if (alive) child.kill('SIGKILL')
      await ended
    },
    said: () => said,
  }
}
