import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { type Child, startChild } from './child.ts'
import { botId, secret } from './skill.ts'

export interface DaemonOptions {
  /** A fresh folder: state, log and working directory. */
  readonly dir: string
  /** Beside what every measured daemon gets. Names without `OPENCLAW_CONNECTOR_`. */
  readonly settings?: Readonly<Record<string, string>>
  readonly backend: string
  readonly script?: string
  /** Further variables of the process, with their whole names. */
  readonly env?: Readonly<Record<string, string>>
  readonly probed?: boolean
}

export interface DaemonChild extends Child {
  /** Where the webhook listens, if there is one. */
  readonly port: number
}

/** The webhook platform, with the shared secret. */
export const webhook: Readonly<Record<string, string>> = {
  KAKAO_ENABLED: 'true',
  KAKAO_WEBHOOK_SECRET: secret,
  KAKAO_BOT_ID: botId,
}

export const stateDirOf = (dir: string): string => join(dir, 'state')

/** The real daemon: default settings, but for rates (people in a bench write more often) and ports. */
export const startDaemon = async (options: DaemonOptions): Promise<DaemonChild> => {
  const { dir, settings = webhook } = options
  mkdirSync(dir, { recursive: true })
  const [port, adminPort] = await freePorts(2)
  const all = {
    URL: options.backend,
    STATE_DIR: stateDirOf(dir),
    ADMIN_PORT: String(adminPort),
    LOG_FORMAT: 'json',
    RATE_LIMIT_USER_RPM: '600',
    RATE_LIMIT_CHANNEL_RPM: '600',
    // One listener for whatever webhooks there are.
    HTTP_PORT: String(port),
    ...settings,
  }
  const child = await startChild({
    script: options.script ?? 'src/main.ts',
    cwd: dir,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: dir,
      ...options.env,
      ...Object.fromEntries(Object.entries(all).map(([name, value]) => [`OPENCLAW_CONNECTOR_${name}`, value])),
    },
    logFile: join(dir, 'daemon.log'),
    ready: '"msg":"ready"',
    probed: options.probed ?? false,
  })
  return { ...child, port: port ?? 0 }
}

/** Ports nobody listens on. All are held until the last is found, so that they differ. */
const freePorts = async (count: number): Promise<readonly number[]> => {
  const held = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = held.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(held.map((server) => new Promise((done) => server.close(done))))
  return ports
}
