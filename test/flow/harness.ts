import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openSimulator, type Settings, type Simulator } from '../../src/simulator/index.ts'
import { type FakeKakao, startFakeKakao } from '../platforms/kakao.ts'
import type { RawCall, RawReply } from '../platforms/platform.ts'
import { type FakeTelegram, startTelegram } from '../platforms/telegram.ts'
import { forward } from './forward.ts'
import { type Daemon, freePort, spawnDaemon } from './process.ts'
import { carl, dora, openRooms } from './telegram.ts'

/** Hands a function over that runs when the test has ended, however it did. */
export type OnEnd = (after: () => Promise<void>) => void

export interface Wanted {
  readonly telegram?: boolean
  readonly kakao?: boolean
  readonly simulator?: Partial<Settings>
  /** Further variables of the daemon, with their whole names; an empty text takes one away. */
  readonly env?: Readonly<Record<string, string>>
  /** Stands between the daemon and the backend: given its address, resolves to the one to use instead. */
  readonly between?: (url: string) => Promise<string>
  /** Starts no daemon yet. */
  readonly idle?: boolean
  /** Messages of error lines that this test provokes; any other error line fails it. */
  readonly errors?: readonly RegExp[]
}

/** Everything around one daemon: backend, platforms, a state directory, and the daemon itself. */
export interface House {
  readonly simulator: Simulator
  readonly telegram: FakeTelegram
  readonly kakao: FakeKakao
  readonly dir: string
  readonly stateDir: string
  readonly env: Readonly<Record<string, string>>
  readonly adminUrl: string
  readonly kakaoUrl: string
  /** Starts a daemon on the state directory; resolves when it is ready. */
  readonly start: (env?: Readonly<Record<string, string>>) => Promise<Daemon>
  readonly daemon: () => Daemon
  /** Skill requests go to the daemon's listener. */
  readonly wire: (call: RawCall) => Promise<RawReply>
}

export const adminToken = 'flow-admin-token-0f1e2d3c'

const prefixed = (id: string, settings: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [`OPENCLAW_CONNECTOR_${id}_${name}`, value]))

/** Ann may run, Bob is an admin, Carl and Dora are strangers. On Kakao Ann may run. */
export const openHouse = async (onEnd: OnEnd, wanted: Wanted = {}): Promise<House> => {
  const after: (() => Promise<unknown>)[] = []
  onEnd(async () => {
    const failures: unknown[] = []
    for (const close of after.toReversed()) await close().catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw failures[0]
  })
  const dir = await mkdtemp(join(tmpdir(), 'openclaw-connector-flow-'))
  after.push(() => rm(dir, { recursive: true, force: true }))
  const simulator = await openSimulator({ adminToken, stepMs: 2, submitMs: 2, ...wanted.simulator })
  after.push(simulator.close)
  const telegram = await startTelegram()
  after.push(telegram.close)
  openRooms(telegram, [carl, dora])
  const kakao = await startFakeKakao()
  after.push(kakao.close)
  const ports = await Promise.all([freePort(), freePort()])
  after.push(() => Promise.all(ports.map(({ release }) => release())))
  const [adminPort, kakaoPort] = ports.map(({ port }) => port)
  const stateDir = join(dir, 'state')
  const env = Object.fromEntries(
    Object.entries({
      OPENCLAW_CONNECTOR_URL: (await wanted.between?.(simulator.url)) ?? simulator.url,
      OPENCLAW_CONNECTOR_ADMIN_TOKEN: adminToken,
      OPENCLAW_CONNECTOR_STATE_DIR: stateDir,
      OPENCLAW_CONNECTOR_ADMIN_PORT: String(adminPort),
      OPENCLAW_CONNECTOR_LOG_FORMAT: 'json',
      OPENCLAW_CONNECTOR_LOG_LEVEL: 'debug',
      OPENCLAW_CONNECTOR_RATE_LIMIT_USER_RPM: '600',
      OPENCLAW_CONNECTOR_RATE_LIMIT_CHANNEL_RPM: '600',
      ...((wanted.telegram ?? true)
        ? {
            ...prefixed('TELEGRAM', { ...telegram.settings, ALLOWED_USERS: telegram.people.ann.id }),
            OPENCLAW_CONNECTOR_ADMIN_USERS: `telegram:${telegram.people.bob.id}`,
          }
        : {}),
      ...(wanted.kakao
        ? prefixed('KAKAO', { ...kakao.settings, ALLOWED_USERS: kakao.people.ann.id, PORT: String(kakaoPort) })
        : {}),
      ...wanted.env,
    }).filter(([, value]) => value !== ''),
  )
  const secrets = [adminToken, ...telegram.secrets, ...kakao.secrets]
  const kakaoUrl = `http://127.0.0.1:${kakaoPort}`
  let daemon: Daemon | null = null
  const start = async (more: Readonly<Record<string, string>> = {}): Promise<Daemon> => {
    const started = spawnDaemon({ ...env, ...more }, dir)
    daemon = started
    // Every daemon ends as an operator ends it, and has said nothing it must not say.
    after.push(async () => {
      const status = await started.stop()
      for (const secret of secrets) {
        expect(started.output().includes(secret), `a line with the secret ${secret}`).toBe(false)
      }
      expect(status, started.tail()).toBe(started.wasKilled() ? 'SIGKILL' : 0)
      const unexpected = started
        .lines()
        .filter(({ level, msg }) => level === 'error' && !wanted.errors?.some((known) => known.test(msg)))
      expect(unexpected, started.tail()).toEqual([])
      expect(simulator.control.faults()).toEqual([])
    })
    await started.ready()
    return started
  }
  const wire = (call: RawCall): Promise<RawReply> => forward(kakaoUrl, call)
  kakao.connect(wire)
  if (!wanted.idle) await start()
  return {
    simulator,
    telegram,
    kakao,
    dir,
    stateDir,
    env,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    kakaoUrl,
    start,
    daemon: () => {
      if (!daemon) throw new Error('no daemon was started')
      return daemon
    },
    wire,
  }
}
